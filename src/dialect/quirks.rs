//! How an issuer wants to be spoken to, as a value.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::detect::{self, Sign};
use super::form::RequestForm;
use crate::model::ids::ConfigurationId;

/// How this issuer differs from OpenID4VCI 1.0 Final, behaviour by behaviour.
///
/// The default is an issuer that differs in nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Quirks {
    /// Where the issuer's metadata was found.
    pub(crate) well_known: WellKnown,
    /// At which of the places the authorization server's was found.
    pub(crate) server_place: u8,
    /// What was seen, for whoever wants to know why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) seen: Vec<Sign>,
    /// The form of credential requests.
    pub(crate) request: RequestForm,
    /// What the form rests on.
    pub(crate) basis: Basis,
    /// Whether this issuer wants a proof where it lists no proof types and binds to keys.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) assume_proof: bool,
    /// How `authorization_details` name a credential.
    pub(crate) details: DetailsBy,
    /// How a request for an encrypted answer is spelled.
    pub(crate) encryption: EncryptionForm,
    /// The parameter for the transaction code.
    pub(crate) pin: PinParameter,
    /// How deferred credentials are picked up.
    pub(crate) deferral: Deferral,
    /// Whether a redirect has to bring `state` back.
    pub(crate) state: StateEcho,
    /// Whether authorization requests are pushed where the server takes that.
    pub(crate) push: Push,
    /// Whether to believe a server that says that it takes anonymous requests.
    pub(crate) anonymous: Anonymous,
    /// Configurations whose format or types this issuer spells its own way.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) spellings: BTreeMap<ConfigurationId, Spelling>,
}

impl Quirks {
    /// Whether something that only 1.0 has was seen, and nothing that it does not have.
    pub(crate) fn is_final(&self) -> bool {
        let drafts = || self.seen.iter().map(|sign| sign.drafts());
        drafts().any(|(oldest, _)| oldest == detect::FINAL) && drafts().all(|(_, newest)| newest == detect::FINAL)
    }

    /// The same issuer after another look at its metadata: what the issuance has found out by itself stays.
    pub(crate) fn renewed(&self, found: Self) -> Self {
        let (request, basis) =
            if self.basis == Basis::Experience { (self.request, self.basis) } else { (found.request, found.basis) };
        let Self { assume_proof, server_place, pin, deferral, state, push, anonymous, .. } = *self;
        let mut spellings = self.spellings.clone();
        spellings.extend(found.spellings.clone());
        Self { server_place, request, basis, assume_proof, pin, deferral, state, push, anonymous, spellings, ..found }
    }
}

/// Where `/.well-known/…` goes in the address of an issuer that has a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WellKnown {
    /// Between host and path, as 1.0 has it.
    #[default]
    Inserted,
    /// After the path.
    Appended,
}

/// What a conclusion about the credential request rests on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Basis {
    /// Nothing: a lean 1.0 issuer and an old one look the same. The token answer decides.
    Nothing,
    /// Something that the issuer shows.
    #[default]
    Evidence,
    /// This issuer took it before.
    Experience,
}

/// How `authorization_details` name what they ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DetailsBy {
    /// By `credential_configuration_id`.
    #[default]
    Configuration,
    /// By `format` and type: up to draft 12.
    Format,
}

/// How `credential_response_encryption` is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EncryptionForm {
    /// An object; the algorithm is the key's. Only in an encrypted request.
    #[default]
    InKey,
    /// An object with `alg` beside the key: drafts 13 to 15.
    BesideKey,
    /// Members of their own in the request: draft 12.
    Flat,
}

/// The parameter of the token request that takes the transaction code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PinParameter {
    /// `tx_code`.
    #[default]
    TxCode,
    /// `user_pin`: up to draft 12.
    UserPin,
}

impl PinParameter {
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::TxCode => "tx_code",
            Self::UserPin => "user_pin",
        }
    }
}

/// How a deferred credential is picked up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Deferral {
    /// By `transaction_id` in the body, with the access token.
    #[default]
    TransactionId,
    /// With the `acceptance_token` in the place of the access token and no body: up to draft 11.
    AcceptanceToken,
}

impl Deferral {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
    pub(crate) fn is_by_id(&self) -> bool {
        *self == Self::TransactionId
    }
}

/// Whether a redirect without `state` is taken. One with another `state` never is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StateEcho {
    /// It is not.
    #[default]
    Required,
    /// It is, from a server that shows by its metadata that it is of the kind that forgets `state`, and that
    /// checks PKCE: then the code is of use in this sign-in only.
    MayBeMissing,
}

/// Whether authorization requests are pushed (RFC 9126).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Push {
    /// Where the server takes it.
    #[default]
    Offered,
    /// Only where the server demands it.
    Demanded,
}

/// Whether a server's word on anonymous access is taken (OpenID4VCI section 6.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Anonymous {
    /// It is.
    #[default]
    AsSaid,
    /// It is not: the client is named in every request.
    Never,
}

/// How an issuer spells a configuration in requests that name format and type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Spelling {
    /// The format's identifier, where it is not the known one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) format: Option<String>,
    /// Where its types are.
    pub(crate) types: TypesPlace,
    /// Its contexts, where there is more to them than addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) contexts: Option<Value>,
}

impl Spelling {
    /// Takes along what the model leaves out of an entry of the catalogue.
    pub(super) fn with_contexts(spelling: Option<Self>, entry: &Value) -> Option<Self> {
        let contexts = entry.pointer("/credential_definition/@context").and_then(Value::as_array);
        match contexts.filter(|contexts| !contexts.iter().all(Value::is_string)) {
            None => spelling,
            Some(contexts) => {
                let contexts = Some(Value::Array(contexts.clone()));
                Some(Self { contexts, ..spelling.unwrap_or_default() })
            }
        }
    }
}

/// Where a W3C credential's types are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TypesPlace {
    /// `credential_definition.type`.
    #[default]
    Definition,
    /// `types`, on top or (with JSON-LD) in `credential_definition`: up to draft 11.
    Types,
}
