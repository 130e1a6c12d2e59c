//! What belongs to a neighbouring draft is refused, each with the code of the draft that is spoken.

use billfold_test_issuer::{Encryption, Grant, OfferSpec, Options, TxCode};
use serde_json::{Value, json};

use super::wallet::*;
use crate::client::*;

const ID: &str = "UniversityDegree_jwt_vc_json";

/// The codes for a malformed request and for a bad proof.
fn codes(draft: u8) -> (&'static str, &'static str) {
    match draft {
        11 => ("invalid_request", "invalid_or_missing_proof"),
        _ => ("invalid_credential_request", "invalid_proof"),
    }
}

/// One change to a good request, the drafts that it is wrong in, and what it is called there: `m`
/// for malformed, `p` for a bad proof, anything else by its code.
type Case = (&'static str, &'static [u8], &'static str, fn(&mut Value));

fn remove(body: &mut Value, name: &str) -> Value {
    body.as_object_mut().expect("an object").remove(name).unwrap_or_default()
}

const CASES: &[Case] = &[
    ("no proof", &DRAFTS, "p", |body| drop(remove(body, "proof"))),
    ("proofs where there is only proof", &[11, 12, 13], "m", |body| {
        let proof = remove(body, "proof");
        body["proofs"] = json!({"jwt": [proof["jwt"]]});
    }),
    ("proof and proofs", &[14, 15], "p", |body| body["proofs"] = json!({"jwt": [body["proof"]["jwt"]]})),
    ("two types of proofs", &[14, 15], "m", |body| {
        let proof = remove(body, "proof");
        body["proofs"] = json!({"jwt": [proof["jwt"]], "ldp_vp": [{}]});
    }),
    ("proof a list", &DRAFTS, "m", |body| body["proof"] = json!([body["proof"]])),
    ("no proof_type", &DRAFTS, "p", |body| drop(remove(&mut body["proof"], "proof_type"))),
    ("another proof_type", &DRAFTS, "p", |body| body["proof"]["proof_type"] = json!("cwt")),
    ("di_vp of 1.0", &DRAFTS, "p", |body| body["proof"] = json!({"proof_type": "di_vp", "di_vp": {}})),
    ("more in the proof", &DRAFTS, "p", |body| body["proof"]["extra"] = json!(1)),
    ("proof not a JWT", &DRAFTS, "p", |body| body["proof"]["jwt"] = json!("x")),
    ("no selector", &DRAFTS, "m", |body| {
        body.as_object_mut().expect("an object").retain(|name, _| name == "proof");
    }),
    ("a configuration id instead of a type", &[11, 12, 13, 14], "m", |body| {
        *body = json!({"credential_configuration_id": ID, "proof": body["proof"]});
    }),
    ("a configuration id beside the type", &[11, 12, 13, 14], "m", |body| {
        body["credential_configuration_id"] = json!(ID);
    }),
    ("an identifier that nobody gave", &DRAFTS, "m", |body| {
        *body = json!({"credential_identifier": ID, "proof": body["proof"]});
    }),
    ("an identifier beside the selector", &DRAFTS, "m", |body| body["credential_identifier"] = json!(ID)),
    ("the type instead of a configuration id", &[15], "m", |body| {
        let types = ["VerifiableCredential", "UniversityDegreeCredential"];
        let definition = json!({"type": types});
        *body = json!({"format": "jwt_vc_json", "credential_definition": definition, "proof": body["proof"]});
    }),
    ("format beside a configuration id", &[15], "m", |body| body["format"] = json!("jwt_vc_json")),
    ("an unknown configuration id", &[15], "unsupported_credential_type", |body| {
        body["credential_configuration_id"] = json!("x");
    }),
    ("credential_definition, which came later", &[11], "m", |body| {
        let types = remove(body, "types");
        body["credential_definition"] = json!({"type": types});
    }),
    ("types at the top", &[12, 13, 14], "m", |body| {
        let mut definition = remove(body, "credential_definition");
        body["types"] = remove(&mut definition, "type");
    }),
    ("types in the definition", &[12, 13, 14], "m", |body| {
        let types = remove(&mut body["credential_definition"], "type");
        body["credential_definition"]["types"] = types;
    }),
    ("a context where there is none", &[12, 13, 14], "m", |body| {
        body["credential_definition"]["@context"] = json!(["https://www.w3.org/2018/credentials/v1"]);
    }),
    ("no type", &[11, 12, 13, 14], "m", |body| {
        remove(body, "types");
        remove(body, "credential_definition");
    }),
    ("an unknown type", &[11], "unsupported_credential_type", |body| {
        body["types"] = json!(["VerifiableCredential", "X"]);
    }),
    ("an unknown type", &[12, 13, 14], "unsupported_credential_type", |body| {
        body["credential_definition"]["type"] = json!(["VerifiableCredential", "X"]);
    }),
    ("vct beside a W3C format", &[11, 12, 13, 14], "m", |body| body["vct"] = json!("x")),
    ("a format that came later", &[11, 12], "unsupported_credential_format", |body| {
        *body = json!({"format": "vc+sd-jwt", "vct": "x", "proof": body["proof"]});
    }),
    ("a format under its later name", &[11, 12, 13, 14], "unsupported_credential_format", |body| {
        *body = json!({"format": "dc+sd-jwt", "vct": "x", "proof": body["proof"]});
    }),
    ("an unknown format", &[11, 12, 13, 14], "unsupported_credential_format", |body| body["format"] = json!("x")),
    ("format not text", &[11, 12, 13, 14], "m", |body| body["format"] = json!(1)),
    ("an unknown member", &DRAFTS, "m", |body| body["hello"] = json!(1)),
    ("encryption, which came later", &[11], "m", |body| {
        body["credential_response_encryption"] = json!({"jwk": {}, "alg": "ECDH-ES", "enc": "A128GCM"});
    }),
    ("encryption as an object", &[12], "m", |body| {
        body["credential_response_encryption"] = json!({"jwk": {}, "alg": "ECDH-ES", "enc": "A128GCM"});
    }),
    ("encryption in flat members", &[11, 13, 14, 15], "m", |body| {
        body["credential_encryption_jwk"] = json!({});
        body["credential_response_encryption_alg"] = json!("ECDH-ES");
    }),
    ("encryption that is not offered", &[12], "invalid_encryption_parameters", |body| {
        body["credential_encryption_jwk"] = json!({});
        body["credential_response_encryption_alg"] = json!("ECDH-ES");
    }),
    ("encryption that is not offered", &[13, 14, 15], "invalid_encryption_parameters", |body| {
        body["credential_response_encryption"] = json!({"jwk": {}, "alg": "ECDH-ES", "enc": "A128GCM"});
    }),
];

#[tokio::test]
async fn wrong_forms_of_a_credential_request() {
    for draft in DRAFTS {
        let issuer = start(draft).await;
        let (got, entry) = got_for(draft, &issuer, ID).await;
        let (malformed, bad_proof) = codes(draft);
        let mut nonce = got.next_nonce(&issuer).await;
        let mut tried = 0;
        for (case, drafts, code, change) in CASES.iter().filter(|(_, drafts, ..)| drafts.contains(&draft)) {
            assert!(!drafts.is_empty());
            let code = match *code {
                "m" => malformed,
                "p" => bad_proof,
                other => other,
            };
            let mut body = request(draft, &entry, ID, None, &proof_for(&issuer, &entry, Some(&nonce), 7));
            change(&mut body);
            let answer = request_credential(&issuer, &got.token, &body).await;
            answer.assert_refused(&format!("{draft}: {case}"), 400, code);
            // Where nonces come in answers, refusals of proofs have one, and no others do.
            let fresh = answer.json()["c_nonce"].as_str().map(str::to_owned);
            assert_eq!(fresh.is_some(), draft <= 14 && code == bad_proof, "{draft}: {case}");
            nonce = fresh.unwrap_or(nonce);
            tried += 1;
        }
        assert!(tried >= 18, "{draft}: {tried}");
        // After all that the token is still good, and so is the last nonce.
        let body = request(draft, &entry, ID, None, &proof_for(&issuer, &entry, Some(&nonce), 7));
        assert_eq!(request_credential(&issuer, &got.token, &body).await.status, 200, "{draft}");
    }
}

#[tokio::test]
async fn proofs_of_one_are_refused_where_no_batch_was_announced() {
    for draft in [14, 15] {
        let issuer = start_with(draft, Options { batch_size: 1, ..Options::default() }).await;
        let (got, entry) = got_for(draft, &issuer, ID).await;
        assert!(metadata(&issuer).await.get("batch_credential_issuance").is_none());
        let jwt = proof_for(&issuer, &entry, Some(&got.next_nonce(&issuer).await), 7);
        let mut body = request(draft, &entry, ID, None, &jwt);
        remove(&mut body, "proof");
        body["proofs"] = json!({"jwt": [jwt]});
        let answer = request_credential(&issuer, &got.token, &body).await;
        answer.assert_refused(&format!("{draft}"), 400, "invalid_credential_request");
        let body = request(draft, &entry, ID, None, &jwt);
        assert_eq!(request_credential(&issuer, &got.token, &body).await.status, 200);
    }
}

#[tokio::test]
async fn identifiers_are_the_only_selector_once_they_were_given() {
    for draft in 12..=15 {
        let issuer = start_with(draft, Options { credential_identifiers: draft != 14, ..Options::default() }).await;
        let entry = entry(draft, &metadata(&issuer).await, ID);
        let got = by_code(draft, &issuer, &details(draft, &entry, ID), None).await;
        assert!(got.identifier.is_some());
        let jwt = proof_for(&issuer, &entry, Some(&got.next_nonce(&issuer).await), 7);
        let answer = request_credential(&issuer, &got.token, &request(draft, &entry, ID, None, &jwt)).await;
        answer.assert_refused(&format!("{draft}"), 400, "invalid_credential_request");
        let unknown = request(draft, &entry, ID, Some("x"), &jwt);
        let answer = request_credential(&issuer, &got.token, &unknown).await;
        answer.assert_refused(&format!("{draft}"), 400, "invalid_credential_request");
    }
}

#[tokio::test]
async fn another_credential_than_the_token_is_for() {
    let other = "StudentCard_jwt_vc_json_by_did_jwk";
    for draft in DRAFTS {
        let issuer = start(draft).await;
        let (got, _) = got_for(draft, &issuer, ID).await;
        let entry = entry(draft, &metadata(&issuer).await, other);
        let jwt = proof_for(&issuer, &entry, Some(&got.next_nonce(&issuer).await), 7);
        let answer = request_credential(&issuer, &got.token, &request(draft, &entry, other, None, &jwt)).await;
        answer.assert_refused(&format!("{draft}"), 403, "insufficient_scope");
    }
}

#[tokio::test]
async fn what_the_user_types_goes_by_one_name() {
    for draft in DRAFTS {
        let issuer = start(draft).await;
        let url = format!("{}/token", issuer.issuer());
        let pin = TxCode { value: Some("1234".into()), ..TxCode::default() };
        let plain = OfferSpec::new(Grant::PreAuthorized, "jwt_vc_json");
        let offer = issuer.make_offer(&plain.clone().tx_code(pin)).expect("made");
        let code = text(grant(&offer), "pre-authorized_code");
        let (right, wrong) = if draft <= 12 { ("user_pin", "tx_code") } else { ("tx_code", "user_pin") };
        let ask = async |more: &[(&str, &str)]| {
            let fields = [&[("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", code)], more].concat();
            post_form(&url, &fields).await
        };
        ask(&[(wrong, "1234")]).await.assert_refused("the other name", 400, "invalid_request");
        ask(&[(wrong, "1234"), (right, "1234")]).await.assert_refused("both names", 400, "invalid_request");
        ask(&[]).await.assert_refused("none", 400, "invalid_request");
        ask(&[(right, "9999")]).await.assert_refused("a wrong one", 400, "invalid_grant");
        assert_eq!(ask(&[(right, "1234")]).await.status, 200, "{draft}");
        let offer = issuer.make_offer(&plain).expect("made");
        let fields = [
            ("grant_type", PRE_AUTHORIZED),
            ("pre-authorized_code", text(grant(&offer), "pre-authorized_code")),
            (right, "1234"),
        ];
        post_form(&url, &fields).await.assert_refused("not asked for", 400, "invalid_request");
    }
}

#[tokio::test]
async fn authorization_details_of_other_drafts() {
    let types = json!(["VerifiableCredential", "UniversityDegreeCredential"]);
    let by_id = json!({"credential_configuration_id": ID});
    let top = json!({"format": "jwt_vc_json", "types": types});
    let definition = json!({"format": "jwt_vc_json", "credential_definition": {"type": types}});
    let both = json!({"credential_configuration_id": ID, "format": "jwt_vc_json"});
    let nested = json!({
        "credential_configuration_id": ID,
        "credential_definition": {"credentialSubject": {"given_name": {}}},
    });
    let paths = json!({"credential_configuration_id": ID, "claims": [{"path": ["credentialSubject", "given_name"]}]});
    let unknown = json!({"format": "jwt_vc_json", "hello": 1, "types": types});
    let cases: &[(&str, &Value, &[u8])] = &[
        ("by id", &by_id, &[13, 14, 15]),
        ("types at the top", &top, &[11]),
        ("a definition", &definition, &[12, 13, 14, 15]),
        ("both", &both, &[]),
        ("claims as a tree", &nested, &[13, 14]),
        ("claims as paths", &paths, &[15]),
        ("an unknown member", &unknown, &[]),
    ];
    for draft in DRAFTS {
        let issuer = start(draft).await;
        let challenge = challenge();
        for (case, detail, good) in cases {
            let mut detail = (*detail).clone();
            detail["type"] = json!("openid_credential");
            let details = json!([detail]).to_string();
            let mut fields = authorization_request(&challenge, "");
            fields.retain(|(name, _)| *name != "scope");
            fields.push(("authorization_details", &details));
            let answer = post_form(&format!("{}/par", issuer.issuer()), &fields).await;
            if good.contains(&draft) {
                assert_eq!(answer.status, 201, "{draft}: {case}: {}", String::from_utf8_lossy(&answer.body));
            } else {
                answer.assert_refused(&format!("{draft}: {case}"), 400, "invalid_authorization_details");
            }
        }
    }
}

#[tokio::test]
async fn endpoints_of_other_drafts() {
    for draft in DRAFTS {
        let issuer = start_with(draft, Options { encryption: encryption(draft), ..Options::default() }).await;
        for (endpoint, drafts) in
            [("nonce", &[15][..]), ("notification", &[13, 14, 15]), ("batch", &[11, 12, 13]), ("deferred", &[])]
        {
            let answer = post_json(&format!("{}/{endpoint}", issuer.issuer()), "x", &json!({})).await;
            assert_eq!(answer.status != 404, drafts.contains(&draft), "{draft}: {endpoint}");
        }
    }
}

/// What can be said of encryption.
fn encryption(draft: u8) -> Encryption {
    if draft == 11 { Encryption::Off } else { Encryption::Offered }
}

#[tokio::test]
async fn two_names_of_one_key() {
    for draft in DRAFTS {
        let issuer = start(draft).await;
        let (got, entry) = got_for(draft, &issuer, ID).await;
        let (_, bad_proof) = codes(draft);
        let mut proof = Proof::new(&issuer, Some(&got.next_nonce(&issuer).await));
        let certificate = {
            let body = request(draft, &entry, ID, None, &proof.jwt());
            let answer = request_credential(&issuer, &got.token, &body).await.json();
            let issued = if draft <= 14 { &answer["credential"] } else { &answer["credentials"][0]["credential"] };
            decode(issued.as_str().expect("text")).0["x5c"][0].clone()
        };
        // A certificate beside the key is refused at once, or because it is about another key.
        let (got, _) = got_for(draft, &issuer, ID).await;
        proof = Proof::new(&issuer, Some(&got.next_nonce(&issuer).await));
        proof.header["x5c"] = json!([certificate]);
        let body = request(draft, &entry, ID, None, &proof.jwt());
        let answer = request_credential(&issuer, &got.token, &body).await;
        answer.assert_refused(&format!("{draft}"), 400, bad_proof);
        let words = if draft == 11 { "exactly one of kid, jwk and x5c" } else { "its x5c is about another key" };
        assert!(text(&answer.json(), "error_description").contains(words), "{draft}: {}", answer.json());
    }
}
