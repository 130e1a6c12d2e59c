//! Which key an issuer signs with, and whether the app trusts it.
//!
//! The rule: [`CheckKind::IssuerKey`] passes when the credential's issuer identifier leads to the
//! key. The ways, in order:
//!
//! 1. Outside a session, keys that the caller handed in.
//! 2. `x5c`: the first certificate's key. Without an issuer identifier the certificate is the
//!    identity. Else it has to name the issuer (subject alternative name, or common name where there
//!    is none) and be more than somebody's word: an anchor of the app vouches for it, or the
//!    credential came from that very issuer. A certificate under an anchor that names nobody will do
//!    as well. Else the issuer's metadata or DID decides: it has to have the same key.
//! 3. The issuer is a DID: the key that `kid` names in it, or its only ones.
//! 4. The issuer is a URL: the `jwks` of its credential issuer metadata if it is the issuer that
//!    was asked, where a key may stand by its DID alone, then its JWT VC issuer metadata.
//!
//! The signer of an mdoc is always found by its certificate, which is all that names it.
//!
//! A certificate or DID that nothing links to the issuer's URL still serves for checking the
//! signature, and the check is unknown: another version may know the link.

mod document_signer;

use serde_json::{Map, Value};
use url::Url;

pub(crate) use self::document_signer::of_document_signer;
use super::did::{self, DidError};
use super::jose::JwsAlgorithm;
use super::public_key::IssuerPublicKey;
use super::x509::{At, Chain, ChainError, Named, Walk};
use super::{DocumentError, VerifyContext};
use crate::error::{Error, ErrorCode};
use crate::model::ids::IssuerId;
use crate::model::jwk::JwkError;
use crate::model::report::{Check, CheckKind, Outcome, Reason};

/// The most keys of one set that are tried.
const MAX_KEYS: usize = 32;
/// The most keys of one set that are looked for by their names.
const MAX_NAMED_KEYS: usize = 4;

/// What a credential says about its issuer.
pub(crate) struct Statement<'a> {
    /// The protected header.
    pub(crate) header: &'a Map<String, Value>,
    /// The issuer identifier, if it has one.
    pub(crate) issuer: Option<&'a str>,
    /// The signature algorithm, if the header names one that is usable.
    pub(crate) algorithm: Option<JwsAlgorithm>,
}

/// What the search brought.
#[derive(Debug)]
pub(crate) struct IssuerKeys {
    /// How the key was found, as a check.
    pub(crate) check: Check,
    /// Keys that may have signed; empty if none was found.
    pub(crate) keys: Vec<IssuerPublicKey>,
    /// The certificate chain, if there is one that could be read.
    pub(crate) chain: Option<Chain>,
    /// Whether the chain leads to an anchor of the app.
    pub(crate) anchored: Option<Result<(), ChainError>>,
}

impl IssuerKeys {
    /// Without certificates.
    pub(super) fn new(check: Check, keys: Vec<IssuerPublicKey>) -> Self {
        Self { check, keys, chain: None, anchored: None }
    }

    /// With the certificates that were shown, and where they lead.
    fn with_chain(self, chain: Chain, anchored: Result<(), ChainError>) -> Self {
        Self { chain: Some(chain), anchored: Some(anchored), ..self }
    }
}

/// Why no key was found, as the outcome of the check.
#[derive(Debug)]
pub(super) struct Miss {
    outcome: Outcome,
    detail: String,
}

impl Miss {
    fn failed(detail: impl Into<String>) -> Self {
        Self { outcome: Outcome::Failed, detail: detail.into() }
    }

    fn unknown(reason: Reason, detail: impl Into<String>) -> Self {
        Self { outcome: Outcome::Unknown(reason), detail: detail.into() }
    }
}

impl From<DidError> for Miss {
    fn from(error: DidError) -> Self {
        match &error {
            DidError::Unsupported(_) => Self::unknown(Reason::Unsupported, error.to_string()),
            DidError::Document(DocumentError::Unreachable(_)) => Self::unknown(Reason::Unreachable, error.to_string()),
            _ => Self::failed(error.to_string()),
        }
    }
}

impl From<ChainError> for Miss {
    fn from(error: ChainError) -> Self {
        match error {
            ChainError::Invalid(why) => Self::failed(why),
            ChainError::Unsupported(what) => Self::unknown(Reason::Unsupported, what),
        }
    }
}

impl From<JwkError> for Miss {
    fn from(error: JwkError) -> Self {
        match error {
            JwkError::Malformed(_) => Self::failed(error.to_string()),
            JwkError::Unsupported(_) => Self::unknown(Reason::Unsupported, error.to_string()),
        }
    }
}

/// Whether an issuer identifier is a URL of the same origin as the credential issuer that was asked.
pub(crate) fn same_origin(issuer: &str, asked: &IssuerId) -> bool {
    issuer == asked.as_str()
        || Url::parse(issuer).is_ok_and(|url| url.has_host() && url.origin() == asked.to_url().origin())
}

/// Whether an issuer identifier is the credential issuer that was asked, or stands above it on the same host: another
/// path of the same host is another tenant.
pub(crate) fn is_or_is_above(issuer: &str, asked: &IssuerId) -> bool {
    let parent = issuer.trim_end_matches('/');
    issuer == asked.as_str()
        || (same_origin(issuer, asked)
            && asked.as_str().strip_prefix(parent).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

type Found = Result<(Vec<IssuerPublicKey>, String), Miss>;

/// Looks for the issuer's key.
pub(crate) async fn find(statement: &Statement<'_>, context: &VerifyContext<'_>) -> IssuerKeys {
    if context.policy.is_off(CheckKind::IssuerKey) && context.policy.is_off(CheckKind::Signature) {
        let outcome = Outcome::Skipped(Reason::SwitchedOff);
        return conclude(Vec::new(), outcome, "nothing needs the key".to_owned());
    }
    if let (None, Some(jwks)) = (context.credential_issuer, context.issuer_jwks) {
        // Whoever hands keys in has chosen them: their ids need not be the issuer's.
        let found = select(jwks, None, statement.algorithm).map(|keys| (keys, "handed in by the caller".to_owned()));
        return without_chain(found);
    }
    match statement.header.get("x5c") {
        Some(x5c) => by_chain(x5c, statement, context).await,
        None => by_issuer(statement, context).await,
    }
}

/// Whether the app trusts the issuer.
///
/// An anchor vouches for whoever its chain leads to. The app's list of issuers counts for an identifier only once
/// that has led to the key: anybody can write a trusted name into a credential.
pub(crate) fn trust(found: &IssuerKeys, issuer: Option<&str>, context: &VerifyContext<'_>) -> Check {
    let (outcome, detail) = match (by_anchor(found, context), by_list(found, issuer, context)) {
        (None, None) => {
            let detail = "the app named no trust anchors and no trusted issuers";
            (Outcome::Skipped(Reason::NoAnchors), detail.to_owned())
        }
        (Some(Ok(())), _) => (Outcome::Passed, "the certificates lead to an anchor of the app".to_owned()),
        (_, Some(Ok(()))) => (Outcome::Passed, "the issuer is one that the app trusts".to_owned()),
        // What is open says more than what does not apply.
        (_, Some(Err(miss))) if miss.outcome != Outcome::Failed => (miss.outcome, miss.detail),
        (Some(Err(miss)), _) | (None, Some(Err(miss))) => (miss.outcome, miss.detail),
    };
    Check { kind: CheckKind::IssuerTrust, outcome, detail }
}

fn by_anchor(found: &IssuerKeys, context: &VerifyContext<'_>) -> Option<Result<(), Miss>> {
    if context.trust.is_empty() {
        return None;
    }
    Some(match &found.anchored {
        Some(Ok(())) => Ok(()),
        Some(Err(error)) => Err(Miss::failed(error.to_string())),
        None => Err(Miss::failed("the credential has no certificates that could lead to an anchor")),
    })
}

/// Identifiers of issuers to trust, or [`ErrorCode::SetupInvalid`] for what can't be one: it would never match, and
/// the app would believe that it trusts somebody.
pub(crate) fn issuer_identifiers(identifiers: impl Iterator<Item = String>) -> crate::error::Result<Vec<String>> {
    let checked = |identifier: String| {
        let is_did = did::is_did(&identifier) && identifier.split(':').filter(|part| !part.is_empty()).count() > 2;
        if (is_did && did::split(&identifier).1.is_none()) || IssuerId::parse(&identifier).is_ok() {
            Ok(identifier)
        } else {
            let detail = "a trusted issuer is named by a DID or an https URL";
            Err(Error::new(ErrorCode::SetupInvalid, detail))
        }
    };
    identifiers.map(checked).collect()
}

fn by_list(found: &IssuerKeys, issuer: Option<&str>, context: &VerifyContext<'_>) -> Option<Result<(), Miss>> {
    if context.trusted_issuers.is_empty() {
        return None;
    }
    // A credential that names no issuer is the asked one's if its key is from there, or its certificate names it.
    let asked = context.credential_issuer.map(IssuerId::as_str);
    let issuer = issuer.or_else(|| match &found.chain {
        Some(chain) => asked.filter(|asked| chain.names(asked) == Named::Issuer),
        None => asked,
    });
    let listed = issuer.is_some_and(|issuer| context.trusted_issuers.iter().any(|trusted| trusted == issuer));
    Some(if !listed {
        Err(Miss::failed("the issuer is none that the app trusts"))
    } else if found.check.outcome == Outcome::Passed {
        Ok(())
    } else {
        let detail =
            "the app trusts the issuer that the credential names, but its key is not known to be that issuer's";
        Err(Miss::unknown(Reason::DependsOnFailed, detail))
    })
}

fn kid<'a>(statement: &Statement<'a>) -> Option<&'a str> {
    statement.header.get("kid").and_then(Value::as_str)
}

fn at(context: &VerifyContext<'_>) -> At {
    At { now: context.now, skew: context.skew }
}

fn conclude(keys: Vec<IssuerPublicKey>, outcome: Outcome, detail: String) -> IssuerKeys {
    IssuerKeys::new(Check { kind: CheckKind::IssuerKey, outcome, detail }, keys)
}

fn without_chain(found: Found) -> IssuerKeys {
    match found {
        Ok((keys, how)) => conclude(keys, Outcome::Passed, how),
        Err(miss) => conclude(Vec::new(), miss.outcome, miss.detail),
    }
}

async fn by_chain(x5c: &Value, statement: &Statement<'_>, context: &VerifyContext<'_>) -> IssuerKeys {
    let chain = match Chain::from_header(x5c) {
        Ok(chain) => chain,
        Err(error) => return without_chain(Err(error.into())),
    };
    let Walk { holds, anchored } = chain.walk(context.trust, at(context));
    let key = match chain.leaf_key() {
        Ok(key) => key,
        Err(error) => return without_chain(Err(error.into())).with_chain(chain, anchored),
    };
    let vouched = anchored.is_ok();
    let linked = match holds {
        Ok(()) => link_chain(&chain, vouched, &key, statement, context).await,
        Err(error) => Err(error.into()),
    };
    let (outcome, detail) = match linked {
        Ok(how) => (Outcome::Passed, how),
        Err(miss) => (miss.outcome, miss.detail),
    };
    conclude(vec![key], outcome, detail).with_chain(chain, anchored)
}

/// How a certificate belongs to the credential's issuer; whether an anchor vouches for it is known.
async fn link_chain(
    chain: &Chain,
    vouched: bool,
    key: &IssuerPublicKey,
    statement: &Statement<'_>,
    context: &VerifyContext<'_>,
) -> Result<String, Miss> {
    let Some(issuer) = statement.issuer else {
        return Ok("the signer's certificate; the credential names no issuer besides it".to_owned());
    };
    if did::is_did(issuer) {
        let keys = did::resolve(did::split(issuer).0, context.documents).await?;
        return if keys.contains(key) {
            Ok("the signer's certificate, and the issuer's DID has its key".to_owned())
        } else {
            Err(Miss::failed("the signer's certificate has another key than the issuer's DID"))
        };
    }
    let named = chain.names(issuer);
    match named {
        Named::Issuer if vouched => return Ok("the signer's certificate, which names the issuer".to_owned()),
        // Anybody can make a certificate for any name; this one came from the issuer that it names.
        Named::Issuer if context.credential_issuer.is_some_and(|asked| is_or_is_above(issuer, asked)) => {
            return Ok("the signer's certificate, which names the issuer that was asked".to_owned());
        }
        Named::Nobody if vouched => {
            return Ok("the signer's certificate, vouched for by an anchor of the app".to_owned());
        }
        Named::Issuer | Named::Another | Named::Nobody => {}
    }
    let Ok(issuer_id) = IssuerId::parse(issuer) else {
        return Err(Miss::failed("the signer's certificate does not name the issuer"));
    };
    let published = match own_jwks(&issuer_id, context) {
        Some(jwks) if all_keys(jwks)?.contains(key) => {
            return Ok("the signer's certificate, and the issuer's metadata has its key".to_owned());
        }
        _ => jwt_vc_issuer_keys(&issuer_id, context).await,
    };
    match published {
        Ok(jwks) if all_keys(&jwks)?.contains(key) => {
            Ok("the signer's certificate, and the JWT VC issuer metadata has its key".to_owned())
        }
        Ok(_) => Err(Miss::failed(
            "neither the certificate's names nor the JWT VC issuer metadata link its key to the issuer",
        )),
        Err(miss) if miss.outcome != Outcome::Failed => Err(miss),
        Err(_) if named == Named::Another => Err(Miss::failed("the signer's certificate names others than the issuer")),
        Err(_) => {
            let detail =
                "nothing but the certificate itself says that it is the issuer's, and no anchor vouches for it";
            Err(Miss::unknown(Reason::Unsupported, detail))
        }
    }
}

async fn by_issuer(statement: &Statement<'_>, context: &VerifyContext<'_>) -> IssuerKeys {
    let kid = kid(statement);
    let issuer = match (statement.issuer, kid) {
        (Some(issuer), _) => issuer,
        (None, Some(kid)) if did::is_did(kid) => kid,
        (None, _) => {
            let found = match context.issuer_jwks {
                Some(jwks) => select(jwks, kid, statement.algorithm)
                    .map(|keys| (keys, "the `jwks` of the issuer's metadata".to_owned())),
                None => Err(Miss::failed("the credential does not say where its issuer's key is")),
            };
            return without_chain(found);
        }
    };
    if did::is_did(issuer) {
        let did = did::split(issuer).0;
        return match kid {
            Some(kid) if did::is_did(kid) && !did::same(did::split(kid).0, did) => by_foreign_did(kid, context).await,
            _ => without_chain(by_did(did, kid, context).await),
        };
    }
    let Ok(issuer) = IssuerId::parse(issuer) else {
        let detail = "the issuer is neither a DID nor an https URL";
        return without_chain(Err(Miss::unknown(Reason::Unsupported, detail)));
    };
    match kid {
        Some(kid) if did::is_did(kid) => by_unlinked_did(kid, &issuer, statement, context).await,
        _ => without_chain(by_metadata(&issuer, statement, context).await),
    }
}

async fn by_did(did: &str, kid: Option<&str>, context: &VerifyContext<'_>) -> Found {
    let url = match kid {
        // Of two forms of one DID, the longer tells more.
        Some(kid) if did::is_did(kid) && did::split(kid).0.len() >= did.len() => kid.to_owned(),
        Some(kid) if did::is_did(kid) => match did::split(kid).1 {
            Some(fragment) => format!("{did}#{fragment}"),
            None => did.to_owned(),
        },
        Some(kid) => format!("{did}#{}", kid.trim_start_matches('#')),
        None => did.to_owned(),
    };
    let method = did.split(':').nth(1).unwrap_or_default();
    let keys = did::resolve(&url, context.documents).await?;
    Ok((keys, format!("the issuer's did:{method}")))
}

/// `kid` names a key of another DID than the issuer's: the key can be tried, but is not the issuer's.
async fn by_foreign_did(kid: &str, context: &VerifyContext<'_>) -> IssuerKeys {
    let keys = did::resolve(kid, context.documents).await.unwrap_or_default();
    conclude(keys, Outcome::Failed, "`kid` names a key of another DID than the issuer's".to_owned())
}

/// The issuer is a URL, and `kid` a DID: the URL's own documents may know the key by that name,
/// and a did:web of the same place on the same host is the same party. What came from the issuer itself may name
/// any did:web of its host.
async fn by_unlinked_did(
    kid: &str,
    issuer: &IssuerId,
    statement: &Statement<'_>,
    context: &VerifyContext<'_>,
) -> IssuerKeys {
    let did = did::split(kid).0;
    let url = issuer.to_url();
    let asked = context.credential_issuer == Some(issuer);
    let same_host = asked && did::web_authority(did).is_some_and(|authority| authority == did::authority(&url));
    if same_host || did::web_covers(did, &url) {
        return without_chain(by_did(did, Some(kid), context).await);
    }
    let miss = match by_metadata(issuer, statement, context).await {
        Ok(found) => return without_chain(Ok(found)),
        Err(miss) => miss,
    };
    match by_did(did, Some(kid), context).await {
        Ok((keys, _)) => {
            let (outcome, detail) = if miss.outcome == Outcome::Unknown(Reason::Unreachable) {
                (miss.outcome, miss.detail)
            } else {
                let detail = "the DID in `kid` has a key, but nothing links it to the issuer's URL";
                (Outcome::Unknown(Reason::Unsupported), detail.to_owned())
            };
            conclude(keys, outcome, detail)
        }
        Err(_) => without_chain(Err(miss)),
    }
}

async fn by_metadata(issuer: &IssuerId, statement: &Statement<'_>, context: &VerifyContext<'_>) -> Found {
    let own = own_jwks(issuer, context).and_then(|jwks| select(jwks, kid(statement), statement.algorithm).ok());
    if let Some(keys) = own {
        return Ok((keys, "the `jwks` of the issuer's metadata".to_owned()));
    }
    let named = match own_jwks(issuer, context) {
        Some(jwks) => by_name(jwks, statement, context).await,
        None => None,
    };
    if let Some(Ok(found)) = named {
        return Ok(found);
    }
    let published = jwt_vc_issuer_keys(issuer, context).await.and_then(|jwks| {
        let keys = select(&jwks, kid(statement), statement.algorithm)?;
        Ok((keys, "the issuer's JWT VC issuer metadata".to_owned()))
    });
    match named {
        // That it is a DID which says no more is the better reason.
        Some(Err(miss)) => published.map_err(|_| miss),
        _ => published,
    }
}

/// The keys that a key set names by DID without having them; `None` if it names none that may have signed.
async fn by_name(jwks: &Value, statement: &Statement<'_>, context: &VerifyContext<'_>) -> Option<Found> {
    let has_key = |entry: &Value| ["x", "n"].iter().any(|member| entry.get(member).is_some());
    let text = |entry: &'_ Value, name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
    let wanted = |entry: &&Value| {
        let alg = text(entry, "alg").map(|alg| JwsAlgorithm::parse(&alg).ok());
        !has_key(entry) && statement.algorithm.is_none_or(|algorithm| alg.is_none_or(|alg| alg == Some(algorithm)))
    };
    let names = entries(jwks).ok()?.filter(wanted).filter_map(|entry| text(entry, "kid"));
    let names = names.filter(|name| did::is_did(name) && kid(statement).is_none_or(|kid| kid == name));
    let (mut keys, mut problem) = (Vec::new(), None);
    for name in names.take(MAX_NAMED_KEYS) {
        match did::resolve(&name, context.documents).await {
            Ok(found) => keys.extend(found),
            Err(error) => problem = Some(Miss::from(error)),
        }
    }
    match problem {
        Some(miss) if keys.is_empty() => Some(Err(miss)),
        None if keys.is_empty() => None,
        _ => Some(Ok((keys, "the DID that the issuer's metadata names its key by".to_owned()))),
    }
}

/// The keys in the metadata of the credential issuer, if that is the issuer of the credential.
fn own_jwks<'a>(issuer: &IssuerId, context: &VerifyContext<'a>) -> Option<&'a Value> {
    context.issuer_jwks.filter(|_| context.credential_issuer == Some(issuer))
}

/// The key set of JWT VC issuer metadata (SD-JWT VC, section on issuer metadata).
async fn jwt_vc_issuer_keys(issuer: &IssuerId, context: &VerifyContext<'_>) -> Result<Value, Miss> {
    let get = async |url: &Url, what: &str| {
        context.documents.get(url).await.map_err(|error| match error {
            DocumentError::Unreachable(why) => Miss::unknown(Reason::Unreachable, format!("{what}: {why}")),
            DocumentError::Unusable(why) => Miss::failed(format!("{what}: {why}")),
        })
    };
    let metadata = get(&issuer.well_known("jwt-vc-issuer"), "JWT VC issuer metadata").await?;
    if metadata.get("issuer").and_then(Value::as_str) != Some(issuer.as_str()) {
        return Err(Miss::failed("the JWT VC issuer metadata is that of another issuer"));
    }
    match (metadata.get("jwks"), metadata.get("jwks_uri")) {
        (Some(jwks), None) => Ok(jwks.clone()),
        (None, Some(Value::String(uri))) => {
            let uri =
                Url::parse(uri).map_err(|_| Miss::failed("the `jwks_uri` of the JWT VC issuer metadata is no URL"))?;
            get(&uri, "the key set of the JWT VC issuer metadata").await
        }
        _ => Err(Miss::failed("the JWT VC issuer metadata has not exactly one of `jwks` and `jwks_uri`")),
    }
}

fn entries(jwks: &Value) -> Result<impl Iterator<Item = &Value>, Miss> {
    let keys = jwks.get("keys").and_then(Value::as_array).ok_or_else(|| Miss::failed("the key set is malformed"))?;
    Ok(keys.iter().filter(|key| may_sign(key)).take(MAX_KEYS))
}

fn may_sign(key: &Value) -> bool {
    key.get("use").is_none_or(|purpose| purpose == "sig")
        && key.get("key_ops").and_then(Value::as_array).is_none_or(|ops| ops.iter().any(|op| op == "verify"))
}

fn all_keys(jwks: &Value) -> Result<Vec<IssuerPublicKey>, Miss> {
    Ok(entries(jwks)?.filter_map(|key| IssuerPublicKey::from_jwk(key).ok()).collect())
}

/// The keys of a set that may have signed: those that `kid` names, else all that fit the algorithm.
pub(super) fn select(
    jwks: &Value,
    kid: Option<&str>,
    algorithm: Option<JwsAlgorithm>,
) -> Result<Vec<IssuerPublicKey>, Miss> {
    let mut keys = Vec::new();
    let mut problem = None;
    for entry in entries(jwks)? {
        if kid.is_some() && entry.get("kid").and_then(Value::as_str) != kid {
            continue;
        }
        match IssuerPublicKey::from_jwk(entry) {
            Ok(key) => {
                let fits = algorithm.is_none_or(|algorithm| key.fits(algorithm));
                let meant = algorithm.is_none_or(|algorithm| {
                    let alg = entry.get("alg").and_then(Value::as_str);
                    alg.is_none_or(|alg| JwsAlgorithm::parse(alg) == Ok(algorithm))
                });
                // A key that `kid` names is the issuer's even if the algorithm can't be its; that
                // is for the check of the signature to say.
                if (fits && meant) || (kid.is_some() && !fits) {
                    keys.push(key);
                }
            }
            Err(error) => problem = Some(error),
        }
    }
    match (keys.is_empty(), problem) {
        (false, _) => Ok(keys),
        (true, Some(error)) if kid.is_some() => Err(error.into()),
        (true, _) => Err(Miss::failed(match kid {
            Some(_) => "the issuer's key set has no key of that `kid` for the algorithm",
            None => "the issuer's key set has no key for the algorithm",
        })),
    }
}

#[cfg(test)]
#[path = "issuer_key_tests.rs"]
mod tests;
