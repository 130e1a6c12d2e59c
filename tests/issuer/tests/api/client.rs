//! A small HTTP client, and a wallet just clever enough to get a credential.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use billfold_test_issuer::{Decision, Grant, MadeOffer, OfferSpec, Running, sign_in};
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpStream;
use url::Url;

pub(crate) const VERIFIER: &str = "a-code-verifier-that-is-long-enough-for-rfc-7636";
pub(crate) const REDIRECT: &str = "http://127.0.0.1:9/callback";
pub(crate) const CLIENT: &str = "test-wallet";
pub(crate) const PRE_AUTHORIZED: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a text header"))
    }

    /// Checks everything that each refusal has in common.
    #[track_caller]
    pub(crate) fn assert_refused(&self, case: &str, status: u16, code: &str) {
        let body = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{case}: {body}");
        assert_eq!(self.header("content-type"), "application/json", "{case}");
        assert_eq!(self.header("cache-control"), "no-store", "{case}");
        let json = self.json();
        assert_eq!(json["error"], code, "{case}: {body}");
        let description = json["error_description"].as_str().expect("a description");
        let legal = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
        assert!(!description.is_empty() && description.chars().all(legal), "{case}: {description}");
    }
}

pub(crate) async fn try_send(
    method: Method,
    url: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Result<Answer, hyper::Error> {
    let url = Url::parse(url).expect("a legal URL");
    let authority = format!("{}:{}", url.host_str().expect("a host"), url.port().expect("a port"));
    let stream = TcpStream::connect(&authority).await.expect("the issuer listens");
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let mut request = Request::builder().method(method).uri(target).header("host", authority);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = sender.send_request(request.body(Full::new(body.into())).expect("a legal request")).await?;
    let (parts, body) = answer.into_parts();
    let body = body.collect().await?.to_bytes().to_vec();
    Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
}

pub(crate) async fn send(method: Method, url: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
    try_send(method, url, headers, body).await.expect("an answer")
}

pub(crate) async fn get(url: &str) -> Answer {
    send(Method::GET, url, &[], "").await
}

pub(crate) async fn post_form(url: &str, fields: &[(&str, &str)]) -> Answer {
    post_form_with(url, &[], fields).await
}

/// The same with more headers.
pub(crate) async fn post_form_with(url: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Answer {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let form = ("content-type", "application/x-www-form-urlencoded");
    send(Method::POST, url, &[&[form], headers].concat(), body).await
}

pub(crate) fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn unb64(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

pub(crate) fn challenge() -> String {
    b64(Sha256::digest(VERIFIER))
}

/// Header and claims of a compact JWS, unverified.
pub(crate) fn decode(jwt: &str) -> (Value, Value) {
    let mut parts = jwt.split('~').next().expect("a first part").split('.');
    let mut next = || serde_json::from_slice(&unb64(parts.next().expect("a part"))).expect("JSON");
    (next(), next())
}

pub(crate) struct Key(SigningKey);

impl Key {
    pub(crate) fn new(seed: u8) -> Self {
        Self(SigningKey::from_slice(&[seed; 32]).expect("a legal scalar"))
    }

    pub(crate) fn jwk(&self) -> Value {
        let point = self.0.verifying_key().to_sec1_point(false);
        let (x, y) = point.as_bytes()[1..].split_at(32);
        json!({"kty": "EC", "crv": "P-256", "x": b64(x), "y": b64(y)})
    }

    /// RFC 7638 thumbprint: the JWK holds the required members only, and they are sorted.
    pub(crate) fn thumbprint(&self) -> String {
        b64(Sha256::digest(self.jwk().to_string()))
    }

    pub(crate) fn did_key(&self) -> String {
        let point = self.0.verifying_key().to_sec1_point(true);
        let bytes = [&[0x80, 0x24], point.as_bytes()].concat();
        format!("did:key:z{}", bs58::encode(bytes).into_string())
    }

    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let input = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
        let signature: Signature = self.0.sign(input.as_bytes());
        format!("{input}.{}", b64(signature.to_bytes()))
    }
}

/// A proof before it is signed.
pub(crate) struct Proof {
    pub(crate) key: Key,
    pub(crate) header: Value,
    pub(crate) claims: Value,
}

impl Proof {
    pub(crate) fn new(issuer: &Running, nonce: Option<&str>) -> Self {
        Self::with_key(issuer, nonce, 7)
    }

    pub(crate) fn with_key(issuer: &Running, nonce: Option<&str>, seed: u8) -> Self {
        let key = Key::new(seed);
        let mut claims = json!({"aud": issuer.issuer(), "iat": now()});
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        Self { header: json!({"typ": "openid4vci-proof+jwt", "alg": "ES256", "jwk": key.jwk()}), claims, key }
    }

    pub(crate) fn jwt(&self) -> String {
        self.key.sign(&self.header, &self.claims)
    }
}

/// A text that was never used before in this process.
pub(crate) fn unique() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs()
}

pub(crate) async fn nonce(issuer: &Running) -> String {
    let answer = send(Method::POST, &format!("{}/nonce", issuer.issuer()), &[], "").await;
    assert_eq!(answer.status, 200);
    answer.json()["c_nonce"].as_str().expect("a nonce").to_owned()
}

/// The offer's only grant.
pub(crate) fn grant(offer: &MadeOffer) -> &Value {
    let grants = offer.offer["grants"].as_object().expect("grants");
    grants.values().next().expect("one grant")
}

/// Redeems a pre-authorized offer anonymously and returns the whole token answer.
pub(crate) async fn redeem(issuer: &Running, offer: &MadeOffer) -> Value {
    let code = grant(offer)["pre-authorized_code"].as_str().expect("a code");
    let mut fields = vec![("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", code)];
    if let Some(tx_code) = &offer.tx_code {
        fields.push(("tx_code", tx_code));
    }
    let answer = post_form(&format!("{}/token", issuer.issuer()), &fields).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

/// An anonymous token for the given configurations.
pub(crate) async fn token_for(issuer: &Running, configurations: &[&str]) -> String {
    let spec = OfferSpec::new(Grant::PreAuthorized, "dc+sd-jwt").configurations(configurations);
    let offer = issuer.make_offer(&spec).expect("a legal offer");
    redeem(issuer, &offer).await["access_token"].as_str().expect("a token").to_owned()
}

pub(crate) async fn request_credential(issuer: &Running, token: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json"), ("authorization", &*format!("Bearer {token}"))];
    send(Method::POST, &format!("{}/credential", issuer.issuer()), &headers, body.to_string()).await
}

/// The first credential of a configuration, got with a fresh offer and a fresh proof.
pub(crate) async fn credential(issuer: &Running, configuration: &str) -> String {
    let token = token_for(issuer, &[configuration]).await;
    let proof = Proof::new(issuer, Some(&nonce(issuer).await));
    let body = json!({"credential_configuration_id": configuration, "proofs": {"jwt": [proof.jwt()]}});
    let answer = request_credential(issuer, &token, &body).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()["credentials"][0]["credential"].as_str().expect("a string").to_owned()
}

/// The fields of a legal authorization request.
pub(crate) fn authorization_request<'a>(challenge: &'a str, scope: &'a str) -> Vec<(&'static str, &'a str)> {
    vec![
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", REDIRECT),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256"),
        ("state", "s-1"),
        ("scope", scope),
    ]
}

pub(crate) fn authorize_url(issuer: &Running, fields: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    format!("{}/authorize?{query}", issuer.issuer())
}

/// The parameters of the redirect that signing in leads to.
pub(crate) async fn redirect_of(issuer: &Running, url: &str, decision: Decision) -> Value {
    let location = sign_in(url, issuer.login(), decision).await.expect("a redirect");
    assert!(location.starts_with(REDIRECT), "{location}");
    query_of(&location)
}

pub(crate) fn query_of(url: &str) -> Value {
    let url = Url::parse(url).expect("a URL");
    url.query_pairs().map(|(name, value)| (name.into_owned(), json!(value))).collect::<serde_json::Map<_, _>>().into()
}

/// A code for the main SD-JWT VC.
pub(crate) async fn code(issuer: &Running) -> String {
    let challenge = challenge();
    let url = authorize_url(issuer, &authorization_request(&challenge, "UniversityDegree_dc_sd_jwt"));
    redirect_of(issuer, &url, Decision::Allow).await["code"].as_str().expect("a code").to_owned()
}

/// The fields of a legal token request.
pub(crate) fn code_request(code: &str) -> Vec<(&'static str, &str)> {
    vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("client_id", CLIENT),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ]
}

/// A member that is a string.
#[track_caller]
pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

pub(crate) fn with_query(url: &str, fields: &[(&str, &str)]) -> String {
    format!("{url}?{}", url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish())
}

/// Posts JSON with a bearer token.
pub(crate) async fn post_json(url: &str, token: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json"), ("authorization", &*format!("Bearer {token}"))];
    send(Method::POST, url, &headers, body.to_string()).await
}

/// Checks status and error code of a refusal, and returns its body.
#[track_caller]
pub(crate) fn refusal(answer: &Answer, status: u16, code: &str) -> Value {
    let body = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.status, status, "{body}");
    let json = answer.json();
    assert_eq!(text(&json, "error"), code, "{body}");
    json
}
