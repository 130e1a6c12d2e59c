//! From an answer to a status list, nothing of which has been checked.

use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};

use super::bitstring::BitstringList;
use super::token_list::TokenList;
use super::{MAX_OCTETS, Times, Trouble};
use crate::cbor::{Item, Kind};
use crate::json;
use crate::model::report::Reason;
use crate::model::time::Timestamp;
use crate::verify::Fetched;
use crate::verify::cose::CoseSign1;
use crate::verify::jose::{AlgorithmError, Jws, JwsAlgorithm, SignatureError};
use crate::verify::public_key::IssuerPublicKey;

/// A JWT's text may be this long: base64 of the largest payload, and something for the header.
const MAX_TEXT: usize = MAX_OCTETS;
/// So many keys are remembered as a list's signers.
const MAX_SIGNERS: usize = 8;

/// Which kind of list a credential names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Family {
    /// Token Status List.
    Token,
    /// W3C Bitstring Status List.
    Bitstring,
}

impl Family {
    pub(super) fn accept(self) -> &'static str {
        match self {
            Self::Token => "application/statuslist+jwt, application/statuslist+cwt;q=0.9",
            Self::Bitstring => {
                "application/vc+jwt, application/vc, application/vc+ld+json, application/jwt, application/json;q=0.9"
            }
        }
    }
}

/// A list as it came.
#[derive(Debug)]
pub(crate) struct List {
    pub(super) content: Content,
    body: Vec<u8>,
    form: Form,
    /// When it came.
    at: Timestamp,
    /// Keys of which it is known that they signed it.
    signers: Mutex<Vec<IssuerPublicKey>>,
}

/// What it says.
#[derive(Debug)]
pub(super) enum Content {
    Token(TokenList),
    Bitstring(BitstringList),
}

/// How it is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Jwt,
    Cwt,
    /// A JSON document with a Data Integrity proof.
    Json,
}

impl List {
    /// Reads an answer. Its content type is not looked at: servers are seen to give any, and the forms can be told
    /// apart.
    pub(super) fn read(fetched: Fetched, family: Family) -> Result<Self, Trouble> {
        let Fetched { content_type, body, at, .. } = fetched;
        let form = form(&body).ok_or_else(|| {
            let what: String = content_type.iter().flat_map(|text| text.chars().take(60)).collect();
            let what = if what.is_empty() { "something else".to_owned() } else { what };
            Trouble::unknown(Reason::Unreachable, format!("the status list could not be had: the answer is {what}"))
        })?;
        let content = match (form, family) {
            (Form::Jwt, Family::Token) => Content::Token(token_in_jwt(&parse_jwt(&body)?)?),
            (Form::Cwt, Family::Token) => Content::Token(token_in_cwt(&body)?),
            (Form::Jwt, Family::Bitstring) => {
                let payload = payload(&parse_jwt(&body)?)?;
                // Data model 1.1 puts the credential into `vc`; 2.0 makes it the payload itself.
                let credential = payload.get("vc").and_then(Value::as_object).unwrap_or(&payload);
                Content::Bitstring(BitstringList::of_credential(credential, Some(&payload))?)
            }
            (Form::Json, Family::Bitstring) => {
                let credential = json::parse_object(&body).map_err(|_| broken("it is not a JSON object"))?;
                Content::Bitstring(BitstringList::of_credential(&credential, None)?)
            }
            (Form::Json, Family::Token) | (Form::Cwt, Family::Bitstring) => {
                return Err(broken("it is of another kind than the credential says"));
            }
        };
        Ok(Self { content, body, form, at, signers: Mutex::default() })
    }

    pub(super) fn times(&self) -> Times {
        match &self.content {
            Content::Token(token) => token.times,
            Content::Bitstring(bits) => bits.times,
        }
    }

    /// Until when it may be kept.
    pub(super) fn fresh_until(&self) -> Timestamp {
        self.times().fresh_until(self.at)
    }

    /// How much memory it takes.
    pub(super) fn octets(&self) -> usize {
        let list = match &self.content {
            Content::Token(token) => &token.list,
            Content::Bitstring(bits) => &bits.list,
        };
        self.body.len() + list.octets.len()
    }

    pub(super) fn form(&self) -> Form {
        self.form
    }

    /// The JSON document with proofs that it came as.
    #[cfg(feature = "ldp-vc")]
    pub(super) fn credential(&self) -> Result<Map<String, Value>, Trouble> {
        json::parse_object(&self.body).map_err(|_| broken("it is not a JSON object"))
    }

    /// What it came in; `None` if that is no signed envelope.
    pub(super) fn envelope(&self) -> Option<Envelope<'_>> {
        // It was read before.
        match self.form {
            Form::Jwt => parse_jwt(&self.body).ok().map(Envelope::Jwt),
            Form::Cwt => CoseSign1::parse(&self.body).ok().map(Envelope::Cwt),
            Form::Json => None,
        }
    }

    /// Whether this key is known to have signed it.
    pub(super) fn is_signed_by(&self, key: &IssuerPublicKey) -> bool {
        self.signers.lock().unwrap_or_else(PoisonError::into_inner).contains(key)
    }

    /// Keeps in mind that this key has signed it.
    pub(super) fn remember_signer(&self, key: &IssuerPublicKey) {
        let mut signers = self.signers.lock().unwrap_or_else(PoisonError::into_inner);
        if signers.len() < MAX_SIGNERS {
            signers.push(key.clone());
        }
    }
}

/// A signed list, ready for the check of its signature.
pub(super) enum Envelope<'a> {
    Jwt(Jws<'a>),
    Cwt(CoseSign1<'a>),
}

impl Envelope<'_> {
    /// The members by which an issuer's key is found, under their JOSE names.
    pub(super) fn header(&self) -> Result<Map<String, Value>, Trouble> {
        match self {
            Self::Jwt(jws) => Ok(jws.header.clone()),
            Self::Cwt(cose) => {
                use base64::Engine as _;
                let encode = |octets: &[u8]| base64::engine::general_purpose::STANDARD.encode(octets);
                let mut header = Map::new();
                if let Some(chain) = cose.x5chain().map_err(|error| broken(&error.to_string()))? {
                    header.insert("x5c".to_owned(), chain.into_iter().map(encode).collect());
                }
                if let Some(kid) = cose.kid().and_then(|kid| std::str::from_utf8(kid).ok()) {
                    header.insert("kid".to_owned(), kid.into());
                }
                Ok(header)
            }
        }
    }

    pub(super) fn algorithm(&self) -> Result<JwsAlgorithm, AlgorithmError> {
        match self {
            Self::Jwt(jws) => jws.algorithm(),
            Self::Cwt(cose) => cose.algorithm(),
        }
    }

    pub(super) fn verify(&self, algorithm: JwsAlgorithm, key: &IssuerPublicKey) -> Result<(), SignatureError> {
        match self {
            Self::Jwt(jws) => key.verify(algorithm, jws.signing_input.as_bytes(), &jws.signature),
            Self::Cwt(cose) => key.verify(algorithm, &cose.signed_bytes(), cose.signature),
        }
    }
}

fn form(body: &[u8]) -> Option<Form> {
    let text = body.trim_ascii();
    match text.first()? {
        b'{' => Some(Form::Json),
        b'e' if text.split(|octet| *octet == b'.').count() == 3 => Some(Form::Jwt),
        // An array of four, or a tag: 18, or 61 around it.
        0x84 | 0xd2 | 0xd8 => Some(Form::Cwt),
        _ => None,
    }
}

fn parse_jwt(body: &[u8]) -> Result<Jws<'_>, Trouble> {
    let text = std::str::from_utf8(body.trim_ascii()).map_err(|_| broken("the token is not text"))?;
    Jws::parse_within(text, MAX_TEXT).map_err(|error| broken(&error.to_string()))
}

fn payload(jws: &Jws<'_>) -> Result<Map<String, Value>, Trouble> {
    json::parse_object(&jws.payload).map_err(|error| broken(&format!("the payload is not a JSON object: {error}")))
}

fn is_type(typ: Option<&str>, name: &str) -> bool {
    let typ = typ.unwrap_or_default().to_ascii_lowercase();
    typ.strip_prefix("application/").unwrap_or(&typ) == name
}

fn token_in_jwt(jws: &Jws<'_>) -> Result<TokenList, Trouble> {
    if !is_type(jws.header_text("typ"), "statuslist+jwt") {
        return Err(broken("the header's `typ` is not that of a status list"));
    }
    TokenList::of_jwt(&payload(jws)?)
}

/// Reads a CWT (Token Status List section 5.2).
fn token_in_cwt(body: &[u8]) -> Result<TokenList, Trouble> {
    const ISS: i64 = 1;
    const SUB: i64 = 2;
    const EXP: i64 = 4;
    const IAT: i64 = 6;
    const STATUS_LIST: i64 = 65_533;
    const TTL: i64 = 65_534;
    let cose = CoseSign1::parse(body).map_err(|error| broken(&error.to_string()))?;
    if !is_type(cose.typ(), "statuslist+cwt") {
        return Err(broken("the header's type is not that of a status list"));
    }
    let claims = Item::parse(cose.payload).map_err(|error| broken(&error.to_string()))?;
    if claims.as_map().is_none() {
        return Err(broken("the payload is not a map"));
    }
    let text = |label: i64| claims.get_label(label).and_then(|item| item.as_text());
    let number = |label: i64| match claims.get_label(label) {
        None => Ok(None),
        Some(item) => as_number(item).map(Some).ok_or_else(|| broken("a time in it is not a number")),
    };
    let list = claims.get_label(STATUS_LIST).filter(|list| list.as_map().is_some());
    let list = list.ok_or_else(|| broken("it holds no status list"))?;
    TokenList::new(
        text(SUB),
        text(ISS),
        (number(IAT)?, number(EXP)?, number(TTL)?),
        list.get("bits").and_then(|bits| u64::try_from(bits.as_i64()?).ok()),
        list.get("lst").and_then(|lst| lst.as_bytes()).ok_or_else(|| broken("`lst` is not a byte string"))?,
    )
}

#[allow(clippy::cast_precision_loss)] // no moment is that far away
fn as_number(item: Item<'_>) -> Option<f64> {
    match item.kind() {
        Kind::Float(number) if number.is_finite() => Some(number),
        _ => item.as_i64().map(|number| number as f64),
    }
}

fn broken(why: &str) -> Trouble {
    Trouble::failed(format!("the status list: {why}"))
}
