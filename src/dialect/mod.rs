//! The one place that knows how issuers differ on the wire.
//!
//! - [`lift`] turns what older drafts and particular systems say into the words of 1.0, and notes what it had
//!   to put up with ([`Tolerance`]);
//! - [`read`] turns the words of 1.0 into the [model](crate::model);
//! - [`detect`] looks at what the issuer shows and concludes how it wants to be spoken to ([`Quirks`]);
//! - [`form`] is what a credential request can look like, and which is tried after which;
//! - [`write`] turns the model into the form that this issuer understands.
//!
//! Every behaviour is chosen by the evidence that is nearest to it, never by a version: deployed issuers mix
//! drafts. No other module asks for a version of the specification. With [`Dialects::Strict`] nothing is lifted
//! and nothing concluded: what is left is 1.0.

pub(crate) mod detect;
pub(crate) mod explain;
pub(crate) mod form;
pub(crate) mod lift;
pub(crate) mod memory;
pub(crate) mod read;
pub(crate) mod tolerance;
pub(crate) mod write;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::detect::Sign;
use self::form::RequestForm;
use self::read::ReadError;
pub(crate) use self::tolerance::Tolerated;
pub use self::tolerance::{Dialects, Tolerance};
use crate::model::credential::CredentialResponse;
use crate::model::ids::{ConfigurationId, IssuerId};
use crate::model::metadata::{AuthorizationServerMetadata, CredentialConfiguration, CredentialKind, IssuerMetadata};
use crate::model::offer::CredentialOffer;
use crate::model::secret::Secret;
use crate::model::time::Timestamp;
use crate::model::token::{Token, TokenType};

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
        Self { assume_proof, server_place, request, basis, pin, deferral, state, push, anonymous, spellings, ..found }
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
    fn with_contexts(spelling: Option<Self>, entry: &Value) -> Option<Self> {
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

/// An offer as it was read, with what only its metadata can settle.
#[derive(Clone, Debug)]
pub(crate) struct ReadOffer {
    /// The offer. Of what it describes in line, the ids are made up.
    pub(crate) offer: CredentialOffer,
    /// What it describes in line, by the made-up id, as an entry of `credential_configurations_supported`.
    pub(crate) inline: BTreeMap<ConfigurationId, Value>,
    pub(crate) pin: PinParameter,
    pub(crate) tolerated: Tolerated,
}

impl From<CredentialOffer> for ReadOffer {
    fn from(offer: CredentialOffer) -> Self {
        Self { offer, inline: BTreeMap::new(), pin: PinParameter::default(), tolerated: Tolerated::new() }
    }
}

/// Reads a credential offer of any draft.
pub(crate) fn offer(document: &Value, dialects: Dialects) -> Result<ReadOffer, ReadError> {
    match dialects {
        Dialects::Strict => read::offer(document).map(ReadOffer::from),
        Dialects::Any => {
            let lifted = lift::offer::lift(document)?;
            let offer = read::offer(&lifted.document)?;
            Ok(ReadOffer { offer, inline: lifted.inline, pin: lifted.pin, tolerated: lifted.tolerated })
        }
    }
}

/// What an issuer's metadata says, and how it says it.
#[derive(Clone, Debug)]
pub(crate) struct ReadIssuer {
    pub(crate) metadata: IssuerMetadata,
    pub(crate) quirks: Quirks,
    pub(crate) tolerated: Tolerated,
    /// Server metadata that stands in the issuer's, for issuers that have no other.
    pub(crate) server: Option<AuthorizationServerMetadata>,
}

/// Reads issuer metadata of any draft that was asked for as `asked`.
pub(crate) fn issuer_metadata(document: &Value, asked: &IssuerId, dialects: Dialects) -> Result<ReadIssuer, ReadError> {
    if dialects == Dialects::Strict {
        let metadata = read::issuer_metadata(document)?;
        return Ok(ReadIssuer { metadata, quirks: Quirks::default(), tolerated: Tolerated::new(), server: None });
    }
    let lifted = lift::metadata::lift(document, asked);
    let metadata = read::issuer_metadata(&lifted.document)?;
    let mut spellings = lifted.spellings;
    for id in metadata.credential_configurations_supported.keys() {
        let entry = &lifted.document["credential_configurations_supported"][id.as_str()];
        if let Some(spelling) = Spelling::with_contexts(spellings.remove(id), entry) {
            spellings.insert(id.clone(), spelling);
        }
    }
    let quirks = Quirks { spellings, ..detect::quirks(detect::signs(document)) };
    let server = lifted.server.as_ref().and_then(|server| read::authorization_server_metadata(server).ok());
    Ok(ReadIssuer { metadata, quirks, tolerated: lifted.tolerated, server })
}

/// What an authorization server's metadata says, and how it says it.
#[derive(Clone, Debug)]
pub(crate) struct ReadServer {
    pub(crate) metadata: AuthorizationServerMetadata,
    pub(crate) tolerated: Tolerated,
    /// Whether it says that it checks PKCE by S256 (RFC 8414).
    pub(crate) checks_pkce: bool,
}

/// Reads authorization server metadata.
pub(crate) fn server_metadata(document: &Value, asked: &IssuerId, dialects: Dialects) -> Result<ReadServer, ReadError> {
    let mut tolerated = Tolerated::new();
    let lifted;
    let document = match dialects {
        Dialects::Strict => document,
        Dialects::Any => {
            lifted = lift::server::lift(document, asked, &mut tolerated);
            &lifted
        }
    };
    let metadata = read::authorization_server_metadata(document)?;
    let methods = document.get("code_challenge_methods_supported").and_then(Value::as_array);
    let checks_pkce = methods.is_some_and(|methods| methods.iter().any(|method| method == "S256"));
    Ok(ReadServer { metadata, tolerated, checks_pkce })
}

/// A token answer, with what only some issuers put into it.
#[derive(Clone, Debug)]
pub(crate) struct ReadToken {
    pub(crate) token: Token,
    /// A nonce for the proofs.
    pub(crate) c_nonce: Option<Secret>,
    pub(crate) tolerated: Tolerated,
}

/// Reads a token answer that arrived at `now`, to a request that did or did not show a key to bind the token to.
pub(crate) fn token(
    answer: &Value,
    now: Timestamp,
    showed_key: bool,
    dialects: Dialects,
) -> Result<ReadToken, ReadError> {
    let mut tolerated = Tolerated::new();
    if dialects == Dialects::Strict {
        return Ok(ReadToken { token: read::token(answer, now)?, c_nonce: None, tolerated });
    }
    let mut token = read::token(&lift::answers::token(answer, now, &mut tolerated), now)?;
    let spelled = answer.get("token_type").and_then(Value::as_str).unwrap_or_default();
    if showed_key && token.token_type == TokenType::Bearer {
        tolerated.insert(Tolerance::BearerForDpop);
        // Who answers a proof with a token that is bound to nothing is seen to compare its own word letter by letter.
        if spelled != "Bearer" {
            tolerated.insert(Tolerance::SchemeEchoed);
            token.scheme = Some(spelled.to_owned());
        }
    }
    Ok(ReadToken { token, c_nonce: lift::answers::nonce(answer), tolerated })
}

/// A credential answer, with what only some issuers put into it.
#[derive(Clone, Debug)]
pub(crate) struct ReadCredential {
    pub(crate) response: CredentialResponse,
    /// A nonce for the next proofs.
    pub(crate) c_nonce: Option<Secret>,
    pub(crate) deferral: Deferral,
    pub(crate) tolerated: Tolerated,
}

/// Reads a credential answer, or one for a deferred credential.
pub(crate) fn credential(answer: &Value, dialects: Dialects) -> Result<ReadCredential, ReadError> {
    let mut tolerated = Tolerated::new();
    if dialects == Dialects::Strict {
        let response = read::credential_response(answer)?;
        return Ok(ReadCredential { response, c_nonce: None, deferral: Deferral::TransactionId, tolerated });
    }
    let (lifted, deferral) = lift::answers::credential(answer, &mut tolerated);
    let response = read::credential_response(&lifted)?;
    Ok(ReadCredential { response, c_nonce: lift::answers::nonce(answer), deferral, tolerated })
}

/// Puts the configurations of an offer's in-line descriptions in the place of their made-up ids. What the issuer
/// does not list is taken from the offer itself.
pub(crate) fn settle(read: &ReadOffer, issuer: &mut IssuerMetadata, quirks: &mut Quirks) -> CredentialOffer {
    let mut offer = read.offer.clone();
    if read.may_name_types() {
        let known = &issuer.credential_configurations_supported;
        for id in &mut offer.credential_configuration_ids {
            if !known.contains_key(id)
                && let Some((found, _)) = known.iter().find(|(_, listed)| is_named(listed, id.as_str()))
            {
                *id = found.clone();
            }
        }
    }
    for (made_up, described) in &read.inline {
        let lifted = lift::configuration::lift(described);
        let Ok(described) = read::configuration(&lifted.entry, made_up.as_str()) else {
            // Named as what can't be read.
            let why = "the offer describes it in a way that can't be read".to_owned();
            issuer.unreadable.insert(made_up.clone(), why);
            continue;
        };
        let is_it =
            |listed: &CredentialConfiguration| listed.format == described.format && same_kind(listed, &described);
        let known = &issuer.credential_configurations_supported;
        let found = known.iter().find(|(_, listed)| is_it(listed)).map(|(id, _)| id.clone());
        let id = found.unwrap_or_else(|| {
            if let Some(spelling) = Spelling::with_contexts(lifted.spelling.clone(), &lifted.entry) {
                quirks.spellings.insert(made_up.clone(), spelling);
            }
            issuer.credential_configurations_supported.insert(made_up.clone(), described);
            made_up.clone()
        });
        let ids = &mut offer.credential_configuration_ids;
        if ids.contains(&id) && id != *made_up {
            ids.retain(|offered| offered != made_up);
        } else if let Some(slot) = ids.iter_mut().find(|offered| *offered == made_up) {
            *slot = id;
        }
    }
    offer
}

/// Whether a configuration is for credentials of a type.
fn is_named(configuration: &CredentialConfiguration, kind: &str) -> bool {
    match &configuration.kind {
        CredentialKind::Types(types) => types.iter().any(|name| name == kind),
        CredentialKind::Vct(name) | CredentialKind::Doctype(name) => name == kind,
        CredentialKind::Unknown => false,
    }
}

fn same_kind(one: &CredentialConfiguration, other: &CredentialConfiguration) -> bool {
    use CredentialKind::Types;
    match (&one.kind, &other.kind) {
        // A list of types is a set.
        (Types(one), Types(other)) => {
            let set = |types: &[String]| types.iter().cloned().collect::<std::collections::BTreeSet<_>>();
            set(one) == set(other)
        }
        (one, other) => one == other,
    }
}
