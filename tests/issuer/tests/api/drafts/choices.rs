//! Choices that every dialect has keep working in each draft.

use billfold_test_issuer::{
    AuthorizationServer, Decision, Display, Dpop, Grant, OfferSpec, Options, Par, Running, StatusKind,
};
use http::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::wallet::*;
use crate::client::*;
use crate::presentations::{Holder, signed, unsigned};

const ID: &str = "UniversityDegree_jwt_vc_json";

#[tokio::test]
async fn a_credential_with_each_of_them() {
    let choices = [
        Options { path: "/a/b".into(), ..Options::default() },
        Options { par: Par::Required, refresh_tokens: true, ..Options::default() },
        Options { par: Par::On, iss_parameter: false, dpop: Dpop::Off, ..Options::default() },
        Options { status: Some(StatusKind::TokenJwt), unknown_format: true, ..Options::default() },
        Options { display: Display::Alpine, ..Options::default() },
        Options { display: Display::Harbour, ..Options::default() },
        Options { display: Display::Plain, ..Options::default() },
        Options { batch_size: 1, notification_endpoint: false, ..Options::default() },
    ];
    for draft in DRAFTS {
        for options in &choices {
            let issuer = start_with(draft, options.clone()).await;
            let entry = entry(draft, &metadata(&issuer).await, ID);
            let got = by_code(draft, &issuer, &details(draft, &entry, ID), None).await;
            let jwt = proof_for(&issuer, &entry, Some(&got.next_nonce(&issuer).await), 7);
            let body = request(draft, &entry, ID, got.identifier.as_deref(), &jwt);
            let answer = request_credential(&issuer, &got.token, &body).await;
            assert_eq!(answer.status, 200, "{draft} {options:?}: {}", String::from_utf8_lossy(&answer.body));
            assert_eq!(got.answer.get("refresh_token").is_some(), options.refresh_tokens);
            assert_eq!(entry.get("display").is_some(), options.display != Display::Plain, "{draft}: {entry}");
        }
    }
}

#[tokio::test]
async fn a_refresh_brings_a_nonce_where_tokens_do() {
    for draft in DRAFTS {
        let issuer = start_with(draft, Options { refresh_tokens: true, ..Options::default() }).await;
        let (got, entry) = got_for(draft, &issuer, ID).await;
        let fields = [("grant_type", "refresh_token"), ("refresh_token", text(&got.answer, "refresh_token"))];
        let again = post_form(&format!("{}/token", issuer.issuer()), &fields).await;
        assert_eq!(again.status, 200, "{}", String::from_utf8_lossy(&again.body));
        let again = Got::read(draft, again.json());
        let jwt = proof_for(&issuer, &entry, Some(&again.next_nonce(&issuer).await), 7);
        let answer = request_credential(&issuer, &again.token, &request(draft, &entry, ID, None, &jwt)).await;
        assert_eq!(answer.status, 200, "{draft}");
    }
}

#[tokio::test]
async fn the_scope_will_do_too() {
    for draft in DRAFTS {
        let issuer = start(draft).await;
        let entry = entry(draft, &metadata(&issuer).await, ID);
        assert_eq!(entry.get("scope").is_some(), draft >= 12);
        let challenge = challenge();
        let url = authorize_url(&issuer, &authorization_request(&challenge, ID));
        let redirect = redirect_of(&issuer, &url, Decision::Allow).await;
        let answer = post_form(&format!("{}/token", issuer.issuer()), &code_request(text(&redirect, "code"))).await;
        let got = Got::read(draft, answer.json());
        assert!(got.answer.get("authorization_details").is_none());
        let jwt = proof_for(&issuer, &entry, Some(&got.next_nonce(&issuer).await), 7);
        let answer = request_credential(&issuer, &got.token, &request(draft, &entry, ID, None, &jwt)).await;
        credential_in(draft, &answer.json());
    }
}

/// A DPoP proof, for a token if there is one.
fn dpop_proof(url: &str, token: Option<&str>) -> String {
    let key = Key::new(21);
    let mut claims = json!({"jti": unique(), "htm": "POST", "htu": url, "iat": now()});
    if let Some(token) = token {
        claims["ath"] = json!(b64(Sha256::digest(token)));
    }
    key.sign(&json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": key.jwk()}), &claims)
}

#[tokio::test]
async fn tokens_bound_to_a_key() {
    for draft in DRAFTS {
        let issuer = start_with(draft, Options { dpop: Dpop::Required, ..Options::default() }).await;
        let offer = issuer.make_offer(&OfferSpec::new(Grant::PreAuthorized, "jwt_vc_json")).expect("made");
        let fields =
            [("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", text(grant(&offer), "pre-authorized_code"))];
        let url = format!("{}/token", issuer.issuer());
        let token = post_form_with(&url, &[("dpop", &dpop_proof(&url, None))], &fields).await.json();
        assert_eq!(token["token_type"], "DPoP");
        let nonce = match token["c_nonce"].as_str() {
            Some(nonce) => nonce.to_owned(),
            None => nonce(&issuer).await,
        };
        let entry = entry(draft, &metadata(&issuer).await, ID);
        let body = request(draft, &entry, ID, None, &proof_for(&issuer, &entry, Some(&nonce), 7));
        let url = format!("{}/credential", issuer.issuer());
        let (token, proof) = (text(&token, "access_token"), dpop_proof(&url, Some(text(&token, "access_token"))));
        let authorization = format!("DPoP {token}");
        let headers = [("content-type", "application/json"), ("authorization", &authorization), ("dpop", &proof)];
        assert_eq!(send(Method::POST, &url, &headers, body.to_string()).await.status, 200, "{draft}");
    }
}

#[tokio::test]
async fn servers_elsewhere() {
    for draft in DRAFTS {
        let options = Options { authorization_server: AuthorizationServer::Port, ..Options::default() };
        let issuer = start_with(draft, options).await;
        let document = metadata(&issuer).await;
        let server =
            if draft == 11 { &document["authorization_server"] } else { &document["authorization_servers"][0] };
        let server = server.as_str().expect("a server").to_owned();
        assert!(!server.starts_with(issuer.base()));
        let offer = issuer.make_offer(&OfferSpec::new(Grant::PreAuthorized, "jwt_vc_json")).expect("made");
        let code = text(grant(&offer), "pre-authorized_code");
        let fields = [("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", code)];
        let got = Got::read(draft, post_form(&format!("{server}/token"), &fields).await.json());
        let entry = entry(draft, &document, ID);
        let jwt = proof_for(&issuer, &entry, Some(&got.next_nonce(&issuer).await), 7);
        let answer = request_credential(&issuer, &got.token, &request(draft, &entry, ID, None, &jwt)).await;
        assert_eq!(answer.status, 200, "{draft}");
    }
}

#[tokio::test]
async fn presentations_go_by_their_first_name() {
    for draft in 13..=15 {
        let issuer = start_with(draft, Options { di_vp_proof: true, ..Options::default() }).await;
        let (got, entry) = got_for(draft, &issuer, ID).await;
        assert_eq!(names(&entry["proof_types_supported"]), ["jwt", "ldp_vp"]);
        let holder = Holder::ed25519(5);
        let show = async |issuer: &Running| {
            signed(unsigned(issuer, &holder, "eddsa-rdfc-2022", &got.next_nonce(issuer).await), &holder)
        };
        let mut body = Value::Object(selector(draft, &entry, ID, None));
        body["proof"] = json!({"proof_type": "ldp_vp", "ldp_vp": show(&issuer).await});
        let answer = request_credential(&issuer, &got.token, &body).await;
        assert_eq!(answer.status, 200, "{draft}: {}", String::from_utf8_lossy(&answer.body));
        let credential = credential_in(draft, &answer.json());
        let (_, claims) = decode(credential.as_str().expect("text"));
        assert_eq!(text(&claims, "sub"), holder.did());
    }
}

#[tokio::test]
async fn some_faults_in_the_shape_of_the_draft() {
    for draft in DRAFTS {
        let issuer = start(draft).await;
        for (fault, status) in [
            ("empty-credentials", 200),
            ("neither-answer", 200),
            ("both-answer", 200),
            ("unknown-members", 200),
            ("same-key-twice", 200),
            ("bare-credentials", 200),
            ("bad-signature", 200),
            ("credential-denied", 400),
            ("stale-nonce", 400),
            ("invalid-proof-at-credential", 400),
            ("http-500-credential", 500),
        ] {
            issuer.set_fault(fault).expect("known");
            let (got, entry) = got_for(draft, &issuer, ID).await;
            let jwt = proof_for(&issuer, &entry, Some(&got.next_nonce(&issuer).await), 7);
            let answer = request_credential(&issuer, &got.token, &request(draft, &entry, ID, None, &jwt)).await;
            issuer.clear_faults();
            assert_eq!(answer.status, status, "{draft} {fault}: {}", String::from_utf8_lossy(&answer.body));
            let answer = answer.json();
            let there = answer.get("credential").is_some() || answer["credentials"][0].is_string();
            match (fault, draft) {
                ("empty-credentials" | "neither-answer", _) => {
                    assert!(!there && answer["credentials"].as_array().is_none_or(Vec::is_empty), "{draft}: {answer}");
                }
                ("both-answer", 11) => assert!(answer["acceptance_token"].is_string(), "{answer}"),
                ("both-answer", _) => assert!(answer["transaction_id"].is_string(), "{draft}: {answer}"),
                ("bare-credentials", 15) => assert!(there, "{answer}"),
                _ if status == 200 => assert_eq!(there, draft <= 14, "{draft} {fault}: {answer}"),
                _ => {}
            }
        }
    }
}
