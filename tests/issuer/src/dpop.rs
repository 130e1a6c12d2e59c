//! Sender-constrained access tokens (DPoP, RFC 9449): checking proofs, and handing out nonces.

use std::time::Duration;

use axum::response::Response;
use http::header::HOST;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::encoding::sha256_b64;
use crate::faults::Fault;
use crate::issuer::Issuer;
use crate::jwt::Jwt;
use crate::keys::PublicKey;
use crate::options::Dpop;
use crate::refusal::{Noted, Refusal, Scheme};

/// What proofs may be signed with.
pub(crate) const ALGS: [&str; 3] = ["ES256", "ES384", "EdDSA"];
/// Seconds that `iat` may be off.
const IAT_WINDOW: u64 = 60;

const HEADER: HeaderName = HeaderName::from_static("dpop");
const NONCE_HEADER: HeaderName = HeaderName::from_static("dpop-nonce");

/// A server with nonces of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Realm {
    /// An authorization server, by its number.
    Authorization(usize),
    /// The credential issuer.
    Resource,
}

/// A refusal that concerns DPoP: 400 with JSON at an authorization server, 401 with nothing but
/// `WWW-Authenticate` at the credential issuer (sections 8 and 9).
pub(crate) fn refusal(realm: Realm, code: &'static str, description: &str) -> Refusal {
    match realm {
        Realm::Authorization(_) => Refusal::new(code, description),
        Realm::Resource => Refusal::protected(Scheme::Dpop, code, description),
    }
}

/// The refusal with a nonce to be used instead.
pub(crate) fn with_nonce(issuer: &Issuer, realm: Realm, refusal: Refusal) -> Refusal {
    refusal.header(NONCE_HEADER, give(issuer, realm))
}

fn give(issuer: &Issuer, realm: Realm) -> String {
    let now = issuer.now();
    issuer.book().dpop_nonces.entry(realm).or_default().give(now)
}

/// Puts a new nonce on an answer, if this issuer has nonces at all and none is there yet.
pub(crate) fn renew_nonce(issuer: &Issuer, realm: Realm, response: &mut Response) {
    // A refusal that asks for a nonce and has none is the fault dpop-nonce-missing.
    let asks = response.extensions().get::<Noted>().is_some_and(|noted| noted.code == "use_dpop_nonce");
    if !issuer.options.dpop_nonces || asks || response.headers().contains_key(NONCE_HEADER) {
        return;
    }
    let nonce = HeaderValue::from_str(&give(issuer, realm)).expect("a nonce is base64url");
    response.headers_mut().insert(NONCE_HEADER, nonce);
}

/// Checks the proof of a request to an authorization server's endpoint, whose key is returned as
/// a thumbprint. `needed` is whether a set-up that requires DPoP requires it here.
pub(crate) fn at_server(
    issuer: &Issuer,
    server: usize,
    endpoint: &str,
    headers: &HeaderMap,
    needed: bool,
) -> Result<Option<String>, Refusal> {
    if issuer.options.dpop == Dpop::Off {
        // Section 5: a server that does not know DPoP ignores the header.
        return Ok(None);
    }
    let realm = Realm::Authorization(server);
    let url = format!("{}{endpoint}", issuer.servers[server].id);
    let key = check(issuer, realm, &url, headers, None)?;
    if key.is_none() && needed && issuer.options.dpop == Dpop::Required {
        return Err(refusal(realm, "invalid_dpop_proof", "DPoP is required here, but the header is missing"));
    }
    Ok(key)
}

/// Checks the proof of a request, if there is one, and returns its key as a thumbprint.
pub(crate) fn check(
    issuer: &Issuer,
    realm: Realm,
    url: &str,
    headers: &HeaderMap,
    token: Option<&str>,
) -> Result<Option<String>, Refusal> {
    let mut sent = headers.get_all(HEADER).iter();
    let Some(header) = sent.next() else { return Ok(None) };
    let bad = |reason: String| refusal(realm, "invalid_dpop_proof", &format!("The DPoP proof is refused: {reason}"));
    if sent.next().is_some() {
        return Err(bad("there is more than one DPoP header".to_owned()));
    }
    let text = header.to_str().map_err(|_| bad("it is not ASCII".to_owned()))?;
    let asked = as_asked(url, headers);
    let (jwt, key) = examine(issuer, [url, &asked], text, token).map_err(bad)?;
    check_nonce(issuer, realm, &jwt)?;
    Ok(Some(key.thumbprint()))
}

/// The URL under the name that the host was asked by: a test may move an endpoint to `localhost`.
fn as_asked(url: &str, headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let path = url.strip_prefix("http://").and_then(|rest| rest.split_once('/'));
    match (host, path) {
        (Some(host), Some((_, path))) => format!("http://{host}/{path}"),
        _ => url.to_owned(),
    }
}

/// Section 4.3, all but the nonce.
fn examine(issuer: &Issuer, urls: [&str; 2], text: &str, token: Option<&str>) -> Result<(Jwt, PublicKey), String> {
    let jwt = Jwt::parse(text)?;
    jwt.check_header(Some("dpop+jwt"), &ALGS)?;
    let jwk = jwt.header.get("jwk").ok_or("its header has no jwk")?;
    let key = PublicKey::from_jwk(jwk)?;
    jwt.verify(&key)?;
    // Every endpoint that takes a proof takes nothing but POST.
    if jwt.text("htm")? != "POST" {
        return Err("its htm is not POST".to_owned());
    }
    let htu = jwt.text("htu")?;
    if htu.contains(['?', '#']) {
        return Err("its htu has a query or a fragment".to_owned());
    }
    if !urls.contains(&htu) {
        return Err(format!("its htu is not {}", urls[0]));
    }
    jwt.check_iat(issuer.now(), IAT_WINDOW)?;
    match (token, jwt.claims.contains_key("ath")) {
        (Some(token), _) if jwt.text("ath")? != sha256_b64(token) => {
            return Err("its ath is not the hash of the access token".to_owned());
        }
        (None, true) => return Err("its ath has no access token to go with".to_owned()),
        _ => {}
    }
    if !issuer.book().dpop_jtis.insert(jwt.text("jti")?.to_owned()) {
        return Err("its jti was seen before".to_owned());
    }
    Ok((jwt, key))
}

fn check_nonce(issuer: &Issuer, realm: Realm, jwt: &Jwt) -> Result<(), Refusal> {
    let ask = |reason: &str| Err(with_nonce(issuer, realm, refusal(realm, "use_dpop_nonce", reason)));
    if issuer.faults.strikes(Fault::DpopNonceAlways) {
        return ask("The fault dpop-nonce-always is on");
    }
    if issuer.faults.strikes(Fault::DpopNonceMissing) {
        return Err(refusal(realm, "use_dpop_nonce", "The fault dpop-nonce-missing is on"));
    }
    let Some(nonce) = jwt.claims.get("nonce") else {
        return if issuer.options.dpop_nonces {
            ask("The DPoP proof has no nonce, which is needed here")
        } else {
            Ok(())
        };
    };
    let now = issuer.now();
    let overlap = Duration::from_millis(issuer.options.latency_ms);
    let good = nonce
        .as_str()
        .is_some_and(|nonce| issuer.book().dpop_nonces.entry(realm).or_default().take(nonce, now, overlap));
    if good { Ok(()) } else { ask("The nonce of the DPoP proof was not given here, was used before or has expired") }
}

/// The status of a refusal at the credential issuer's endpoints.
pub(crate) fn resource_status(code: &str) -> StatusCode {
    match code {
        "invalid_request" => StatusCode::BAD_REQUEST,
        "insufficient_scope" => StatusCode::FORBIDDEN,
        _ => StatusCode::UNAUTHORIZED,
    }
}
