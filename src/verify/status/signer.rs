//! Who signed a status list, and whether that is anybody whose word counts for the credential.
//!
//! The list's word counts when its signature holds by a key
//!
//! 1. of the credential's own issuer: the very key that signed the credential, or another one that is found as the
//!    credential's was, by the list's own header ([`issuer_key`]);
//! 2. of another party that names itself as the list's issuer, if its identifier leads to the key and that party is
//!    trusted or was named by the credential's issuer: an anchor of the app vouches for its certificate, it is on the
//!    app's list of trusted issuers, or it is of the host that the list's address or the credential issuer has.
//!    The issuer chose that address and signed it, so whoever speaks for that host was given the task.
//!
//! The specification leaves to ecosystems who else may keep status (Token Status List section 11.3), so a signer with
//! none of these links is not wrong, but unknown. Without a signature that holds there is nothing to think about: the
//! list fails.

use url::Url;

use super::read::{Envelope, Form, List};
use super::{Subject, Trouble};
use crate::model::report::{Outcome, Reason};
#[cfg(feature = "ldp-vc")]
use crate::model::time::Timestamp;
use crate::verify::VerifyContext;
use crate::verify::did;
use crate::verify::issuer_key::{self, IssuerKeys, Statement};
use crate::verify::jose::{AlgorithmError, JwsAlgorithm};
use crate::verify::public_key::IssuerPublicKey;
use crate::verify::x509::{Chain, Named};

/// Checks the signature of a list that says that it is `issuer`'s, for a credential.
pub(super) async fn check(
    list: &List,
    issuer: Option<&str>,
    address: &str,
    of: &Subject<'_>,
    context: &VerifyContext<'_>,
) -> Result<(), Trouble> {
    if list.form() == Form::Json {
        return proofs(list, issuer, address, of, context).await;
    }
    let Some(envelope) = list.envelope() else { return Err(Trouble::failed("the status list can't be read")) };
    let algorithm = envelope.algorithm().map_err(|error| match error {
        AlgorithmError::Refused(why) => Trouble::failed(format!("the status list: {why}")),
        AlgorithmError::Unsupported(_) => Trouble::unknown(Reason::Unsupported, format!("the status list: {error}")),
    })?;
    let header = envelope.header()?;
    if context.profile.is_haip() {
        hold_to_haip(header.get("x5c"))?;
    } else if signer(list, &envelope, algorithm, of.keys).is_some() {
        return Ok(());
    }
    // A DID in `kid` and a certificate are whoever made them; an identifier has to lead to them.
    let kid = header.get("kid").and_then(serde_json::Value::as_str).filter(|kid| did::is_did(kid));
    let own = match (issuer, of.issuer) {
        (None, None) => kid.is_none() && !header.contains_key("x5c"),
        (None, Some(_)) => true,
        (issuer, own) => issuer == own,
    };
    let issuer = issuer.or(of.issuer).or(kid.map(|kid| did::split(kid).0));
    let statement = Statement { header: &header, issuer, algorithm: Some(algorithm) };
    let found = issuer_key::find(&statement, context).await;
    if found.check.outcome == Outcome::Skipped(Reason::SwitchedOff) {
        return Ok(());
    }
    if found.keys.is_empty() {
        return Err(unestablished(&found));
    }
    let Some(key) = signer(list, &envelope, algorithm, &found.keys) else {
        return Err(Trouble::failed("the status list: its signature does not verify"));
    };
    if of.keys.contains(key) {
        return Ok(());
    }
    if found.check.outcome != Outcome::Passed {
        return Err(unestablished(&found));
    }
    linked(&found, issuer, own, address, context)
}

/// Whether the signer's word counts, whoever it is.
fn linked(
    found: &IssuerKeys,
    issuer: Option<&str>,
    own: bool,
    address: &str,
    context: &VerifyContext<'_>,
) -> Result<(), Trouble> {
    let linked = own
        || handed_in(context)
        || issuer_key::trust(found, issuer, context).outcome == Outcome::Passed
        || speaks_for(found, issuer, address, context);
    if linked {
        return Ok(());
    }
    let detail = "the status list is signed by another party than the credential, and nothing vouches for it";
    Err(Trouble::unknown(Reason::Unsupported, detail))
}

/// The same for a list with Data Integrity proofs.
#[cfg(feature = "ldp-vc")]
async fn proofs(
    list: &List,
    issuer: Option<&str>,
    address: &str,
    of: &Subject<'_>,
    context: &VerifyContext<'_>,
) -> Result<(), Trouble> {
    if context.profile.is_haip() {
        hold_to_haip(None)?;
    }
    let credential = list.credential()?;
    let own = issuer.is_none() || issuer == of.issuer;
    let Some(named) = issuer.or(of.issuer) else { return Err(Trouble::failed("the status list names no issuer")) };
    let found = crate::verify::data_integrity::verify(&credential, named, context).await;
    let detail = format!("the status list: {}", found.signature.detail);
    match found.signature.outcome {
        Outcome::Passed | Outcome::Skipped(_) => {}
        Outcome::Failed => return Err(Trouble::failed(detail)),
        Outcome::Unknown(_) if found.keys.keys.is_empty() => return Err(unestablished(&found.keys)),
        Outcome::Unknown(reason) => return Err(Trouble::unknown(reason, detail)),
    }
    let now = context.now.seconds() - context.skew;
    let ended =
        |at: &serde_json::Value| at.as_str().and_then(Timestamp::parse_rfc3339).is_none_or(|end| end.seconds() <= now);
    if found.times.iter().any(|(_, expires)| expires.as_ref().is_some_and(ended)) {
        return Err(Trouble::failed("the status list: its proof has expired"));
    }
    if found.keys.check.outcome != Outcome::Passed {
        return Err(unestablished(&found.keys));
    }
    linked(&found.keys, Some(named), own, address, context)
}

#[cfg(not(feature = "ldp-vc"))]
#[allow(clippy::unused_async, reason = "it waits with the feature")]
async fn proofs(_: &List, _: Option<&str>, _: &str, _: &Subject<'_>, _: &VerifyContext<'_>) -> Result<(), Trouble> {
    let detail = "the status list has a Data Integrity proof, which this version does not check";
    Err(Trouble::unknown(Reason::Unsupported, detail))
}

/// The key that signed, if it is one of these.
fn signer<'a>(
    list: &List,
    envelope: &Envelope<'_>,
    algorithm: JwsAlgorithm,
    keys: &'a [IssuerPublicKey],
) -> Option<&'a IssuerPublicKey> {
    if let Some(known) = keys.iter().find(|key| list.is_signed_by(key)) {
        return Some(known);
    }
    let key = keys.iter().find(|key| envelope.verify(algorithm, key).is_ok())?;
    list.remember_signer(key);
    Some(key)
}

fn unestablished(found: &IssuerKeys) -> Trouble {
    let reason = match found.check.outcome {
        Outcome::Unknown(reason) => reason,
        _ => Reason::DependsOnFailed,
    };
    Trouble::unknown(reason, format!("the status list's signer could not be established: {}", found.check.detail))
}

/// Whether the caller chose the keys.
fn handed_in(context: &VerifyContext<'_>) -> bool {
    context.credential_issuer.is_none() && context.issuer_jwks.is_some()
}

/// Whether the signer is of the host that gave the list or of the credential issuer's.
fn speaks_for(found: &IssuerKeys, issuer: Option<&str>, address: &str, context: &VerifyContext<'_>) -> bool {
    let Ok(address) = Url::parse(address) else { return false };
    let asked = context.credential_issuer.map(crate::model::ids::IssuerId::to_url);
    let hosts: Vec<&Url> = std::iter::once(&address).chain(&asked).collect();
    match issuer {
        Some(issuer) if did::is_did(issuer) => {
            let authority = did::web_authority(issuer);
            hosts.iter().any(|host| authority.as_deref() == Some(did::authority(host).as_str()))
        }
        Some(issuer) => {
            let issuer = Url::parse(issuer).ok().filter(Url::has_host);
            issuer.is_some_and(|issuer| hosts.iter().any(|host| host.origin() == issuer.origin()))
        }
        None => found.chain.as_ref().is_some_and(|chain| chain.names(address.as_str()) == Named::Issuer),
    }
}

/// HAIP section 6.1: the signer's certificate stands in the header, and the anchor does not.
fn hold_to_haip(x5c: Option<&serde_json::Value>) -> Result<(), Trouble> {
    let demanded = |what: &str| Trouble::failed(format!("the status list: {what}, which HAIP demands"));
    let x5c = x5c.ok_or_else(|| demanded("its signer's key is not in a certificate of the header (`x5c`)"))?;
    let chain = Chain::from_header(x5c).map_err(|error| Trouble::failed(format!("the status list: {error}")))?;
    if chain.has_self_signed() { Err(demanded("`x5c` is not without self-signed certificates")) } else { Ok(()) }
}
