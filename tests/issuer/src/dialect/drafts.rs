//! The drafts before 1.0, each as what it changed against the next one.

use crate::catalogue::Format;

use super::{
    Answer, Batch, Catalogue, Claims, Codes, Deferral, Details, Dialect, DisplayPlace, EncryptionForm, Identifiers,
    ListedProofTypes, MdocAlgs, Nonces, Offered, PendingToken, Pin, ProofKey, ProofMember, Selectors, Servers,
    SignedForm, Types, WellKnown,
};

/// Those of the W3C and of ISO.
const EARLY: &[Format] = &[Format::JwtVc, Format::JwtVcLd, Format::LdpVc, Format::Mdoc, Format::Unknown];
const WITH_VC_SD_JWT: &[Format] =
    &[Format::VcSdJwt, Format::JwtVc, Format::JwtVcLd, Format::LdpVc, Format::Mdoc, Format::Unknown];
const WITH_DC_SD_JWT: &[Format] =
    &[Format::SdJwtVc, Format::JwtVc, Format::JwtVcLd, Format::LdpVc, Format::Mdoc, Format::Unknown];

impl Dialect {
    /// Draft 15.
    pub(crate) fn draft15() -> Self {
        let later = Self::last();
        Self {
            formats: WITH_DC_SD_JWT,
            well_known: WellKnown::Appended,
            mdoc_algs: MdocAlgs::Names,
            claims: Claims::Paths,
            display: DisplayPlace::Entry,
            signed_metadata: SignedForm::Member,
            details: Details::Either,
            proofs: ProofMember::Either,
            presentation: Some("ldp_vp"),
            proof_key: ProofKey::OneOfTwo,
            key_attestation_typ: Some("keyattestation+jwt"),
            encryption: EncryptionForm::ObjectWithAlg,
            deferral: Deferral::TransactionId,
            codes: Codes {
                unknown_format: "unsupported_credential_format",
                unknown_type: "unsupported_credential_type",
                unknown_identifier: "invalid_credential_request",
                ..later.codes
            },
            ..later
        }
    }

    /// Draft 14.
    pub(crate) fn draft14() -> Self {
        let later = Self::draft15();
        Self {
            formats: WITH_VC_SD_JWT,
            claims: Claims::Tree,
            bearer: "bearer",
            nonces: Nonces::Answers,
            identifiers: Identifiers::FollowDetails,
            selectors: Selectors { format: true, identifier: true, configuration: false },
            key_attestation_typ: None,
            answer: Answer::BareCredentials,
            codes: Codes { bad_nonce: "invalid_proof", ..later.codes },
            ..later
        }
    }

    /// Draft 13, the first Implementer's Draft.
    pub(crate) fn draft13() -> Self {
        let later = Self::draft14();
        Self {
            pending_token: PendingToken::IntervalInOffer,
            identifiers_flag: true,
            identifiers: Identifiers::MayFollowDetails,
            proofs: ProofMember::Proof,
            batch: Batch::Endpoint,
            answer: Answer::Credential,
            codes: Codes { denied: "invalid_credential_request", ..later.codes },
            ..later
        }
    }

    /// Draft 12.
    pub(crate) fn draft12() -> Self {
        let later = Self::draft13();
        Self {
            formats: EARLY,
            offered: Offered::Ids,
            pin: Pin::UserPin,
            catalogue: Catalogue::Map,
            mdoc_binding: &["cose_key", "mso"],
            signing_algs: "cryptographic_suites_supported",
            listed_proof_types: ListedProofTypes::Array,
            logo: "url",
            signed_metadata: SignedForm::Never,
            details: Details::Format,
            presentation: None,
            encryption: EncryptionForm::Flat,
            answer: Answer::FormatAndCredential,
            notifications: false,
            ..later
        }
    }

    /// Draft 11.
    pub(crate) fn draft11() -> Self {
        let later = Self::draft12();
        Self {
            offered: Offered::IdsOrObjects,
            offer_names_server: false,
            pending_token: PendingToken::IntervalInRefusal,
            servers: Servers::One,
            catalogue: Catalogue::Array,
            types: Types::Top,
            // As the text's own sample has it.
            mdoc_binding: &["mso"],
            scopes_listed: false,
            listed_proof_types: ListedProofTypes::None,
            identifiers_flag: false,
            identifiers: Identifiers::Never,
            selectors: Selectors { format: true, identifier: false, configuration: false },
            proof_key: ProofKey::OneOfThree,
            encryption: EncryptionForm::None,
            deferral: Deferral::AcceptanceToken,
            codes: Codes {
                malformed: "invalid_request",
                unknown_identifier: "invalid_request",
                bad_proof: "invalid_or_missing_proof",
                bad_nonce: "invalid_or_missing_proof",
                denied: "invalid_request",
                bad_encryption: "invalid_request",
                ..later.codes
            },
            ..later
        }
    }
}
