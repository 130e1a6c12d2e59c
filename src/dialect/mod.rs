//! The one place that knows how issuers differ on the wire.
//!
//! - [`lift`] turns what older drafts and particular systems say into the words of 1.0, and notes what it had
//!   to put up with ([`Tolerance`]);
//! - [`read`] turns the words of 1.0 into the [model](crate::model);
//! - [`detect`] looks at what the issuer shows and concludes how it wants to be spoken to ([`Quirks`], in `quirks.rs`);
//! - [`form`] is what a credential request can look like, and which is tried after which;
//! - `strict` is what a strict wallet minds beyond that;
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
mod quirks;
pub(crate) mod read;
mod strict;
pub(crate) mod tolerance;
pub(crate) mod write;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

pub(crate) use self::quirks::{
    Anonymous, Basis, Deferral, DetailsBy, EncryptionForm, PinParameter, Push, Quirks, Spelling, StateEcho, TypesPlace,
    WellKnown,
};
use self::read::ReadError;
pub(crate) use self::tolerance::Tolerated;
pub use self::tolerance::{Dialects, Tolerance};
use crate::model::credential::CredentialResponse;
use crate::model::format::Format;
use crate::model::ids::{ConfigurationId, IssuerId};
use crate::model::metadata::{AuthorizationServerMetadata, CredentialConfiguration, CredentialKind, IssuerMetadata};
use crate::model::offer::CredentialOffer;
use crate::model::secret::Secret;
use crate::model::time::Timestamp;
use crate::model::token::{Token, TokenType};

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
        Dialects::Strict => {
            strict::offer(document)?;
            read::offer(document).map(ReadOffer::from)
        }
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
        strict::issuer_metadata(document)?;
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
        strict::token(answer)?;
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
        strict::credential(answer)?;
        let response = read::credential_response(answer)?;
        return Ok(ReadCredential { response, c_nonce: None, deferral: Deferral::TransactionId, tolerated });
    }
    let (lifted, deferral) = lift::answers::credential(answer, &mut tolerated);
    let response = read::credential_response(&lifted)?;
    Ok(ReadCredential { response, c_nonce: lift::answers::nonce(answer), deferral, tolerated })
}

/// Puts the configurations of an offer's in-line descriptions in the place of their made-up ids. What the issuer
/// does not list is taken from the offer itself, as far as it says what to ask for.
pub(crate) fn settle(read: &ReadOffer, issuer: &mut IssuerMetadata, quirks: &mut Quirks) -> CredentialOffer {
    let mut offer = read.offer.clone();
    if read.may_name_types() {
        let known = &issuer.credential_configurations_supported;
        let mut by_name = BTreeMap::new();
        for (id, listed) in known {
            for name in names(&listed.kind) {
                by_name.entry(name.as_str()).or_insert(id);
            }
        }
        for id in &mut offer.credential_configuration_ids {
            if !known.contains_key(id)
                && let Some(found) = by_name.get(id.as_str())
            {
                *id = (*found).clone();
            }
        }
    }
    if read.inline.is_empty() {
        return offer;
    }
    // Both lists are somebody's, and long if they like: each is gone through once.
    let mut known = BTreeMap::new();
    for (id, listed) in &issuer.credential_configurations_supported {
        known.entry(kind_of(listed)).or_insert_with(|| id.clone());
    }
    let mut settled = BTreeMap::new();
    for (made_up, described) in &read.inline {
        let lifted = lift::configuration::lift(&lift::offer::what_to_ask_for(described));
        let Ok(described) = read::configuration(&lifted.entry, made_up.as_str()) else {
            // Named as what can't be read.
            let why = "the offer describes it in a way that can't be read".to_owned();
            issuer.unreadable.insert(made_up.clone(), why);
            continue;
        };
        let id = known.entry(kind_of(&described)).or_insert_with(|| {
            if let Some(spelling) = Spelling::with_contexts(lifted.spelling.clone(), &lifted.entry) {
                quirks.spellings.insert(made_up.clone(), spelling);
            }
            issuer.credential_configurations_supported.insert(made_up.clone(), described);
            made_up.clone()
        });
        settled.insert(made_up, id.clone());
    }
    let named = std::mem::take(&mut offer.credential_configuration_ids);
    let mut taken: BTreeSet<ConfigurationId> = named.iter().filter(|id| !settled.contains_key(id)).cloned().collect();
    offer.credential_configuration_ids = named
        .into_iter()
        .filter_map(|id| match settled.get(&id) {
            None => Some(id),
            // What was offered twice, in two ways of saying it, is offered once.
            Some(found) => taken.insert(found.clone()).then(|| found.clone()),
        })
        .collect();
    offer
}

/// The types that a kind of credential has.
fn names(kind: &CredentialKind) -> &[String] {
    match kind {
        CredentialKind::Types(types) => types,
        CredentialKind::Vct(name) | CredentialKind::Doctype(name) => std::slice::from_ref(name),
        CredentialKind::Unknown => &[],
    }
}

/// What two configurations have in common that are of the same kind: the format, which way the type is told, and
/// the types, in whatever order.
fn kind_of(configuration: &CredentialConfiguration) -> (Format, u8, BTreeSet<String>) {
    let way = match &configuration.kind {
        CredentialKind::Types(_) => 0,
        CredentialKind::Vct(_) => 1,
        CredentialKind::Doctype(_) => 2,
        CredentialKind::Unknown => 3,
    };
    (configuration.format.clone(), way, names(&configuration.kind).iter().cloned().collect())
}
