//! What works.

use billfold_test_issuer::{Decision, Grant, OfferSpec, Options, TestIssuer, TxCode};
use http::Method;
use serde_json::{Value, json};

use crate::client::*;

fn offer_in(link: &str) -> Value {
    let query = query_of(link);
    serde_json::from_str(query["credential_offer"].as_str().expect("by value")).expect("JSON")
}

#[tokio::test]
async fn pre_authorized_by_value() {
    let issuer = TestIssuer::start(Options::default()).await.expect("started");
    let offer = issuer.make_offer(&OfferSpec::new(Grant::PreAuthorized, "dc+sd-jwt")).expect("made");
    assert_eq!(offer_in(&offer.link), offer.offer);
    let token = redeem(&issuer, &offer).await;
    assert_eq!(token["token_type"], "Bearer");
    assert!(token.get("authorization_details").is_none());
    let proof = Proof::new(&issuer, Some(&nonce(&issuer).await));
    let body = json!({
        "credential_configuration_id": "UniversityDegree_dc_sd_jwt",
        "proofs": {"jwt": [proof.jwt()]},
    });
    let token = token["access_token"].as_str().expect("a token");
    let answer = request_credential(&issuer, token, &body).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), "no-store");
    let answer = answer.json();
    assert_eq!(answer["credentials"].as_array().map(Vec::len), Some(1));
    let (header, claims) = decode(answer["credentials"][0]["credential"].as_str().expect("text"));
    assert_eq!(header["typ"], "dc+sd-jwt");
    assert_eq!(claims["cnf"]["jwk"], proof.key.jwk());

    let notification = json!({"notification_id": answer["notification_id"], "event": "credential_accepted"});
    let headers = [("content-type", "application/json"), ("authorization", &*format!("Bearer {token}"))];
    let url = format!("{}/notification", issuer.issuer());
    for _ in 0..2 {
        let answer = send(Method::POST, &url, &headers, notification.to_string()).await;
        assert_eq!((answer.status, answer.body.len()), (204, 0));
    }
    assert_eq!(issuer.log().notifications, [notification.clone(), notification]);
}

#[tokio::test]
async fn offer_by_reference_is_served_and_counted() {
    let issuer = TestIssuer::start(Options::default()).await.expect("started");
    let spec = OfferSpec::new(Grant::PreAuthorized, "jwt_vc_json").by_reference();
    let offer = issuer.make_offer(&spec).expect("made");
    let uri = query_of(&offer.link)["credential_offer_uri"].as_str().expect("by reference").to_owned();
    for fetches in 1..=2 {
        let answer = get(&uri).await;
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.json(), offer.offer);
        let id = offer.id.as_ref().expect("an id");
        assert_eq!(issuer.log().offer_fetches.get(id), Some(&fetches));
    }
    get(&format!("{}/offers/unknown", issuer.base())).await.assert_refused("unknown", 404, "not_found");
}

#[tokio::test]
async fn code_grant_with_scope() {
    let issuer = TestIssuer::start(Options::default()).await.expect("started");
    let offer = issuer.make_offer(&OfferSpec::new(Grant::Code, "jwt_vc_json")).expect("made");
    let issuer_state = grant(&offer)["issuer_state"].as_str().expect("a state").to_owned();
    let challenge = challenge();
    let mut fields = authorization_request(&challenge, "UniversityDegree_jwt_vc_json");
    fields.push(("issuer_state", &issuer_state));
    let redirect = redirect_of(&issuer, &authorize_url(&issuer, &fields), Decision::Allow).await;
    assert_eq!(redirect["state"], "s-1");
    assert_eq!(redirect["iss"], issuer.issuer());
    let code = redirect["code"].as_str().expect("a code");
    let token = post_form(&format!("{}/token", issuer.issuer()), &code_request(code)).await.json();
    assert_eq!(token["scope"], "UniversityDegree_jwt_vc_json");
    assert!(token.get("authorization_details").is_none());

    let mut proof = Proof::new(&issuer, Some(&nonce(&issuer).await));
    proof.claims["iss"] = json!(CLIENT);
    let body = json!({
        "credential_configuration_id": "UniversityDegree_jwt_vc_json",
        "proofs": {"jwt": [proof.jwt()]},
    });
    let answer = request_credential(&issuer, token["access_token"].as_str().expect("a token"), &body).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
}

#[tokio::test]
async fn code_grant_with_authorization_details_after_a_push() {
    let issuer = TestIssuer::start(Options::default()).await.expect("started");
    let challenge = challenge();
    let details = json!([{
        "type": "openid_credential",
        "credential_configuration_id": "StudentCard_dc_sd_jwt",
    }])
    .to_string();
    let mut fields = authorization_request(&challenge, "");
    fields.retain(|(name, _)| *name != "scope");
    fields.push(("authorization_details", &details));
    let pushed = post_form(&format!("{}/par", issuer.issuer()), &fields).await;
    assert_eq!(pushed.status, 201);
    assert_eq!(pushed.json()["expires_in"], 60);
    let request_uri = pushed.json()["request_uri"].as_str().expect("a request_uri").to_owned();
    let url = authorize_url(&issuer, &[("client_id", CLIENT), ("request_uri", &request_uri)]);
    let redirect = redirect_of(&issuer, &url, Decision::Allow).await;
    let code = redirect["code"].as_str().expect("a code");
    let token = post_form(&format!("{}/token", issuer.issuer()), &code_request(code)).await.json();
    let identifier = token["authorization_details"][0]["credential_identifiers"][0].as_str().expect("an id");

    let proof = Proof::new(&issuer, Some(&nonce(&issuer).await));
    let body = json!({"credential_identifier": identifier, "proofs": {"jwt": [proof.jwt()]}});
    let token = token["access_token"].as_str().expect("a token");
    let answer = request_credential(&issuer, token, &body).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let (_, claims) = decode(answer.json()["credentials"][0]["credential"].as_str().expect("text"));
    assert_eq!(claims["vct"], format!("{}/vct/student-card", issuer.issuer()));

    // Who got identifiers has to use them.
    let body = json!({"credential_configuration_id": "StudentCard_dc_sd_jwt", "proofs": {"jwt": ["x"]}});
    request_credential(&issuer, token, &body).await.assert_refused(
        "configuration id",
        400,
        "invalid_credential_request",
    );
}

#[tokio::test]
async fn batch_with_one_nonce_gives_one_credential_a_key() {
    let issuer = TestIssuer::start(Options::default()).await.expect("started");
    let token = token_for(&issuer, &["UniversityDegree_dc_sd_jwt"]).await;
    let nonce = nonce(&issuer).await;
    let proofs = [1, 2, 3].map(|seed| Proof::with_key(&issuer, Some(&nonce), seed));
    let jwts: Vec<_> = proofs.iter().map(Proof::jwt).collect();
    let body = json!({"credential_configuration_id": "UniversityDegree_dc_sd_jwt", "proofs": {"jwt": jwts}});
    let answer = request_credential(&issuer, &token, &body).await.json();
    let credentials = answer["credentials"].as_array().expect("an array");
    assert_eq!(credentials.len(), 3);
    for (credential, proof) in credentials.iter().zip(&proofs) {
        let (_, claims) = decode(credential["credential"].as_str().expect("text"));
        assert_eq!(claims["cnf"]["jwk"], proof.key.jwk());
    }
}

#[tokio::test]
async fn transaction_codes_are_compared_as_text() {
    let issuer = TestIssuer::start(Options::default()).await.expect("started");
    let spec = |json: Value| {
        let tx_code: TxCode = serde_json::from_value(json).expect("legal");
        OfferSpec::new(Grant::PreAuthorized, "dc+sd-jwt").tx_code(tx_code)
    };
    for (json, on_the_wire) in [
        (json!({"value": "0042"}), json!({})),
        (json!({"input_mode": "text", "value": "aB 9"}), json!({"input_mode": "text"})),
        (json!({"length": 4, "description": "d"}), json!({"length": 4, "description": "d"})),
    ] {
        let offer = issuer.make_offer(&spec(json)).expect("made");
        assert_eq!(grant(&offer)["tx_code"], on_the_wire);
        redeem(&issuer, &offer).await;
    }
    let offer = issuer.make_offer(&spec(json!({"value": "0042"}))).expect("made");
    let code = grant(&offer)["pre-authorized_code"].as_str().expect("a code");
    let fields = [("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", code), ("tx_code", "42")];
    let answer = post_form(&format!("{}/token", issuer.issuer()), &fields).await;
    answer.assert_refused("without its zeros", 400, "invalid_grant");
}

#[tokio::test]
async fn the_log_tells_overlap_from_sequence() {
    let issuer = TestIssuer::start(Options { latency_ms: 100, ..Options::default() }).await.expect("started");
    let metadata = format!("{}/.well-known/openid-credential-issuer", issuer.base());
    let server = format!("{}/.well-known/oauth-authorization-server", issuer.base());
    tokio::join!(get(&metadata), get(&server));
    nonce(&issuer).await;
    let report = get(&format!("{}/test/log", issuer.base())).await.json();
    assert_eq!(report["count"], 3);
    assert_eq!(report["waves"].as_array().map(Vec::len), Some(2));
    assert_eq!(report["waves"][0].as_array().map(Vec::len), Some(2));
    assert_eq!(report["waves"][1], json!(["POST /nonce"]));
    assert_eq!(report["requests"][0]["overlaps"], json!([2]));
    assert_eq!(report["requests"][2]["overlaps"], json!([]));

    send(Method::POST, &format!("{}/test/log/reset", issuer.base()), &[], "").await;
    assert_eq!(issuer.log().count, 0);
}

#[test]
fn an_issuer_on_its_own_thread_stops_when_dropped() {
    let issuer = TestIssuer::spawn_blocking_thread(Options::default()).expect("started");
    let address = issuer.base().trim_start_matches("http://").to_owned();
    assert!(std::net::TcpStream::connect(&address).is_ok());
    drop(issuer);
    assert!(std::net::TcpStream::connect(&address).is_err());
}
