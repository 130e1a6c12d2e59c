//! Nonces for key proofs: giving them, and using them up.

use serde_json::{Value, json};

use crate::dialect::Nonces;
use crate::encoding::random_text;
use crate::faults::Fault;
use crate::issuer::{Book, Issuer};
use crate::refusal::Refusal;

/// A nonce that was handed out.
#[derive(Clone, Debug)]
pub(crate) struct Nonce {
    expires: i64,
    /// The grant that it is for; one from the nonce endpoint is for anybody.
    family: Option<String>,
}

/// A new nonce. One that comes in an answer takes the place of those that its grant had before.
pub(crate) fn fresh(issuer: &Issuer, book: &mut Book, family: Option<&str>) -> String {
    let nonce = random_text();
    let lifetime = if issuer.faults.strikes(Fault::StaleNonce) { 0 } else { issuer.options.nonce_lifetime };
    if family.is_some() {
        book.nonces.retain(|_, known| known.family.as_deref() != family);
    }
    book.nonces.insert(nonce.clone(), Nonce { expires: issuer.now() + lifetime, family: family.map(str::to_owned) });
    nonce
}

/// Puts a new nonce into an answer, where they come that way.
pub(crate) fn put_into(issuer: &Issuer, book: &mut Book, family: &str, answer: &mut Value) {
    if issuer.dialect.nonces == Nonces::Answers {
        answer["c_nonce"] = json!(fresh(issuer, book, Some(family)));
        answer["c_nonce_expires_in"] = json!(issuer.options.nonce_lifetime);
    }
}

/// Uses up the nonces of a request by the holder of a grant; several proofs may share one.
pub(crate) fn spend(issuer: &Issuer, family: &str, nonces: &[String]) -> Result<(), Refusal> {
    let now = issuer.now();
    let mut book = issuer.book();
    let good = |nonce: &Nonce| nonce.expires > now && nonce.family.as_ref().is_none_or(|of| of == family);
    if !nonces.iter().all(|nonce| book.nonces.get(nonce).is_some_and(good)) {
        return Err(Refusal::new("invalid_nonce", "The nonce is unknown, was used before or has expired"));
    }
    for nonce in nonces {
        book.nonces.remove(nonce);
    }
    Ok(())
}
