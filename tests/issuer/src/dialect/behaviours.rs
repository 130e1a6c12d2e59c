//! The behaviours that dialects are made of.

/// How an offer lists its credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offered {
    /// `credentials`: ids, or objects with a format and a type.
    IdsOrObjects,
    /// `credentials`: ids.
    Ids,
    /// `credential_configuration_ids`.
    ConfigurationIds,
}

/// What the user types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pin {
    /// `user_pin_required` in the offer, `user_pin` in the request.
    UserPin,
    /// `tx_code`.
    TxCode,
}

/// How a wallet is told to ask for its token again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PendingToken {
    /// There is no such thing.
    Never,
    /// `interval` stands in the offer.
    IntervalInOffer,
    /// `interval` stands in the refusal.
    IntervalInRefusal,
}

/// Where metadata is found, for an identifier with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WellKnown {
    /// The well-known path follows the identifier.
    Appended,
    /// The well-known path stands between host and path.
    Inserted,
}

impl WellKnown {
    /// The path of a document for an identifier with the given path.
    pub(crate) fn path(self, name: &str, path: &str) -> String {
        match self {
            Self::Appended => format!("{path}/.well-known/{name}"),
            Self::Inserted => format!("/.well-known/{name}{path}"),
        }
    }
}

/// How metadata names the authorization servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Servers {
    /// `authorization_server`: one.
    One,
    /// `authorization_servers`: a list.
    Many,
}

/// Where the configurations stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Catalogue {
    /// `credentials_supported`, an array of objects with an `id`.
    Array,
    /// `credentials_supported`, an object.
    Map,
    /// `credential_configurations_supported`, an object.
    Configurations,
}

/// Where the type of a W3C credential stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Types {
    /// `types` (and `@context`) in the entry itself. Everywhere but in metadata those of linked
    /// data stand in a `credential_definition`.
    Top,
    /// `credential_definition` with `type`.
    Definition,
}

/// How metadata names the algorithms of mdocs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MdocAlgs {
    /// By name, as in JOSE.
    Names,
    /// By number, as in COSE.
    Numbers,
}

/// How a configuration lists its proof types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListedProofTypes {
    /// Not at all.
    None,
    /// Their names.
    Array,
    /// An object, with what each of them asks for.
    Map,
}

/// How a configuration describes its claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claims {
    /// Objects within objects, under `credentialSubject` or `claims`.
    Tree,
    /// `claims`, an array of paths, in the entry.
    Paths,
    /// The same in `credential_metadata`.
    MetadataPaths,
}

/// Where names and pictures of a credential stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DisplayPlace {
    /// In the entry itself.
    Entry,
    /// In its `credential_metadata`.
    CredentialMetadata,
}

/// How metadata is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignedForm {
    /// Not at all.
    Never,
    /// `signed_metadata`, a member with a JWT that says the same.
    Member,
    /// The whole document is a JWT.
    Document,
}

/// What `authorization_details` select by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Details {
    /// `format` and type.
    Format,
    /// That or `credential_configuration_id`.
    Either,
    /// `credential_configuration_id`.
    Configuration,
}

/// Where nonces come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nonces {
    /// From the token answer, every credential answer, and refusals of proofs.
    Answers,
    /// From the nonce endpoint.
    Endpoint,
}

/// What the token answer says of credential identifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Identifiers {
    /// There is no such thing.
    Never,
    /// The issuer may give some where `authorization_details` were sent.
    MayFollowDetails,
    /// They follow whenever `authorization_details` were sent.
    FollowDetails,
    /// That, and they may come without.
    Anyway,
}

/// What a credential request selects by; exactly one has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Selectors {
    /// `format` with a type.
    pub(crate) format: bool,
    /// `credential_identifier`.
    pub(crate) identifier: bool,
    /// `credential_configuration_id`.
    pub(crate) configuration: bool,
}

/// Where a credential request has its key proofs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProofMember {
    /// `proof`: one.
    Proof,
    /// One of both.
    Either,
    /// `proofs`: several of one type.
    Proofs,
}

/// What names the key in the header of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProofKey {
    /// One of `kid`, `jwk` and `x5c`.
    OneOfThree,
    /// One of `kid` and `jwk`; `x5c` beside them is no matter.
    OneOfTwo,
}

/// How encryption of responses, and of requests, is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EncryptionForm {
    /// There is none.
    None,
    /// Flat members `credential_encryption_jwk` and `credential_response_encryption_alg` and `_enc`.
    Flat,
    /// `credential_response_encryption` with `jwk`, `alg` and `enc`.
    ObjectWithAlg,
    /// `credential_response_encryption` with `jwk` and `enc`, in an encrypted request.
    Object,
}

/// How several credentials are got at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Batch {
    /// `batch_credential_endpoint`.
    Endpoint,
    /// Several `proofs`, if `batch_credential_issuance` says so.
    Proofs,
}

/// What credentials come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// `credential`, with its `format`.
    FormatAndCredential,
    /// `credential`.
    Credential,
    /// `credential`; if several were asked for, `credentials` with the bare values.
    BareCredentials,
    /// `credentials`, objects with a `credential`.
    Credentials,
}

/// How a credential is put off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deferral {
    /// 200 with an `acceptance_token`, which the deferred endpoint takes instead of an access token
    /// and without a body.
    AcceptanceToken,
    /// 202 with a `transaction_id`; as long as there is nothing, the deferred endpoint answers
    /// `issuance_pending`.
    TransactionId,
    /// 202 with `transaction_id` and `interval`, from the deferred endpoint too.
    TransactionIdAndInterval,
}

/// Error codes that went by another name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Codes {
    /// The request is not well-formed.
    pub(crate) malformed: &'static str,
    /// The format is unknown.
    pub(crate) unknown_format: &'static str,
    /// The configuration or type is unknown.
    pub(crate) unknown_type: &'static str,
    /// The credential identifier is unknown.
    pub(crate) unknown_identifier: &'static str,
    /// A proof is missing or wrong.
    pub(crate) bad_proof: &'static str,
    /// The nonce in a proof is unknown, used or old.
    pub(crate) bad_nonce: &'static str,
    /// The credential will not be issued.
    pub(crate) denied: &'static str,
    /// What is said of encryption is wrong.
    pub(crate) bad_encryption: &'static str,
}
