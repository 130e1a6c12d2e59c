//! Each fault makes one thing wrong and leaves the rest as it was.

use billfold_test_issuer::{Decision, Fault, Grant, OfferSpec, Options, Running, TestIssuer};
use http::Method;
use serde_json::{Value, json};

use crate::client::*;
use crate::credentials::{chain_holds, unmatched};

const ID: &str = "UniversityDegree_dc_sd_jwt";

async fn with(fault: &str) -> Running {
    let issuer = TestIssuer::start(Options::default()).await.expect("started");
    issuer.set_fault(fault).expect("a known name");
    issuer
}

fn metadata_url(issuer: &Running) -> String {
    format!("{}/.well-known/openid-credential-issuer", issuer.base())
}

#[tokio::test]
async fn documents() {
    let issuer = with("wrong-issuer").await;
    assert_ne!(get(&metadata_url(&issuer)).await.json()["credential_issuer"], issuer.issuer());
    issuer.clear_faults();
    assert_eq!(get(&metadata_url(&issuer)).await.json()["credential_issuer"], issuer.issuer());

    let issuer = with("wrong-as-issuer").await;
    let url = format!("{}/.well-known/oauth-authorization-server", issuer.base());
    assert_ne!(get(&url).await.json()["issuer"], issuer.issuer());
}

#[tokio::test]
async fn redirects() {
    let challenge = challenge();
    let request = authorization_request(&challenge, ID);
    let redirect = async |fault: &str| {
        let issuer = with(fault).await;
        let url = authorize_url(&issuer, &request);
        let right = issuer.issuer().to_owned();
        (redirect_of(&issuer, &url, Decision::Allow).await, right)
    };
    let (query, right) = redirect("wrong-iss").await;
    assert!(query["iss"].is_string() && query["iss"] != right && query["code"].is_string());
    let (query, _) = redirect("missing-iss").await;
    assert!(query.get("iss").is_none() && query["code"].is_string());
    let (query, right) = redirect("wrong-state").await;
    assert!(query["state"] != "s-1" && query["iss"] == right && query["code"].is_string());
    let (query, right) = redirect("deny-login").await;
    assert_eq!((&query["error"], &query["iss"]), (&json!("access_denied"), &json!(right)));
}

#[tokio::test]
async fn codes_and_nonces() {
    let issuer = with("expired-code").await;
    let url = format!("{}/token", issuer.issuer());
    let code = code(&issuer).await;
    post_form(&url, &code_request(&code)).await.assert_refused("code", 400, "invalid_grant");
    let offer = issuer.make_offer(&OfferSpec::new(Grant::PreAuthorized, "dc+sd-jwt")).expect("made");
    let code = grant(&offer)["pre-authorized_code"].as_str().expect("a code");
    let fields = [("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", code)];
    post_form(&url, &fields).await.assert_refused("pre-authorized", 400, "invalid_grant");

    let issuer = with("stale-nonce").await;
    let token = token_for(&issuer, &[ID]).await;
    let ask = async || {
        let proof = Proof::new(&issuer, Some(&nonce(&issuer).await));
        let body = json!({"credential_configuration_id": ID, "proofs": {"jwt": [proof.jwt()]}});
        request_credential(&issuer, &token, &body).await
    };
    ask().await.assert_refused("first", 400, "invalid_nonce");
    assert_eq!(ask().await.status, 200);
}

#[tokio::test]
async fn answers() {
    let issuer = with("missing-token-type").await;
    let offer = issuer.make_offer(&OfferSpec::new(Grant::PreAuthorized, "dc+sd-jwt")).expect("made");
    assert!(redeem(&issuer, &offer).await.get("token_type").is_none());

    let ask = async |issuer: &Running| {
        let token = token_for(issuer, &[ID]).await;
        let proof = Proof::new(issuer, Some(&nonce(issuer).await));
        let body = json!({"credential_configuration_id": ID, "proofs": {"jwt": [proof.jwt()]}});
        request_credential(issuer, &token, &body).await
    };
    let issuer = with("empty-credentials").await;
    assert_eq!(ask(&issuer).await.json()["credentials"], json!([]));
    let issuer = with("credential-denied").await;
    ask(&issuer).await.assert_refused("denied", 400, "credential_request_denied");
    let issuer = with("invalid-token").await;
    ask(&issuer).await.assert_refused("token", 401, "invalid_token");
}

/// Everything about a credential that a wallet checks.
async fn findings(issuer: &Running) -> Vec<&'static str> {
    let credential = credential(issuer, ID).await;
    let (header, claims) = decode(&credential);
    let time = |name: &str| claims[name].as_u64().expect("a number");
    let checks = [
        ("chain or signature", header["alg"] == "ES256" && chain_holds(issuer, &credential)),
        ("alg", header["alg"] == "ES256"),
        ("digests", unmatched(&credential).1 == 0),
        ("type", claims["vct"] == format!("{}/vct/university-degree", issuer.issuer())),
        ("bound", claims["cnf"]["jwk"].is_object()),
        ("key", claims["cnf"]["jwk"].is_null() || claims["cnf"]["jwk"] == Key::new(7).jwk()),
        ("expired", now() < time("exp")),
        ("future", time("nbf") <= now()),
        ("iss", claims["iss"] == issuer.issuer()),
    ];
    checks.into_iter().filter(|(_, right)| !right).map(|(name, _)| name).collect()
}

#[tokio::test]
async fn credentials() {
    for (fault, wrong) in [
        ("bad-signature", &["chain or signature"][..]),
        ("untrusted-chain", &["chain or signature"]),
        ("alg-none", &["chain or signature", "alg"]),
        ("bad-digest", &["digests"]),
        ("wrong-type", &["type"]),
        ("no-key", &["bound"]),
        ("wrong-key", &["key"]),
        ("expired-credential", &["expired"]),
        ("future-credential", &["future"]),
        ("wrong-credential-issuer", &["iss"]),
    ] {
        let issuer = with(fault).await;
        assert_eq!(findings(&issuer).await, wrong, "{fault}");
        issuer.clear_faults();
        assert!(findings(&issuer).await.is_empty(), "{fault} is off");
    }
}

#[tokio::test]
async fn bodies_on_the_wire() {
    let issuer = with("oversized-metadata").await;
    let answer = get(&metadata_url(&issuer)).await;
    assert!(answer.body.len() > 1 << 20);
    assert_eq!(answer.json()["credential_issuer"], issuer.issuer());

    let issuer = with("oversized-offer").await;
    let spec = OfferSpec::new(Grant::PreAuthorized, "dc+sd-jwt");
    let offer = issuer.make_offer(&spec.clone().by_reference()).expect("made");
    let uri = query_of(&offer.link)["credential_offer_uri"].as_str().expect("a URI").to_owned();
    let answer = get(&uri).await;
    assert!(answer.body.len() > 64 << 10);
    assert_eq!(answer.json(), offer.offer);
    assert!(issuer.make_offer(&spec).expect("made").link.len() > 64 << 10);

    let issuer = with("wrong-content-type").await;
    let answer = get(&metadata_url(&issuer)).await;
    assert!(answer.header("content-type").starts_with("text/html"));
    assert_eq!(answer.json()["credential_issuer"], issuer.issuer());

    let issuer = with("bad-json").await;
    assert!(serde_json::from_slice::<Value>(&get(&metadata_url(&issuer)).await.body).is_err());

    let issuer = with("deep-json").await;
    let body = get(&metadata_url(&issuer)).await.body;
    let text = String::from_utf8(body).expect("UTF-8");
    assert!(text.contains(&"[".repeat(5000)) && text.ends_with("]}"));
    let stripped = text.replace(&format!(",\"deep\":{}{}", "[".repeat(5000), "]".repeat(5000)), "");
    let document: Value = serde_json::from_str(&stripped).expect("the rest is as ever");
    assert_eq!(document["credential_issuer"], issuer.issuer());
}

#[tokio::test]
async fn oversized_credential_answer_is_still_json() {
    let issuer = with("oversized-credential").await;
    let token = token_for(&issuer, &[ID]).await;
    let proof = Proof::new(&issuer, Some(&nonce(&issuer).await));
    let body = json!({"credential_configuration_id": ID, "proofs": {"jwt": [proof.jwt()]}});
    let answer = request_credential(&issuer, &token, &body).await;
    assert!(answer.body.len() > 1 << 20);
    assert!(answer.json()["credentials"][0]["credential"].is_string());
}

#[tokio::test]
async fn connections_on_the_wire() {
    let issuer = with("redirect-metadata").await;
    let answer = get(&metadata_url(&issuer)).await;
    assert_eq!(answer.status, 302);
    let location = answer.header("location").to_owned();
    assert!(location.starts_with("http://localhost:"), "{location}");
    assert_eq!(get(&location).await.json()["credential_issuer"], issuer.issuer());

    let token_url = |issuer: &Running| format!("{}/token", issuer.issuer());
    let fields = async |issuer: &Running| {
        let offer = issuer.make_offer(&OfferSpec::new(Grant::PreAuthorized, "dc+sd-jwt")).expect("made");
        grant(&offer)["pre-authorized_code"].as_str().expect("a code").to_owned()
    };
    let issuer = with("redirect-token").await;
    let code = fields(&issuer).await;
    let form = [("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", &*code)];
    assert_eq!(post_form(&token_url(&issuer), &form).await.status, 307);

    // An error 500 comes before the code is looked at, so the code lives on.
    let issuer = with("http-500-token").await;
    let code = fields(&issuer).await;
    let form = [("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", &*code)];
    post_form(&token_url(&issuer), &form).await.assert_refused("500", 500, "server_error");
    issuer.clear_faults();
    assert_eq!(post_form(&token_url(&issuer), &form).await.status, 200);

    // A dropped connection comes after it, so the code is gone.
    let issuer = TestIssuer::start(Options::default()).await.expect("started");
    issuer.set_fault_times("drop-token", 1).expect("a known name");
    let code = fields(&issuer).await;
    let form = [("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", &*code)];
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    assert!(try_send(Method::POST, &token_url(&issuer), &headers, body).await.is_err());
    assert_eq!(issuer.log().requests.last().and_then(|entry| entry.status), Some(0));
    post_form(&token_url(&issuer), &form).await.assert_refused("used", 400, "invalid_grant");
}

#[tokio::test]
async fn slow_takes_ten_times_as_long() {
    tokio::time::pause();
    let issuer = with("slow").await;
    // The paused clock jumps, so this measures what was waited for, not what it took.
    let before = tokio::time::Instant::now();
    nonce(&issuer).await;
    assert!(before.elapsed() >= std::time::Duration::from_secs(5));
}

#[tokio::test]
async fn faults_are_switched_over_http() {
    let issuer = TestIssuer::start(Options::default()).await.expect("started");
    let url = format!("{}/test/fault", issuer.base());
    let set = async |body: Value| send(Method::POST, &url, &[], body.to_string()).await;
    assert_eq!(set(json!({"name": "no-key", "on": true})).await.json()["on"], json!(["no-key"]));
    assert_eq!(set(json!({"name": "no-key", "on": false})).await.json()["on"], json!([]));
    let answer = set(json!({"name": "no-kee", "on": true})).await;
    assert_eq!(answer.status, 400);
    assert!(answer.json()["error_description"].as_str().expect("text").contains("no-key"));
    let known = get(&url).await.json()["known"].as_array().expect("names").len();
    assert_eq!(known, Fault::names().len());
}
