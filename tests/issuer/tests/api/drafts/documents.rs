//! The metadata and offers of each draft.

use billfold_test_issuer::{
    AttestationProof, AuthorizationServer, Encryption, Grant, KeyAttestation, OfferSpec, Options, SignedMetadata,
    TestIssuer, TxCode,
};
use serde_json::{Value, json};

use super::wallet::*;
use crate::client::*;

#[tokio::test]
async fn metadata_has_the_members_of_its_draft() {
    for draft in DRAFTS {
        let options =
            Options { path: "/tenant".into(), authorization_server: AuthorizationServer::Path, ..Options::default() };
        let issuer = start_with(draft, options).await;
        // Appended; 1.0 inserts.
        let inserted = format!("{}/.well-known/openid-credential-issuer/tenant", issuer.base());
        assert_eq!(get(&inserted).await.status, 404);
        let server = format!("{}/.well-known/oauth-authorization-server/as", issuer.base());
        assert_eq!(get(&server).await.json()["issuer"], format!("{}/as", issuer.base()));
        let document = metadata(&issuer).await;
        let mut expected = match draft {
            11 => vec!["authorization_server", "batch_credential_endpoint", "credentials_supported"],
            12 => vec![
                "authorization_servers",
                "batch_credential_endpoint",
                "credential_identifiers_supported",
                "credentials_supported",
            ],
            13 => vec![
                "authorization_servers",
                "batch_credential_endpoint",
                "credential_configurations_supported",
                "credential_identifiers_supported",
                "notification_endpoint",
            ],
            14 => vec![
                "authorization_servers",
                "batch_credential_issuance",
                "credential_configurations_supported",
                "notification_endpoint",
            ],
            _ => vec![
                "authorization_servers",
                "batch_credential_issuance",
                "credential_configurations_supported",
                "nonce_endpoint",
                "notification_endpoint",
            ],
        };
        expected.extend(["credential_endpoint", "credential_issuer", "display"]);
        expected.sort_unstable();
        assert_eq!(names(&document), expected, "{draft}");
        if draft == 11 {
            assert_eq!(document["authorization_server"], format!("{}/as", issuer.base()));
        }
    }
}

#[tokio::test]
async fn entries_have_the_members_of_their_draft() {
    for draft in DRAFTS {
        let issuer = start(draft).await;
        let document = metadata(&issuer).await;
        let degree = entry(draft, &document, "UniversityDegree_jwt_vc_json");
        let mut expected = vec!["cryptographic_binding_methods_supported", "display", "format"];
        expected.push(if draft <= 12 {
            "cryptographic_suites_supported"
        } else {
            "credential_signing_alg_values_supported"
        });
        match draft {
            11 => expected.extend(["credentialSubject", "id", "order", "types"]),
            12..=14 => expected.extend(["credential_definition", "order", "proof_types_supported", "scope"]),
            _ => expected.extend(["claims", "credential_definition", "proof_types_supported", "scope"]),
        }
        expected.sort_unstable();
        assert_eq!(names(&degree), expected, "{draft}");
        let logo = if draft <= 12 { "url" } else { "uri" };
        assert!(degree["display"][0]["logo"][logo].is_string(), "{draft}: {degree}");
        assert!(document["display"][0]["logo"][logo].is_string(), "{draft}");
        let tree = if draft == 11 {
            &degree["credentialSubject"]
        } else {
            &degree["credential_definition"]["credentialSubject"]
        };
        if draft <= 14 {
            assert_eq!(tree["degree"]["name"]["display"][0]["name"], "Degree", "{draft}: {tree}");
            assert_eq!(tree["degree"]["name"]["mandatory"], true);
            assert_eq!(tree["degree"]["name"]["value_type"], "string");
            assert_eq!(tree["nationalities"][0]["display"][0]["name"], "Nationality");
            let first = if draft == 11 { "Given name" } else { "given_name" };
            assert_eq!(degree["order"][0], first);
        } else {
            assert_eq!(degree["claims"][0]["path"], json!(["credentialSubject", "given_name"]));
        }
        match draft {
            11 => assert!(degree.get("proof_types_supported").is_none()),
            12 => assert_eq!(degree["proof_types_supported"], json!(["jwt"])),
            _ => assert!(degree["proof_types_supported"]["jwt"]["proof_signing_alg_values_supported"].is_array()),
        }

        let licence = entry(draft, &document, "DrivingLicence_mso_mdoc");
        let binding = &licence["cryptographic_binding_methods_supported"];
        match draft {
            11 => assert_eq!(*binding, json!(["mso"])),
            12 => assert_eq!(*binding, json!(["cose_key", "mso"])),
            _ => {
                assert_eq!(*binding, json!(["cose_key"]));
                assert_eq!(licence["credential_signing_alg_values_supported"], json!(["ES256"]));
            }
        }
        if draft <= 14 {
            let name = &licence["claims"]["org.iso.18013.5.1"]["height"];
            assert_eq!(name["value_type"], "number", "{draft}: {licence}");
            assert_eq!(licence["claims"]["org.iso.18013.5.1"]["portrait"]["value_type"], "image/jpeg");
            assert!(licence.get("order").is_some());
        }
        if draft == 12 {
            assert_eq!(licence["order"][0], "org.iso.18013.5.1~given_name");
        }

        let linked = entry(draft, &document, "UniversityDegree_ldp_vc_eddsa");
        let context = if draft == 11 { &linked["@context"] } else { &linked["credential_definition"]["@context"] };
        assert!(context.is_array(), "{draft}: {linked}");
        assert_eq!(linked.get("types").is_some(), draft == 11);
    }
}

#[tokio::test]
async fn offers_have_the_members_of_their_draft() {
    for draft in DRAFTS {
        let issuer = start(draft).await;
        let code = TxCode { length: Some(5), description: Some("Look".into()), ..TxCode::default() };
        let spec = OfferSpec::new(Grant::PreAuthorized, "jwt_vc_json").tx_code(code.clone());
        let offer = issuer.make_offer(&spec).expect("made");
        let list = if draft <= 12 { "credentials" } else { "credential_configuration_ids" };
        assert_eq!(offer.offer[list], json!(["UniversityDegree_jwt_vc_json"]));
        let mut expected = vec![list, "credential_issuer", "grants"];
        expected.sort_unstable();
        assert_eq!(names(&offer.offer), expected);
        let mut members = vec!["pre-authorized_code", if draft <= 12 { "user_pin_required" } else { "tx_code" }];
        if [12, 13].contains(&draft) {
            members.insert(0, "interval");
        }
        assert_eq!(names(grant(&offer)), members, "{draft}");
        assert_eq!(offer.tx_code.as_ref().map(String::len), Some(5));
        if draft <= 12 {
            for wrong in [
                TxCode { length: Some(9), ..code.clone() },
                TxCode { value: Some("abcd".into()), ..code.clone() },
                TxCode { input_mode: Some("text".into()), ..code.clone() },
            ] {
                let spec = OfferSpec::new(Grant::PreAuthorized, "jwt_vc_json").tx_code(wrong);
                let error = issuer.make_offer(&spec).expect_err("no PIN");
                assert!(error.to_string().contains("at most 8 digits"), "{error}");
            }
        }
        let error =
            issuer.make_offer(&OfferSpec::new(Grant::Code, if draft == 15 { "vc+sd-jwt" } else { "dc+sd-jwt" }));
        let error = error.expect_err("not a format of this draft").to_string();
        assert!(error.contains("its formats: ") && error.contains("jwt_vc_json-ld"), "{error}");
    }
}

#[tokio::test]
async fn two_servers_are_named_where_there_is_a_word_for_it() {
    let two = || Options { authorization_server: AuthorizationServer::Two, ..Options::default() };
    for draft in 12..=15 {
        let issuer = start_with(draft, two()).await;
        for offer in issuer.offers() {
            let number = if offer.grant == Grant::Code { "as1" } else { "as2" };
            assert_eq!(grant(offer)["authorization_server"], format!("{}/{number}", issuer.base()), "{draft}");
        }
    }
}

#[tokio::test]
async fn metadata_is_signed_as_a_member() {
    for draft in 13..=15 {
        let issuer =
            start_with(draft, Options { signed_metadata: SignedMetadata::Offered, ..Options::default() }).await;
        let document = metadata(&issuer).await;
        let (header, claims) = decode(text(&document, "signed_metadata"));
        assert!(header["x5c"].is_array());
        assert_eq!(claims["sub"], issuer.issuer());
        assert!(claims["iat"].is_u64() && claims.get("signed_metadata").is_none());
        assert_eq!(claims["credential_endpoint"], document["credential_endpoint"]);
    }
}

#[tokio::test]
async fn what_a_draft_does_not_have_is_refused_at_the_start() {
    let cases: &[(&[u8], &str, Options)] = &[
        (&[11], "encryption of responses", Options { encryption: Encryption::Offered, ..Options::default() }),
        (&DRAFTS[1..], "encryption of requests", Options { encryption: Encryption::Required, ..Options::default() }),
        (&DRAFTS, "compression", Options { encryption_zip: true, ..Options::default() }),
        (&DRAFTS[..4], "key attestations", Options { key_attestation: KeyAttestation::Required, ..Options::default() }),
        (&DRAFTS[..4], "key attestations", Options { attestation_proof: AttestationProof::Also, ..Options::default() }),
        (&DRAFTS[..2], "presentations", Options { di_vp_proof: true, ..Options::default() }),
        (&DRAFTS[..2], "signed metadata", Options { signed_metadata: SignedMetadata::Offered, ..Options::default() }),
        (&DRAFTS[2..], "nothing else", Options { signed_metadata: SignedMetadata::Only, ..Options::default() }),
        (
            &[11],
            "two authorization servers",
            Options { authorization_server: AuthorizationServer::Two, ..Options::default() },
        ),
        (&[11], "authorization_details", Options { authorization_details: false, ..Options::default() }),
    ];
    for (drafts, words, options) in cases {
        for draft in *drafts {
            let options = Options { profile: profile(*draft), ..options.clone() };
            let error = TestIssuer::start(options).await.expect_err(words).to_string();
            assert!(error.contains(&format!("draft{draft} has no ")) && error.contains(words), "{error}");
        }
    }
}

#[tokio::test]
async fn encryption_is_announced_in_the_words_of_the_draft() {
    for draft in 12..=15 {
        let options = Options { encryption: Encryption::ResponseRequired, ..Options::default() };
        let document = metadata(&start_with(draft, options).await).await;
        let flat: [(&str, Value); 3] = [
            ("credential_response_encryption_alg_values_supported", json!(["ECDH-ES"])),
            ("credential_response_encryption_enc_values_supported", json!(["A128GCM", "A256GCM"])),
            ("require_credential_response_encryption", json!(true)),
        ];
        if draft == 12 {
            for (name, value) in flat {
                assert_eq!(document[name], value);
            }
            assert!(document.get("credential_response_encryption").is_none());
        } else {
            let expected = json!({"alg_values_supported": flat[0].1, "enc_values_supported": flat[1].1, "encryption_required": true});
            assert_eq!(document["credential_response_encryption"], expected);
        }
        assert!(document.get("credential_request_encryption").is_none());
    }
}
