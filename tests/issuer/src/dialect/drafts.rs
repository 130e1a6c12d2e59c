//! The drafts before 1.0, each as what it changed against the next one.

use super::{
    Answer, Batch, Catalogue, Claims, Codes, Deferral, Details, Dialect, DisplayPlace, EncryptionForm, Identifiers,
    ListedProofTypes, MdocAlgs, Nonces, Offered, Pin, ProofKey, ProofMember, Selectors, Servers, Types, WellKnown,
};

impl Dialect {
    /// Draft 15.
    pub(crate) fn draft15() -> Self {
        let later = Self::last();
        Self {
            well_known: WellKnown::Appended,
            mdoc_algs: MdocAlgs::Names,
            claims: Claims::Paths,
            display: DisplayPlace::Entry,
            details: Details::Either,
            proofs: ProofMember::Either,
            proof_types: &["jwt", "ldp_vp", "attestation"],
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
            listed_proof_types: ListedProofTypes::Map,
            claims: Claims::Tree,
            nonces: Nonces::Answers,
            identifiers: Identifiers::FollowDetails,
            selectors: Selectors { format: true, identifier: true, configuration: false },
            proof_types: &["jwt", "ldp_vp"],
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
            identifiers_flag: true,
            identifiers: Identifiers::MayFollowDetails,
            proofs: ProofMember::Proof,
            proof_types: &["jwt", "cwt", "ldp_vp"],
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
            offered: Offered::Ids,
            pin: Pin::UserPin,
            catalogue: Catalogue::Map,
            signing_algs: "cryptographic_suites_supported",
            listed_proof_types: ListedProofTypes::Array,
            logo: "url",
            details: Details::Format,
            proof_types: &["jwt", "cwt"],
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
            servers: Servers::One,
            catalogue: Catalogue::Array,
            types: Types::Top,
            listed_proof_types: ListedProofTypes::None,
            identifiers_flag: false,
            identifiers: Identifiers::Never,
            selectors: Selectors { format: true, identifier: false, configuration: false },
            proof_types: &["jwt"],
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
