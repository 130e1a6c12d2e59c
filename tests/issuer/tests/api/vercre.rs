//! The profile `vercre`, driven by what its sample server understands.

use billfold_test_issuer::{By, Decision, Grant, MadeOffer, OfferSpec, Options, Profile, Running, TestIssuer, sign_in};
use serde_json::{Value, json};

use crate::client::*;
use crate::did_key::Holder;

const CLIENT: &str = "96bfb9cb-0513-7d64-5532-bed74c48f9ab";

fn start(deferred_waits: Option<u32>) -> Running {
    let options = Options { profile: Profile::Vercre, deferred_waits, ..Options::default() };
    TestIssuer::spawn_blocking_thread(options).expect("it starts")
}

fn offer(issuer: &Running, grant: Grant) -> MadeOffer {
    issuer.make_offer(&OfferSpec::new(grant, "jwt_vc_json")).expect("an offer")
}

fn at(issuer: &Running, path: &str) -> String {
    format!("{}{path}", issuer.base())
}

async fn redeem_pre_authorized(issuer: &Running, offer: &MadeOffer) -> Answer {
    let code = text(grant(offer), "pre-authorized_code");
    let mut fields = vec![("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", code), ("client_id", CLIENT)];
    fields.extend(offer.tx_code.as_deref().map(|code| ("tx_code", code)));
    post_form(&at(issuer, "/token"), &fields).await
}

fn authorization<'a>(challenge: &'a str, more: &[(&'static str, &'a str)]) -> Vec<(&'static str, &'a str)> {
    let mut fields = vec![
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", REDIRECT),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256"),
        ("state", "s-1"),
        ("scope", "EmployeeIDCredential"),
    ];
    fields.extend_from_slice(more);
    fields
}

#[tokio::test]
async fn pre_authorized_wallets_ask_by_identifier() {
    let issuer = start(None);
    let token = redeem_pre_authorized(&issuer, &offer(&issuer, Grant::PreAuthorized)).await.json();
    assert_eq!(text(&token, "token_type"), "Bearer");
    // Nobody asked for them.
    let identifier = &token["authorization_details"][0]["credential_identifiers"][0];
    let holder = Holder::new(1);
    let body = json!({"credential_identifier": identifier, "proof": holder.proof(text(&token, "c_nonce"))});
    let access = text(&token, "access_token");
    let answer = post_json(&at(&issuer, "/credential"), access, &body).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    assert_eq!(answer.header("cache-control"), "no-cache, no-store");
    let answer = answer.json();
    let (header, claims) = decode(text(&answer, "credential"));
    assert_eq!((&header["typ"], &header["alg"]), (&json!("jwt"), &json!("EdDSA")));
    assert!(text(&header, "kid").starts_with("did:web:127.0.0.1%3A"));
    assert_eq!((&claims["sub"], &claims["nbf"]), (&json!(holder.did), &Value::Null));
    let document = get(&at(&issuer, "/.well-known/did.json")).await.json();
    assert_eq!(document["verificationMethod"][0]["id"], header["kid"]);

    // Each answer has the nonce for the next request, refusals too.
    let refused = post_json(&at(&issuer, "/credential"), access, &body).await;
    let refused = refusal(&refused, 500, "invalid_proof");
    assert_ne!(refused["c_nonce"], answer["c_nonce"]);
    let again = json!({"credential_identifier": identifier, "proofs": {"jwt": [holder.proof(text(&refused, "c_nonce"))["jwt"]]}});
    assert_eq!(post_json(&at(&issuer, "/credential"), access, &again).await.status, 200);
    // What was given for notifications is not found again.
    let body = json!({"notification_id": answer["notification_id"], "event": "credential_accepted"});
    refusal(&post_json(&at(&issuer, "/notification"), access, &body).await, 500, "server_error");
}

#[tokio::test]
async fn who_asked_by_scope_asks_by_format() {
    let issuer = start(None);
    let offer = offer(&issuer, Grant::Code);
    let subject = format!("subject_id={}", issuer.login().user);
    assert_eq!(offer.args, ["--client-id", CLIENT, "--authorization-parameter", &subject]);
    let state = text(grant(&offer), "issuer_state");
    let challenge = challenge();
    let user = issuer.login().user.clone();
    let fields = authorization(&challenge, &[("subject_id", &user), ("issuer_state", state)]);
    let url = with_query(&at(&issuer, "/auth"), &fields);
    assert_eq!(get(&url).await.status, 401, "the sign-in page is a refusal");
    let location = sign_in(&url, issuer.login(), Decision::Allow).await.expect("a redirect");
    let back = query_of(&location);
    assert_eq!(back.as_object().map(serde_json::Map::len), Some(1), "only the code: {back}");
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", text(&back, "code")),
        ("client_id", CLIENT),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let token = post_form(&at(&issuer, "/token"), &fields).await.json();
    assert!(token.get("authorization_details").is_none(), "{token}");
    let access = text(&token, "access_token");
    let proof = Holder::new(2).proof(text(&token, "c_nonce"));
    // By the configuration's id: the framework stumbles.
    let body = json!({"credential_configuration_id": "EmployeeID_JWT", "proof": proof});
    let refused = post_json(&at(&issuer, "/credential"), access, &body).await;
    assert_eq!((refused.status, refused.header("content-type")), (422, "text/plain; charset=utf-8"));
    let body = json!({
        "format": "jwt_vc_json",
        "credential_definition": {"type": ["VerifiableCredential", "EmployeeIDCredential"]},
        "proof": proof,
    });
    assert_eq!(post_json(&at(&issuer, "/credential"), access, &body).await.status, 200);
    // The code was good once.
    refusal(&post_form(&at(&issuer, "/token"), &fields).await, 500, "invalid_grant");
}

#[tokio::test]
async fn documents_are_wrapped_and_relative() {
    let issuer = start(None);
    let server = get(&at(&issuer, "/.well-known/oauth-authorization-server")).await.json();
    assert_eq!(server["authorization_server"]["token_endpoint"], "/token");
    assert!(server["authorization_server"].get("pushed_authorization_request_endpoint").is_none());
    let metadata = get(&at(&issuer, "/.well-known/openid-credential-issuer")).await.json();
    assert_eq!(metadata["display"]["name"], "Vercre", "an object");
    assert_eq!(metadata["credential_configurations_supported"]["Developer_LDP"]["format"], "ldp-vc");
    let by_reference = issuer.make_offer(&OfferSpec::new(Grant::Code, "jwt_vc_json").by_reference()).expect("an offer");
    let uri = query_of(&by_reference.link);
    let fetched = get(text(&uri, "credential_offer_uri")).await.json();
    assert_eq!(fetched, json!({"credential_offer": by_reference.offer}));
    refusal(&get(text(&uri, "credential_offer_uri")).await, 500, "server_error");
    let refused = issuer.make_offer(&OfferSpec::new(Grant::Code, "mso_mdoc")).expect_err("not made");
    assert!(refused.to_string().contains("mso_mdoc"));
    for by in [By::Value, By::Reference] {
        assert_eq!(issuer.offers().iter().filter(|offer| offer.by == by).count(), 3);
    }
}

#[tokio::test]
async fn every_error_of_the_protocol_is_an_internal_one() {
    let issuer = start(None);
    let token = at(&issuer, "/token");
    let code = || text(grant(&offer(&issuer, Grant::PreAuthorized)), "pre-authorized_code").to_owned();
    let request =
        |code: &str| vec![("grant_type", PRE_AUTHORIZED.to_owned()), ("pre-authorized_code", code.to_owned())];
    let send = async |fields: Vec<(&str, String)>| {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        post_form(&token, &fields).await
    };
    refusal(&send(request(&code())).await, 500, "invalid_client");
    let with = |mut fields: Vec<(&'static str, String)>, more: &[(&'static str, &str)]| {
        fields.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        fields
    };
    refusal(&send(with(request(&code()), &[("client_id", "another")])).await, 500, "invalid_client");
    let unasked = with(request(&code()), &[("client_id", CLIENT), ("tx_code", "123456")]);
    refusal(&send(unasked.clone()).await, 500, "invalid_grant");
    refusal(&send(unasked).await, 500, "invalid_grant");
    assert_eq!(send(with(request(&code()), &[("authorization_details", "[]")])).await.status, 422);

    let subject = issuer.login().user.clone();
    let challenge = challenge();
    let auth = at(&issuer, "/auth");
    let refused = get(&with_query(&auth, &authorization(&challenge, &[]))).await;
    refusal(&refused, 401, "no subject_id");
    let mut fields = authorization(&challenge, &[("subject_id", &subject)]);
    fields[6].1 = "openid EmployeeIDCredential";
    let location = sign_in(&with_query(&auth, &fields), issuer.login(), Decision::Allow).await.expect("a redirect");
    let back = query_of(&location);
    assert_eq!(text(&back, "error"), "invalid_scope", "only the first word counts");
    assert!(back.get("state").is_none());
    fields[6].0 = "authorization_details";
    assert_eq!(get(&with_query(&auth, &fields)).await.status, 400);
    refusal(
        &post_json(&at(&issuer, "/credential"), "x", &json!({"credential_identifier": "x"})).await,
        500,
        "access_denied",
    );
    let without = send_plain(&at(&issuer, "/credential")).await;
    assert_eq!((without.status, without.header("content-type")), (400, "text/plain; charset=utf-8"));
}

async fn send_plain(url: &str) -> Answer {
    send(http::Method::POST, url, &[("content-type", "application/json")], "{}").await
}

#[tokio::test]
async fn proofs_are_by_did_key_and_nothing_else() {
    let issuer = start(None);
    let token = redeem_pre_authorized(&issuer, &offer(&issuer, Grant::PreAuthorized)).await.json();
    let holder = Holder::new(3);
    let mut nonce = text(&token, "c_nonce").to_owned();
    let p256 = Key::new(7);
    let by_p256 = format!("{}#{}", p256.did_key(), p256.did_key().trim_start_matches("did:key:"));
    for (case, make) in [("jwk", 0), ("typ", 1), ("another kind of key", 2), ("no nonce", 3)] {
        let claims = json!({"aud": "x", "iat": now(), "nonce": nonce});
        let mut header = holder.header();
        let jwt = match make {
            0 => holder.sign(&json!({"alg": "EdDSA", "typ": "openid4vci-proof+jwt", "jwk": {}}), &claims),
            1 => {
                header["typ"] = json!("JWT");
                holder.sign(&header, &claims)
            }
            2 => p256.sign(&json!({"alg": "ES256", "typ": "openid4vci-proof+jwt", "kid": by_p256}), &claims),
            _ => holder.sign(&header, &json!({"aud": "x", "iat": now()})),
        };
        let body = json!({"credential_identifier": "PHLEmployeeID", "proof": {"proof_type": "jwt", "jwt": jwt}});
        let refused = post_json(&at(&issuer, "/credential"), text(&token, "access_token"), &body).await;
        let refused = refusal(&refused, 500, "invalid_proof");
        assert!(refused["c_nonce"].is_string(), "{case}");
        text(&refused, "c_nonce").clone_into(&mut nonce);
    }
    let body = json!({"credential_identifier": "PHLEmployeeID"});
    let refused = post_json(&at(&issuer, "/credential"), text(&token, "access_token"), &body).await;
    refusal(&refused, 500, "invalid_proof");
    let body = json!({"credential_identifier": "Another", "proof": holder.proof(&nonce)});
    let refused = post_json(&at(&issuer, "/credential"), text(&token, "access_token"), &body).await;
    refusal(&refused, 500, "invalid_credential_request");
}

#[tokio::test]
async fn what_is_put_off_comes_at_the_first_ask_or_never() {
    for (waits, comes) in [(0, true), (1, false)] {
        let issuer = start(Some(waits));
        let token = redeem_pre_authorized(&issuer, &offer(&issuer, Grant::PreAuthorized)).await.json();
        let access = text(&token, "access_token");
        let proof = Holder::new(4).proof(text(&token, "c_nonce"));
        let body = json!({"credential_identifier": "PHLEmployeeID", "proof": proof});
        let put_off = post_json(&at(&issuer, "/credential"), access, &body).await;
        assert_eq!(put_off.status, 200);
        let put_off = put_off.json();
        assert_eq!(put_off.as_object().map(serde_json::Map::len), Some(1), "the id and no interval");
        let ask = async || post_json(&at(&issuer, "/deferred_credential"), access, &put_off).await;
        let first = ask().await;
        if comes {
            assert!(first.json()["credential"].is_string());
        } else {
            assert_eq!(refusal(&first, 500, "issuance_pending")["interval"], 5);
        }
        refusal(&ask().await, 500, "invalid_transaction_id");
    }
}
