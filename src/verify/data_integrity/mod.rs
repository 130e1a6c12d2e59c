//! Data Integrity proofs of credentials (W3C Verifiable Credential Data Integrity 1.0).
//!
//! Suites: `ecdsa-rdfc-2019`, `ecdsa-jcs-2019`, `eddsa-rdfc-2022`, `eddsa-jcs-2022`, and the older types
//! `Ed25519Signature2020` and `JsonWebSignature2020`.
//!
//! **Several proofs.** Anybody can put a proof beside others, so a credential counts as signed when every proof of a
//! suite that is known here verifies and there is at least one; proofs of other suites are passed over and named. A
//! proof that says that it builds on others (`previousProof`) is over those too. The issuer's key is found when one
//! of the proofs is by a key of the issuer; the others may be by notaries of whatever kind.
//!
//! **What is signed.** The suites with `rdfc` and the older types sign RDF statements; see [`json_ld`] for what
//! happens with members that become none. Beyond the base context, which protects its terms, names of claims are what
//! the contexts in the credential say: these are the issuer's to choose and not signed. Whoever needs to be sure of a
//! claim's meaning compares `@context` with what the issuer's metadata announces (which the format does) or with
//! what it knows.

mod context;
mod contexts;
mod jcs;
mod json_ld;
mod names;
mod proof;
mod rdf;
mod rdfc;
#[cfg(test)]
pub(crate) mod testing;
mod value;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde_json::{Map, Value, json};
use url::Url;

pub(crate) use self::contexts::Contexts;
use self::json_ld::JsonLdError;
use self::proof::{Proof, ProofError};
pub(crate) use self::rdf::quoted;
use self::rdfc::Hash;
use super::issuer_key::{self, IssuerKeys, Statement};
use super::public_key::IssuerPublicKey;
use super::{VerifyContext, did};
use crate::model::report::{Check, CheckKind, Outcome, Reason};

/// The most proofs of one credential that are looked at.
const MAX_PROOFS: usize = 8;

/// What came of a credential's proofs.
pub(crate) struct Found {
    /// The check of the signatures.
    pub(crate) signature: Check,
    /// The issuer's key.
    pub(crate) keys: IssuerKeys,
    /// `created` and `expires` of each proof, as they stand there.
    pub(crate) times: Vec<(Option<Value>, Option<Value>)>,
}

/// Checks the proofs of a credential.
pub(crate) async fn verify(document: &Map<String, Value>, issuer: &str, context: &VerifyContext<'_>) -> Found {
    let mut found = Found {
        signature: check(CheckKind::Signature, Outcome::Failed, "the credential has no proof"),
        keys: no_key(Outcome::Unknown(Reason::DependsOnFailed), "there is no proof that would name a key"),
        times: Vec::new(),
    };
    let values = match document.get("proof") {
        Some(Value::Array(values)) => values.as_slice(),
        Some(single) => std::slice::from_ref(single),
        None => return found,
    };
    if values.is_empty() || values.len() > MAX_PROOFS {
        if !values.is_empty() {
            found.signature.detail = format!("the credential has more than {MAX_PROOFS} proofs");
        }
        return found;
    }
    let mut unsecured = document.clone();
    unsecured.remove("proof");
    let mut outcomes = Vec::new();
    let mut passed_over = Vec::new();
    let mut best: Option<IssuerKeys> = None;
    for value in values {
        let proof = match Proof::parse(value) {
            Ok(proof) => proof,
            Err(ProofError::Unsupported(suite)) => {
                passed_over.push(suite);
                continue;
            }
            Err(error) => {
                outcomes.push((Outcome::Failed, error.to_string()));
                continue;
            }
        };
        found.times.push((proof.value.get("created").cloned(), proof.value.get("expires").cloned()));
        let keys = keys(&proof, issuer, context).await;
        let outcome = match Secured::new(&unsecured, values, &proof) {
            Ok(secured) => secured.verify(&proof, &keys.keys, context.contexts),
            Err(why) => Err(ProofError::Invalid(why)),
        };
        outcomes.push(match outcome {
            Ok(how) => (Outcome::Passed, how),
            Err(error) => (error.outcome(), error.to_string()),
        });
        match &best {
            Some(best) if rank(best.check.outcome) <= rank(keys.check.outcome) => {}
            _ => best = Some(keys),
        }
    }
    found.signature = conclude(outcomes, &passed_over);
    if let Some(keys) = best {
        found.keys = keys;
    }
    found
}

/// The check of the signatures: the worst of the proofs.
fn conclude(mut outcomes: Vec<(Outcome, String)>, passed_over: &[String]) -> Check {
    let kind = CheckKind::Signature;
    let others = passed_over.join(", ");
    outcomes.sort_by_key(|(outcome, _)| std::cmp::Reverse(rank(*outcome)));
    let Some((outcome, detail)) = outcomes.first().cloned() else {
        let detail = format!("the suites of its proofs are not supported: {others}");
        return check(kind, Outcome::Unknown(Reason::Unsupported), detail);
    };
    if outcome != Outcome::Passed {
        return check(kind, outcome, detail);
    }
    let mut detail = outcomes.into_iter().map(|(_, how)| how).collect::<Vec<_>>().join(", ");
    if !others.is_empty() {
        detail.push_str("; passed over: ");
        detail.push_str(&others);
    }
    check(kind, Outcome::Passed, detail)
}

/// How far an outcome is from good.
fn rank(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Passed => 0,
        Outcome::Skipped(_) => 1,
        Outcome::Failed => 4,
        // What could not be found out because of something else says the least.
        Outcome::Unknown(Reason::DependsOnFailed) => 3,
        Outcome::Unknown(_) => 2,
    }
}

fn check(kind: CheckKind, outcome: Outcome, detail: impl Into<String>) -> Check {
    Check { kind, outcome, detail: detail.into() }
}

fn no_key(outcome: Outcome, detail: &str) -> IssuerKeys {
    IssuerKeys::new(check(CheckKind::IssuerKey, outcome, detail), Vec::new())
}

/// The keys that a proof may be by, and whether they are the issuer's.
async fn keys(proof: &Proof<'_>, issuer: &str, context: &VerifyContext<'_>) -> IssuerKeys {
    let header = Map::from_iter([("kid".to_owned(), json!(proof.method))]);
    let statement = Statement { header: &header, issuer: Some(issuer), algorithm: proof.suite.algorithm() };
    let (base, fragment) = did::split(proof.method);
    let handed_in = context.credential_issuer.is_none() && context.issuer_jwks.is_some();
    let needed = !(context.policy.is_off(CheckKind::IssuerKey) && context.policy.is_off(CheckKind::Signature));
    if needed && !handed_in && base == issuer && !did::is_did(base)
        && let Ok(url) = Url::parse(base)
        // The issuer is the address of a document with its keys (W3C Controlled Identifiers).
        && let Ok(document) = context.documents.get(&url).await
        && let Ok(keys) = did::keys_of_document(issuer, fragment, &document)
    {
        let check = check(CheckKind::IssuerKey, Outcome::Passed, "the document at the issuer's address");
        return IssuerKeys::new(check, keys);
    }
    issuer_key::find(&statement, context).await
}

/// What a proof is over.
struct Secured {
    document: Map<String, Value>,
}

impl Secured {
    /// The document without proofs but those that this one builds on.
    fn new(unsecured: &Map<String, Value>, proofs: &[Value], proof: &Proof<'_>) -> Result<Self, String> {
        let mut document = unsecured.clone();
        let mut previous = Vec::new();
        for id in &proof.previous {
            let mut matching = proofs.iter().filter(|value| value.get("id").and_then(Value::as_str) == Some(*id));
            match (matching.next(), matching.next()) {
                (Some(value), None) if !std::ptr::eq(value.as_object().unwrap_or(proof.value), proof.value) => {
                    previous.push(value.clone());
                }
                _ => return Err("a proof builds on one that is not there once".to_owned()),
            }
        }
        if !previous.is_empty() {
            document.insert("proof".to_owned(), Value::Array(previous));
        }
        Ok(Self { document })
    }

    /// Whether a key has made the proof over this.
    fn verify(&self, proof: &Proof<'_>, keys: &[IssuerPublicKey], contexts: &Contexts) -> Result<String, ProofError> {
        let signature = proof.signature()?;
        let usable: Vec<_> = keys.iter().filter_map(|key| Some((key, proof.algorithm_of(&signature, key)?))).collect();
        if keys.is_empty() {
            return Err(ProofError::NoKey);
        }
        if usable.is_empty() {
            return Err(ProofError::Invalid("the key does not fit the proof's suite".to_owned()));
        }
        let mut made: HashMap<Plan, Option<Vec<u8>>> = HashMap::new();
        for (key, algorithm) in usable {
            for plan in proof.plans(key) {
                // What is signed depends on the key's curve at most.
                let hashes = match made.entry(plan) {
                    Entry::Occupied(made) => made.into_mut(),
                    Entry::Vacant(place) => place.insert(self.hashes(proof, plan, contexts)?),
                };
                let Some(hashes) = hashes else { continue };
                if key.verify(algorithm, &signature.message(hashes), &signature.octets).is_ok() {
                    return Ok(proof.suite.as_str().to_owned());
                }
            }
        }
        Err(ProofError::Invalid("the signature does not verify".to_owned()))
    }

    /// The hashes of proof and document, one after the other; none where the plan makes no difference.
    fn hashes(&self, proof: &Proof<'_>, plan: Plan, contexts: &Contexts) -> Result<Option<Vec<u8>>, ProofError> {
        let options = proof.options(&self.document);
        let (options, document) = if proof.suite.is_jcs() {
            let document = proof.document_for_jcs(&self.document)?;
            (jcs::canonical_object(&options), jcs::canonical_object(&document))
        } else {
            let options = json_ld::to_rdf(&options, contexts)?;
            proof.holds_in(&options)?;
            let mut document = json_ld::to_rdf(&self.document, contexts)?;
            if plan.small_languages && !rdf::with_small_languages(&mut document) {
                return Ok(None);
            }
            (canonical(&options, plan.names)?, canonical(&document, plan.names)?)
        };
        let mut hashes = plan.hash.digest(options.as_bytes());
        hashes.extend(plan.hash.digest(document.as_bytes()));
        Ok(Some(hashes))
    }
}

fn canonical(quads: &[rdf::Quad], hash: Hash) -> Result<String, ProofError> {
    rdfc::canonical(quads, hash).map_err(|error| ProofError::Invalid(error.to_string()))
}

/// The hashes that a proof may be made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Plan {
    /// For what is signed.
    hash: Hash,
    /// For the names of blank nodes.
    names: Hash,
    /// Whether language tags are in small letters.
    small_languages: bool,
}

impl From<JsonLdError> for ProofError {
    fn from(error: JsonLdError) -> Self {
        match error {
            JsonLdError::UnknownContext(_) | JsonLdError::Unsupported(_) => Self::NotUnderstood(error.to_string()),
            _ => Self::Invalid(error.to_string()),
        }
    }
}

#[cfg(test)]
#[path = "vector_tests.rs"]
mod vector_tests;
