//! Encrypted requests and answers of the credential and deferred endpoints (`OpenID4VCI` section 10).

use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use p256::{PublicKey, SecretKey};
use serde_json::{Map, Value, json};

use crate::credential::{malformed, read_object};
use crate::dialect::EncryptionForm;
use crate::encoding::{b64, random_text, unb64};
use crate::faults::Fault;
use crate::issuer::Issuer;
use crate::jwe;
use crate::keys::{PrivateKey, PublicKey as SigningKey};
use crate::log::see;
use crate::oauth::media_type;
use crate::options::Encryption;
use crate::raw;
use crate::refusal::{Refusal, no_store};

type Object = Map<String, Value>;

/// Bytes of the message that `jwe-zip-bomb` hides in a small one.
const BOMB: usize = 64 << 20;

/// The key that requests are encrypted to; it can be replaced while the issuer runs.
pub(crate) struct RequestKeys {
    current: Mutex<Arc<SecretKey>>,
    /// Stands in the key set too, for signatures only: who takes the first key is found out.
    other: SigningKey,
}

impl RequestKeys {
    pub(crate) fn new() -> Self {
        Self { current: Mutex::new(Arc::new(jwe::new_key())), other: PrivateKey::p256().public() }
    }

    fn current(&self) -> Arc<SecretKey> {
        self.current.lock().expect("no panic while the key is locked").clone()
    }

    /// Replaces the key: the old one is unknown from now on.
    fn replace(&self) {
        *self.current.lock().expect("no panic while the key is locked") = Arc::new(jwe::new_key());
    }
}

/// The name of a key: its thumbprint.
fn kid_of(key: &SecretKey) -> String {
    SigningKey::P256(key.public_key().into()).thumbprint()
}

/// What the issuer's metadata says of encryption.
pub(crate) fn announce(issuer: &Issuer, document: &mut Value) {
    let (request, response) = match issuer.options.encryption {
        Encryption::Off => return,
        Encryption::Offered => (false, false),
        Encryption::RequestRequired => (true, false),
        Encryption::ResponseRequired => (false, true),
        Encryption::Required => (true, true),
    };
    let enc = &issuer.options.encryption_enc_values;
    match issuer.dialect.encryption {
        EncryptionForm::None => return,
        EncryptionForm::Flat => {
            document["credential_response_encryption_alg_values_supported"] = json!([jwe::ALG]);
            document["credential_response_encryption_enc_values_supported"] = json!(enc);
            document["require_credential_response_encryption"] = json!(response);
            return;
        }
        EncryptionForm::ObjectWithAlg | EncryptionForm::Object => {
            document["credential_response_encryption"] = json!({
                "alg_values_supported": [jwe::ALG],
                "enc_values_supported": enc,
                "encryption_required": response,
            });
        }
    }
    if issuer.dialect.encryption != EncryptionForm::Object {
        return;
    }
    let key = issuer.request_keys.current();
    let mut right = jwe::public_jwk(&key.public_key());
    let mut wrong = issuer.request_keys.other.to_jwk();
    for (jwk, kid, usage, alg) in [
        (&mut wrong, issuer.request_keys.other.thumbprint(), "sig", "ES256"),
        (&mut right, kid_of(&key), "enc", jwe::ALG),
    ] {
        jwk["kid"] = json!(kid);
        jwk["use"] = json!(usage);
        jwk["alg"] = json!(alg);
    }
    document["credential_request_encryption"] = json!({
        "jwks": {"keys": [wrong, right]},
        "enc_values_supported": enc,
        "encryption_required": request,
    });
    if issuer.options.encryption_zip {
        for name in ["credential_request_encryption", "credential_response_encryption"] {
            document[name]["zip_values_supported"] = json!([jwe::ZIP]);
        }
    }
}

/// How an answer has to be encrypted.
#[derive(Clone, Debug)]
struct Sealing {
    key: PublicKey,
    kid: Option<String>,
    enc: String,
    zip: bool,
}

/// A request as it was read, and what to do with the answer.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) request: Map<String, Value>,
    sealing: Option<Sealing>,
    /// What the log takes from the answer.
    pub(crate) seen: Map<String, Value>,
}

fn wrong(reason: impl AsRef<str>) -> Refusal {
    Refusal::new("invalid_encryption_parameters", reason)
}

/// Reads a request, plain or encrypted, and its `credential_response_encryption`.
pub(crate) fn read(issuer: &Issuer, headers: &HeaderMap, body: &[u8]) -> Result<Opened, Refusal> {
    let (mut request, header) = if media_type(headers).as_deref() == Some("application/jwt") {
        let (request, header) = decrypt(issuer, body)?;
        (request, Some(header))
    } else {
        let request = read_object(headers, body)?;
        if matches!(issuer.options.encryption, Encryption::RequestRequired | Encryption::Required) {
            return Err(wrong("This issuer takes encrypted requests only"));
        }
        (request, None)
    };
    let sealing = match take_parameters(issuer.dialect.encryption, &mut request)? {
        None if matches!(issuer.options.encryption, Encryption::ResponseRequired | Encryption::Required) => {
            return Err(wrong("What is needed to encrypt the response is missing, this issuer encrypts every one"));
        }
        None => None,
        Some(_) if issuer.options.encryption == Encryption::Off => {
            return Err(wrong("This issuer does not encrypt its responses"));
        }
        Some(_) if header.is_none() && issuer.dialect.encryption == EncryptionForm::Object => {
            return Err(wrong("credential_response_encryption has no place in a request that is not encrypted"));
        }
        Some(parameters) => Some(read_parameters(issuer, &parameters)?),
    };
    let seen = header.map(|header| ("request_jwe".to_owned(), Value::Object(header))).into_iter().collect();
    Ok(Opened { request, sealing, seen })
}

/// Takes the parameters for the response's encryption out of a request, as one object.
fn take_parameters(form: EncryptionForm, request: &mut Object) -> Result<Option<Value>, Refusal> {
    match form {
        EncryptionForm::None => Ok(None),
        EncryptionForm::ObjectWithAlg | EncryptionForm::Object => Ok(request.remove("credential_response_encryption")),
        EncryptionForm::Flat => {
            let jwk = request.remove("credential_encryption_jwk");
            let alg = request.remove("credential_response_encryption_alg");
            let enc = request.remove("credential_response_encryption_enc");
            match (jwk, alg) {
                (Some(jwk), Some(alg)) => {
                    Ok(Some(json!({"jwk": jwk, "alg": alg, "enc": enc.unwrap_or(json!("A256GCM"))})))
                }
                (None, Some(_)) => Err(wrong("credential_encryption_jwk is missing")),
                (_, None) if enc.is_some() => Err(wrong("credential_response_encryption_alg is missing")),
                // Without an algorithm nothing is meant to be encrypted.
                (_, None) => Ok(None),
            }
        }
    }
}

/// The request in a JWE, and the JWE's header.
fn decrypt(issuer: &Issuer, body: &[u8]) -> Result<(Object, Object), Refusal> {
    if issuer.options.encryption == Encryption::Off || issuer.dialect.encryption != EncryptionForm::Object {
        return Err(wrong("This issuer takes no encrypted requests"));
    }
    if issuer.faults.strikes(Fault::RotatedEncryptionKey) {
        issuer.request_keys.replace();
    }
    let bad = |reason: String| wrong(format!("The encrypted request: {reason}"));
    let message = std::str::from_utf8(body).map_err(|_| bad("it is not text".to_owned()))?;
    let header = jwe::header_of(message).map_err(bad)?;
    let key = issuer.request_keys.current();
    check_header(issuer, &key, &header).map_err(bad)?;
    let content = jwe::open(&key, message).map_err(bad)?;
    let request =
        serde_json::from_slice(&content).map_err(|_| malformed("The encrypted request is not a JSON object"))?;
    Ok((request, header))
}

fn check_header(issuer: &Issuer, key: &SecretKey, header: &Map<String, Value>) -> Result<(), String> {
    let text = |name: &str| header.get(name).and_then(Value::as_str);
    if text("alg") != Some(jwe::ALG) {
        return Err(format!("alg is not the key's, which is {}", jwe::ALG));
    }
    match text("kid") {
        Some(kid) if kid == kid_of(key) => {}
        Some(_) => return Err("kid is not of a key for encryption in the metadata".to_owned()),
        None => return Err("kid is missing, although the key has one".to_owned()),
    }
    let enc = text("enc").ok_or("enc is missing")?;
    check_enc(issuer, enc)?;
    check_zip(issuer, header.get("zip"))?;
    if header.contains_key("crit") {
        return Err("crit is not supported here".to_owned());
    }
    Ok(())
}

fn check_enc(issuer: &Issuer, enc: &str) -> Result<(), String> {
    let listed = &issuer.options.encryption_enc_values;
    if listed.iter().any(|known| known == enc) {
        Ok(())
    } else {
        Err(format!("enc {enc} is not one of {}", listed.join(", ")))
    }
}

fn check_zip(issuer: &Issuer, zip: Option<&Value>) -> Result<bool, String> {
    match zip {
        None => Ok(false),
        Some(_) if !issuer.options.encryption_zip => Err("zip is not supported here".to_owned()),
        Some(zip) if *zip == jwe::ZIP => Ok(true),
        Some(_) => Err(format!("zip is not {}", jwe::ZIP)),
    }
}

fn read_parameters(issuer: &Issuer, parameters: &Value) -> Result<Sealing, Refusal> {
    let bad = |reason: String| wrong(format!("credential_response_encryption: {reason}"));
    let parameters = parameters.as_object().ok_or_else(|| bad("it is not an object".to_owned()))?;
    let apart = issuer.dialect.encryption != EncryptionForm::Object;
    let known = if apart { ["jwk", "alg", "enc"] } else { ["jwk", "enc", "zip"] };
    if issuer.options.refuse_unknown_members
        && let Some(name) = parameters.keys().find(|name| !known.contains(&name.as_str()))
    {
        let reason = if name == "alg" { "is of an earlier draft and stands in the jwk now" } else { "is not known" };
        return Err(bad(format!("the member {name} {reason}")));
    }
    let jwk = parameters.get("jwk").ok_or_else(|| bad("jwk is missing".to_owned()))?;
    let key = jwe::read_jwk(jwk).map_err(bad)?;
    let alg = if apart { parameters.get("alg") } else { jwk.get("alg") };
    if alg.and_then(Value::as_str) != Some(jwe::ALG) {
        return Err(bad(format!("the {}alg is not {}", if apart { "" } else { "jwk's " }, jwe::ALG)));
    }
    if jwk.get("use").is_some_and(|usage| usage != "enc") {
        return Err(bad("the jwk's use is not enc".to_owned()));
    }
    let kid = match jwk.get("kid") {
        None => None,
        Some(Value::String(kid)) => Some(kid.clone()),
        Some(_) => return Err(bad("the jwk's kid is not a string".to_owned())),
    };
    let enc = parameters.get("enc").and_then(Value::as_str).ok_or_else(|| bad("enc is missing".to_owned()))?;
    check_enc(issuer, enc).map_err(bad)?;
    let zip = check_zip(issuer, parameters.get("zip")).map_err(bad)?;
    Ok(Sealing { key, kid, enc: enc.to_owned(), zip })
}

impl Opened {
    /// A request that is not encrypted and whose answer will not be.
    pub(crate) fn plain(request: Object) -> Self {
        Self { request, sealing: None, seen: Object::new() }
    }

    /// The answer to this request: encrypted if that was asked for.
    pub(crate) fn answer(&self, issuer: &Issuer, status: StatusCode, answer: &Value) -> Response {
        let mut response = match &self.sealing {
            Some(sealing) if !issuer.faults.strikes(Fault::PlainAnswer) => sealing.seal(issuer, status, answer),
            _ => no_store(status, answer),
        };
        for (name, value) in &self.seen {
            see(&mut response, name, value.clone());
        }
        response
    }
}

impl Sealing {
    fn seal(&self, issuer: &Issuer, status: StatusCode, answer: &Value) -> Response {
        let strikes = |fault| issuer.faults.strikes(fault);
        let enc = if strikes(Fault::JweWrongEnc) {
            jwe::ENCS.into_iter().find(|enc| *enc != self.enc).expect("there are two")
        } else {
            &self.enc
        };
        // Both parties are named, so that a wallet whose key derivation leaves them out is found out.
        let mut header = Map::from_iter([
            ("enc".to_owned(), json!(enc)),
            ("apu".to_owned(), json!(b64(&issuer.id))),
            ("apv".to_owned(), json!(b64(random_text()))),
        ]);
        if let Some(kid) = self.kid.as_ref().filter(|_| !strikes(Fault::JweNoKid)) {
            header.insert("kid".into(), json!(kid));
        }
        let mut content = raw::text(answer);
        if strikes(Fault::JweZipBomb) {
            content.extend(std::iter::repeat_n(' ', BOMB));
            header.insert("zip".into(), json!(jwe::ZIP));
        } else if self.zip || strikes(Fault::JweUnaskedZip) {
            header.insert("zip".into(), json!(jwe::ZIP));
        }
        let key = if strikes(Fault::JweWrongKey) { jwe::new_key().public_key() } else { self.key };
        let mut sealed = jwe::seal(&key, &header, content.as_bytes()).expect("every listed enc is known");
        if strikes(Fault::JweTampered) {
            sealed = tampered(&sealed);
        }
        let seen = jwe::header_of(&sealed).expect("just made");
        let mut response = Response::new(Body::from(sealed));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/jwt"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        see(&mut response, "answer_jwe", Value::Object(seen));
        response
    }
}

/// The message with one bit of its ciphertext turned.
fn tampered(message: &str) -> String {
    let mut parts: Vec<String> = message.split('.').map(str::to_owned).collect();
    let mut text = unb64(&parts[3]).expect("just made");
    text[0] ^= 1;
    parts[3] = b64(text);
    parts.join(".")
}
