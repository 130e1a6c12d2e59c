//! Keys behind DIDs: did:key, did:jwk, did:prism in its long form, did:web, and of other methods the documents that
//! the app resolves.

pub(crate) mod prism;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use url::Url;

use super::public_key::IssuerPublicKey;
use super::{DocumentError, DocumentSource};
use crate::json;
use crate::model::ids::is_loopback;
use crate::model::jwk::{Curve, Jwk, JwkError};

/// Why a DID leads to no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DidError {
    /// It is not a DID of its method.
    #[error("the DID is malformed: {0}")]
    Malformed(String),
    /// A method or a key type that this version does not know.
    #[error("{0}")]
    Unsupported(String),
    /// The DID's document has no such key, or not for credentials.
    #[error("{0}")]
    NoKey(String),
    /// The DID's document could not be had.
    #[error("the DID document could not be had: {0}")]
    Document(#[from] DocumentError),
}

/// The did:key of a key.
pub(crate) fn did_key(key: &Jwk) -> String {
    format!("did:key:{}", multibase(key))
}

/// The verification method in the did:key of a key, for a `kid`.
pub(crate) fn did_key_url(key: &Jwk) -> String {
    format!("{}#{}", did_key(key), multibase(key))
}

/// The did:jwk of a key.
pub(crate) fn did_jwk(key: &Jwk) -> String {
    // Only what makes the key: a `kid` would make another DID of the same key.
    let bare = Jwk::from_point(key.curve(), &key.to_point()).expect("a key's own point is a key");
    format!("did:jwk:{}", URL_SAFE_NO_PAD.encode(bare.to_value().to_string()))
}

/// The verification method in the did:jwk of a key, for a `kid`.
pub(crate) fn did_jwk_url(key: &Jwk) -> String {
    format!("{}#0", did_jwk(key))
}

/// Whether two DIDs are one: the same text, or the short and a long form of one did:prism.
pub(crate) fn same(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    one == other || (prism::is_short_form(short) && prism::hash(long) == prism::hash(short))
}

/// Whether a text begins like a DID or a DID URL.
pub(crate) fn is_did(text: &str) -> bool {
    text.starts_with("did:")
}

/// A DID URL's DID and its fragment.
pub(crate) fn split(did_url: &str) -> (&str, Option<&str>) {
    match did_url.split_once('#') {
        Some((did, fragment)) => (did, Some(fragment)),
        None => (did_url, None),
    }
}

/// The key of a did:key or did:jwk, which carry it in themselves; `None` for other methods.
///
/// The fragment is not looked at: such a DID has one key only, and issuers are seen to name it in
/// their own ways.
pub(crate) fn self_contained(did_url: &str) -> Option<Result<IssuerPublicKey, DidError>> {
    let (did, _) = split(did_url);
    if let Some(id) = did.strip_prefix("did:key:") {
        Some(from_multibase(id))
    } else {
        did.strip_prefix("did:jwk:").map(key_of_did_jwk)
    }
}

/// The keys that sign credentials for a DID: the one that the fragment names, else all.
pub(crate) async fn resolve(did_url: &str, documents: &dyn DocumentSource) -> Result<Vec<IssuerPublicKey>, DidError> {
    if let Some(key) = self_contained(did_url) {
        return key.map(|key| vec![key]);
    }
    let (did, fragment) = split(did_url);
    if let Some(state) = prism::long_form(did) {
        return state?.assertion_keys(fragment);
    }
    if did.starts_with("did:web:") {
        let document = documents.get(&web_url(did)?).await?;
        return keys_of_document(did, fragment, &document);
    }
    if did.contains(['/', '?']) {
        return Err(DidError::Malformed("it has a path or a query".to_owned()));
    }
    if let Some(document) = documents.resolve_did(did).await {
        let document = document?;
        return match fragment {
            Some(fragment) if says_no_purpose(&document) => key_without_purpose(did, fragment, &document),
            _ => keys_of_document(did, fragment, &document),
        };
    }
    if prism::is_short_form(did) {
        let detail =
            "what stands behind the short form of a did:prism is for a DID resolver of the app, and none knows it";
        return Err(DidError::Unsupported(detail.to_owned()));
    }
    let method = did.split(':').nth(1).unwrap_or_default();
    let method: String = method.chars().filter(char::is_ascii_alphanumeric).take(20).collect();
    Err(DidError::Unsupported(format!("the DID method `{method}` is not supported")))
}

/// Host and port that a did:web stands for, as a URL authority.
pub(crate) fn web_authority(did: &str) -> Option<String> {
    web_url(did).ok().map(|url| authority(&url))
}

/// Whether a did:web is of the host of a URL, and of its path or one above it: another path of the host is somebody
/// else's.
pub(crate) fn web_covers(did: &str, url: &Url) -> bool {
    let Ok(document) = web_url(did) else { return false };
    let path = document.path().strip_suffix("/did.json").unwrap_or_default();
    let path = if path == "/.well-known" { "" } else { path };
    let below = url.path().trim_end_matches('/').strip_prefix(path);
    authority(&document) == authority(url) && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A URL's host, with its port unless that is the scheme's own.
pub(crate) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn multibase(key: &Jwk) -> String {
    let multicodec: [u8; 2] = match key.curve() {
        Curve::Ed25519 => [0xed, 0x01],
        Curve::Secp256k1 => [0xe7, 0x01],
        Curve::P256 => [0x80, 0x24],
        Curve::P384 => [0x81, 0x24],
    };
    format!("z{}", bs58::encode([multicodec.as_slice(), &compressed(key)].concat()).into_string())
}

/// The compressed SEC 1 point of a key, or the 32 octets of Ed25519.
fn compressed(key: &Jwk) -> Vec<u8> {
    let point = key.to_point();
    if key.curve() == Curve::Ed25519 {
        return point;
    }
    let length = key.curve().coordinate_length();
    // An uncompressed point ends in y, whose parity is the tag.
    let tag = 2 + (point[2 * length] & 1);
    [&[tag], &point[1..=length]].concat()
}

fn from_multibase(text: &str) -> Result<IssuerPublicKey, DidError> {
    // Base58 decoding takes quadratic time: nothing legitimate is longer than an RSA key.
    if text.len() > 2048 {
        return Err(DidError::Malformed("it is too long".to_owned()));
    }
    let encoded = text.strip_prefix('z').ok_or_else(|| DidError::Malformed("it is not base58btc".to_owned()))?;
    let octets = bs58::decode(encoded).into_vec().map_err(|_| DidError::Malformed("it is not base58btc".to_owned()))?;
    IssuerPublicKey::from_multicodec(&octets).map_err(|error| from_jwk_error(&error))
}

fn key_of_did_jwk(id: &str) -> Result<IssuerPublicKey, DidError> {
    let malformed = || DidError::Malformed("it holds no JWK".to_owned());
    let octets = URL_SAFE_NO_PAD.decode(id).map_err(|_| malformed())?;
    let value = json::parse(&octets).map_err(|_| malformed())?;
    if value.get("use").is_some_and(|purpose| purpose == "enc") {
        return Err(DidError::NoKey("the did:jwk is a key for encryption".to_owned()));
    }
    IssuerPublicKey::from_jwk(&value).map_err(|error| from_jwk_error(&error))
}

fn from_jwk_error(error: &JwkError) -> DidError {
    match error {
        JwkError::Malformed(_) => DidError::Malformed(error.to_string()),
        JwkError::Unsupported(_) => DidError::Unsupported(error.to_string()),
    }
}

/// Where the document of a did:web is (did:web, section 3.2).
///
/// Loopback hosts get `http`, as issuers on them do; whether such a host may be asked is for the
/// document source to say.
pub(crate) fn web_url(did: &str) -> Result<Url, DidError> {
    let malformed = |why: &str| DidError::Malformed(why.to_owned());
    let id = did.strip_prefix("did:web:").ok_or_else(|| malformed("it is not a did:web"))?;
    let mut parts = id.split(':');
    let host = parts.next().unwrap_or_default().replace("%3A", ":").replace("%3a", ":");
    if host.is_empty() || host.contains(['%', '/', '@', '?', '#', '\\']) {
        return Err(malformed("its host is not one"));
    }
    let mut path = String::new();
    for part in parts {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~' | '%');
        if part.is_empty() || part == "." || part == ".." || !part.chars().all(plain) {
            return Err(malformed("its path is not one"));
        }
        path.push('/');
        path.push_str(part);
    }
    if path.is_empty() {
        path.push_str("/.well-known");
    }
    let url = Url::parse(&format!("https://{host}{path}/did.json")).map_err(|_| malformed("its host is not one"))?;
    if url.host().is_some_and(|host| is_loopback(&host)) {
        return Url::parse(&format!("http://{host}{path}/did.json")).map_err(|_| malformed("its host is not one"));
    }
    Ok(url)
}

/// Whether a document says of none of its keys what it is for, as those of did:dyne do.
fn says_no_purpose(document: &Value) -> bool {
    const PURPOSES: [&str; 5] =
        ["assertionMethod", "authentication", "keyAgreement", "capabilityInvocation", "capabilityDelegation"];
    PURPOSES.iter().all(|purpose| document.get(purpose).is_none())
}

/// A key of a document that says of none what it is for: whoever signs has to name it.
fn key_without_purpose(did: &str, fragment: &str, document: &Value) -> Result<Vec<IssuerPublicKey>, DidError> {
    let mut document = document.clone();
    if let Some(members) = document.as_object_mut() {
        members.insert("assertionMethod".to_owned(), Value::Array(vec![format!("{did}#{fragment}").into()]));
    }
    keys_of_document(did, Some(fragment), &document)
}

/// The assertion keys of a DID document.
pub(super) fn keys_of_document(
    did: &str,
    fragment: Option<&str>,
    document: &Value,
) -> Result<Vec<IssuerPublicKey>, DidError> {
    let no_key = |why: &str| DidError::NoKey(why.to_owned());
    if document.get("id").and_then(Value::as_str) != Some(did) {
        return Err(no_key("the DID document has another id"));
    }
    let list = |name: &str| document.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let id_of = |method: &Value| {
        let id = method.get("id").and_then(Value::as_str).unwrap_or_default();
        if id.starts_with('#') { format!("{did}{id}") } else { id.to_owned() }
    };
    let mut keys = Vec::new();
    let mut problem = None;
    // Methods are listed for assertion by name or put there whole.
    for entry in list("assertionMethod").iter().take(32) {
        let (id, method) = match entry {
            Value::String(name) => {
                let id = if name.starts_with('#') { format!("{did}{name}") } else { name.clone() };
                let method = list("verificationMethod").iter().find(|method| id_of(method) == id);
                (id, method)
            }
            whole => (id_of(whole), Some(whole)),
        };
        let Some(method) = method else { continue };
        if fragment.is_some_and(|fragment| id != format!("{did}#{fragment}")) {
            continue;
        }
        let key = if let Some(jwk) = method.get("publicKeyJwk") {
            IssuerPublicKey::from_jwk(jwk).map_err(|error| from_jwk_error(&error))
        } else if let Some(text) = method.get("publicKeyMultibase").and_then(Value::as_str) {
            from_multibase(text)
        } else if let Some(key) = key_in_base58(method) {
            key
        } else {
            Err(DidError::Unsupported("the verification method holds its key in an unknown form".to_owned()))
        };
        match key {
            Ok(key) => keys.push(key),
            Err(error) => problem = Some(error),
        }
    }
    if keys.is_empty() {
        return Err(problem.unwrap_or_else(|| no_key("the DID document has no such key for assertions")));
    }
    Ok(keys)
}

/// The key of a verification method of 2018 or 2019 or of did:dyne, whose type tells its kind; `None` for others.
fn key_in_base58(method: &Value) -> Option<Result<IssuerPublicKey, DidError>> {
    let text = method.get("publicKeyBase58")?.as_str()?;
    let multicodec: &[u8] = match method.get("type")?.as_str()? {
        "Ed25519VerificationKey2018" => &[0xed, 0x01],
        "EcdsaSecp256k1VerificationKey2019" => &[0xe7, 0x01],
        "EcdsaSecp256r1VerificationKey" => &[0x80, 0x24],
        _ => return None,
    };
    let malformed = || DidError::Malformed("a key is not base58".to_owned());
    // Longer than any point; see above.
    if text.len() > 128 {
        return Some(Err(malformed()));
    }
    let octets = bs58::decode(text).into_vec().map_err(|_| malformed());
    Some(octets.and_then(|octets| {
        // Two coordinates of a point without what says that they are.
        let form: &[u8] = if octets.len() == 64 { &[4] } else { &[] };
        IssuerPublicKey::from_multicodec(&[multicodec, form, &octets].concat()).map_err(|error| from_jwk_error(&error))
    }))
}

#[cfg(test)]
mod tests;
