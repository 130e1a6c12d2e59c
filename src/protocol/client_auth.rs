//! How the wallet authenticates to an authorization server: not at all, by a signed assertion
//! (RFC 7523), or by an attestation of its provider (OpenID4VCI appendix E,
//! Internet-Draft ietf-oauth-attestation-based-client-auth).

use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{jwt, message};
use crate::error::{Advice, Error, ErrorCode, Operation};
use crate::model::credential::HolderKey;
use crate::model::ids::{ClientId, IssuerId};
use crate::model::jwk::{Algorithm, Jwk};
use crate::model::metadata::AuthorizationServerMetadata;
use crate::model::profile::Profile;
use crate::model::secret::Secret;
use crate::model::time::Timestamp;
use crate::platform::http::{HttpRequest, HttpResponse};
use crate::platform::provider::{ClientAssertionKey, ProviderCapabilities};
use crate::verify::jose::{Jws, JwsAlgorithm};

/// The header that carries the attestation.
pub(crate) const ATTESTATION: &str = "OAuth-Client-Attestation";
/// The header that proves the possession of its key.
pub(crate) const ATTESTATION_POP: &str = "OAuth-Client-Attestation-PoP";
/// The header by which servers hand out challenges.
pub(crate) const CHALLENGE: &str = "OAuth-Client-Attestation-Challenge";

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How long an assertion is good for, in seconds. It is made for one request.
const ASSERTION_SECONDS: i64 = 60;

/// Which text on attestations the wallet and its servers follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttestationVersion {
    /// Draft 07, which OpenID4VCI 1.0 and HAIP 1.0 name: both JWTs have an `iss`.
    #[default]
    V07,
    /// Draft 08 and later: the proof of possession has none.
    V08,
}

/// How the wallet authenticates in one issuance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ClientAuthentication {
    /// It says its client id.
    #[default]
    None,
    /// `private_key_jwt`.
    PrivateKeyJwt,
    /// `attest_jwt_client_auth`.
    Attestation,
}

impl ClientAuthentication {
    /// The name in JSON and on command lines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::Attestation => "attestation",
        }
    }
}

/// As what the wallet speaks to one authorization server and its issuer. Kept as long as their tokens: a
/// refresh token works with the same keys only.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ClientState {
    pub(crate) authentication: ClientAuthentication,
    /// The key that attestations name. No other server ever sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) instance_key: Option<HolderKey>,
    /// The key that tokens are bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dpop_key: Option<HolderKey>,
}

impl ClientState {
    /// All keys in it.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &HolderKey> {
        self.instance_key.iter().chain(&self.dpop_key)
    }
}

/// Chooses among what the server lists and the provider can do: what binds the client best goes first.
///
/// Servers are careless with `none`, so that a list without it keeps no public client away; only HAIP
/// insists on authentication.
pub(crate) fn choose(
    server: &AuthorizationServerMetadata,
    provider: &ProviderCapabilities,
    profile: Profile,
) -> Result<ClientAuthentication, Error> {
    let listed = server.token_endpoint_auth_methods_supported.as_deref().unwrap_or_default();
    let lists = |method: &str| listed.iter().any(|listed| listed == method);
    if provider.client_attestation && lists("attest_jwt_client_auth") {
        return Ok(ClientAuthentication::Attestation);
    }
    if provider.client_assertion.is_some() && lists("private_key_jwt") {
        return Ok(ClientAuthentication::PrivateKeyJwt);
    }
    // Such a server takes nobody without an attestation; it is better said before the user signs in.
    let attested_only = listed == ["attest_jwt_client_auth"];
    if profile.is_haip() || attested_only {
        let takes = if listed.is_empty() { "nothing that it says".to_owned() } else { listed.join(", ") };
        return Err(Error::new(
            ErrorCode::ClientAuthenticationUnavailable,
            format!("clients have to authenticate, the server takes {takes}, and this wallet is not set up for it"),
        )
        .at(Operation::AuthorizationServerMetadata));
    }
    Ok(ClientAuthentication::None)
}

/// The algorithm of the key that attestations will name.
pub(crate) fn instance_algorithm(server: &AuthorizationServerMetadata, ours: &[Algorithm]) -> Option<Algorithm> {
    let Some(listed) = &server.client_attestation_pop_signing_alg_values_supported else {
        return ours.iter().copied().find(|algorithm| *algorithm == Algorithm::Es256).or(ours.first().copied());
    };
    let listed: Vec<_> = listed.iter().filter_map(|name| Algorithm::parse(name)).collect();
    ours.iter().copied().find(|algorithm| listed.contains(algorithm))
}

/// What a proof of possession for an attestation says.
pub(crate) struct PopClaims<'a> {
    pub(crate) client_id: &'a ClientId,
    pub(crate) server: &'a IssuerId,
    pub(crate) challenge: Option<&'a str>,
    pub(crate) issued_at: Timestamp,
    pub(crate) version: AttestationVersion,
}

/// The text that the attested key has to sign. It is good for one request.
pub(crate) fn pop_signing_input(key: &Jwk, claims: &PopClaims<'_>) -> String {
    let header = json!({ "typ": "oauth-client-attestation-pop+jwt", "alg": key.algorithm().as_str() });
    let mut payload = json!({ "aud": claims.server, "jti": jwt::fresh_id(), "iat": claims.issued_at });
    if claims.version == AttestationVersion::V07 {
        payload["iss"] = json!(claims.client_id);
    }
    if let Some(challenge) = claims.challenge {
        payload["challenge"] = json!(challenge);
    }
    jwt::signing_input(&header, &payload)
}

/// The text of a client assertion, for the client's own key to sign. It is good for one request.
pub(crate) fn assertion_signing_input(
    key: &ClientAssertionKey,
    client_id: &ClientId,
    server: &IssuerId,
    now: Timestamp,
) -> String {
    let mut header = json!({ "typ": "JWT", "alg": key.algorithm.as_str() });
    if let Some(kid) = &key.key_id {
        header["kid"] = json!(kid);
    }
    let payload = json!({
        "iss": client_id,
        "sub": client_id,
        "aud": server,
        "jti": jwt::fresh_id(),
        "iat": now,
        "exp": now + ASSERTION_SECONDS,
    });
    jwt::signing_input(&header, &payload)
}

/// Adds an assertion to a form that is ready to be sent.
pub(crate) fn add_assertion(request: &mut HttpRequest, client_id: &ClientId, assertion: &str) {
    let body = request.body_mut();
    let has_client_id = url::form_urlencoded::parse(body).any(|(name, _)| name == "client_id");
    let mut more = url::form_urlencoded::Serializer::new(String::new());
    if !has_client_id {
        more.append_pair("client_id", client_id.as_str());
    }
    more.append_pair("client_assertion_type", ASSERTION_TYPE).append_pair("client_assertion", assertion);
    body.push(b'&');
    body.extend(more.finish().into_bytes());
}

/// Holds what the provider gave against what was asked for, and gives the time when it ends.
pub(crate) fn check_attestation(
    attestation: &str,
    client_id: &ClientId,
    key: &Jwk,
    now: Timestamp,
    profile: Profile,
) -> Result<Timestamp, Error> {
    let unusable = |detail: String| {
        Error::new(ErrorCode::AttestationUnusable, format!("the client attestation can't be used: {detail}"))
            .at(Operation::ClientAttestation)
    };
    let jws = Jws::parse(attestation).map_err(|error| unusable("it is no JWT".to_owned()).caused_by(error))?;
    if jws.header_text("typ") != Some("oauth-client-attestation+jwt") {
        return Err(unusable("its `typ` is not `oauth-client-attestation+jwt`".to_owned()));
    }
    let algorithm = jws.algorithm().map_err(|error| unusable(error.to_string()))?;
    if profile.is_haip() && !matches!(algorithm, JwsAlgorithm::Curve(_)) {
        return Err(unusable("its algorithm is none that HAIP knows".to_owned()));
    }
    let claims = crate::json::parse_object(&jws.payload)
        .map_err(|error| unusable("its payload is no JSON object".to_owned()).caused_by(error))?;
    if claims.get("sub").and_then(Value::as_str) != Some(client_id.as_str()) {
        return Err(unusable("its `sub` is not the client id".to_owned()));
    }
    let confirmed = claims.get("cnf").and_then(|cnf| cnf.get("jwk")).and_then(|jwk| Jwk::from_value(jwk).ok());
    if confirmed.as_ref() != Some(key) {
        return Err(unusable("its `cnf` is not the key that it was asked for".to_owned()));
    }
    if profile.is_haip() {
        check_chain(&jws).map_err(unusable)?;
    }
    match claims.get("exp").and_then(jwt::numeric_date) {
        Some(exp) if exp > now => Ok(exp),
        Some(_) => Err(unusable("it has expired".to_owned())),
        None => Err(unusable("it has no `exp`".to_owned())),
    }
}

/// HAIP section 4.4.1: the signer's chain comes along, without the anchor.
fn check_chain(jws: &Jws<'_>) -> Result<(), String> {
    let x5c = jws.header.get("x5c").ok_or("it has no `x5c`")?;
    let chain = crate::verify::x509::Chain::from_header(x5c).map_err(|error| error.to_string())?;
    if chain.has_self_signed() {
        return Err("its `x5c` holds a self-signed certificate".to_owned());
    }
    Ok(())
}

/// What is to be done where the server refused the client (OpenID4VCI section 6.3). Any other error stays
/// as it is.
pub(crate) fn explain_refusal(error: Error, authentication: ClientAuthentication, anonymous: bool) -> Error {
    if error.code() != ErrorCode::ClientRefused {
        return error;
    }
    if anonymous {
        let detail = "the server refused a request without a client id, which its metadata says it takes";
        return error.explain(detail).advise(Advice::TellIssuer);
    }
    error.explain(match authentication {
        ClientAuthentication::None => {
            "the server does not know the client id, or wants the client to authenticate: register the client id \
             with it, or give the wallet a provider that vouches for it"
        }
        ClientAuthentication::PrivateKeyJwt => {
            "the server does not know the client id, or not the key that its assertion was signed with"
        }
        ClientAuthentication::Attestation => {
            "the server does not know the client id, or not the provider that vouches for the wallet"
        }
    })
}

/// Reads the answer of a challenge endpoint.
pub(crate) fn challenge_response(response: &HttpResponse) -> Result<Secret, Error> {
    let operation = Operation::ClientAttestation;
    let value = message::success(response, operation, |_| ErrorCode::ServerRefused)?;
    match value.get("attestation_challenge").and_then(Value::as_str) {
        Some(challenge) if !challenge.is_empty() => Ok(challenge.into()),
        _ => Err(Error::new(ErrorCode::ResponseMalformed, "the answer has no `attestation_challenge`")
            .at(operation)
            .status(response.status().as_u16())),
    }
}

/// What a server that refuses an attestation wants instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AttestationWish {
    /// Its challenge in the proof of possession.
    Challenge,
    /// A newer attestation.
    Fresh,
}

/// What a refusal asks for, if another try can help. The refused request had no effect.
pub(crate) fn wish(response: &HttpResponse) -> Option<AttestationWish> {
    if !response.status().is_client_error() {
        return None;
    }
    match message::issuer_error(response)?.error.as_str() {
        "use_attestation_challenge" => Some(AttestationWish::Challenge),
        "use_fresh_attestation" => Some(AttestationWish::Fresh),
        _ => None,
    }
}

/// A text header of an answer, if it is one that can be sent back.
pub(crate) fn header_text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    (!value.is_empty() && value.len() <= 4096).then(|| value.to_owned())
}

#[cfg(test)]
#[path = "client_auth_tests.rs"]
mod tests;
