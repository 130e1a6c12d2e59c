use serde_json::json;

use super::*;

fn problem<T: fmt::Debug>(read: Read<T>) -> String {
    read.expect_err("it is refused").to_string()
}

fn good_offer() -> Value {
    json!({
        "credential_issuer": "https://issuer.example",
        "credential_configuration_ids": ["Card"],
        "grants": {
            "urn:ietf:params:oauth:grant-type:pre-authorized_code": {
                "pre-authorized_code": "abc", "tx_code": {}, "unknown": 1
            },
            "authorization_code": { "issuer_state": "a+/=", "authorization_server": "https://as.example" },
            "urn:other": 3
        },
        "unknown": []
    })
}

// covers: OFFER-11
#[test]
fn a_whole_offer_is_read() {
    let offer = offer(&good_offer()).expect("an offer");
    assert_eq!(offer.credential_issuer.as_str(), "https://issuer.example");
    let code = offer.grants.authorization_code.expect("code grant");
    assert_eq!(code.issuer_state.expect("state").expose(), "a+/=");
    assert_eq!(code.authorization_server.expect("server").as_str(), "https://as.example");
    let grant = offer.grants.pre_authorized_code.expect("pre-authorized grant");
    assert_eq!(grant.tx_code, Some(TxCode::default()));
}

// covers: OFFER-08, OFFER-09, OFFER-17
#[test]
fn offers_that_are_none_name_the_member() {
    let table: [(&str, Value, &str); 11] = [
        ("/credential_issuer", Value::Null, "`credential_issuer` is missing"),
        ("/credential_issuer", json!(7), "`credential_issuer` is no text"),
        (
            "/credential_issuer",
            json!("https://issuer.example?x"),
            "`credential_issuer` is no issuer identifier: it has a query, a fragment or user information",
        ),
        ("/credential_configuration_ids", Value::Null, "`credential_configuration_ids` is missing"),
        ("/credential_configuration_ids", json!([]), "`credential_configuration_ids` is empty"),
        (
            "/credential_configuration_ids",
            json!(["A", "A"]),
            "`credential_configuration_ids` names a configuration twice",
        ),
        ("/credential_configuration_ids", json!([1]), "`credential_configuration_ids` holds something that is no text"),
        ("/grants", json!("x"), "`grants` is no object"),
        (
            "/grants/urn:ietf:params:oauth:grant-type:pre-authorized_code/pre-authorized_code",
            Value::Null,
            "`grants.urn:ietf:params:oauth:grant-type:pre-authorized_code.pre-authorized_code` is missing",
        ),
        (
            "/grants/urn:ietf:params:oauth:grant-type:pre-authorized_code/tx_code",
            json!({ "input_mode": "emoji" }),
            "`grants.urn:ietf:params:oauth:grant-type:pre-authorized_code.tx_code.input_mode` is neither numeric nor text",
        ),
        (
            "/grants/authorization_code/authorization_server",
            json!("nonsense"),
            "`grants.authorization_code.authorization_server` is no issuer identifier: it is not an absolute URL",
        ),
    ];
    for (pointer, value, expected) in table {
        let mut bad = good_offer();
        *bad.pointer_mut(pointer).expect("a member") = value;
        assert_eq!(problem(offer(&bad)), expected);
    }
    assert_eq!(problem(offer(&json!([]))), "`$` is no object");
}

// covers: OFFER-21
#[test]
fn tx_code_descriptions_are_plain_and_short() {
    let mut value = good_offer();
    value["grants"][GrantType::PreAuthorizedCode.as_str()]["tx_code"] =
        json!({ "input_mode": "text", "length": 4, "description": format!("\u{202e}{}", "x".repeat(400)) });
    let tx_code = offer(&value).expect("an offer").grants.pre_authorized_code.expect("grant").tx_code.expect("tx_code");
    assert_eq!(tx_code.input_mode, InputMode::Text);
    assert_eq!(tx_code.length, Some(4));
    assert_eq!(tx_code.description, Some("x".repeat(300)));
}

fn good_metadata() -> Value {
    json!({
        "credential_issuer": "https://issuer.example",
        "credential_endpoint": "https://issuer.example/credential?tenant=1",
        "nonce_endpoint": "https://other.example/nonce",
        "batch_credential_issuance": { "batch_size": 5 },
        "display": [{ "name": "Issuer", "locale": "en" }, { "name": "Issuer", "locale": "en" }, 3],
        "credential_configurations_supported": {
            "Card": {
                "format": "dc+sd-jwt", "vct": "https://issuer.example/card", "scope": "card",
                "cryptographic_binding_methods_supported": ["jwk", "did:key"],
                "proof_types_supported": { "jwt": { "proof_signing_alg_values_supported": ["ES256"] } },
                "credential_signing_alg_values_supported": [-7, "ES256"],
                "credential_metadata": {
                    "display": [{ "name": "Card", "logo": { "uri": "data:image/png;base64,AA" }, "text_color": 7 }],
                    "claims": [
                        { "path": ["name"], "display": [{ "name": "Name", "locale": "en" }] },
                        { "path": ["list", null, 2], "mandatory": true },
                        { "path": [] }, { "path": [1.5] }
                    ]
                }
            },
            "Broken": { "format": "dc+sd-jwt" },
            "Foreign": { "format": "anoncreds", "whatever": true }
        }
    })
}

// covers: META-30
#[test]
fn required_attestations_are_read_with_their_levels() {
    let read = |required: Value| {
        let mut value = good_metadata();
        value["credential_configurations_supported"]["Card"]["proof_types_supported"]["jwt"]["key_attestations_required"] =
            required;
        let metadata = issuer_metadata(&value).expect("metadata");
        let card = metadata.credential_configurations_supported.get(&ConfigurationId::from("Card"));
        card.map(|card| card.proof_types_supported["jwt"].key_attestations_required.clone())
    };
    assert_eq!(read(Value::Null), Some(None));
    assert_eq!(read(json!({})), Some(Some(KeyAttestationsRequired::default())));
    let levels = KeyAttestationsRequired {
        key_storage: vec![AttackPotentialResistance::Moderate, AttackPotentialResistance::Other("x".to_owned())],
        user_authentication: vec![AttackPotentialResistance::High],
    };
    let required = json!({ "key_storage": ["iso_18045_moderate", "x"], "user_authentication": ["iso_18045_high"] });
    assert_eq!(read(required), Some(Some(levels)));
    for wrong in [json!(true), json!({ "key_storage": "iso_18045_high" }), json!({ "user_authentication": [1] })] {
        assert_eq!(read(wrong), None, "the configuration can't be read");
    }
}

// covers: META-11
#[test]
fn whole_metadata_is_read_and_one_bad_entry_loses_only_itself() {
    let metadata = issuer_metadata(&good_metadata()).expect("metadata");
    assert_eq!(metadata.credential_endpoint.query(), Some("tenant=1"));
    assert_eq!(metadata.batch_size, 5);
    assert_eq!(metadata.default_authorization_server(), &metadata.credential_issuer);
    assert_eq!(metadata.display.len(), 2);
    let card = &metadata.credential_configurations_supported[&ConfigurationId::from("Card")];
    assert_eq!(card.kind, CredentialKind::Vct("https://issuer.example/card".to_owned()));
    assert_eq!(card.display[0].logo.as_ref().map(|logo| logo.uri.as_str()), Some("data:image/png;base64,AA"));
    assert_eq!(card.display[0].text_color, None);
    assert_eq!(card.claims.len(), 2);
    assert_eq!(card.claims[1].path, [PathStep::Key("list".into()), PathStep::All, PathStep::Index(2)]);
    assert_eq!(metadata.unreadable.keys().map(ConfigurationId::as_str).collect::<Vec<_>>(), ["Broken"]);
    let foreign = &metadata.credential_configurations_supported[&ConfigurationId::from("Foreign")];
    assert_eq!(foreign.format, Format::Other("anoncreds".to_owned()));
}

// covers: META-09, META-22
#[test]
fn metadata_that_is_none_names_the_member() {
    let table: [(&str, Value, &str); 7] = [
        ("/credential_issuer", Value::Null, "`credential_issuer` is missing"),
        ("/credential_endpoint", Value::Null, "`credential_endpoint` is missing"),
        ("/credential_endpoint", json!("/credential"), "`credential_endpoint` is no absolute URL"),
        ("/nonce_endpoint", json!({}), "`nonce_endpoint` is no text"),
        ("/credential_configurations_supported", Value::Null, "`credential_configurations_supported` is missing"),
        ("/credential_configurations_supported", json!([]), "`credential_configurations_supported` is no object"),
        (
            "/batch_credential_issuance",
            json!({ "batch_size": 1 }),
            "`batch_credential_issuance.batch_size` is no number of 2 or more",
        ),
    ];
    for (pointer, value, expected) in table {
        let mut bad = good_metadata();
        *bad.pointer_mut(pointer).expect("a member") = value;
        assert_eq!(problem(issuer_metadata(&bad)), expected);
    }
    let mut no_servers = good_metadata();
    no_servers["authorization_servers"] = json!([]);
    assert_eq!(problem(issuer_metadata(&no_servers)), "`authorization_servers` is empty");
}

// covers: ASM-05, ASM-06
#[test]
fn server_metadata_has_the_defaults_of_rfc_8414() {
    let metadata = authorization_server_metadata(&json!({
        "issuer": "https://as.example", "token_endpoint": "https://as.example/token"
    }))
    .expect("metadata");
    assert_eq!(metadata.grant_types_supported, ["authorization_code", "implicit"]);
    assert!(!metadata.pre_authorized_grant_anonymous_access_supported);
    assert!(metadata.authorization_endpoint.is_none());
    assert_eq!(
        problem(authorization_server_metadata(&json!({ "issuer": "https://as.example" }))),
        "`token_endpoint` is missing"
    );
}

#[test]
fn no_more_datasets_are_named_than_anybody_can_ask_for() {
    let named = |id: &str| {
        let identifiers: Vec<_> = (0..80).map(|n| format!("{id}-{n}")).collect();
        json!({ "type": "openid_credential", "credential_configuration_id": id, "credential_identifiers": identifiers })
    };
    let details = [named("A"), named("B"), named("C")];
    let read = token(
        &json!({ "access_token": "t", "token_type": "Bearer", "authorization_details": details }),
        Timestamp::from_seconds(0),
    );
    let counts: Vec<_> =
        read.expect("a token").authorized.iter().map(|entry| entry.credential_identifiers.len()).collect();
    assert_eq!(counts, [80, 20, 0]);
}

// covers: TOKRS-01, TOKRS-04
#[test]
fn tokens_are_read_in_every_spelling_of_a_number() {
    let now = Timestamp::from_seconds(1000);
    for expires_in in [json!(60), json!(60.0), json!(60.9), json!("60")] {
        let read = token(&json!({ "access_token": "t", "token_type": "bearer", "expires_in": expires_in }), now);
        assert_eq!(read.expect("a token").expires_at, Some(now + 60));
    }
    let read = token(
        &json!({
            "access_token": "t", "token_type": "DPoP", "refresh_token": "r", "x": 1,
            "authorization_details": [
                { "type": "other" },
                { "type": "openid_credential", "credential_configuration_id": "A",
                  "credential_identifiers": ["A-1", "A-2"], "extra": {} }
            ]
        }),
        now,
    )
    .expect("a token");
    assert_eq!(read.token_type, TokenType::Dpop);
    assert_eq!(read.authorized.len(), 1);
    assert_eq!(read.authorized[0].credential_identifiers.len(), 2);
    assert_eq!(problem(token(&json!({ "token_type": "Bearer" }), now)), "`access_token` is missing");
    assert_eq!(problem(token(&json!({ "access_token": "t" }), now)), "`token_type` is missing");
    assert_eq!(
        problem(token(&json!({ "access_token": "t", "token_type": "mac" }), now)),
        "`token_type` is neither Bearer nor DPoP"
    );
}

// covers: CRES-01, CRES-02, CRES-07
#[test]
fn credential_answers_are_issued_or_deferred_never_both() {
    let issued = credential_response(&json!({
        "credentials": [{ "credential": "a" }, { "credential": { "b": 1 }, "x": 2 }], "notification_id": "n"
    }));
    match issued.expect("an answer") {
        CredentialResponse::Issued { credentials, notification_id, credential_metadata } => {
            assert_eq!(credential_metadata, None);
            assert_eq!(credentials, [json!("a"), json!({ "b": 1 })]);
            assert_eq!(notification_id, Some(NotificationId::from("n")));
        }
        CredentialResponse::Deferred { .. } => panic!("credentials were there"),
    }
    let deferred = credential_response(&json!({ "transaction_id": "t", "interval": 5 }));
    assert!(matches!(deferred, Ok(CredentialResponse::Deferred { interval: 5, .. })));
    for (value, expected) in [
        (json!({}), "`credentials` is missing"),
        (json!({ "credentials": [] }), "`credentials` is empty"),
        (json!({ "credentials": ["raw"] }), "`credentials.0` is no object"),
        (json!({ "credentials": [{}] }), "`credentials.0.credential` is missing"),
        (json!({ "credentials": [{ "credential": 7 }] }), "`credentials.0.credential` is neither text nor an object"),
        (
            json!({ "credentials": [{ "credential": "a" }], "transaction_id": "t" }),
            "`transaction_id` came together with `credentials`",
        ),
        (json!({ "transaction_id": "t" }), "`interval` is no positive number"),
        (json!({ "transaction_id": "t", "interval": 0 }), "`interval` is no positive number"),
    ] {
        assert_eq!(problem(credential_response(&value)), expected);
    }
}

#[test]
fn answers_may_say_how_to_show_what_they_bring() {
    let said = |metadata: Value| {
        let answer = json!({ "credentials": [{ "credential": "a" }], "credential_metadata": metadata });
        match credential_response(&answer).expect("an answer") {
            CredentialResponse::Issued { credential_metadata, .. } => credential_metadata,
            CredentialResponse::Deferred { .. } => panic!("credentials were there"),
        }
    };
    let whole = said(json!({
        "display": [{ "name": "Card", "locale": "en", "background_color": "#123", "x": 1 }, 7],
        "claims": [{ "path": ["name"], "mandatory": true, "display": [{ "name": "Name" }] }, { "path": [] }]
    }))
    .expect("it says something");
    assert_eq!(whole.display.len(), 1);
    assert_eq!(whole.display[0].background_color.as_deref(), Some("#123"));
    assert_eq!(whole.claims.len(), 1);
    assert!(whole.claims[0].mandatory);
    // It is only for show: nothing in it makes the credentials less welcome.
    for nothing in [json!(null), json!(7), json!([]), json!({}), json!({ "display": {}, "claims": "all" })] {
        assert_eq!(said(nothing.clone()), None, "{nothing}");
    }
}

#[test]
fn only_so_many_claims_are_described() {
    let many: Vec<_> = (0..5000).map(|at| json!({ "path": [format!("c{at}")] })).collect();
    assert_eq!(described(&json!({}), &json!(many)).len(), MOST_DESCRIPTIONS);
}

/// The claim descriptions of a configuration whose metadata lists these.
fn described(format: &Value, claims: &Value) -> Vec<ClaimDescription> {
    let mut value = good_metadata();
    let configuration = &mut value["credential_configurations_supported"]["Card"];
    for (name, member) in format.as_object().expect("members") {
        configuration[name] = member.clone();
    }
    configuration["credential_metadata"]["claims"] = claims.clone();
    issuer_metadata(&value).expect("metadata").credential_configurations_supported[&"Card".into()].claims.clone()
}

// covers: CLAIM-01, CLAIM-02
#[test]
fn claim_descriptions_have_a_path_and_defaults() {
    let sd_jwt = json!({});
    let read = described(
        &sd_jwt,
        &json!([
            { "path": ["a", null, 0, "b"], "mandatory": true,
              "display": [{ "name": "A", "locale": "en" }, { "locale": "de" }] },
            { "path": ["b"], "unknown": 1 },
            { "path": [] }, { "path": "b" }, { "path": [1.5] }, { "path": [-1] }, { "path": [{}] }, { "path": [true] },
            { "mandatory": true }, "c", null
        ]),
    );
    let key = |text: &str| PathStep::Key(text.to_owned());
    assert_eq!(read.len(), 2, "{read:?}");
    assert_eq!(read[0].path, [key("a"), PathStep::All, PathStep::Index(0), key("b")]);
    assert!(read[0].mandatory && !read[1].mandatory);
    let shown: Vec<_> = read[0].display.iter().map(|one| (one.name.as_deref(), one.locale.as_deref())).collect();
    assert_eq!(shown, [(Some("A"), Some("en")), (None, Some("de"))]);
    assert!(read[1].display.is_empty());
}

// covers: CLAIM-05, CLAIM-07
#[test]
fn descriptions_that_contradict_each_other_are_not_used() {
    let (sd_jwt, mdoc) = (json!({}), json!({ "format": "mso_mdoc", "doctype": "d" }));
    for bad in [
        json!([{ "path": ["a"] }, { "path": ["b"] }, { "path": ["a"], "mandatory": true }]),
        json!([{ "path": ["a", null] }, { "path": ["a", 1] }]),
        json!([{ "path": ["a", 1] }, { "path": ["a", "x"] }]),
    ] {
        assert!(described(&sd_jwt, &bad).is_empty(), "{bad}");
    }
    // A path into an mdoc names a namespace and an element.
    let paths = json!([{ "path": ["n", "e"] }, { "path": ["n"] }, { "path": ["n", 1] }, { "path": ["n", "f", 1] }]);
    assert_eq!(described(&mdoc, &paths).len(), 2);
    assert_eq!(described(&mdoc, &json!([{ "path": ["n", "e", "x"] }, { "path": ["n", "e", 1] }])).len(), 2);
}

// covers: META-31
#[test]
fn display_and_claims_are_found_in_both_places() {
    let shown = json!([{
        "name": "Card", "locale": "en", "description": "A card", "background_color": "#12107c", "text_color": 7,
        "logo": { "uri": "https://issuer.example/logo.png", "alt_text": "a logo" },
        "background_image": { "uri": "https://issuer.example/back.png" }
    }]);
    let claims = json!([{ "path": ["name"] }]);
    for inside in [true, false] {
        let mut value = good_metadata();
        let card = &mut value["credential_configurations_supported"]["Card"];
        card.as_object_mut().expect("members").remove("credential_metadata");
        let place = if inside { &mut card["credential_metadata"] } else { card };
        place["display"] = shown.clone();
        place["claims"] = claims.clone();
        let metadata = issuer_metadata(&value).expect("metadata");
        let card = &metadata.credential_configurations_supported[&"Card".into()];
        let [display] = card.display.as_slice() else { panic!("{:?}", card.display) };
        assert_eq!(display.name.as_deref(), Some("Card"));
        assert_eq!(display.description.as_deref(), Some("A card"));
        assert_eq!(display.background_color.as_deref(), Some("#12107c"));
        assert_eq!(display.text_color, None, "what is no colour is left out, and stops nothing");
        assert_eq!(display.logo.as_ref().and_then(|logo| logo.alt_text.as_deref()), Some("a logo"));
        let back = display.background_image.as_ref().map(|image| image.uri.as_str());
        assert_eq!(back, Some("https://issuer.example/back.png"));
        assert_eq!(card.claims.len(), 1);
    }
}

// covers: META-20
#[test]
fn the_issuers_names_and_logos_are_taken_as_they_come() {
    let mut value = good_metadata();
    value["display"] = json!([
        { "name": "Ministry", "locale": "en", "logo": { "uri": "https://issuer.example/l.svg", "alt_text": "arms" } },
        { "name": "Again", "locale": "en", "logo": { "uri": "data:image/png;base64,AA==" } },
        { "locale": "de", "logo": { "alt_text": "no picture" } },
        { "name": 7, "logo": { "uri": "ipfs://x" } }
    ]);
    let display = issuer_metadata(&value).expect("metadata").display;
    let names: Vec<_> = display.iter().map(|one| one.name.as_deref()).collect();
    assert_eq!(names, [Some("Ministry"), Some("Again"), None, None]);
    let uris: Vec<_> = display.iter().map(|one| one.logo.as_ref().map(|logo| logo.uri.as_str())).collect();
    assert_eq!(
        uris,
        [Some("https://issuer.example/l.svg"), Some("data:image/png;base64,AA=="), None, Some("ipfs://x")],
        "a logo without a picture is none; every scheme is handed on for the app to look at"
    );
    // Of two for one language, the first is shown.
    assert_eq!(
        crate::model::display::choose(&display, Some("en")).and_then(|one| one.name.as_deref()),
        Some("Ministry")
    );
}

// covers: META-25
#[test]
fn signing_algorithms_are_names_or_numbers() {
    let mut value = good_metadata();
    let mut read = |listed: Value| {
        value["credential_configurations_supported"]["Card"]["credential_signing_alg_values_supported"] = listed;
        let metadata = issuer_metadata(&value).expect("metadata");
        metadata.credential_configurations_supported[&"Card".into()].credential_signing_alg_values_supported.clone()
    };
    assert_eq!(read(json!([-7, -9])), [SigningAlgorithm::Cose(-7), SigningAlgorithm::Cose(-9)]);
    let named = [SigningAlgorithm::Name("ES256".to_owned()), SigningAlgorithm::Name("Ed25519Signature2018".to_owned())];
    assert_eq!(read(json!(["ES256", "Ed25519Signature2018"])), named);
    assert_eq!(read(json!(["ES256", 1.5, {}])), named[..1], "it is for information, and stops nothing");
    assert!(read(json!("ES256")).is_empty() && read(Value::Null).is_empty());
}
