//! SD-JWT (RFC 9901): taking the serialisation apart and putting disclosures in their places.

use std::collections::{HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use serde_json::{Map, Value};

use crate::json;
use crate::model::display::PathStep;

/// The most disclosures of one credential that are looked at.
const MAX_DISCLOSURES: usize = 4096;

/// Claims that verification needs and that therefore have to stand in the open, with all that is in them
/// (SD-JWT VC, section on registered claims).
const NEVER_DISCLOSED: [&str; 8] = ["iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status"];

/// An SD-JWT taken apart: `<JWS>~<disclosure>~…~<key-binding JWT or nothing>`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SdJwt<'a> {
    /// The issuer's JWS.
    pub(crate) jws: &'a str,
    /// The disclosures as they stand there.
    pub(crate) disclosures: Vec<&'a str>,
    /// What follows the last `~`: nothing, or a key-binding JWT.
    pub(crate) key_binding: Option<&'a str>,
}

impl<'a> SdJwt<'a> {
    /// Takes the text apart; `None` without any `~`.
    pub(crate) fn split(text: &'a str) -> Option<Self> {
        let (front, last) = text.rsplit_once('~')?;
        let mut parts = front.split('~');
        let jws = parts.next()?;
        Some(Self { jws, disclosures: parts.collect(), key_binding: (!last.is_empty()).then_some(last) })
    }
}

/// Why disclosures do not fit a payload. Names no claim and no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DisclosureError {
    /// A hash function that this version does not know.
    #[error("the digests' hash function (`_sd_alg`) is not supported")]
    UnsupportedHash,
    /// Something in the payload that SD-JWT does not allow.
    #[error("the payload is no SD-JWT payload: {0}")]
    Payload(&'static str),
    /// One of the disclosures is not one, counted from one.
    #[error("disclosure {0} is malformed: {1}")]
    Malformed(usize, &'static str),
    /// The same digest stands in two places.
    #[error("a digest stands in more than one place")]
    DuplicateDigest,
    /// A disclosure that no digest stands for, counted from one.
    #[error("no digest stands for disclosure {0}")]
    Unreferenced(usize),
    /// The disclosed claim exists already.
    #[error("disclosure {0} is for a claim that exists already")]
    ClaimExists(usize),
    /// A claim that has to stand in the open is disclosed selectively.
    #[error("disclosure {0} is for a claim that may not be disclosed selectively")]
    Forbidden(usize),
    /// Disclosures within disclosures without end.
    #[error("disclosures are nested too deep")]
    TooDeep,
}

/// A payload with its disclosures in their places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Disclosed {
    /// The claims.
    pub(crate) claims: Value,
    /// Where each disclosure stands among them, in the order of the paths.
    pub(crate) disclosable: Vec<Vec<PathStep>>,
}

/// The payload with disclosures put in their places and without `_sd`, `_sd_alg` and `...`
/// (RFC 9901 section 7.1).
pub(crate) fn disclose(payload: &Map<String, Value>, disclosures: &[&str]) -> Result<Disclosed, DisclosureError> {
    let hash = match payload.get("_sd_alg") {
        None => &digest::SHA256,
        // The names are registered in lower case; issuers that write them otherwise mean the same.
        Some(Value::String(name)) => match name.to_ascii_lowercase().as_str() {
            "sha-256" => &digest::SHA256,
            "sha-384" => &digest::SHA384,
            "sha-512" => &digest::SHA512,
            _ => return Err(DisclosureError::UnsupportedHash),
        },
        Some(_) => return Err(DisclosureError::Payload("`_sd_alg` is not text")),
    };
    if disclosures.len() > MAX_DISCLOSURES {
        return Err(DisclosureError::Payload("it has too many disclosures"));
    }
    let mut by_digest = HashMap::new();
    for (place, text) in disclosures.iter().enumerate() {
        let disclosure = Disclosure::parse(text, place + 1)?;
        let digest = URL_SAFE_NO_PAD.encode(digest::digest(hash, text.as_bytes()));
        if by_digest.insert(digest, disclosure).is_some() {
            return Err(DisclosureError::DuplicateDigest);
        }
    }
    let mut filling = Filling { by_digest, seen: HashSet::new(), path: Vec::new(), disclosable: Vec::new() };
    let mut top = payload.clone();
    top.remove("_sd_alg");
    let claims = filling.object(top, 0)?;
    if let Some(left) = filling.by_digest.values().map(|disclosure| disclosure.number).min() {
        return Err(DisclosureError::Unreferenced(left));
    }
    let mut disclosable = filling.disclosable;
    disclosable.sort();
    Ok(Disclosed { claims, disclosable })
}

struct Disclosure {
    /// Its place, counted from one, for messages.
    number: usize,
    /// None for an array element.
    name: Option<String>,
    value: Value,
}

impl Disclosure {
    fn parse(text: &str, number: usize) -> Result<Self, DisclosureError> {
        let malformed = |why| DisclosureError::Malformed(number, why);
        let octets = URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed("it is not base64url"))?;
        let Ok(Value::Array(items)) = json::parse(&octets) else {
            return Err(malformed("it is not a JSON array"));
        };
        let mut items = items.into_iter();
        let (salt, name, value) = match (items.next(), items.next(), items.next(), items.next()) {
            (Some(salt), Some(value), None, None) => (salt, None, value),
            (Some(salt), Some(Value::String(name)), Some(value), None) => (salt, Some(name), value),
            (Some(_), Some(_), Some(_), None) => return Err(malformed("its claim name is not text")),
            _ => return Err(malformed("it has not two or three elements")),
        };
        if !salt.is_string() {
            return Err(malformed("its salt is not text"));
        }
        if name.as_deref().is_some_and(|name| name == "_sd" || name == "...") {
            return Err(malformed("its claim name is reserved"));
        }
        Ok(Self { number, name, value })
    }
}

struct Filling {
    /// Disclosures that have not found their place yet.
    by_digest: HashMap<String, Disclosure>,
    /// All digests met so far, of disclosures and decoys.
    seen: HashSet<String>,
    /// Where in the claims it is at work.
    path: Vec<PathStep>,
    /// Where disclosures were put.
    disclosable: Vec<Vec<PathStep>>,
}

impl Filling {
    /// What stands one step further.
    fn step(&mut self, step: PathStep, value: Value, depth: usize) -> Result<Value, DisclosureError> {
        self.path.push(step);
        let filled = self.value(value, depth + 1);
        self.path.pop();
        filled
    }

    /// The same for the value of a disclosure, whose place is kept in mind.
    fn place(&mut self, step: PathStep, disclosure: Disclosure, depth: usize) -> Result<Value, DisclosureError> {
        let mut place = self.path.clone();
        place.push(step.clone());
        if matches!(&place[0], PathStep::Key(name) if NEVER_DISCLOSED.contains(&name.as_str())) {
            return Err(DisclosureError::Forbidden(disclosure.number));
        }
        self.disclosable.push(place);
        self.step(step, disclosure.value, depth)
    }

    fn value(&mut self, value: Value, depth: usize) -> Result<Value, DisclosureError> {
        match value {
            Value::Object(object) => self.object(object, depth),
            Value::Array(array) => self.array(array, depth),
            other => Ok(other),
        }
    }

    fn object(&mut self, mut object: Map<String, Value>, depth: usize) -> Result<Value, DisclosureError> {
        if depth >= json::MAX_DEPTH {
            return Err(DisclosureError::TooDeep);
        }
        let digests = match object.remove("_sd") {
            None => Vec::new(),
            Some(Value::Array(digests)) => digests,
            Some(_) => return Err(DisclosureError::Payload("`_sd` is not an array")),
        };
        if object.contains_key("...") {
            return Err(DisclosureError::Payload("a member is called `...` outside of an array element"));
        }
        let mut filled = Map::new();
        for (name, value) in object {
            let value = self.step(PathStep::Key(name.clone()), value, depth)?;
            filled.insert(name, value);
        }
        for digest in digests {
            let Value::String(digest) = digest else {
                return Err(DisclosureError::Payload("`_sd` holds something else than text"));
            };
            let Some(disclosure) = self.take(digest)? else { continue };
            let name = disclosure
                .name
                .clone()
                .ok_or(DisclosureError::Malformed(disclosure.number, "an array element stands for a claim"))?;
            if filled.contains_key(&name) || (depth == 0 && name == "_sd_alg") {
                return Err(DisclosureError::ClaimExists(disclosure.number));
            }
            let value = self.place(PathStep::Key(name.clone()), disclosure, depth)?;
            filled.insert(name, value);
        }
        Ok(Value::Object(filled))
    }

    fn array(&mut self, array: Vec<Value>, depth: usize) -> Result<Value, DisclosureError> {
        if depth >= json::MAX_DEPTH {
            return Err(DisclosureError::TooDeep);
        }
        let mut filled = Vec::with_capacity(array.len());
        for element in array {
            let at = PathStep::Index(filled.len() as u64);
            let digest = match element {
                Value::Object(mut object) if object.contains_key("...") => match object.remove("...") {
                    Some(Value::String(digest)) if object.is_empty() => digest,
                    _ => return Err(DisclosureError::Payload("an array element with `...` is malformed")),
                },
                other => {
                    filled.push(self.step(at, other, depth)?);
                    continue;
                }
            };
            let Some(disclosure) = self.take(digest)? else { continue };
            if disclosure.name.is_some() {
                return Err(DisclosureError::Malformed(disclosure.number, "a claim stands for an array element"));
            }
            filled.push(self.place(at, disclosure, depth)?);
        }
        Ok(Value::Array(filled))
    }

    /// The disclosure of a digest; none for a decoy or for one that was left out.
    fn take(&mut self, digest: String) -> Result<Option<Disclosure>, DisclosureError> {
        let disclosure = self.by_digest.remove(&digest);
        if self.seen.insert(digest) { Ok(disclosure) } else { Err(DisclosureError::DuplicateDigest) }
    }
}

#[cfg(test)]
#[path = "sd_jwt_tests.rs"]
mod tests;
