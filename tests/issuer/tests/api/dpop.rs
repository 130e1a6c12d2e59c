//! DPoP (RFC 9449): proofs, bound tokens and nonces.

use billfold_test_issuer::{AuthorizationServer, Decision, Dpop, Grant, OfferSpec, Options, Running, TestIssuer};
use http::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::client::*;

const ID: &str = "UniversityDegree_dc_sd_jwt";

async fn start(dpop: Dpop, dpop_nonces: bool) -> Running {
    TestIssuer::start(Options { dpop, dpop_nonces, ..Options::default() }).await.expect("started")
}

/// A proof before it is signed.
struct Draft {
    key: Key,
    header: Value,
    claims: Value,
}

impl Draft {
    fn new(url: &str) -> Self {
        let key = Key::new(21);
        Self {
            header: json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": key.jwk()}),
            claims: json!({"jti": unique(), "htm": "POST", "htu": url, "iat": now()}),
            key,
        }
    }

    fn for_token(url: &str, token: &str) -> Self {
        let mut draft = Self::new(url);
        draft.claims["ath"] = json!(b64(Sha256::digest(token)));
        draft
    }

    fn nonce(mut self, nonce: &str) -> Self {
        self.claims["nonce"] = json!(nonce);
        self
    }

    fn jwt(&self) -> String {
        self.key.sign(&self.header, &self.claims)
    }
}

/// A pre-authorized code that was never used.
fn fresh_code(issuer: &Running) -> String {
    let offer = issuer.make_offer(&OfferSpec::new(Grant::PreAuthorized, "dc+sd-jwt")).expect("made");
    grant(&offer)["pre-authorized_code"].as_str().expect("a code").to_owned()
}

async fn redeem_with(issuer: &Running, code: &str, proofs: &[&str]) -> Answer {
    let fields = [("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", code)];
    let headers: Vec<_> = proofs.iter().map(|proof| ("dpop", *proof)).collect();
    post_form_with(&format!("{}/token", issuer.issuer()), &headers, &fields).await
}

/// A token that is bound to the key of [`Draft::new`].
async fn bound_token(issuer: &Running) -> String {
    let draft = Draft::new(&format!("{}/token", issuer.issuer()));
    let answer = redeem_with(issuer, &fresh_code(issuer), &[&draft.jwt()]).await.json();
    assert_eq!(answer["token_type"], "DPoP");
    answer["access_token"].as_str().expect("a token").to_owned()
}

async fn ask(issuer: &Running, endpoint: &str, authorization: &str, proof: Option<&str>, body: &Value) -> Answer {
    let mut headers = vec![("content-type", "application/json"), ("authorization", authorization)];
    headers.extend(proof.map(|proof| ("dpop", proof)));
    send(Method::POST, &format!("{}{endpoint}", issuer.issuer()), &headers, body.to_string()).await
}

#[track_caller]
fn assert_challenged(answer: &Answer, case: &str, scheme: &str, code: &str) {
    assert_eq!(answer.status, 401, "{case}");
    let challenge = answer.header("www-authenticate");
    assert!(challenge.starts_with(&format!("{scheme} ")), "{case}: {challenge}");
    assert!(challenge.contains(&format!("error=\"{code}\"")), "{case}: {challenge}");
}

#[tokio::test]
async fn the_metadata_lists_algorithms_unless_it_is_off() {
    for (dpop, listed) in [(Dpop::Off, false), (Dpop::On, true), (Dpop::Required, true)] {
        let issuer = start(dpop, false).await;
        let metadata = get(&format!("{}/.well-known/oauth-authorization-server", issuer.base())).await.json();
        assert_eq!(metadata["dpop_signing_alg_values_supported"].is_array(), listed, "{dpop:?}");
    }
}

#[tokio::test]
async fn proofs_at_the_token_endpoint() {
    type Change = fn(&mut Draft);
    let issuer = start(Dpop::On, false).await;
    let url = format!("{}/token", issuer.issuer());
    let code = fresh_code(&issuer);
    let cases: &[(&str, Change)] = &[
        ("another typ", |d| d.header["typ"] = json!("jwt")),
        ("no alg", |d| d.header["alg"] = json!("none")),
        ("alg not listed", |d| d.header["alg"] = json!("ES512")),
        ("alg of another key", |d| d.header["alg"] = json!("ES384")),
        ("crit", |d| d.header["crit"] = json!(["x"])),
        ("no key", |d| d.header["jwk"] = json!(null)),
        ("private key", |d| d.header["jwk"]["d"] = json!("AAAA")),
        ("another key", |d| d.header["jwk"] = Key::new(22).jwk()),
        ("no jti", |d| d.claims["jti"] = json!("")),
        ("another method", |d| d.claims["htm"] = json!("GET")),
        ("method in lower case", |d| d.claims["htm"] = json!("post")),
        ("query in htu", |d| d.claims["htu"] = json!(format!("{}?x=1", d.claims["htu"].as_str().expect("a URL")))),
        ("fragment in htu", |d| d.claims["htu"] = json!(format!("{}#x", d.claims["htu"].as_str().expect("a URL")))),
        ("another htu", |d| d.claims["htu"] = json!("http://127.0.0.1/token")),
        ("old", |d| d.claims["iat"] = json!(now() - 120)),
        ("of the future", |d| d.claims["iat"] = json!(now() + 120)),
        ("iat as text", |d| d.claims["iat"] = json!(now().to_string())),
        ("ath without token", |d| d.claims["ath"] = json!("AAAA")),
    ];
    for (case, change) in cases {
        let mut draft = Draft::new(&url);
        change(&mut draft);
        redeem_with(&issuer, &code, &[&draft.jwt()]).await.assert_refused(case, 400, "invalid_dpop_proof");
    }
    let (one, two) = (Draft::new(&url).jwt(), Draft::new(&url).jwt());
    redeem_with(&issuer, &code, &[&one, &two]).await.assert_refused("two", 400, "invalid_dpop_proof");
    redeem_with(&issuer, &code, &["e30"]).await.assert_refused("no JWS", 400, "invalid_dpop_proof");

    // Nothing of this used the code, and a proof works once.
    let proof = Draft::new(&url).jwt();
    assert_eq!(redeem_with(&issuer, &code, &[&proof]).await.json()["token_type"], "DPoP");
    let again = redeem_with(&issuer, &fresh_code(&issuer), &[&proof]).await;
    again.assert_refused("jti seen before", 400, "invalid_dpop_proof");
}

#[tokio::test]
async fn htu_may_have_the_host_that_was_asked() {
    let issuer = start(Dpop::On, false).await;
    let code = fresh_code(&issuer);
    let fields = [("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", &*code)];
    let url = format!("{}/token", issuer.issuer()).replace("127.0.0.1", "localhost");
    redeem_with(&issuer, &code, &[&Draft::new(&url).jwt()]).await.assert_refused("other", 400, "invalid_dpop_proof");
    let answer = post_form_with(&format!("{url}?x=1"), &[("dpop", &Draft::new(&url).jwt())], &fields).await;
    assert_eq!(answer.json()["token_type"], "DPoP");
}

#[tokio::test]
async fn off_on_and_required() {
    let issuer = start(Dpop::Off, false).await;
    let proof = Draft::new(&format!("{}/token", issuer.issuer())).jwt();
    let answer = redeem_with(&issuer, &fresh_code(&issuer), &[&proof]).await.json();
    assert_eq!(answer["token_type"], "Bearer");

    let issuer = start(Dpop::On, false).await;
    assert_eq!(redeem_with(&issuer, &fresh_code(&issuer), &[]).await.json()["token_type"], "Bearer");

    let issuer = start(Dpop::Required, false).await;
    let code = fresh_code(&issuer);
    redeem_with(&issuer, &code, &[]).await.assert_refused("none", 400, "invalid_dpop_proof");
    let proof = Draft::new(&format!("{}/token", issuer.issuer())).jwt();
    assert_eq!(redeem_with(&issuer, &code, &[&proof]).await.json()["token_type"], "DPoP");
    let answer = send(Method::POST, &format!("{}/credential", issuer.issuer()), &[], "").await;
    assert_eq!((answer.status, answer.body.len()), (401, 0));
    assert!(answer.header("www-authenticate").starts_with("DPoP "));
}

#[tokio::test]
async fn a_bound_token_needs_its_key() {
    let issuer = start(Dpop::On, false).await;
    let url = format!("{}/credential", issuer.issuer());
    let token = bound_token(&issuer).await;
    let (bound, bearer) = (format!("DPoP {token}"), format!("Bearer {token}"));
    let empty = json!({});
    let answer = ask(&issuer, "/credential", &bearer, None, &empty).await;
    assert_challenged(&answer, "as Bearer", "DPoP", "invalid_token");
    let proof = Draft::for_token(&url, &token).jwt();
    let answer = ask(&issuer, "/credential", &bearer, Some(&proof), &empty).await;
    assert_challenged(&answer, "as Bearer with a proof", "DPoP", "invalid_token");
    let answer = ask(&issuer, "/credential", &bound, None, &empty).await;
    assert_challenged(&answer, "no proof", "DPoP", "invalid_dpop_proof");
    assert!(answer.body.is_empty());
    let answer = ask(&issuer, "/credential", &bound, Some(&Draft::new(&url).jwt()), &empty).await;
    assert_challenged(&answer, "no ath", "DPoP", "invalid_dpop_proof");
    let answer = ask(&issuer, "/credential", &bound, Some(&Draft::for_token(&url, "x").jwt()), &empty).await;
    assert_challenged(&answer, "another ath", "DPoP", "invalid_dpop_proof");
    let mut other = Draft::for_token(&url, &token);
    other.key = Key::new(22);
    other.header["jwk"] = other.key.jwk();
    let answer = ask(&issuer, "/credential", &bound, Some(&other.jwt()), &empty).await;
    assert_challenged(&answer, "another key", "DPoP", "invalid_token");
    let proof = Draft::for_token(&format!("{}/deferred", issuer.issuer()), &token).jwt();
    let answer = ask(&issuer, "/credential", &bound, Some(&proof), &empty).await;
    assert_challenged(&answer, "another endpoint", "DPoP", "invalid_dpop_proof");

    let unbound = token_for(&issuer, &[ID]).await;
    let proof = Draft::for_token(&url, &unbound).jwt();
    let answer = ask(&issuer, "/credential", &format!("DPoP {unbound}"), Some(&proof), &empty).await;
    assert_challenged(&answer, "Bearer as DPoP", "Bearer", "invalid_token");

    let proof = Proof::new(&issuer, Some(&nonce(&issuer).await));
    let body = json!({"credential_configuration_id": ID, "proofs": {"jwt": [proof.jwt()]}});
    let proof = Draft::for_token(&url, &token).jwt();
    let answer = ask(&issuer, "/credential", &bound, Some(&proof), &body).await;
    assert_eq!(answer.status, 200);
    let body = json!({"notification_id": answer.json()["notification_id"], "event": "credential_accepted"});
    let proof = Draft::for_token(&format!("{}/notification", issuer.issuer()), &token).jwt();
    assert_eq!(ask(&issuer, "/notification", &bound, Some(&proof), &body).await.status, 204);
    let log = issuer.log();
    let keys: Vec<_> = log.requests.iter().filter_map(|entry| entry.dpop.as_ref()).map(|dpop| &dpop.key).collect();
    assert!(keys.iter().any(|key| *key != keys[0]) && keys[0].len() == 43, "{keys:?}");
    let last = log.requests.last().expect("a request");
    assert_eq!((last.headers["authorization"].as_str(), last.error.as_deref()), ("DPoP", None));
}

#[tokio::test]
async fn deferred_requests_need_the_key_too() {
    let issuer = TestIssuer::start(Options { deferred_waits: Some(0), ..Options::default() }).await.expect("started");
    let token = bound_token(&issuer).await;
    let bound = format!("DPoP {token}");
    let proof = Proof::new(&issuer, Some(&nonce(&issuer).await));
    let body = json!({"credential_configuration_id": ID, "proofs": {"jwt": [proof.jwt()]}});
    let proof = Draft::for_token(&format!("{}/credential", issuer.issuer()), &token).jwt();
    let waiting = ask(&issuer, "/credential", &bound, Some(&proof), &body).await.json();
    let body = json!({"transaction_id": waiting["transaction_id"]});
    assert_eq!(ask(&issuer, "/deferred", &bound, None, &body).await.status, 401);
    let proof = Draft::for_token(&format!("{}/deferred", issuer.issuer()), &token).jwt();
    assert_eq!(ask(&issuer, "/deferred", &bound, Some(&proof), &body).await.status, 200);
}

fn with_key<'a>(challenge: &'a str, key: Option<&'a str>) -> Vec<(&'static str, &'a str)> {
    let mut fields = authorization_request(challenge, ID);
    fields.extend(key.map(|key| ("dpop_jkt", key)));
    fields
}

#[tokio::test]
async fn a_code_can_be_bound_by_push_or_by_thumbprint() {
    let issuer = start(Dpop::On, false).await;
    let challenge = challenge();
    let par = format!("{}/par", issuer.issuer());
    let jkt = Key::new(21).thumbprint();
    let other = Key::new(22).thumbprint();
    let proof = Draft::new(&par).jwt();
    let answer = post_form_with(&par, &[("dpop", &proof)], &with_key(&challenge, Some(&other))).await;
    answer.assert_refused("two keys", 400, "invalid_dpop_proof");
    let answer = post_form(&par, &with_key(&challenge, Some("short"))).await;
    answer.assert_refused("no thumbprint", 400, "invalid_request");

    let token_url = format!("{}/token", issuer.issuer());
    for (by_header, by_parameter) in [(true, false), (false, true), (true, true)] {
        for right in [false, true] {
            let proof = Draft::new(&par).jwt();
            let headers = if by_header { vec![("dpop", &*proof)] } else { vec![] };
            let pushed =
                post_form_with(&par, &headers, &with_key(&challenge, by_parameter.then_some(&*jkt))).await.json();
            let uri = pushed["request_uri"].as_str().expect("pushed");
            let url = authorize_url(&issuer, &[("client_id", CLIENT), ("request_uri", uri)]);
            let redirect = redirect_of(&issuer, &url, Decision::Allow).await;
            let code = redirect["code"].as_str().expect("a code");
            if right {
                let proof = Draft::new(&token_url).jwt();
                let answer = post_form_with(&token_url, &[("dpop", &proof)], &code_request(code)).await;
                assert_eq!(answer.json()["token_type"], "DPoP");
            } else {
                let answer = post_form(&token_url, &code_request(code)).await;
                answer.assert_refused("without the key", 400, "invalid_grant");
            }
        }
    }
}

#[tokio::test]
async fn each_server_has_nonces_of_its_own_and_renews_them_on_every_answer() {
    let options = Options {
        dpop: Dpop::Required,
        dpop_nonces: true,
        authorization_server: AuthorizationServer::Path,
        ..Options::default()
    };
    let issuer = TestIssuer::start(options).await.expect("started");
    let url = format!("{}/as/token", issuer.base());
    let code = fresh_code(&issuer);
    let fields = [("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", &*code)];
    let redeem = async |draft: Draft| post_form_with(&url, &[("dpop", &draft.jwt())], &fields).await;

    let from_issuer = send(Method::POST, &format!("{}/nonce", issuer.issuer()), &[], "").await;
    let resource_nonce = from_issuer.header("dpop-nonce").to_owned();
    assert!(!resource_nonce.is_empty());
    let answer = redeem(Draft::new(&url)).await;
    answer.assert_refused("no nonce", 400, "use_dpop_nonce");
    let first = answer.header("dpop-nonce").to_owned();
    let answer = redeem(Draft::new(&url).nonce(&resource_nonce)).await;
    answer.assert_refused("the other server's", 400, "use_dpop_nonce");
    let answer = redeem(Draft::new(&url).nonce(&first)).await;
    assert_eq!(answer.status, 200, "the code is still good");
    let second = answer.header("dpop-nonce").to_owned();
    assert!(!second.is_empty() && second != first);
    redeem(Draft::new(&url).nonce(&first)).await.assert_refused("used before", 400, "use_dpop_nonce");

    let token = answer.json()["access_token"].as_str().expect("a token").to_owned();
    let endpoint = format!("{}/credential", issuer.issuer());
    let get = async |draft: Draft| {
        ask(&issuer, "/credential", &format!("DPoP {token}"), Some(&draft.jwt()), &json!({})).await
    };
    let answer = get(Draft::for_token(&endpoint, &token)).await;
    assert_challenged(&answer, "no nonce", "DPoP", "use_dpop_nonce");
    let next = answer.header("dpop-nonce").to_owned();
    let answer = get(Draft::for_token(&endpoint, &token).nonce(&second)).await;
    assert_challenged(&answer, "the other server's", "DPoP", "use_dpop_nonce");
    for nonce in [resource_nonce, next] {
        let answer = get(Draft::for_token(&endpoint, &token).nonce(&nonce)).await;
        answer.assert_refused("past the proof", 400, "invalid_credential_request");
        assert!(!answer.header("dpop-nonce").is_empty());
    }
    let log = issuer.log();
    let carried = log.requests.iter().filter(|entry| entry.dpop.as_ref().is_some_and(|dpop| dpop.nonce.is_some()));
    assert_eq!(carried.count(), 6);
}

#[tokio::test]
async fn nonces_at_the_push() {
    let issuer = start(Dpop::On, true).await;
    let challenge = challenge();
    let par = format!("{}/par", issuer.issuer());
    let fields = authorization_request(&challenge, ID);
    let push = async |draft: Draft| post_form_with(&par, &[("dpop", &draft.jwt())], &fields).await;
    let answer = push(Draft::new(&par)).await;
    answer.assert_refused("no nonce", 400, "use_dpop_nonce");
    let answer = push(Draft::new(&par).nonce(answer.header("dpop-nonce"))).await;
    assert_eq!(answer.status, 201);
    assert!(!answer.header("dpop-nonce").is_empty());
}

#[tokio::test]
async fn faults() {
    let issuer = start(Dpop::On, true).await;
    let url = format!("{}/token", issuer.issuer());
    let code = fresh_code(&issuer);
    issuer.set_fault("dpop-nonce-always").expect("known");
    let mut nonce = String::new();
    for _ in 0..3 {
        let answer = redeem_with(&issuer, &code, &[&Draft::new(&url).nonce(&nonce).jwt()]).await;
        answer.assert_refused("always", 400, "use_dpop_nonce");
        assert_ne!(answer.header("dpop-nonce"), nonce);
        nonce = answer.header("dpop-nonce").to_owned();
    }
    issuer.clear_faults();
    issuer.set_fault_times("dpop-nonce-missing", 1).expect("known");
    let answer = redeem_with(&issuer, &code, &[&Draft::new(&url).nonce(&nonce).jwt()]).await;
    answer.assert_refused("missing", 400, "use_dpop_nonce");
    assert!(answer.headers.get("dpop-nonce").is_none());
    issuer.set_fault("dpop-bearer").expect("known");
    let answer = redeem_with(&issuer, &code, &[&Draft::new(&url).nonce(&nonce).jwt()]).await.json();
    assert_eq!(answer["token_type"], "Bearer");
    let token = answer["access_token"].as_str().expect("a token");
    request_credential(&issuer, token, &json!({})).await.assert_refused("works", 400, "invalid_credential_request");
}
