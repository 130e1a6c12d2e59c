//! The profile `sphereon`, in both releases, held against transcripts of the real ones.

use billfold_test_issuer::{
    By, Grant, MadeOffer, OfferSpec, Options, Profile, Running, SphereonRelease, TestIssuer, TxCode,
};
use serde_json::{Value, json};

use crate::client::*;

const OLD: SphereonRelease = SphereonRelease::V0_14;
const NEW: SphereonRelease = SphereonRelease::V0_20;

fn start(sphereon_release: SphereonRelease) -> Running {
    let options = Options { profile: Profile::Sphereon, sphereon_release, ..Options::default() };
    TestIssuer::spawn_blocking_thread(options).expect("it starts")
}

fn at(issuer: &Running, path: &str) -> String {
    format!("{}{path}", issuer.base())
}

fn offer(issuer: &Running, format: &str) -> MadeOffer {
    issuer.make_offer(&OfferSpec::new(Grant::PreAuthorized, format)).expect("an offer")
}

async fn redeem(issuer: &Running, offer: &MadeOffer, more: &[(&str, &str)]) -> Answer {
    let code = text(grant(offer), "pre-authorized_code");
    let mut fields = vec![("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", code)];
    fields.extend_from_slice(more);
    post_form(&at(issuer, "/token"), &fields).await
}

async fn token(issuer: &Running, format: &str) -> (Value, MadeOffer) {
    let offer = offer(issuer, format);
    let answer = redeem(issuer, &offer, &[]).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    (answer.json(), offer)
}

fn proof(issuer: &Running, nonce: &str) -> Proof {
    Proof::new(issuer, Some(nonce))
}

fn single(proof: &Proof) -> Value {
    json!({"proof_type": "jwt", "jwt": proof.jwt()})
}

#[tokio::test]
async fn the_old_release_is_asked_by_format() {
    let issuer = start(OLD);
    let metadata = get(&at(&issuer, "/.well-known/openid-credential-issuer")).await.json();
    assert_eq!(metadata["token_endpoint"], json!(at(&issuer, "/token")));
    for name in ["authorization_servers", "nonce_endpoint"] {
        assert!(metadata.get(name).is_none(), "{name}");
    }
    for document in ["oauth-authorization-server", "openid-configuration"] {
        let nothing = get(&at(&issuer, &format!("/.well-known/{document}"))).await;
        assert_eq!((nothing.status, nothing.header("content-type")), (404, "text/html; charset=utf-8"));
    }
    let (token, offer) = token(&issuer, "vc+sd-jwt").await;
    assert!(offer.link.starts_with("openid-credential-offer://127.0.0.1:"), "{}", offer.link);
    assert_eq!((text(&token, "token_type"), &token["interval"]), ("bearer", &json!(300)));
    let (_, claims) = decode(text(&token, "access_token"));
    assert!(claims["iat"].is_f64() && claims["exp"].is_f64(), "{claims}");
    let access = text(&token, "access_token");
    let proof = proof(&issuer, text(&token, "c_nonce"));
    let configuration = &offer.offer["credential_configuration_ids"][0];
    let by_id = json!({"credential_configuration_id": configuration, "proofs": {"jwt": [proof.jwt()]}});
    let refused = refusal(&post_json(&at(&issuer, "/credentials"), access, &by_id).await, 500, "invalid_request");
    let reason = "credential request should either have a credential_identifier or format and type";
    assert_eq!(text(&refused, "error_description"), reason);
    let by_format = json!({"format": "vc+sd-jwt", "vct": "any", "proofs": {"jwt": [proof.jwt()]}});
    refusal(&post_json(&at(&issuer, "/credentials"), access, &by_format).await, 500, "invalid_request");
    let by_format = json!({"format": "vc+sd-jwt", "vct": "any", "proof": single(&proof)});
    let answer = post_json(&at(&issuer, "/credentials"), access, &by_format).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let answer = answer.json();
    let (header, claims) = decode(text(&answer, "credential"));
    assert_eq!((text(&header, "typ"), &claims["cnf"]["jwk"]), ("vc+sd-jwt", &proof.key.jwk()));
    assert!(answer["c_nonce"].is_string() && answer["notification_id"].is_string());
}

#[tokio::test]
async fn the_new_release_is_asked_by_id_with_either_proof() {
    let issuer = start(NEW);
    let server = get(&at(&issuer, "/.well-known/oauth-authorization-server")).await.json();
    assert_eq!(server["token_endpoint"], json!(at(&issuer, "/token")));
    for format in ["dc+sd-jwt", "jwt_vc_json", "mso_mdoc"] {
        let (token, offer) = token(&issuer, format).await;
        let access = text(&token, "access_token");
        let id = &offer.offer["credential_configuration_ids"][0];
        for plural in [true, false] {
            let nonce = send(http::Method::POST, &at(&issuer, "/nonce"), &[], "").await;
            let proof = proof(&issuer, text(&nonce.json(), "c_nonce"));
            let mut body = json!({"credential_configuration_id": id});
            if plural {
                body["proofs"] = json!({"jwt": [proof.jwt()]});
            } else {
                body["proof"] = single(&proof);
            }
            let answer = post_json(&at(&issuer, "/credentials"), access, &body).await;
            assert_eq!(answer.status, 200, "{format}: {}", String::from_utf8_lossy(&answer.body));
            assert!(answer.json()["credentials"][0]["credential"].is_string());
        }
        let body = json!({"format": format, "proof": single(&proof(&issuer, text(&token, "c_nonce")))});
        refusal(&post_json(&at(&issuer, "/credentials"), access, &body).await, 500, "invalid_request");
    }
}

#[tokio::test]
async fn codes_come_again_and_references_end_with_the_first() {
    let issuer = start(NEW);
    let offer =
        issuer.make_offer(&OfferSpec::new(Grant::PreAuthorized, "jwt_vc_json").by_reference()).expect("an offer");
    let link = query_of(&offer.link);
    let uri = text(&link, "credential_offer_uri");
    for _ in 0..2 {
        assert_eq!(get(uri).await.json(), offer.offer);
    }
    for _ in 0..2 {
        assert_eq!(redeem(&issuer, &offer, &[]).await.status, 200);
    }
    refusal(&get(uri).await, 404, "invalid_request");
    issuer.advance_clock(301);
    refusal(&redeem(&issuer, &offer, &[]).await, 400, "invalid_grant");
}

#[tokio::test]
async fn tokens_are_refused_in_its_way() {
    let issuer = start(NEW);
    let plain = offer(&issuer, "jwt_vc_json");
    let endpoint = at(&issuer, "/token");
    let fields = [("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", "nope")];
    let refused = refusal(&post_form(&endpoint, &fields).await, 400, "invalid_request");
    assert_eq!(text(&refused, "error_description"), "issuer state or pre-authorized key not found (nope)");
    refusal(&post_form(&endpoint, &[("grant_type", "authorization_code"), ("code", "x")]).await, 400, "invalid_grant");
    refusal(&redeem(&issuer, &plain, &[("tx_code", "1234")]).await, 400, "invalid_request");
    let code = text(grant(&plain), "pre-authorized_code");
    let fields = [("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", code)];
    let refused = refusal(&post_form_with(&endpoint, &[("dpop", "x.y.z")], &fields).await, 400, "invalid_request");
    assert_eq!(text(&refused, "error_description"), "Received unsupported DPoP header.");

    let typed = |mode: &str| TxCode {
        input_mode: Some(mode.into()),
        length: Some(4),
        value: Some("4711".into()),
        ..TxCode::default()
    };
    let spec = |mode| OfferSpec::new(Grant::PreAuthorized, "jwt_vc_json").tx_code(typed(mode));
    let numeric = issuer.make_offer(&spec("numeric")).expect("an offer");
    refusal(&redeem(&issuer, &numeric, &[]).await, 400, "invalid_request");
    refusal(&redeem(&issuer, &numeric, &[("user_pin", "4711")]).await, 400, "invalid_request");
    refusal(&redeem(&issuer, &numeric, &[("tx_code", "0000")]).await, 400, "invalid_grant");
    assert_eq!(redeem(&issuer, &numeric, &[("tx_code", "4711")]).await.status, 200);
    let texts = issuer.make_offer(&spec("text")).expect("an offer");
    refusal(&redeem(&issuer, &texts, &[("tx_code", "4711")]).await, 400, "invalid_grant");
    let old = start(OLD);
    let never = old.make_offer(&spec("numeric")).expect("an offer");
    refusal(&redeem(&old, &never, &[("tx_code", "4711")]).await, 400, "invalid_grant");
    assert!(old.offers().iter().all(|offer| offer.tx_code.is_none()));
    for by in [By::Value, By::Reference] {
        assert_eq!(issuer.offers().iter().filter(|offer| offer.by == by).count(), 8);
    }
}

/// Makes one thing about a proof wrong.
type Change = fn(&mut Proof, &Running);

#[tokio::test]
async fn proofs_are_refused_as_internal_errors() {
    let issuer = start(NEW);
    let (token, offer) = token(&issuer, "jwt_vc_json").await;
    let access = text(&token, "access_token");
    let nonce = text(&token, "c_nonce");
    let id = &offer.offer["credential_configuration_ids"][0];
    let ask = async |proof: &Proof| {
        let body = json!({"credential_configuration_id": id, "proof": single(proof)});
        post_json(&at(&issuer, "/credentials"), access, &body).await
    };
    let cases: [(&str, Change); 6] = [
        ("Typ must be", |proof, _| proof.header["typ"] = json!("JWT")),
        ("aud must be", |proof, issuer| proof.claims["aud"] = json!([issuer.issuer()])),
        ("iat must be", |proof, _| proof.claims["iat"] = json!(now() + 600)),
        ("iat must be", |proof, _| proof.claims["iat"] = Value::Null),
        ("not found (bogus)", |proof, _| proof.claims["nonce"] = json!("bogus")),
        ("x5c should not", |proof, _| proof.header["x5c"] = json!([])),
    ];
    for (reason, spoil) in cases {
        let mut proof = proof(&issuer, nonce);
        spoil(&mut proof, &issuer);
        let refused = refusal(&ask(&proof).await, 500, "invalid_request");
        assert!(text(&refused, "error_description").contains(reason), "{refused}");
        assert!(refused.get("c_nonce").is_none());
    }
    // None of that used the nonce up. The credential does.
    let good = proof(&issuer, nonce);
    assert_eq!(ask(&good).await.status, 200);
    refusal(&ask(&good).await, 500, "invalid_request");
    let body = json!({"credential_configuration_id": id, "proof": single(&good)});
    refusal(&post_json(&at(&issuer, "/credentials"), "nope", &body).await, 400, "invalid_token");
    let body = json!({"notification_id": "any", "event": "credential_accepted"});
    refusal(&post_json(&at(&issuer, "/notification"), access, &body).await, 400, "invalid_notification_request");
}
