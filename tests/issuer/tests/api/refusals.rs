//! What token, nonce, credential and notification endpoints refuse, once each.

use billfold_test_issuer::{Grant, OfferSpec, Options, Running, TestIssuer, TxCode};
use http::Method;
use serde_json::{Value, json};

use crate::client::*;

type ProofChange = fn(&mut Proof);
type FormChange = fn(&mut Vec<(&'static str, &str)>);

fn set(fields: &mut Vec<(&'static str, &str)>, name: &'static str, value: &'static str) {
    drop(fields, name);
    fields.push((name, value));
}

fn drop(fields: &mut Vec<(&'static str, &str)>, name: &'static str) {
    fields.retain(|(known, _)| *known != name);
}

async fn start() -> Running {
    TestIssuer::start(Options::default()).await.expect("started")
}

#[tokio::test]
async fn code_token_requests() {
    let issuer = start().await;
    let url = format!("{}/token", issuer.issuer());
    let cases: &[(&str, &str, FormChange)] = &[
        ("no grant type", "invalid_request", |f| drop(f, "grant_type")),
        ("unknown grant type", "unsupported_grant_type", |f| set(f, "grant_type", "password")),
        ("no code", "invalid_request", |f| drop(f, "code")),
        ("unknown code", "invalid_grant", |f| set(f, "code", "x")),
        ("no client", "invalid_request", |f| drop(f, "client_id")),
        ("another client", "invalid_grant", |f| set(f, "client_id", "other")),
        ("no redirect_uri", "invalid_request", |f| drop(f, "redirect_uri")),
        ("another redirect_uri", "invalid_grant", |f| set(f, "redirect_uri", "http://127.0.0.1:9/other")),
        ("no verifier", "invalid_request", |f| drop(f, "code_verifier")),
        ("short verifier", "invalid_request", |f| set(f, "code_verifier", "short")),
        ("another verifier", "invalid_grant", |f| {
            set(f, "code_verifier", "another-code-verifier-that-is-long-enough-too-");
        }),
        ("tx_code", "invalid_request", |f| set(f, "tx_code", "1")),
        ("client secret", "invalid_client", |f| set(f, "client_secret", "s")),
        ("a parameter twice", "invalid_request", |f| f.push(("client_id", CLIENT))),
        ("details not granted", "invalid_authorization_details", |f| {
            set(
                f,
                "authorization_details",
                r#"[{"type":"openid_credential","credential_configuration_id":"StudentCard_dc_sd_jwt"}]"#,
            );
        }),
    ];
    for (case, error, change) in cases {
        let code = code(&issuer).await;
        let mut fields = code_request(&code);
        change(&mut fields);
        post_form(&url, &fields).await.assert_refused(case, 400, error);
    }
    let answer = send(Method::POST, &url, &[("content-type", "application/json")], "{}").await;
    answer.assert_refused("JSON", 400, "invalid_request");
    assert_eq!(get(&url).await.status, 405);
}

#[tokio::test]
async fn a_code_that_comes_twice_revokes_its_token() {
    let issuer = start().await;
    let url = format!("{}/token", issuer.issuer());
    let code = code(&issuer).await;
    let token = post_form(&url, &code_request(&code)).await.json();
    let token = token["access_token"].as_str().expect("a token");
    // The token works, as far as getting past the bearer check.
    request_credential(&issuer, token, &json!({})).await.assert_refused("before", 400, "invalid_credential_request");
    post_form(&url, &code_request(&code)).await.assert_refused("again", 400, "invalid_grant");
    request_credential(&issuer, token, &json!({})).await.assert_refused("after", 401, "invalid_token");
}

#[tokio::test]
async fn pre_authorized_token_requests() {
    let issuer = start().await;
    let url = format!("{}/token", issuer.issuer());
    let plain = OfferSpec::new(Grant::PreAuthorized, "dc+sd-jwt");
    let with_code = plain.clone().tx_code(TxCode { value: Some("1234".into()), ..TxCode::default() });
    let ask = async |spec: &OfferSpec, tx_code: Option<&str>| {
        let offer = issuer.make_offer(spec).expect("made");
        let code = grant(&offer)["pre-authorized_code"].as_str().expect("a code").to_owned();
        let mut fields = vec![("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", &*code)];
        fields.extend(tx_code.map(|code| ("tx_code", code)));
        post_form(&url, &fields).await
    };
    ask(&plain, Some("1234")).await.assert_refused("tx_code not expected", 400, "invalid_request");
    ask(&with_code, None).await.assert_refused("tx_code missing", 400, "invalid_request");
    ask(&with_code, Some("1235")).await.assert_refused("tx_code wrong", 400, "invalid_grant");
    assert_eq!(ask(&with_code, Some("1234")).await.status, 200);
    let expired = OfferSpec { expires_in: Some(0), ..plain.clone() };
    ask(&expired, None).await.assert_refused("expired", 400, "invalid_grant");
    let fields = [("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", "x")];
    post_form(&url, &fields).await.assert_refused("unknown", 400, "invalid_grant");
    let fields = [("grant_type", PRE_AUTHORIZED)];
    post_form(&url, &fields).await.assert_refused("missing", 400, "invalid_request");

    let offer = issuer.make_offer(&plain).expect("made");
    redeem(&issuer, &offer).await;
    let code = grant(&offer)["pre-authorized_code"].as_str().expect("a code");
    let fields = [("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", code)];
    post_form(&url, &fields).await.assert_refused("used", 400, "invalid_grant");
}

#[tokio::test]
async fn three_wrong_transaction_codes_kill_the_offer() {
    let issuer = start().await;
    let url = format!("{}/token", issuer.issuer());
    for (wrong, status) in [(2, 200), (3, 400)] {
        let tx_code = TxCode { value: Some("1234".into()), ..TxCode::default() };
        let spec = OfferSpec::new(Grant::PreAuthorized, "dc+sd-jwt").tx_code(tx_code);
        let offer = issuer.make_offer(&spec).expect("made");
        let code = grant(&offer)["pre-authorized_code"].as_str().expect("a code");
        let guess = |tx_code| [("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", code), ("tx_code", tx_code)];
        for _ in 0..wrong {
            post_form(&url, &guess("0000")).await.assert_refused("a guess", 400, "invalid_grant");
        }
        assert_eq!(post_form(&url, &guess("1234")).await.status, status, "after {wrong} wrong ones");
    }
}

#[tokio::test]
async fn nonce_requests() {
    let issuer = start().await;
    let url = format!("{}/nonce", issuer.issuer());
    let answer = send(Method::POST, &url, &[("authorization", "Bearer x")], "").await;
    answer.assert_refused("a token", 400, "invalid_request");
    send(Method::POST, &url, &[], "{}").await.assert_refused("a body", 400, "invalid_request");
    assert_eq!(get(&url).await.status, 405);
    let answer = send(Method::POST, &url, &[], "").await;
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn access_tokens() {
    let issuer = start().await;
    let url = format!("{}/credential", issuer.issuer());
    let answer = send(Method::POST, &url, &[("content-type", "application/json")], "{}").await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"credential\"");
    for header in ["Bearer unknown", "DPoP x", "Bearer"] {
        let answer = send(Method::POST, &url, &[("authorization", header)], "{}").await;
        answer.assert_refused(header, 401, "invalid_token");
        assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""), "{header}");
    }
    let token = token_for(&issuer, &["UniversityDegree_dc_sd_jwt"]).await;
    let body = json!({"credential_configuration_id": "StudentCard_dc_sd_jwt", "proofs": {"jwt": ["x"]}});
    let answer = request_credential(&issuer, &token, &body).await;
    answer.assert_refused("another credential", 403, "insufficient_scope");
    assert!(answer.header("www-authenticate").contains("error=\"insufficient_scope\""));
    issuer.advance_clock(301);
    request_credential(&issuer, &token, &body).await.assert_refused("expired", 401, "invalid_token");
}

#[tokio::test]
async fn credential_requests() {
    let issuer = start().await;
    let id = "UniversityDegree_dc_sd_jwt";
    let token = token_for(&issuer, &[id, "UniversityDegree_jwt_vc_json_unbound"]).await;
    let nonce = nonce(&issuer).await;
    let proof = |seed| Proof::with_key(&issuer, Some(&nonce), seed).jwt();
    let good = json!({"credential_configuration_id": id, "proofs": {"jwt": [proof(1)]}});
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    let without = |name: &str| {
        let mut body = good.clone();
        body.as_object_mut().expect("an object").remove(name);
        body
    };
    let malformed = "invalid_credential_request";
    let cases = [
        ("array", malformed, json!([])),
        ("no selector", malformed, without("credential_configuration_id")),
        ("both selectors", malformed, with("credential_identifier", json!("x"))),
        ("selector of another type", malformed, with("credential_configuration_id", json!(1))),
        ("identifier never given", malformed, json!({"credential_identifier": "x", "proofs": {"jwt": [proof(1)]}})),
        ("unknown", "unknown_credential_configuration", with("credential_configuration_id", json!("x"))),
        ("format", malformed, with("format", json!("dc+sd-jwt"))),
        ("proof", malformed, with("proof", json!({"proof_type": "jwt", "jwt": "x"}))),
        ("vct", malformed, with("vct", json!("x"))),
        ("doctype", malformed, with("doctype", json!("x"))),
        ("credential_definition", malformed, with("credential_definition", json!({}))),
        ("unknown member", malformed, with("hello", json!(1))),
        (
            "encryption",
            "invalid_encryption_parameters",
            with("credential_response_encryption", json!({"jwk": {}, "enc": "A128GCM"})),
        ),
        ("no proofs", "invalid_proof", without("proofs")),
        ("proofs not an object", malformed, with("proofs", json!([proof(1)]))),
        ("proofs empty", malformed, with("proofs", json!({}))),
        ("two proof types", malformed, with("proofs", json!({"jwt": [proof(1)], "attestation": ["x"]}))),
        ("other proof type", "invalid_proof", with("proofs", json!({"attestation": ["x"]}))),
        ("proofs.jwt a string", malformed, with("proofs", json!({"jwt": proof(1)}))),
        ("proofs.jwt empty", malformed, with("proofs", json!({"jwt": []}))),
        ("proof not a string", malformed, with("proofs", json!({"jwt": [1]}))),
        (
            "more than the batch size",
            malformed,
            with("proofs", json!({"jwt": [proof(1), proof(2), proof(3), proof(4), proof(5)]})),
        ),
        ("same key twice", "invalid_proof", with("proofs", json!({"jwt": [proof(1), proof(1)]}))),
        (
            "proofs without need",
            malformed,
            with("credential_configuration_id", json!("UniversityDegree_jwt_vc_json_unbound")),
        ),
    ];
    for (case, error, body) in cases {
        request_credential(&issuer, &token, &body).await.assert_refused(case, 400, error);
    }
    let headers = [("authorization", &*format!("Bearer {token}")), ("content-type", "text/plain")];
    let url = format!("{}/credential", issuer.issuer());
    send(Method::POST, &url, &headers, good.to_string()).await.assert_refused("content type", 400, malformed);
    let headers = [headers[0], ("content-type", "application/json; charset=utf-8")];
    send(Method::POST, &url, &headers, "{").await.assert_refused("not JSON", 400, malformed);
    // None of this has used up the nonce or the token.
    let answer = send(Method::POST, &url, &headers, good.to_string()).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
}

#[tokio::test]
async fn proofs() {
    let issuer = start().await;
    let id = "UniversityDegree_dc_sd_jwt";
    let token = token_for(&issuer, &[id]).await;
    let cases: &[(&str, &str, ProofChange)] = &[
        ("no typ", "invalid_proof", |p| p.header["typ"] = Value::Null),
        ("typ JWT", "invalid_proof", |p| p.header["typ"] = json!("JWT")),
        ("alg none", "invalid_proof", |p| p.header["alg"] = json!("none")),
        ("alg HS256", "invalid_proof", |p| p.header["alg"] = json!("HS256")),
        ("alg of another key", "invalid_proof", |p| p.header["alg"] = json!("ES384")),
        ("crit", "invalid_proof", |p| p.header["crit"] = json!(["x"])),
        ("kid beside jwk", "invalid_proof", |p| p.header["kid"] = json!("x")),
        ("x5c beside jwk", "invalid_proof", |p| p.header["x5c"] = json!(["x"])),
        ("no key", "invalid_proof", |p| {
            p.header.as_object_mut().expect("an object").remove("jwk");
        }),
        ("private key", "invalid_proof", |p| p.header["jwk"]["d"] = json!("AAAA")),
        ("point off the curve", "invalid_proof", |p| p.header["jwk"]["y"] = p.header["jwk"]["x"].clone()),
        ("DID where only jwk is taken", "invalid_proof", |p| {
            let did = p.key.did_key();
            let kid = format!("{did}#{}", did.trim_start_matches("did:key:"));
            p.header = json!({"typ": "openid4vci-proof+jwt", "alg": "ES256", "kid": kid});
        }),
        ("aud missing", "invalid_proof", |p| p.claims["aud"] = Value::Null),
        ("aud with a slash", "invalid_proof", |p| {
            p.claims["aud"] = json!(format!("{}/", p.claims["aud"].as_str().expect("text")));
        }),
        ("aud an array", "invalid_proof", |p| p.claims["aud"] = json!([p.claims["aud"]])),
        ("iat missing", "invalid_proof", |p| {
            p.claims.as_object_mut().expect("an object").remove("iat");
        }),
        ("iat text", "invalid_proof", |p| p.claims["iat"] = json!(now().to_string())),
        ("iat fractional", "invalid_proof", |p| p.claims["iat"] = json!(1.5)),
        ("iat old", "invalid_proof", |p| p.claims["iat"] = json!(now() - 400)),
        ("iat ahead", "invalid_proof", |p| p.claims["iat"] = json!(now() + 400)),
        ("iss though anonymous", "invalid_proof", |p| p.claims["iss"] = json!(CLIENT)),
        ("no nonce", "invalid_proof", |p| {
            p.claims.as_object_mut().expect("an object").remove("nonce");
        }),
        ("nonce a number", "invalid_proof", |p| p.claims["nonce"] = json!(1)),
        ("unknown nonce", "invalid_nonce", |p| p.claims["nonce"] = json!("x")),
        ("another key's signature", "invalid_proof", |p| p.key = Key::new(9)),
    ];
    let ask = async |jwt: String| {
        let body = json!({"credential_configuration_id": id, "proofs": {"jwt": [jwt]}});
        request_credential(&issuer, &token, &body).await
    };
    let fresh = nonce(&issuer).await;
    for (case, error, change) in cases {
        let mut proof = Proof::new(&issuer, Some(&fresh));
        change(&mut proof);
        ask(proof.jwt()).await.assert_refused(case, 400, error);
    }
    ask("a.b".to_owned()).await.assert_refused("two parts", 400, "invalid_proof");
    let proof = Proof::new(&issuer, Some(&fresh));
    assert_eq!(ask(proof.jwt()).await.status, 200);
    ask(proof.jwt()).await.assert_refused("nonce used", 400, "invalid_nonce");
    let old = nonce(&issuer).await;
    issuer.advance_clock(299);
    let second = nonce(&issuer).await;
    issuer.advance_clock(2);
    let token = token_for(&issuer, &[id]).await;
    let body = |nonce: &str| {
        let mut proof = Proof::new(&issuer, Some(nonce));
        proof.claims["iat"] = json!(now() + 301);
        json!({"credential_configuration_id": id, "proofs": {"jwt": [proof.jwt()]}})
    };
    request_credential(&issuer, &token, &body(&old)).await.assert_refused("nonce old", 400, "invalid_nonce");
    assert_eq!(request_credential(&issuer, &token, &body(&second)).await.status, 200);
}

#[tokio::test]
async fn proofs_of_did_bound_credentials() {
    let issuer = start().await;
    let id = "UniversityDegree_dc_sd_jwt_did";
    let token = token_for(&issuer, &[id]).await;
    let nonce = nonce(&issuer).await;
    let ask = async |kid: Option<String>| {
        let mut proof = Proof::new(&issuer, Some(&nonce));
        if let Some(kid) = kid {
            proof.header = json!({"typ": "openid4vci-proof+jwt", "alg": "ES256", "kid": kid});
        }
        let body = json!({"credential_configuration_id": id, "proofs": {"jwt": [proof.jwt()]}});
        request_credential(&issuer, &token, &body).await
    };
    let did = Key::new(7).did_key();
    let url = format!("{did}#{}", did.trim_start_matches("did:key:"));
    ask(None).await.assert_refused("jwk", 400, "invalid_proof");
    ask(Some(did.clone())).await.assert_refused("no fragment", 400, "invalid_proof");
    ask(Some(format!("{did}#0"))).await.assert_refused("another fragment", 400, "invalid_proof");
    ask(Some("did:web:example.com#0".into())).await.assert_refused("method", 400, "invalid_proof");
    ask(Some("key-1".into())).await.assert_refused("no DID", 400, "invalid_proof");
    let answer = ask(Some(url.clone())).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let (_, claims) = decode(answer.json()["credentials"][0]["credential"].as_str().expect("text"));
    assert_eq!(claims["cnf"], json!({"kid": url}));
    assert_eq!(claims["sub"], did);
}

#[tokio::test]
async fn notifications() {
    let issuer = start().await;
    let id = "UniversityDegree_dc_sd_jwt";
    let token = token_for(&issuer, &[id]).await;
    let proof = Proof::new(&issuer, Some(&nonce(&issuer).await));
    let body = json!({"credential_configuration_id": id, "proofs": {"jwt": [proof.jwt()]}});
    let answer = request_credential(&issuer, &token, &body).await.json();
    let notification = answer["notification_id"].as_str().expect("an id");
    let url = format!("{}/notification", issuer.issuer());
    let ask = async |token: &str, body: &Value| {
        let headers = [("content-type", "application/json"), ("authorization", &*format!("Bearer {token}"))];
        send(Method::POST, &url, &headers, body.to_string()).await
    };
    let bad = "invalid_notification_request";
    for (case, error, body) in [
        ("no id", bad, json!({"event": "credential_accepted"})),
        ("no event", bad, json!({"notification_id": notification})),
        ("unknown event", bad, json!({"notification_id": notification, "event": "Credential_accepted"})),
        (
            "description not plain",
            bad,
            json!({"notification_id": notification, "event": "credential_failure", "event_description": "\u{fc}"}),
        ),
        ("unknown id", "invalid_notification_id", json!({"notification_id": "x", "event": "credential_accepted"})),
    ] {
        ask(&token, &body).await.assert_refused(case, 400, error);
    }
    let good = json!({"notification_id": notification, "event": "credential_failure"});
    let other = token_for(&issuer, &[id]).await;
    ask(&other, &good).await.assert_refused("another token", 400, "invalid_notification_id");
    ask("x", &good).await.assert_refused("no such token", 401, "invalid_token");
    assert_eq!(ask(&token, &good).await.status, 204);
}
