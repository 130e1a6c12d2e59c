//! Client authentication at the authorization server: client attestations
//! (`draft-ietf-oauth-attestation-based-client-auth`) and `private_key_jwt` (RFC 7523).

use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use crate::attester::CLIENT_ATTESTATION;
use crate::chain;
use crate::challenge;
use crate::issuer::Issuer;
use crate::jwt::Jwt;
use crate::keys::PublicKey;
use crate::oauth::Form;
use crate::options::ClientAuth;
use crate::refusal::Refusal;

/// What attestations, proofs of possession and assertions may be signed with.
pub(crate) const ALGS: [&str; 3] = ["ES256", "ES384", "EdDSA"];
/// Seconds that `iat` of a proof of possession may be off.
const IAT_WINDOW: u64 = 60;
/// Seconds that a client assertion may live.
const ASSERTION_LIFETIME: i64 = 3600;

const ATTESTATION_HEADER: &str = "oauth-client-attestation";
const POP_HEADER: &str = "oauth-client-attestation-pop";
const POP_TYPE: &str = "oauth-client-attestation-pop+jwt";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A way to authenticate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// `attest_jwt_client_auth`.
    Attestation,
    /// `private_key_jwt`.
    PrivateKeyJwt,
}

impl ClientAuth {
    /// The methods of which one has to be used; none if clients are public.
    pub(crate) fn methods(self) -> &'static [Method] {
        match self {
            Self::None => &[],
            Self::Attestation => &[Method::Attestation],
            Self::PrivateKeyJwt => &[Method::PrivateKeyJwt],
            Self::Any => &[Method::Attestation, Method::PrivateKeyJwt],
        }
    }
}

impl Method {
    /// Its name in `token_endpoint_auth_methods_supported`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Attestation => "attest_jwt_client_auth",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }
}

/// The client that sent a request, as far as it proved to be that.
#[derive(Clone, Debug, Default)]
pub(crate) struct Authenticated {
    /// Its `client_id`; absent if clients are public.
    pub(crate) client_id: Option<String>,
    /// Thumbprint of the attested key.
    pub(crate) instance_key: Option<String>,
}

fn unauthenticated(reason: impl AsRef<str>) -> Refusal {
    Refusal::new("invalid_client", reason).status(StatusCode::UNAUTHORIZED)
}

/// Authenticates the client of a request.
pub(crate) fn authenticate(
    issuer: &Issuer,
    server: usize,
    headers: &HeaderMap,
    form: &Form,
) -> Result<Authenticated, Refusal> {
    let methods = issuer.options.client_auth.methods();
    let attested = headers.contains_key(ATTESTATION_HEADER) || headers.contains_key(POP_HEADER);
    let asserted = form.get("client_assertion").is_some() || form.get("client_assertion_type").is_some();
    if form.get("client_secret").is_some() || headers.contains_key(AUTHORIZATION) {
        return Err(Refusal::new("invalid_client", "Client secrets and Authorization headers are not taken here"));
    }
    let method = match (attested, asserted) {
        (true, true) => return Err(Refusal::new("invalid_request", "The client authenticates in two ways at once")),
        (true, false) => Method::Attestation,
        (false, true) => Method::PrivateKeyJwt,
        (false, false) if methods.is_empty() => return Ok(Authenticated::default()),
        (false, false) => return Err(unauthenticated("The client has to authenticate")),
    };
    if methods.is_empty() {
        return Err(Refusal::new("invalid_client", "Clients are public here, no authentication is taken"));
    }
    if !methods.contains(&method) {
        return Err(unauthenticated(format!("{} is not a way to authenticate here", method.name())));
    }
    let client = match method {
        Method::Attestation => attestation(issuer, server, headers)?,
        Method::PrivateKeyJwt => assertion(issuer, server, form)?,
    };
    if form.get("client_id").is_some_and(|id| Some(id) != client.client_id.as_deref()) {
        return Err(unauthenticated("client_id is another client than the one that authenticated"));
    }
    Ok(client)
}

fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, String> {
    let mut sent = headers.get_all(name).iter();
    match (sent.next(), sent.next()) {
        (Some(header), None) => header.to_str().map_err(|_| format!("the header {name} is not ASCII")),
        (None, _) => Err(format!("the header {name} is missing")),
        (Some(_), Some(_)) => Err(format!("there is more than one header {name}")),
    }
}

/// Section 6 of the draft: both headers.
fn attestation(issuer: &Issuer, server: usize, headers: &HeaderMap) -> Result<Authenticated, Refusal> {
    let bad = |reason: String| {
        Refusal::new("invalid_client_attestation", format!("The client attestation is refused: {reason}"))
    };
    let attestation = single(headers, ATTESTATION_HEADER).and_then(Jwt::parse).map_err(bad)?;
    let (client_id, key) = check_attestation(issuer, &attestation).map_err(bad)?;
    if attestation.time("exp").map_err(bad)? <= issuer.now() {
        return Err(Refusal::new("use_fresh_attestation", "The client attestation has expired"));
    }
    let bad_pop = |reason: String| {
        let words = format!("The proof of possession of the client attestation is refused: {reason}");
        Refusal::new("invalid_client_attestation", words)
    };
    let pop = single(headers, POP_HEADER).and_then(Jwt::parse).map_err(bad_pop)?;
    check_pop(issuer, server, &pop, &client_id, &key).map_err(bad_pop)?;
    let ask = |reason: &str| {
        let refusal = Refusal::new("use_attestation_challenge", reason);
        Err(challenge::with_challenge(issuer, server, refusal))
    };
    match pop.claims.get("challenge") {
        None if !issuer.options.challenge_endpoint => {}
        None => return ask("The proof of possession has no challenge, which is needed here"),
        Some(challenge) if challenge.as_str().is_some_and(|text| challenge::take(issuer, server, text)) => {}
        Some(_) => return ask("The challenge was not given here, was used before or has expired"),
    }
    Ok(Authenticated { client_id: Some(client_id), instance_key: Some(key.thumbprint()) })
}

/// `iss` is in both JWTs up to version 7 of the draft, and in none from version 8 on.
fn check_iss(issuer: &Issuer, jwt: &Jwt, expected: Option<&str>) -> Result<(), String> {
    if issuer.options.attestation_version >= 8 {
        return if jwt.claims.contains_key("iss") {
            Err("it has an iss, which is gone from version 8 on".to_owned())
        } else {
            Ok(())
        };
    }
    let iss = jwt.text("iss")?;
    match expected {
        Some(expected) if iss != expected => Err("its iss is not the client_id".to_owned()),
        _ => Ok(()),
    }
}

fn check_attestation(issuer: &Issuer, jwt: &Jwt) -> Result<(String, PublicKey), String> {
    jwt.check_header(Some(CLIENT_ATTESTATION), &ALGS)?;
    let now = issuer.now();
    let x5c = jwt.header.get("x5c").ok_or("its header has no x5c")?;
    let key = chain::check(x5c, &issuer.attester_roots, now).map_err(|reason| format!("its x5c: {reason}"))?;
    jwt.verify(&key)?;
    check_iss(issuer, jwt, None)?;
    let client_id = jwt.text("sub")?.to_owned();
    for name in ["iat", "nbf"] {
        if jwt.claims.contains_key(name) && jwt.time(name)? > now + 60 {
            return Err(format!("its {name} is in the future"));
        }
    }
    let jwk = jwt.claims.get("cnf").and_then(|cnf| cnf.get("jwk")).ok_or("it has no cnf.jwk")?;
    Ok((client_id, PublicKey::from_jwk(jwk)?))
}

fn check_pop(issuer: &Issuer, server: usize, jwt: &Jwt, client_id: &str, key: &PublicKey) -> Result<(), String> {
    jwt.check_header(Some(POP_TYPE), &ALGS)?;
    jwt.verify(key)?;
    check_iss(issuer, jwt, Some(client_id))?;
    if !is_for(&jwt.claims, &[&issuer.servers[server].id]) {
        return Err("its aud is not the authorization server's identifier".to_owned());
    }
    jwt.check_iat(issuer.now(), IAT_WINDOW)?;
    if jwt.claims.contains_key("exp") && jwt.time("exp")? <= issuer.now() {
        return Err("it has expired".to_owned());
    }
    check_jti(issuer, jwt)
}

/// Whether `aud` is one of these and nothing else.
fn is_for(claims: &Map<String, Value>, audiences: &[&str]) -> bool {
    let aud = match claims.get("aud") {
        Some(Value::Array(several)) if several.len() == 1 => several[0].as_str(),
        Some(aud) => aud.as_str(),
        None => None,
    };
    aud.is_some_and(|aud| audiences.contains(&aud))
}

fn check_jti(issuer: &Issuer, jwt: &Jwt) -> Result<(), String> {
    if issuer.book().client_jtis.insert(jwt.text("jti")?.to_owned()) {
        Ok(())
    } else {
        Err("its jti was seen before".to_owned())
    }
}

/// RFC 7523 section 3.
fn assertion(issuer: &Issuer, server: usize, form: &Form) -> Result<Authenticated, Refusal> {
    let bad = |reason: String| unauthenticated(format!("The client assertion is refused: {reason}"));
    if form.get("client_assertion_type") != Some(ASSERTION_TYPE) {
        return Err(bad(format!("client_assertion_type is not {ASSERTION_TYPE}")));
    }
    let jwt = form
        .get("client_assertion")
        .ok_or_else(|| "client_assertion is missing".to_owned())
        .and_then(Jwt::parse)
        .map_err(bad)?;
    let client_id = check_assertion(issuer, server, &jwt).map_err(bad)?;
    Ok(Authenticated { client_id: Some(client_id), instance_key: None })
}

fn check_assertion(issuer: &Issuer, server: usize, jwt: &Jwt) -> Result<String, String> {
    jwt.check_header(None, &ALGS)?;
    let kid = jwt.header.get("kid");
    let fits = |jwk: &&Value| kid.is_none() || jwk.get("kid").is_none_or(|known| Some(known) == kid);
    let verified = issuer
        .options
        .client_jwks
        .iter()
        .filter(fits)
        .filter_map(|jwk| PublicKey::from_jwk(jwk).ok())
        .any(|key| jwt.verify(&key).is_ok());
    if !verified {
        return Err("it does not verify with any key that is registered".to_owned());
    }
    let client_id = jwt.text("sub")?;
    if jwt.text("iss")? != client_id {
        return Err("its iss is not its sub".to_owned());
    }
    let id = &issuer.servers[server].id;
    if !is_for(&jwt.claims, &[id, &format!("{id}/token")]) {
        return Err("its aud is neither the authorization server nor its token endpoint".to_owned());
    }
    let now = issuer.now();
    let left = jwt.time("exp")? - now;
    if left <= 0 {
        return Err("it has expired".to_owned());
    }
    if left > ASSERTION_LIFETIME {
        return Err(format!("it lives longer than {ASSERTION_LIFETIME} seconds"));
    }
    if jwt.claims.contains_key("iat") && jwt.time("iat")? > now + 60 {
        return Err("its iat is in the future".to_owned());
    }
    check_jti(issuer, jwt)?;
    Ok(client_id.to_owned())
}
