//! What the log keeps of the proofs that a request carried. Nothing is checked here: that is done
//! where the request is judged.

use http::HeaderMap;
use serde::Serialize;
use serde_json::Value;

use crate::encoding::sha256_b64;
use crate::jwt::Jwt;
use crate::keys::PublicKey;

/// A DPoP proof as a request showed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ShownDpop {
    /// Thumbprint of its key; empty if there is no legal one.
    pub key: String,
    /// Its `jti`.
    pub jti: String,
    /// Its `nonce`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
}

/// A client attestation with its proof of possession as a request showed them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ShownAttestation {
    /// SHA-256 of the attestation in base64url, to tell whether it is the same one.
    pub hash: String,
    /// Thumbprint of the key in `cnf`; empty if there is no legal one.
    pub key: String,
    /// `jti` of the proof of possession.
    pub jti: String,
    /// `challenge` of the proof of possession.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub challenge: Option<String>,
}

/// What one request showed.
#[derive(Default)]
pub(crate) struct Shown {
    pub(crate) dpop: Option<ShownDpop>,
    pub(crate) attestation: Option<ShownAttestation>,
    pub(crate) client_auth: Option<String>,
    pub(crate) grant_type: Option<String>,
    pub(crate) parameters: Vec<String>,
}

impl Shown {
    /// Looks at a request; `form` is its body, if that is a form.
    pub(crate) fn of(headers: &HeaderMap, form: Option<&[u8]>) -> Self {
        let mut shown = Self { dpop: dpop(headers), attestation: attestation(headers), ..Self::default() };
        for (name, value) in url::form_urlencoded::parse(form.unwrap_or_default()) {
            match name.as_ref() {
                "grant_type" => shown.grant_type = Some(value.into_owned()),
                "client_assertion" => shown.client_auth = Some("private_key_jwt".to_owned()),
                _ => {}
            }
            shown.parameters.push(name.into_owned());
        }
        if shown.attestation.is_some() {
            shown.client_auth = Some("attest_jwt_client_auth".to_owned());
        }
        shown
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}

fn thumbprint(jwk: Option<&Value>) -> String {
    jwk.and_then(|jwk| PublicKey::from_jwk(jwk).ok()).map(|key| key.thumbprint()).unwrap_or_default()
}

fn claim(jwt: Option<&Jwt>, name: &str) -> Option<String> {
    jwt?.claims.get(name)?.as_str().map(str::to_owned)
}

fn dpop(headers: &HeaderMap) -> Option<ShownDpop> {
    let jwt = Jwt::parse(header(headers, "dpop")?).ok();
    let jwt = jwt.as_ref();
    Some(ShownDpop {
        key: thumbprint(jwt.and_then(|jwt| jwt.header.get("jwk"))),
        jti: claim(jwt, "jti").unwrap_or_default(),
        nonce: claim(jwt, "nonce"),
    })
}

fn attestation(headers: &HeaderMap) -> Option<ShownAttestation> {
    let text = header(headers, "oauth-client-attestation")?;
    let jwt = Jwt::parse(text).ok();
    let pop = Jwt::parse(header(headers, "oauth-client-attestation-pop").unwrap_or_default()).ok();
    Some(ShownAttestation {
        hash: sha256_b64(text),
        key: thumbprint(jwt.as_ref().and_then(|jwt| jwt.claims.get("cnf")?.get("jwk"))),
        jti: claim(pop.as_ref(), "jti").unwrap_or_default(),
        challenge: claim(pop.as_ref(), "challenge"),
    })
}
