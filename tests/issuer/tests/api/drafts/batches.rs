//! Several credentials at once, and answers that are encrypted.

use billfold_test_issuer::{AttestationProof, Encryption, KeyAttestationSpec, Options};
use serde_json::{Value, json};

use super::wallet::*;
use crate::client::*;
use crate::encryption::{jwk, open, secret};

const ID: &str = "UniversityDegree_jwt_vc_json";

#[tokio::test]
async fn the_batch_endpoint_takes_whole_requests() {
    for draft in 11..=13 {
        let issuer = start(draft).await;
        let document = metadata(&issuer).await;
        let url = text(&document, "batch_credential_endpoint").to_owned();
        let licence = "DrivingLicence_mso_mdoc";
        let spec = billfold_test_issuer::OfferSpec::new(billfold_test_issuer::Grant::PreAuthorized, "jwt_vc_json");
        let offer = issuer.make_offer(&spec.configurations(&[ID, licence])).expect("made");
        let got = pre_authorized(draft, &issuer, &offer).await;
        let one = |id: &str, nonce: &str, seed: u8| {
            let entry = entry(draft, &document, id);
            request(draft, &entry, id, None, &proof_for(&issuer, &entry, Some(nonce), seed))
        };
        // Proofs may share a nonce.
        let nonce = got.nonce.clone().expect("a nonce");
        let body = json!({"credential_requests": [one(ID, &nonce, 1), one(licence, &nonce, 2), one(ID, &nonce, 3)]});
        let answer = post_json(&url, &got.token, &body).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        let answer = answer.json();
        assert_eq!(names(&answer), ["c_nonce", "c_nonce_expires_in", "credential_responses"]);
        let responses = answer["credential_responses"].as_array().expect("responses");
        assert_eq!(responses.len(), 3);
        for response in responses {
            let expected = if draft == 13 { ["credential", "notification_id"] } else { ["credential", "format"] };
            assert_eq!(names(response), expected, "{draft}");
        }

        // One that is wrong makes all of them fail, with this draft's code.
        let (bad_proof, malformed) = match draft {
            11 => ("invalid_or_missing_proof", "invalid_request"),
            _ => ("invalid_proof", "invalid_credential_request"),
        };
        let nonce = text(&answer, "c_nonce");
        let body = json!({"credential_requests": [one(ID, nonce, 1), one(ID, "x", 2)]});
        let answer = post_json(&url, &got.token, &body).await;
        answer.assert_refused("one bad nonce", 400, bad_proof);
        let nonce = text(&answer.json(), "c_nonce").to_owned();
        let many: Vec<Value> = (1..=5).map(|seed| one(ID, &nonce, seed)).collect();
        for (case, body) in [
            ("nothing", json!({})),
            ("none", json!({"credential_requests": []})),
            ("no objects", json!({"credential_requests": ["x"]})),
            ("more members", json!({"credential_requests": [many[0]], "proof": {}})),
            ("too many", json!({"credential_requests": many})),
        ] {
            post_json(&url, &got.token, &body).await.assert_refused(case, 400, malformed);
        }
    }
}

#[tokio::test]
async fn a_batch_can_be_put_off() {
    for draft in 11..=13 {
        let issuer = start_with(draft, Options { deferred_waits: Some(0), ..Options::default() }).await;
        let (got, entry) = got_for(draft, &issuer, ID).await;
        let jwt = proof_for(&issuer, &entry, got.nonce.as_deref(), 7);
        let body = json!({"credential_requests": [request(draft, &entry, ID, None, &jwt)]});
        let answer = post_json(&format!("{}/batch", issuer.issuer()), &got.token, &body).await;
        assert_eq!(answer.status, 200);
        let member = if draft == 11 { "acceptance_token" } else { "transaction_id" };
        assert!(answer.json()["credential_responses"][0][member].is_string(), "{draft}");
    }
}

#[tokio::test]
async fn several_proofs_bring_several_credentials() {
    for draft in [14, 15] {
        let issuer = start(draft).await;
        assert_eq!(metadata(&issuer).await["batch_credential_issuance"]["batch_size"], 4);
        let (got, entry) = got_for(draft, &issuer, ID).await;
        let mut nonce = got.next_nonce(&issuer).await;
        for count in [1, 3] {
            let proofs: Vec<String> = (1..=count).map(|seed| proof_for(&issuer, &entry, Some(&nonce), seed)).collect();
            let mut body = Value::Object(selector(draft, &entry, ID, None));
            body["proofs"] = json!({"jwt": proofs});
            let answer = request_credential(&issuer, &got.token, &body).await;
            assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
            let answer = answer.json();
            let credentials = answer["credentials"].as_array().expect("an array");
            assert_eq!(credentials.len(), usize::from(count));
            // Bare values at first, objects later.
            assert!(credentials.iter().all(|credential| credential.is_string() == (draft == 14)), "{answer}");
            assert_eq!(answer.get("notification_id").is_some(), draft == 15);
            nonce = match answer["c_nonce"].as_str() {
                Some(nonce) => nonce.to_owned(),
                None => crate::client::nonce(&issuer).await,
            };
        }
        let proofs: Vec<String> = (1..=5).map(|seed| proof_for(&issuer, &entry, Some(&nonce), seed)).collect();
        let mut body = Value::Object(selector(draft, &entry, ID, None));
        body["proofs"] = json!({"jwt": proofs});
        let answer = request_credential(&issuer, &got.token, &body).await;
        answer.assert_refused("too many", 400, "invalid_credential_request");
    }
}

#[tokio::test]
async fn key_attestations_go_by_their_first_name() {
    let options = Options { attestation_proof: AttestationProof::Only, ..Options::default() };
    let issuer = start_with(15, options).await;
    let id = "UniversityDegree_dc_sd_jwt";
    let (got, entry) = got_for(15, &issuer, id).await;
    assert_eq!(names(&entry["proof_types_supported"]), ["attestation"]);
    let attest = async |typ: Option<&str>| {
        let keys = vec![Key::new(1).jwk(), Key::new(2).jwk()];
        let spec = KeyAttestationSpec { keys, nonce: Some(nonce(&issuer).await), ..KeyAttestationSpec::default() };
        let right = issuer.attester().key_attestation(&spec);
        let (header, claims) = decode(&right);
        assert_eq!(header["typ"], "keyattestation+jwt");
        typ.map_or(right, |typ| issuer.attester().sign(&json!({"typ": typ}), &claims))
    };
    let ask = async |attestation: String| {
        let proof = json!({"proof_type": "attestation", "attestation": attestation});
        let body = json!({"credential_configuration_id": id, "proof": proof});
        request_credential(&issuer, &got.token, &body).await
    };
    ask(attest(Some("key-attestation+jwt")).await).await.assert_refused("the later name", 400, "invalid_proof");
    let answer = ask(attest(None).await).await;
    assert_eq!(answer.json()["credentials"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn answers_are_encrypted_as_the_draft_has_it() {
    for draft in 12..=15 {
        let options = Options { encryption: Encryption::ResponseRequired, ..Options::default() };
        let issuer = start_with(draft, options).await;
        let (got, entry) = got_for(draft, &issuer, ID).await;
        let key = jwk(&secret(4).public_key());
        let jwt = proof_for(&issuer, &entry, Some(&got.next_nonce(&issuer).await), 7);
        let plain = request(draft, &entry, ID, None, &jwt);
        let ask = async |more: Value| {
            let mut body = plain.clone();
            for (name, value) in more.as_object().expect("an object") {
                body[name] = value.clone();
            }
            request_credential(&issuer, &got.token, &body).await
        };
        let flat = |jwk: Value, alg: Value, enc: Value| {
            let mut members = json!({"credential_encryption_jwk": jwk, "credential_response_encryption_alg": alg});
            members["credential_response_encryption_enc"] = enc;
            members.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
            members
        };
        let object = |parameters: Value| json!({"credential_response_encryption": parameters});
        let wrong = "invalid_encryption_parameters";
        ask(json!({})).await.assert_refused("nothing", 400, wrong);
        let (cases, good) = if draft == 12 {
            let cases = vec![
                ("no key", flat(Value::Null, json!("ECDH-ES"), Value::Null)),
                ("only enc", flat(Value::Null, Value::Null, json!("A128GCM"))),
                ("another alg", flat(key.clone(), json!("RSA-OAEP"), Value::Null)),
                ("another enc", flat(key.clone(), json!("ECDH-ES"), json!("A192GCM"))),
            ];
            // The default is what an answer without enc is encrypted with.
            (cases, flat(key, json!("ECDH-ES"), Value::Null))
        } else {
            let mut with_alg = key.clone();
            with_alg["alg"] = json!("ECDH-ES");
            let cases = vec![
                ("alg in the key, as later", object(json!({"jwk": with_alg, "enc": "A256GCM"}))),
                ("no enc", object(json!({"jwk": key, "alg": "ECDH-ES"}))),
                ("zip, as later", object(json!({"jwk": key, "alg": "ECDH-ES", "enc": "A256GCM", "zip": "DEF"}))),
                ("no key", object(json!({"alg": "ECDH-ES", "enc": "A256GCM"}))),
            ];
            (cases, object(json!({"jwk": key, "alg": "ECDH-ES", "enc": "A256GCM"})))
        };
        for (case, more) in cases {
            ask(more).await.assert_refused(&format!("{draft}: {case}"), 400, wrong);
        }
        let answer = ask(good).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/jwt"));
        let (header, content) = open(&secret(4), &answer.body).expect("it opens");
        assert_eq!(header["enc"], "A256GCM");
        credential_in(draft, &content);
    }
}
