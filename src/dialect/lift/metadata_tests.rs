use super::*;
use crate::dialect::{Dialects, ReadIssuer, TypesPlace, issuer_metadata};

fn asked() -> IssuerId {
    IssuerId::parse("https://i.example/a").expect("legal")
}

fn names(tolerated: &Tolerated) -> Vec<&'static str> {
    tolerated.iter().map(|tolerance| tolerance.as_str()).collect()
}

fn card() -> Value {
    json!({ "format": "dc+sd-jwt", "vct": "v" })
}

/// Metadata with these members besides.
fn with(members: Value) -> Value {
    let mut document = json!({ "credential_issuer": "https://i.example/a", "credential_endpoint": "https://i.example/c",
        "credential_configurations_supported": { "A": card() } });
    let Value::Object(members) = members else { panic!("members") };
    document.as_object_mut().expect("an object").extend(members);
    document
}

/// The same without the newer catalogue.
fn older(catalogue: Value) -> Value {
    let mut document = with(json!({}));
    document.as_object_mut().expect("an object").remove("credential_configurations_supported");
    document["credentials_supported"] = catalogue;
    document
}

fn read(document: &Value) -> ReadIssuer {
    issuer_metadata(document, &asked(), Dialects::Any).unwrap_or_else(|error| panic!("{document}: {error}"))
}

fn ids(read: &ReadIssuer) -> Vec<&str> {
    read.metadata.credential_configurations_supported.keys().map(ConfigurationId::as_str).collect()
}

#[test]
fn what_is_in_the_words_of_1_0_stays_as_it_is() {
    for document in [
        with(json!({})),
        with(json!({ "authorization_servers": ["https://as.example"], "nonce_endpoint": "https://i.example/n",
            "batch_credential_issuance": { "batch_size": 2 }, "display": [{ "name": "I" }],
            "deferred_credential_endpoint": "https://i.example/d", "notification_endpoint": "https://i.example/o",
            "credential_request_encryption": { "jwks": { "keys": [] }, "encryption_required": false },
            "credential_response_encryption": { "alg_values_supported": ["ECDH-ES"], "encryption_required": true },
            "unknown": { "x": [1, null] } })),
        with(json!({ "credentials_supported": [{ "id": "A", "format": "jwt_vc_json", "types": ["X"] }] })),
        json!({}),
        json!([]),
        json!("text"),
        json!({ "credential_configurations_supported": "text" }),
        json!({ "credentials_supported": 5 }),
    ] {
        let lifted = lift(&document, &asked());
        assert_eq!(lifted.document, document);
        assert!(lifted.tolerated.is_empty() && lifted.spellings.is_empty() && lifted.server.is_none(), "{document}");
    }
}

#[test]
fn catalogues_have_two_names_and_two_shapes() {
    let (named, nameless) = (json!({ "id": "A", "format": "dc+sd-jwt", "vct": "v" }), card());
    for (document, expected, tolerated) in [
        (older(json!({ "A": card() })), vec!["A"], vec!["credentials_supported"]),
        (older(json!([named, nameless])), vec!["A", "v_dc+sd-jwt"], vec!["credentials_supported", "catalogue_list"]),
        (
            with(json!({ "credential_configurations_supported": [named, named] })),
            vec!["A", "A_2"],
            vec!["catalogue_list"],
        ),
        // Both: what only the older one has stays out.
        (with(json!({ "credentials_supported": [named, { "id": "B", "format": "x" }] })), vec!["A"], vec![]),
        // Half a migration: the newer one is there, and empty.
        (
            with(json!({ "credential_configurations_supported": {}, "credentials_supported": { "B": card() } })),
            vec!["B"],
            vec!["credentials_supported"],
        ),
    ] {
        let read = read(&document);
        assert_eq!((ids(&read), names(&read.tolerated)), (expected, tolerated), "{document}");
    }
    for none in [json!({ "credentials_supported": 5 }), json!({ "credential_configurations_supported": "text" })] {
        let mut document = with(none);
        if document.get("credentials_supported").is_some() {
            document.as_object_mut().expect("an object").remove("credential_configurations_supported");
        }
        let error = issuer_metadata(&document, &asked(), Dialects::Any).expect_err("no catalogue");
        assert_eq!(error.path, "credential_configurations_supported");
    }
}

#[test]
fn one_nonsense_entry_does_not_spoil_the_others() {
    let map = with(json!({ "credential_configurations_supported": {
        "good": card(), "number": 5, "text": "x", "null": null, "list": [card()], "empty": {}, "untyped": { "format": "ldp_vc" },
        "types": { "format": "jwt_vc_json", "types": [5, null] }, "proofs": { "format": "dc+sd-jwt", "vct": "v", "proof_types_supported": 7 },
    } }));
    let from_map = read(&map);
    assert_eq!(ids(&from_map), ["good"]);
    assert_eq!(from_map.metadata.unreadable.len(), 8);
    let list =
        read(&older(json!([5, "x", null, [card()], {}, card(), { "id": "B", "format": "dc+sd-jwt", "vct": 5 }])));
    assert_eq!(ids(&list), ["v_dc+sd-jwt"]);
    assert_eq!(list.metadata.unreadable.len(), 6);
}

#[test]
fn spellings_are_kept_by_the_name_of_the_entry() {
    let degree = json!({ "format": "jwt_vc", "types": ["VerifiableCredential", "Degree"] });
    let read = read(&older(json!([card(), degree])));
    let [(id, spelling)] = Vec::from_iter(&read.quirks.spellings)[..] else { panic!("{:?}", read.quirks.spellings) };
    assert_eq!(
        (id.as_str(), spelling.format.as_deref(), spelling.types),
        ("Degree_jwt_vc", Some("jwt_vc"), TypesPlace::Types)
    );
}

#[test]
fn servers_come_as_a_list_or_one_by_one() {
    for (members, expected, tolerated) in [
        (json!({ "authorization_server": "https://as.example" }), vec!["https://as.example"], vec!["single_server"]),
        (json!({ "authorization_server": ["https://as.example"] }), vec!["https://as.example"], vec!["single_server"]),
        (json!({ "authorization_servers": "https://as.example" }), vec!["https://as.example"], vec!["value_type"]),
        (
            json!({ "authorization_servers": ["https://as.example"], "authorization_server": "https://other.example" }),
            vec!["https://as.example"],
            vec![],
        ),
        (json!({ "authorization_servers": [] }), vec![], vec!["ignored_member"]),
        (json!({ "authorization_servers": null, "authorization_server": "" }), vec![], vec![]),
    ] {
        let read = read(&with(members.clone()));
        let servers: Vec<_> = read.metadata.authorization_servers.iter().map(IssuerId::as_str).collect();
        assert_eq!((servers, names(&read.tolerated)), (expected, tolerated), "{members}");
    }
    // Who else gives tokens is not guessed.
    for bad in [json!(["nobody"]), json!([5]), json!({ "a": 1 }), json!(7)] {
        assert!(
            issuer_metadata(&with(json!({ "authorization_servers": bad })), &asked(), Dialects::Any).is_err(),
            "{bad}"
        );
    }
}

#[test]
fn endpoints_may_be_paths_of_the_issuers_own_host() {
    let read = read(&with(json!({ "credential_endpoint": "/c", "nonce_endpoint": "/n", "notification_endpoint": "/o",
        "deferred_credential_endpoint": "/d?x=1" })));
    let metadata = &read.metadata;
    assert_eq!(metadata.credential_endpoint.as_str(), "https://i.example/c");
    assert_eq!(metadata.nonce_endpoint.as_ref().map(Url::as_str), Some("https://i.example/n"));
    assert_eq!(metadata.notification_endpoint.as_ref().map(Url::as_str), Some("https://i.example/o"));
    assert_eq!(metadata.deferred_credential_endpoint.as_ref().map(Url::as_str), Some("https://i.example/d?x=1"));
    assert_eq!(names(&read.tolerated), ["relative_endpoint"]);
    for elsewhere in ["//evil.example/c", "c", "", "/\\evil.example"] {
        let document = with(json!({ "credential_endpoint": elsewhere }));
        assert!(issuer_metadata(&document, &asked(), Dialects::Any).is_err(), "{elsewhere}");
    }
}

#[test]
fn encryption_of_draft_12_stands_in_members_of_its_own() {
    let flat = read(&with(json!({ "credential_response_encryption_alg_values_supported": ["ECDH-ES"],
        "credential_response_encryption_enc_values_supported": "A128GCM",
        "require_credential_response_encryption": "true" })));
    let encryption = flat.metadata.credential_response_encryption.expect("it is there");
    assert_eq!(
        (encryption.alg_values_supported, encryption.enc_values_supported),
        (vec!["ECDH-ES".into()], vec!["A128GCM".into()])
    );
    assert!(encryption.encryption_required);
    assert_eq!(names(&flat.tolerated), ["flat_encryption", "value_type"]);
    // What is required is never forgotten, even where nobody can know how to do it.
    let required = read(&with(json!({ "require_credential_response_encryption": true })));
    assert!(required.metadata.credential_response_encryption.expect("it is there").encryption_required);
    let not = read(&with(json!({ "require_credential_response_encryption": false })));
    assert!(not.metadata.credential_response_encryption.is_none() && not.tolerated.is_empty());
    let object = read(&with(json!({ "credential_response_encryption_alg_values_supported": ["RSA"],
        "credential_response_encryption": { "alg_values_supported": "ECDH-ES", "encryption_required": "true" } })));
    let encryption = object.metadata.credential_response_encryption.expect("it is there");
    assert_eq!((encryption.alg_values_supported, encryption.encryption_required), (vec!["ECDH-ES".into()], true));
    for nothing in [json!(false), json!(""), json!([])] {
        let read =
            read(&with(json!({ "credential_response_encryption": nothing, "credential_request_encryption": nothing })));
        assert!(read.metadata.credential_response_encryption.is_none());
        assert_eq!(names(&read.tolerated), ["ignored_member"]);
    }
    for unclear in [json!(true), json!("ECDH-ES"), json!({ "encryption_required": "maybe" }), json!([1])] {
        let document = with(json!({ "credential_response_encryption": unclear }));
        assert!(issuer_metadata(&document, &asked(), Dialects::Any).is_err(), "{unclear}");
    }
}

#[test]
fn what_nothing_depends_on_is_left_out_if_it_cannot_be_read() {
    for member in ["notification_endpoint", "deferred_credential_endpoint"] {
        for bad in [json!(""), json!("x"), json!(5), json!(false), json!([]), json!("https://i.example/#f")] {
            let read = read(&with(json!({ member: bad })));
            assert_eq!(names(&read.tolerated), ["ignored_member"], "{member}: {bad}");
        }
    }
    for bad in [
        json!({}),
        json!([]),
        json!(true),
        json!(5),
        json!({ "batch_size": 1 }),
        json!({ "batch_size": -5 }),
        json!({ "batch_size": "many" }),
        json!({ "batch_size": 4_294_967_296_u64 }),
    ] {
        let read = read(&with(json!({ "batch_credential_issuance": bad })));
        assert_eq!((read.metadata.batch_size, names(&read.tolerated)), (1, vec!["ignored_member"]), "{bad}");
    }
    let text = read(&with(json!({ "batch_credential_issuance": { "batch_size": "5" } })));
    assert_eq!((text.metadata.batch_size, names(&text.tolerated)), (5, vec!["value_type"]));
    let nonce = read(&with(json!({ "nonce_endpoint": "" })));
    assert!(
        nonce.metadata.nonce_endpoint.is_none()
            && !nonce.quirks.seen.contains(&crate::dialect::detect::Sign::NonceEndpoint)
    );
    // Without the nonce that it demands, its issuer refuses every proof.
    for bad in [json!("nonce"), json!(5), json!({})] {
        assert!(issuer_metadata(&with(json!({ "nonce_endpoint": bad })), &asked(), Dialects::Any).is_err(), "{bad}");
    }
}

#[test]
fn one_display_is_a_list_of_one() {
    let read = read(&with(json!({ "display": { "name": "Vercre", "locale": "en-NZ" } })));
    assert_eq!(read.metadata.display[0].name.as_deref(), Some("Vercre"));
    assert_eq!(names(&read.tolerated), ["single_display"]);
}

#[test]
fn the_issuers_name_is_nobodys_to_change() {
    for name in
        [json!("https://other.example"), json!("https://i.example/a/"), json!(5), json!(null), json!({ "display": [] })]
    {
        let lifted = lift(&with(json!({ "credential_issuer": name })), &asked());
        assert_eq!(lifted.document["credential_issuer"], name);
    }
}

#[test]
fn a_token_endpoint_in_the_issuers_metadata_is_its_servers() {
    let server = |members: Value| lift(&with(members), &asked()).server;
    let pre_authorized = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
    let only = server(json!({ "token_endpoint": "/token" })).expect("a server");
    assert_eq!(
        only,
        json!({ "issuer": "https://i.example/a", "token_endpoint": "https://i.example/token",
        "grant_types_supported": [pre_authorized] })
    );
    let read = read(&with(json!({ "token_endpoint": "https://i.example/token" }))).server.expect("a server");
    assert_eq!(read.issuer, asked());
    let both = server(json!({ "token_endpoint": "/token", "authorization_endpoint": "/authorize" })).expect("a server");
    assert_eq!(both["grant_types_supported"], json!([pre_authorized, "authorization_code"]));
    let own =
        json!({ "token_endpoint": "/token", "authorization_servers": ["https://as.example", "https://i.example/a"] });
    assert!(server(own).is_some());
    for none in [
        json!({}),
        json!({ "token_endpoint": "" }),
        json!({ "token_endpoint": 5 }),
        json!({ "token_endpoint": "//evil.example/token" }),
        json!({ "authorization_endpoint": "/authorize" }),
        // Tokens come from elsewhere, so this is not where codes go.
        json!({ "token_endpoint": "/token", "authorization_servers": ["https://as.example"] }),
        json!({ "token_endpoint": "/token", "authorization_server": "https://as.example" }),
    ] {
        assert!(server(none.clone()).is_none(), "{none}");
    }
}

#[test]
fn strict_lifts_nothing() {
    for document in [
        older(json!({ "A": card() })),
        with(json!({ "credential_configurations_supported": [card()] })),
        with(json!({ "authorization_servers": [] })),
        with(json!({ "credential_endpoint": "/c" })),
        with(json!({ "notification_endpoint": "" })),
        with(json!({ "batch_credential_issuance": { "batch_size": 1 } })),
    ] {
        assert!(issuer_metadata(&document, &asked(), Dialects::Any).is_ok(), "{document}");
        assert!(issuer_metadata(&document, &asked(), Dialects::Strict).is_err(), "{document}");
    }
}
