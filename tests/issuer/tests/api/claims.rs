//! Claims that are asked for with `authorization_details`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use billfold_test_issuer::{Decision, Grant, OfferSpec, Options, Running, TestIssuer};
use http::Method;
use serde_json::{Value, json};

use crate::client::*;

const SD_JWT: &str = "UniversityDegree_dc_sd_jwt";
const JWT: &str = "UniversityDegree_jwt_vc_json";

async fn start() -> Running {
    TestIssuer::start(Options::default()).await.expect("started")
}

fn details(id: &str, claims: &Value) -> String {
    json!([{"type": "openid_credential", "credential_configuration_id": id, "claims": claims}]).to_string()
}

/// Redeems a pre-authorized code for a token with just these claims.
async fn redeem_for(issuer: &Running, id: &str, claims: &Value) -> Answer {
    let offer = issuer.make_offer(&OfferSpec::new(Grant::PreAuthorized, "dc+sd-jwt").configurations(&[id]));
    let offer = offer.expect("a legal offer");
    let code = grant(&offer)["pre-authorized_code"].as_str().expect("a code");
    let details = details(id, claims);
    let fields =
        [("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", code), ("authorization_details", details.as_str())];
    post_form(&format!("{}/token", issuer.issuer()), &fields).await
}

async fn credential_for(issuer: &Running, token: &Value) -> String {
    let identifier = &token["authorization_details"][0]["credential_identifiers"][0];
    let proof = Proof::new(issuer, Some(&nonce(issuer).await));
    let body = json!({"credential_identifier": identifier, "proofs": {"jwt": [proof.jwt()]}});
    let answer = request_credential(issuer, token["access_token"].as_str().expect("a token"), &body).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()["credentials"][0]["credential"].as_str().expect("text").to_owned()
}

/// Names and values of all disclosures; array elements have no name.
fn disclosed(credential: &str) -> Value {
    let parts: Vec<&str> = credential.split('~').collect();
    let read = |part: &&str| -> Vec<Value> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
    };
    parts[1..parts.len() - 1].iter().map(read).map(|parts| json!(parts[1..])).collect()
}

#[tokio::test]
async fn only_wanted_and_mandatory_claims_are_issued() {
    let issuer = start().await;
    let wanted = json!([{"path": ["birthdate"]}, {"path": ["address", "locality"]}, {"path": ["nationalities", 1]}]);
    let token = redeem_for(&issuer, SD_JWT, &wanted).await.json();
    let credential = credential_for(&issuer, &token).await;
    assert_eq!(
        disclosed(&credential),
        json!([
            ["given_name", "Erika"],
            ["family_name", "Mustermann"],
            ["birthdate", "1984-01-26"],
            ["locality", "K\u{f6}ln"],
            ["FR"],
        ])
    );
    let (_, claims) = decode(&credential);
    assert_eq!(claims["degree"], json!({"name": "Bachelor of Science"}));
    assert_eq!(claims["nationalities"].as_array().map(Vec::len), Some(1));
    let paths = json!([["birthdate"], ["address", "locality"], ["nationalities", 1]]);
    assert_eq!(issuer.log().requests.last().expect("an entry").seen["claims"], paths);

    let wanted = json!([{"path": ["credentialSubject", "nationalities", null], "mandatory": true}]);
    let token = redeem_for(&issuer, JWT, &wanted).await.json();
    let (_, claims) = decode(&credential_for(&issuer, &token).await);
    assert_eq!(
        claims["vc"]["credentialSubject"],
        json!({
            "given_name": "Erika",
            "family_name": "Mustermann",
            "degree": {"name": "Bachelor of Science"},
            "nationalities": ["DE", "FR"],
        })
    );
}

#[tokio::test]
async fn without_a_word_about_claims_all_are_issued() {
    let issuer = start().await;
    let credential = credential(&issuer, SD_JWT).await;
    assert_eq!(disclosed(&credential).as_array().map(Vec::len), Some(6));
    assert!(!issuer.log().requests.last().expect("an entry").seen.contains_key("claims"));
}

#[tokio::test]
async fn the_authorization_request_asks_and_the_token_request_may_change_it() {
    let issuer = start().await;
    let challenge = challenge();
    let wanted = details(SD_JWT, &json!([{"path": ["birthdate"], "mandatory": false}]));
    let narrower = details(SD_JWT, &json!([{"path": ["degree", "date"]}]));
    for (at_token, last) in
        [(None, json!(["birthdate", "1984-01-26"])), (Some(narrower), json!(["family_name", "Mustermann"]))]
    {
        let mut request = authorization_request(&challenge, "x");
        request.retain(|(name, _)| *name != "scope");
        request.push(("authorization_details", &wanted));
        let redirect = redirect_of(&issuer, &authorize_url(&issuer, &request), Decision::Allow).await;
        let mut fields = code_request(redirect["code"].as_str().expect("a code"));
        if let Some(details) = &at_token {
            fields.push(("authorization_details", details));
        }
        let token = post_form(&format!("{}/token", issuer.issuer()), &fields).await.json();
        let credential = credential_for(&issuer, &token).await;
        assert_eq!(disclosed(&credential).as_array().and_then(|all| all.last()), Some(&last));
        let (_, claims) = decode(&credential);
        assert_eq!(claims["degree"].get("date").is_some(), at_token.is_some());
    }
}

#[tokio::test]
async fn they_are_kept_while_a_credential_is_put_off() {
    let issuer = TestIssuer::start(Options { deferred_waits: Some(0), ..Options::default() }).await.expect("started");
    let token = redeem_for(&issuer, SD_JWT, &json!([{"path": ["birthdate"]}])).await.json();
    let identifier = &token["authorization_details"][0]["credential_identifiers"][0];
    let proof = Proof::new(&issuer, Some(&nonce(&issuer).await));
    let body = json!({"credential_identifier": identifier, "proofs": {"jwt": [proof.jwt()]}});
    let token = token["access_token"].as_str().expect("a token");
    let id = request_credential(&issuer, token, &body).await.json()["transaction_id"].clone();
    let headers = [("content-type", "application/json"), ("authorization", &*format!("Bearer {token}"))];
    let body = json!({"transaction_id": id}).to_string();
    let answer = send(Method::POST, &format!("{}/deferred", issuer.issuer()), &headers, body).await.json();
    let credential = answer["credentials"][0]["credential"].as_str().expect("text").to_owned();
    assert_eq!(disclosed(&credential).as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn claims_that_make_no_sense() {
    let issuer = start().await;
    for (case, id, claims) in [
        ("not an array", SD_JWT, json!({"path": ["birthdate"]})),
        ("empty", SD_JWT, json!([])),
        ("no path", SD_JWT, json!([{"mandatory": true}])),
        ("empty path", SD_JWT, json!([{"path": []}])),
        ("negative index", SD_JWT, json!([{"path": ["nationalities", -1]}])),
        ("mandatory is text", SD_JWT, json!([{"path": ["birthdate"], "mandatory": "true"}])),
        ("twice", SD_JWT, json!([{"path": ["birthdate"]}, {"path": ["birthdate"]}])),
        ("all and one", SD_JWT, json!([{"path": ["nationalities", null]}, {"path": ["nationalities", 0]}])),
        ("array and object", SD_JWT, json!([{"path": ["nationalities", "x"]}, {"path": ["nationalities", 0]}])),
        ("mandatory and unknown", SD_JWT, json!([{"path": ["shoe_size"], "mandatory": true}])),
        ("mandatory beside the subject", JWT, json!([{"path": ["given_name"], "mandatory": true}])),
    ] {
        redeem_for(&issuer, id, &claims).await.assert_refused(case, 400, "invalid_authorization_details");
    }
    // What is unknown and not mandatory is left out.
    let token = redeem_for(&issuer, SD_JWT, &json!([{"path": ["shoe_size"]}])).await.json();
    assert_eq!(disclosed(&credential_for(&issuer, &token).await).as_array().map(Vec::len), Some(2));
}
