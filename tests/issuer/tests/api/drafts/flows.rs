//! Both grants in each draft, with every format that it has.

use billfold_test_issuer::{By, Grant, OfferSpec, OldForm, Options, TxCode};
use serde_json::{Value, json};

use super::wallet::*;
use crate::client::*;

/// Asks for the credential, and checks it roughly and the answer closely.
async fn fetch(draft: u8, issuer: &billfold_test_issuer::Running, got: &Got, id: &str) {
    let entry = entry(draft, &metadata(issuer).await, id);
    let jwt = proof_for(issuer, &entry, Some(&got.next_nonce(issuer).await), 7);
    let body = request(draft, &entry, id, got.identifier.as_deref(), &jwt);
    let answer = request_credential(issuer, &got.token, &body).await;
    assert_eq!(answer.status, 200, "{draft} {id}: {}", String::from_utf8_lossy(&answer.body));
    let answer = answer.json();
    let credential = credential_in(draft, &answer);
    let format = text(&entry, "format");
    if draft <= 12 {
        assert_eq!(answer["format"], format);
    }
    assert_eq!(credential.is_object(), format == "ldp_vc", "{draft} {id}");
    if format.ends_with("+sd-jwt") {
        assert_eq!(decode(credential.as_str().expect("text")).0["typ"], format);
    }
}

#[tokio::test]
async fn every_announced_pre_authorized_offer_is_good() {
    for draft in DRAFTS {
        let issuer = start(draft).await;
        let offers: Vec<_> = issuer.offers().iter().filter(|offer| offer.grant == Grant::PreAuthorized).collect();
        let mut seen = Vec::new();
        for offer in &offers {
            if offer.offer["credentials"][0].is_object() {
                continue;
            }
            if offer.by == By::Reference {
                let uri = query_of(&offer.link);
                assert_eq!(get(text(&uri, "credential_offer_uri")).await.json(), offer.offer);
            }
            let got = pre_authorized(draft, &issuer, offer).await;
            assert_eq!(got.answer.get("authorization_details"), None, "nobody asked");
            fetch(draft, &issuer, &got, &offered(draft, offer)).await;
            seen.push((offer.format.clone(), offer.by, offer.tx_code.is_some()));
        }
        for format in formats(draft) {
            for by in [By::Value, By::Reference] {
                for with_code in [false, true] {
                    assert!(seen.contains(&(format.to_owned(), by, with_code)), "{draft} {format} {by:?}");
                }
            }
        }
        assert_eq!(seen.len(), formats(draft).len() * 4, "{draft}");
    }
}

#[tokio::test]
async fn every_announced_offer_of_the_code_grant_is_good() {
    for draft in DRAFTS {
        let issuer = start(draft).await;
        let document = metadata(&issuer).await;
        let offers: Vec<_> = issuer.offers().iter().filter(|offer| offer.grant == Grant::Code).collect();
        assert_eq!(offers.len(), formats(draft).len() * 2, "{draft}");
        for offer in offers {
            let id = offered(draft, offer);
            let details = details(draft, &entry(draft, &document, &id), &id);
            let got = by_code(draft, &issuer, &details, grant(offer)["issuer_state"].as_str()).await;
            // The details come back; with identifiers where these are due.
            let back = &got.answer["authorization_details"][0];
            for (name, value) in details[0].as_object().expect("an object") {
                assert_eq!(back[name], *value, "{draft} {id}");
            }
            assert_eq!(got.identifier.is_some(), draft >= 14, "{draft} {id}");
            fetch(draft, &issuer, &got, &id).await;
        }
    }
}

#[tokio::test]
async fn details_by_type_are_good_wherever_there_are_types() {
    for draft in 13..=15 {
        let issuer = start(draft).await;
        let document = metadata(&issuer).await;
        for format in formats(draft) {
            let offer = issuer.make_offer(&OfferSpec::new(Grant::Code, format)).expect("made");
            let id = offered(draft, &offer);
            let mut detail = by_type(draft, &entry(draft, &document, &id));
            detail.insert("type".into(), json!("openid_credential"));
            let got = by_code(draft, &issuer, &json!([detail]), None).await;
            assert_eq!(got.answer["authorization_details"][0]["format"], format);
            fetch(draft, &issuer, &got, &id).await;
        }
    }
}

#[tokio::test]
async fn the_type_leads_to_the_credential_that_was_offered() {
    let id = "StudentCard_jwt_vc_json_by_did_key";
    for draft in [11, 12] {
        let issuer = start(draft).await;
        let entry = entry(draft, &metadata(&issuer).await, id);
        let spec = OfferSpec::new(Grant::Code, "jwt_vc_json").configurations(&[id]);
        let offer = issuer.make_offer(&spec).expect("made");
        for (state, starts) in [(grant(&offer)["issuer_state"].as_str(), "did:key:"), (None, "http://")] {
            let got = by_code(draft, &issuer, &details(draft, &entry, id), state).await;
            let jwt = proof_for(&issuer, &entry, got.nonce.as_deref(), 7);
            let answer = request_credential(&issuer, &got.token, &request(draft, &entry, id, None, &jwt)).await;
            let (_, claims) = decode(text(&answer.json(), "credential"));
            assert!(text(&claims, "iss").starts_with(starts), "{draft}: {claims}");
        }
    }
}

#[tokio::test]
async fn identifiers_are_given_where_they_may_be() {
    let id = "UniversityDegree_jwt_vc_json";
    for draft in DRAFTS {
        let options = Options { credential_identifiers: true, ..Options::default() };
        if [11, 14].contains(&draft) {
            let options = Options { profile: profile(draft), ..options };
            let error = billfold_test_issuer::TestIssuer::start(options).await.expect_err("they have no place");
            assert!(error.to_string().contains("credential identifiers that nobody asked for"), "{error}");
            continue;
        }
        let issuer = start_with(draft, options).await;
        let document = metadata(&issuer).await;
        let entry = entry(draft, &document, id);
        assert_eq!(document.get("credential_identifiers_supported").is_some(), draft <= 13);
        let got = by_code(draft, &issuer, &details(draft, &entry, id), None).await;
        assert!(got.identifier.is_some(), "{draft}: {}", got.answer);
        fetch(draft, &issuer, &got, id).await;
    }
}

#[tokio::test]
async fn the_nonce_of_the_last_answer_is_the_good_one() {
    let id = "UniversityDegree_jwt_vc_json";
    for draft in 11..=14 {
        let issuer = start(draft).await;
        let (got, entry) = got_for(draft, &issuer, id).await;
        let ask = async |nonce: Option<&str>| {
            let jwt = proof_for(&issuer, &entry, nonce, 7);
            request_credential(&issuer, &got.token, &request(draft, &entry, id, None, &jwt)).await
        };
        let bad_proof = if draft == 11 { "invalid_or_missing_proof" } else { "invalid_proof" };
        let first = got.nonce.clone().expect("a nonce");
        let second = ask(Some(&first)).await.json();
        let mut last = text(&second, "c_nonce").to_owned();
        assert_ne!(last, first);
        for (case, nonce) in [("the first again", Some(&*first)), ("unknown", Some("x")), ("none at all", None)] {
            let answer = ask(nonce).await;
            answer.assert_refused(case, 400, bad_proof);
            let answer = answer.json();
            assert!(answer["c_nonce_expires_in"].is_u64(), "{draft}");
            last = text(&answer, "c_nonce").to_owned();
        }
        // A nonce goes with its token.
        let (other, _) = got_for(draft, &issuer, id).await;
        ask(other.nonce.as_deref()).await.assert_refused("another token's", 400, bad_proof);
        ask(Some(&last)).await.assert_refused("no longer the last one", 400, bad_proof);
    }
}

#[tokio::test]
async fn a_nonce_may_come_by_refusal_only() {
    let id = "UniversityDegree_jwt_vc_json";
    for draft in 11..=14 {
        let issuer = start_with(draft, Options { nonce_endpoint: false, ..Options::default() }).await;
        let offer = issuer.make_offer(&OfferSpec::new(Grant::PreAuthorized, "jwt_vc_json")).expect("made");
        let fields =
            [("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", text(grant(&offer), "pre-authorized_code"))];
        let token = post_form(&format!("{}/token", issuer.issuer()), &fields).await.json();
        assert!(token.get("c_nonce").is_none());
        let entry = entry(draft, &metadata(&issuer).await, id);
        let ask = async |nonce: Option<&str>| {
            let jwt = proof_for(&issuer, &entry, nonce, 7);
            request_credential(&issuer, text(&token, "access_token"), &request(draft, &entry, id, None, &jwt)).await
        };
        let refused = ask(None).await;
        assert_eq!(refused.status, 400);
        assert_eq!(ask(Some(text(&refused.json(), "c_nonce"))).await.status, 200, "{draft}");
    }
}

#[tokio::test]
async fn claims_can_be_chosen() {
    let id = "UniversityDegree_jwt_vc_json";
    for draft in 11..=14 {
        let issuer = start(draft).await;
        let (got, entry) = got_for(draft, &issuer, id).await;
        let jwt = proof_for(&issuer, &entry, got.nonce.as_deref(), 7);
        let mut body = request(draft, &entry, id, None, &jwt);
        let wanted = json!({"given_name": {}, "degree": {"name": {}}});
        if draft == 11 {
            body["credentialSubject"] = wanted;
        } else {
            body["credential_definition"]["credentialSubject"] = wanted;
        }
        let answer = request_credential(&issuer, &got.token, &body).await.json();
        let (_, claims) = decode(text(&answer, "credential"));
        let subject = &claims["vc"]["credentialSubject"];
        assert_eq!(subject["given_name"], "Erika", "{draft}: {claims}");
        assert!(subject.get("birthdate").is_none() && subject["degree"].get("date").is_none(), "{draft}: {subject}");
    }
}

#[tokio::test]
async fn old_and_inline_offers() {
    let issuer = start(11).await;
    let id = "UniversityDegree_jwt_vc_json";
    let inline: Vec<_> = issuer.offers().iter().filter(|offer| offer.offer["credentials"][0].is_object()).collect();
    assert_eq!(inline.len(), 1);
    assert_eq!(inline[0].offer["credentials"][0], Value::Object(by_type(11, &entry(11, &metadata(&issuer).await, id))));
    let got = pre_authorized(11, &issuer, inline[0]).await;
    fetch(11, &issuer, &got, id).await;

    let pin = TxCode { value: Some("4711".into()), ..TxCode::default() };
    let spec = OfferSpec::new(Grant::PreAuthorized, "jwt_vc_json").tx_code(pin);
    for form in [OldForm::Draft8, OldForm::Draft9] {
        let offer = issuer.make_offer(&spec.clone().form(form)).expect("made");
        assert!(offer.link.starts_with("openid-initiate-issuance://?"), "{}", offer.link);
        let query = query_of(&offer.link);
        let flat: Value = if form == OldForm::Draft8 {
            assert_eq!(query["credential_type"], id);
            assert_eq!(query["user_pin_required"], "true");
            query
        } else {
            let object: Value = serde_json::from_str(text(&query, "credential_offer")).expect("JSON");
            assert_eq!(object["credentials"], json!([id]));
            assert_eq!(object["user_pin_required"], true);
            object
        };
        assert_eq!(flat["issuer"], issuer.issuer());
        let fields = [
            ("grant_type", PRE_AUTHORIZED),
            ("pre-authorized_code", text(&flat, "pre-authorized_code")),
            ("user_pin", "4711"),
        ];
        let answer = post_form(&format!("{}/token", issuer.issuer()), &fields).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        fetch(11, &issuer, &Got::read(11, answer.json()), id).await;

        let offer = issuer.make_offer(&OfferSpec::new(Grant::Code, "jwt_vc_json").form(form)).expect("made");
        let state = text(&offer.offer, "op_state").to_owned();
        let entry = entry(11, &metadata(&issuer).await, id);
        let got = by_code(11, &issuer, &details(11, &entry, id), Some(&state)).await;
        fetch(11, &issuer, &got, id).await;
        issuer.make_offer(&spec.clone().form(form).by_reference()).expect_err("by value only");
    }
    for draft in 12..=15 {
        let issuer = start(draft).await;
        let spec = OfferSpec::new(Grant::PreAuthorized, "jwt_vc_json");
        issuer.make_offer(&spec.clone().inline()).expect_err("by id only");
        issuer.make_offer(&spec.form(OldForm::Draft8)).expect_err("too old");
    }
}
