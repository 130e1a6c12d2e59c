//! The profile `credibil`, driven by what its sample server understands.

use billfold_test_issuer::{Decision, Grant, MadeOffer, OfferSpec, Options, Profile, Running, TestIssuer, sign_in};
use serde_json::{Value, json};

use crate::client::*;
use crate::did_key::Holder;

fn start(options: Options) -> Running {
    TestIssuer::spawn_blocking_thread(Options { profile: Profile::Credibil, ..options }).expect("it starts")
}

fn at(issuer: &Running, path: &str) -> String {
    format!("{}{path}", issuer.base())
}

fn offer(issuer: &Running, grant: Grant, format: &str) -> MadeOffer {
    issuer.make_offer(&OfferSpec::new(grant, format)).expect("an offer")
}

/// A token for a pre-authorized offer, without saying who asks.
async fn token(issuer: &Running, format: &str) -> Value {
    let offer = offer(issuer, Grant::PreAuthorized, format);
    let code = text(grant(&offer), "pre-authorized_code");
    let fields = [("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", code)];
    let answer = post_form(&at(issuer, "/token"), &fields).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    refusal(&post_form(&at(issuer, "/token"), &fields).await, 400, "invalid_grant");
    answer.json()
}

fn identifier(token: &Value) -> &Value {
    &token["authorization_details"][0]["credential_identifiers"][0]
}

async fn ask(issuer: &Running, token: &Value, body: &Value) -> Answer {
    post_json(&at(issuer, "/credential"), text(token, "access_token"), body).await
}

#[tokio::test]
async fn each_proof_gets_a_credential() {
    let issuer = start(Options::default());
    let token = token(&issuer, "dc+sd-jwt").await;
    assert!(token.get("c_nonce").is_none());
    let nonce = nonce(&issuer).await;
    let holders = [Holder::new(1), Holder::new(2)];
    let proofs: Vec<Value> =
        holders.iter().map(|holder| holder.proof_for(issuer.issuer(), &nonce)["jwt"].clone()).collect();
    let body = json!({"credential_identifier": identifier(&token), "proofs": {"jwt": proofs}});
    let answer = ask(&issuer, &token, &body).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let answer = answer.json();
    for (holder, credential) in holders.iter().zip(answer["credentials"].as_array().expect("credentials")) {
        let sd_jwt = text(credential, "credential");
        let (header, claims) = decode(sd_jwt);
        assert_eq!((text(&header, "typ"), text(&claims, "vct")), ("dc+sd-jwt", "Identity_SD_JWT"));
        assert_eq!((&claims["sub"], &claims["cnf"]["jwk"]["crv"]), (&json!(holder.did), &json!("Ed25519")));
        assert!(sd_jwt.ends_with('~'));
        let list = get(text(&claims["status"]["status_list"], "uri")).await;
        assert_eq!(list.header("content-type"), "application/statuslist+jwt");
    }
    // The nonce was good for all of them, once.
    refusal(&ask(&issuer, &token, &body).await, 400, "server_error");
    let body = json!({"notification_id": answer["notification_id"], "event": "credential_accepted"});
    let taken = post_json(&at(&issuer, "/notification"), text(&token, "access_token"), &body).await;
    assert_eq!((taken.status, taken.body.as_slice()), (200, &b"null"[..]));
    let body = json!({"notification_id": "unknown", "event": "credential_accepted"});
    let taken = post_json(&at(&issuer, "/notification"), text(&token, "access_token"), &body).await;
    refusal(&taken, 400, "access_denied");
}

#[tokio::test]
async fn who_asked_by_scope_gets_identifiers_too() {
    let issuer = start(Options::default());
    let offer = offer(&issuer, Grant::Code, "jwt_vc_json");
    let (challenge, user) = (challenge(), issuer.login().user.clone());
    let fields = [
        ("response_type", "code"),
        ("client_id", offer.args[1].as_str()),
        ("redirect_uri", REDIRECT),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("state", "s-1"),
        ("scope", "EmployeeID"),
        ("subject_id", &user),
        ("issuer_state", text(grant(&offer), "issuer_state")),
    ];
    let location = sign_in(&with_query(&at(&issuer, "/auth"), &fields), issuer.login(), Decision::Allow).await;
    let back = query_of(&location.expect("a redirect"));
    assert_eq!(back.as_object().map(serde_json::Map::len), Some(1), "only the code: {back}");
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", text(&back, "code")),
        ("client_id", offer.args[1].as_str()),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let token = post_form(&at(&issuer, "/token"), &fields).await.json();
    let proof = Holder::new(3).proof_for(issuer.issuer(), &nonce(&issuer).await);
    let id = &token["authorization_details"][0]["credential_configuration_id"];
    let by_id = json!({"credential_configuration_id": id, "proof": proof});
    refusal(&ask(&issuer, &token, &by_id).await, 400, "invalid_credential_request");
    let by_format = json!({"format": "jwt_vc_json", "proof": proof});
    assert_eq!(ask(&issuer, &token, &by_format).await.status, 422);
    let body = json!({"credential_identifier": identifier(&token), "proof": proof});
    let answer = ask(&issuer, &token, &body).await.json();
    let (header, claims) = decode(text(&answer["credentials"][0], "credential"));
    let document = get(&at(&issuer, "/.well-known/did.json")).await.json();
    assert_eq!(document["verificationMethod"][0]["id"], header["kid"]);
    assert_eq!(claims["vc"]["type"], json!(["VerifiableCredential", "EmployeeIDCredential"]));
}

#[tokio::test]
async fn documents_are_plain_and_offers_are_read_once() {
    let issuer = start(Options::default());
    let server = get(&at(&issuer, "/.well-known/oauth-authorization-server")).await.json();
    assert_eq!(server["token_endpoint"], json!(at(&issuer, "/token")));
    let metadata = get(&at(&issuer, "/.well-known/openid-credential-issuer")).await.json();
    assert_eq!(metadata["display"]["name"], "Credibil", "an object");
    let offer = issuer.make_offer(&OfferSpec::new(Grant::Code, "dc+sd-jwt").by_reference()).expect("an offer");
    let link = query_of(&offer.link);
    let uri = text(&link, "credential_offer_uri");
    assert_eq!(get(uri).await.json(), offer.offer);
    refusal(&get(uri).await, 400, "server_error");
    assert_eq!(issuer.offers().len(), 12);
}

#[tokio::test]
async fn proofs_are_refused_with_400() {
    let issuer = start(Options::default());
    let token = token(&issuer, "jwt_vc_json").await;
    let holder = Holder::new(4);
    let nonce = nonce(&issuer).await;
    let p256 = Key::new(7);
    let kid = format!("{}#{}", p256.did_key(), p256.did_key().trim_start_matches("did:key:"));
    let claims = json!({"aud": issuer.issuer(), "iat": now(), "nonce": nonce});
    let single = |jwt: String| json!({"proof_type": "jwt", "jwt": jwt});
    let header = |typ: &str| {
        let mut header = holder.header();
        header["typ"] = json!(typ);
        header
    };
    let cases = [
        (holder.proof_for("https://elsewhere.example", &nonce), "invalid_proof"),
        (single(holder.sign(&header("JWT"), &claims)), "invalid_proof"),
        (
            single(holder.sign(&json!({"alg": "EdDSA", "typ": "openid4vci-proof+jwt", "jwk": {}}), &claims)),
            "invalid_proof",
        ),
        (
            single(p256.sign(&json!({"alg": "ES256", "typ": "openid4vci-proof+jwt", "kid": kid}), &claims)),
            "invalid_proof",
        ),
        (holder.proof_for(issuer.issuer(), "unknown"), "server_error"),
        (Value::Null, "invalid_proof"),
    ];
    for (proof, code) in cases {
        let body = json!({"credential_identifier": identifier(&token), "proof": proof});
        let refused = refusal(&ask(&issuer, &token, &body).await, 400, code);
        assert!(refused.get("c_nonce").is_none());
    }
    let body = json!({"credential_identifier": "unknown", "proof": holder.proof_for(issuer.issuer(), &nonce)});
    refusal(&ask(&issuer, &token, &body).await, 400, "invalid_credential_request");
    let body = json!({"credential_identifier": identifier(&token), "proof": holder.proof_for(issuer.issuer(), &nonce)});
    assert_eq!(ask(&issuer, &token, &body).await.status, 200, "none of that used the nonce up");
}

#[tokio::test]
async fn what_is_put_off_can_be_asked_for_again() {
    let issuer = start(Options { deferred_waits: Some(1), ..Options::default() });
    let token = token(&issuer, "jwt_vc_json").await;
    let proof = Holder::new(5).proof_for(issuer.issuer(), &nonce(&issuer).await);
    let body = json!({"credential_identifier": identifier(&token), "proof": proof});
    let put_off = ask(&issuer, &token, &body).await;
    assert_eq!(put_off.status, 200);
    let put_off = put_off.json();
    let again = async || post_json(&at(&issuer, "/deferred_credential"), text(&token, "access_token"), &put_off).await;
    // The interval is where words are expected.
    assert_eq!(refusal(&again().await, 400, "issuance_pending")["error_description"], 5);
    assert!(again().await.json()["credentials"][0]["credential"].is_string());
    refusal(&again().await, 400, "invalid_transaction_id");
}

#[tokio::test]
async fn as_it_is_nobody_gets_through() {
    let issuer = start(Options { credibil_as_is: true, ..Options::default() });
    let token = token(&issuer, "dc+sd-jwt").await;
    let holder = Holder::new(6);
    let nonce = nonce(&issuer).await;
    let body = json!({"credential_identifier": identifier(&token), "proof": holder.proof_for(issuer.issuer(), &nonce)});
    refusal(&ask(&issuer, &token, &body).await, 400, "invalid_proof");
    let mut header = holder.header();
    header["typ"] = json!("oid4vci-proof+jwt");
    let jwt = holder.sign(&header, &json!({"aud": issuer.issuer(), "iat": now(), "nonce": nonce}));
    let body = json!({"credential_identifier": identifier(&token), "proof": {"proof_type": "jwt", "jwt": jwt}});
    let answer = ask(&issuer, &token, &body).await.json();
    assert!(!text(&answer["credentials"][0], "credential").ends_with('~'));
    let list = get(&at(&issuer, "/statuslists/1")).await;
    assert!(list.json().is_string(), "a text in JSON");
}
