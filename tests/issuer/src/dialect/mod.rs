//! What sets dialects of `OpenID4VCI` apart on the wire: one behaviour a field, one table a profile.
//!
//! Endpoints ask for a behaviour, never for a profile or a draft.

mod behaviours;
mod check;
mod drafts;
pub(crate) mod metadata;
pub(crate) mod offers;
pub(crate) mod refusals;
pub(crate) mod types;

pub(crate) use self::behaviours::*;
use crate::catalogue::Format;
use crate::profile::Profile;

/// The behaviours of one dialect.
#[derive(Clone, Debug)]
pub(crate) struct Dialect {
    /// The formats that there are.
    pub(crate) formats: &'static [Format],
    /// How an offer lists its credentials.
    pub(crate) offered: Offered,
    /// What the user types, in offers and token requests.
    pub(crate) pin: Pin,
    /// Whether offers say which authorization server serves a grant.
    pub(crate) offer_names_server: bool,
    /// How a wallet is told to ask for its token again later.
    pub(crate) pending_token: PendingToken,
    /// Where metadata is found.
    pub(crate) well_known: WellKnown,
    /// How metadata names the authorization servers.
    pub(crate) servers: Servers,
    pub(crate) catalogue: Catalogue,
    /// Where the type of a W3C credential stands.
    pub(crate) types: Types,
    pub(crate) mdoc_algs: MdocAlgs,
    /// The binding methods of mdocs.
    pub(crate) mdoc_binding: &'static [&'static str],
    /// Whether entries say which scope they can be asked for by.
    pub(crate) scopes_listed: bool,
    /// Name of the list of the algorithms that credentials are signed with.
    pub(crate) signing_algs: &'static str,
    /// How a configuration lists its proof types.
    pub(crate) listed_proof_types: ListedProofTypes,
    pub(crate) claims: Claims,
    /// Where names and pictures of a credential stand.
    pub(crate) display: DisplayPlace,
    /// The member of a logo that holds its address.
    pub(crate) logo: &'static str,
    pub(crate) signed_metadata: SignedForm,
    /// Whether metadata has the flag `credential_identifiers_supported`.
    pub(crate) identifiers_flag: bool,
    /// What `authorization_details` select by.
    pub(crate) details: Details,
    /// `token_type` of a token that is bound to nothing.
    pub(crate) bearer: &'static str,
    /// Where nonces come from.
    pub(crate) nonces: Nonces,
    /// What the token answer says of credential identifiers.
    pub(crate) identifiers: Identifiers,
    /// What a credential request selects by.
    pub(crate) selectors: Selectors,
    /// Where a credential request has its key proofs.
    pub(crate) proofs: ProofMember,
    /// The proof type that is a presentation, where there is one.
    pub(crate) presentation: Option<&'static str>,
    /// What names the key in the header of a proof.
    pub(crate) proof_key: ProofKey,
    /// `typ` of key attestations, where there are some.
    pub(crate) key_attestation_typ: Option<&'static str>,
    pub(crate) encryption: EncryptionForm,
    pub(crate) batch: Batch,
    /// What credentials come in.
    pub(crate) answer: Answer,
    pub(crate) deferral: Deferral,
    /// Whether there are notifications.
    pub(crate) notifications: bool,
    pub(crate) codes: Codes,
}

impl Dialect {
    /// The dialect of a profile.
    pub(crate) fn of(profile: Profile) -> Self {
        match profile {
            // Systems by name have endpoints of their own, which ask for nothing here.
            Profile::Final
            | Profile::Haip
            | Profile::Identus
            | Profile::Vercre
            | Profile::Sphereon
            | Profile::Didroom
            | Profile::Credibil => Self::last(),
            Profile::Draft15 => Self::draft15(),
            Profile::Draft14 => Self::draft14(),
            Profile::Draft13 => Self::draft13(),
            Profile::Draft12 => Self::draft12(),
            Profile::Draft11 => Self::draft11(),
        }
    }

    /// `OpenID4VCI` 1.0 Final.
    pub(crate) fn last() -> Self {
        Self {
            formats: &Format::ALL,
            offered: Offered::ConfigurationIds,
            pin: Pin::TxCode,
            offer_names_server: true,
            pending_token: PendingToken::Never,
            well_known: WellKnown::Inserted,
            servers: Servers::Many,
            catalogue: Catalogue::Configurations,
            types: Types::Definition,
            mdoc_algs: MdocAlgs::Numbers,
            mdoc_binding: &["cose_key"],
            scopes_listed: true,
            signing_algs: "credential_signing_alg_values_supported",
            listed_proof_types: ListedProofTypes::Map,
            claims: Claims::MetadataPaths,
            display: DisplayPlace::CredentialMetadata,
            logo: "uri",
            signed_metadata: SignedForm::Document,
            identifiers_flag: false,
            details: Details::Configuration,
            bearer: "Bearer",
            nonces: Nonces::Endpoint,
            identifiers: Identifiers::Anyway,
            selectors: Selectors { format: false, identifier: true, configuration: true },
            proofs: ProofMember::Proofs,
            presentation: Some("di_vp"),
            proof_key: ProofKey::OneOfThree,
            key_attestation_typ: Some("key-attestation+jwt"),
            encryption: EncryptionForm::Object,
            batch: Batch::Proofs,
            answer: Answer::Credentials,
            deferral: Deferral::TransactionIdAndInterval,
            notifications: true,
            codes: Codes {
                malformed: "invalid_credential_request",
                unknown_format: "invalid_credential_request",
                unknown_type: "unknown_credential_configuration",
                unknown_identifier: "unknown_credential_identifier",
                bad_proof: "invalid_proof",
                bad_nonce: "invalid_nonce",
                denied: "credential_request_denied",
                bad_encryption: "invalid_encryption_parameters",
            },
        }
    }
}
