use super::*;
use crate::dialect::read;
use crate::model::display::PathStep;
use crate::model::metadata::{CredentialConfiguration, CredentialKind, SigningAlgorithm};

fn names(lifted: &LiftedConfiguration) -> Vec<&'static str> {
    lifted.tolerated.iter().map(|tolerance| tolerance.as_str()).collect()
}

fn read(lifted: &LiftedConfiguration) -> CredentialConfiguration {
    read::configuration(&lifted.entry, "entry").unwrap_or_else(|error| panic!("{}: {error}", lifted.entry))
}

fn types() -> CredentialKind {
    CredentialKind::Types(vec!["VerifiableCredential".to_owned(), "Degree".to_owned()])
}

fn paths(configuration: &CredentialConfiguration) -> Vec<String> {
    let step = |step: &PathStep| match step {
        PathStep::Key(key) => key.clone(),
        PathStep::Index(index) => index.to_string(),
        PathStep::All => "*".to_owned(),
    };
    configuration.claims.iter().map(|claim| claim.path.iter().map(step).collect::<Vec<_>>().join("/")).collect()
}

#[test]
fn what_is_in_the_words_of_1_0_stays_as_it_is() {
    for entry in [
        json!({ "format": "jwt_vc_json", "scope": "s", "credential_definition": { "type": ["VerifiableCredential"] },
            "cryptographic_binding_methods_supported": ["did:jwk"], "credential_signing_alg_values_supported": ["ES256"],
            "proof_types_supported": { "jwt": { "proof_signing_alg_values_supported": ["ES256"] } },
            "credential_metadata": { "display": [{ "name": "N" }], "claims": [{ "path": ["credentialSubject", "a"] }] } }),
        json!({ "format": "ldp_vc", "credential_definition": { "@context": ["c"], "type": ["VerifiableCredential"] } }),
        json!({ "format": "dc+sd-jwt", "vct": "v", "proof_types_supported": {
            "attestation": { "proof_signing_alg_values_supported": ["ES256"], "key_attestations_required": {} } } }),
        json!({ "format": "vc+sd-jwt", "credential_definition": { "type": ["VerifiableCredential", "A"] } }),
        json!({ "format": "mso_mdoc", "doctype": "d", "credential_signing_alg_values_supported": [-7, -9],
            "cryptographic_binding_methods_supported": ["cose_key"] }),
        json!({ "format": "something", "claims": [], "types": ["x"] }),
        json!({}),
        json!("text"),
        json!(null),
    ] {
        for defaults in [Defaults::None, Defaults::JwtProofs] {
            if defaults == Defaults::JwtProofs && entry["format"] == "mso_mdoc" {
                continue;
            }
            let lifted = lift_with(&entry, defaults);
            assert_eq!(lifted.entry, entry);
            assert!(lifted.spelling.is_none() && lifted.tolerated.is_empty(), "{entry}");
        }
    }
}

#[test]
fn types_are_found_wherever_they_stand() {
    let list = json!(["VerifiableCredential", "Degree"]);
    let context = json!(["https://www.w3.org/2018/credentials/v1"]);
    let of_types = Some(Spelling { types: TypesPlace::Types, ..Spelling::default() });
    for (entry, spelling) in [
        (json!({ "format": "jwt_vc_json", "types": list }), of_types.clone()),
        (json!({ "format": "jwt_vc_json", "type": list }), None),
        (json!({ "format": "jwt_vc_json", "credential_definition": { "types": list } }), of_types.clone()),
        (json!({ "format": "jwt_vc_json", "credentials_definition": { "type": list } }), None),
        (json!({ "format": "ldp_vc", "@context": context, "types": list }), of_types.clone()),
        (
            json!({ "format": "jwt_vc_json-ld", "credential_definition": { "@context": context, "types": list } }),
            of_types,
        ),
        (json!({ "format": "ldp_vc", "@context": context, "type": list }), None),
        (json!({ "format": "ldp_vc", "@context": context[0], "credential_definition": { "type": list } }), None),
    ] {
        let lifted = lift(&entry);
        let configuration = read(&lifted);
        assert_eq!(configuration.kind, types(), "{entry}");
        assert_eq!(configuration.contexts.is_empty(), entry["format"] == "jwt_vc_json", "{entry}");
        assert_eq!(lifted.spelling, spelling, "{entry}");
        assert!(names(&lifted).contains(&"types_on_top"), "{entry}");
    }
    let single = lift(&json!({ "format": "jwt_vc_json", "credential_definition": { "type": "Degree" } }));
    assert_eq!(read(&single).kind, CredentialKind::Types(vec!["Degree".to_owned()]));
    assert_eq!(names(&single), ["value_type"]);
    // What is in its place already is what counts.
    let both = lift(&json!({ "format": "jwt_vc_json", "types": ["Other"], "credential_definition": { "type": list } }));
    assert_eq!((read(&both).kind, both.spelling.clone(), names(&both)), (types(), None, vec![]));
}

#[test]
fn formats_are_known_by_older_and_wrong_names_and_are_still_called_so() {
    let definition = json!({ "@context": ["c"], "type": ["VerifiableCredential", "Degree"] });
    for (name, known) in [
        ("ldp-vc", "ldp_vc"),
        ("jwt_vc", "jwt_vc_json"),
        ("JWT_VC_JSON", "jwt_vc_json"),
        ("jwt_vc_json_ld", "jwt_vc_json-ld"),
    ] {
        let lifted = lift(&json!({ "format": name, "credential_definition": definition }));
        assert_eq!(lifted.entry["format"], known);
        let spelling = lifted.spelling.clone().expect("another spelling");
        assert_eq!((spelling.format.as_deref(), names(&lifted)), (Some(name), vec!["format_spelling"]));
        assert_eq!(read(&lifted).kind, types());
    }
    for other in ["anoncreds", "jwt", "", "ldp__vc"] {
        assert!(lift(&json!({ "format": other })).tolerated.is_empty(), "{other}");
    }
}

#[test]
fn sd_jwts_have_their_type_in_the_definition_of_a_few_drafts() {
    for definition in [json!({ "vct": "Degree" }), json!({ "type": "Degree", "claims": { "name": {} } })] {
        let lifted = lift(&json!({ "format": "vc+sd-jwt", "credential_definition": definition }));
        let configuration = read(&lifted);
        assert_eq!(configuration.kind, CredentialKind::Vct("Degree".to_owned()));
        assert!(names(&lifted).contains(&"types_on_top"));
        assert_eq!(configuration.claims.len(), usize::from(definition.get("claims").is_some()));
    }
    let both = lift(&json!({ "format": "dc+sd-jwt", "vct": "A", "credential_definition": { "vct": "B" } }));
    assert_eq!((read(&both).kind, names(&both)), (CredentialKind::Vct("A".to_owned()), vec![]));
    assert!(read::configuration(&lift(&json!({ "format": "dc+sd-jwt" })).entry, "entry").is_err());
}

#[test]
fn proof_types_without_algorithms_leave_them_to_the_wallet() {
    let with = |types: Value| json!({ "format": "dc+sd-jwt", "vct": "v", "proof_types_supported": types });
    let all = Algorithm::ALL.map(Algorithm::as_str);
    for (types, algorithms) in [
        (json!(["jwt", "cwt"]), all.as_slice()),
        (json!({ "jwt": {} }), &all),
        (json!({ "jwt": { "proof_signing_alg_values_supported": null } }), &all),
        (json!({ "jwt": ["ES256"] }), &["ES256"]),
        (json!({ "jwt": { "proof_signing_alg_values_supported": "ES256" } }), &["ES256"]),
    ] {
        let lifted = lift(&with(types.clone()));
        let types_read = read(&lifted).proof_types_supported;
        assert_eq!(types_read["jwt"].proof_signing_alg_values_supported, algorithms, "{types}");
        assert_eq!(lifted.tolerated.len(), 1, "{types}");
    }
    assert!(read(&lift(&with(json!([])))).proof_types_supported.is_empty());
    // Somebody who lists no suites takes no presentations.
    assert!(read::configuration(&lift(&with(json!({ "di_vp": {} }))).entry, "entry").is_err());
}

#[test]
fn only_where_it_was_the_default_is_a_proof_taken_for_granted() {
    let entry = |methods: Value| json!({ "format": "dc+sd-jwt", "vct": "v", "cryptographic_binding_methods_supported": methods });
    let proofs = |methods: Value, defaults| read(&lift_with(&entry(methods), defaults)).proof_types_supported.len();
    assert_eq!(proofs(json!(["jwk"]), Defaults::JwtProofs), 1);
    assert_eq!(proofs(json!("jwk"), Defaults::JwtProofs), 1);
    assert_eq!(proofs(json!([]), Defaults::JwtProofs), 0);
    assert_eq!(proofs(json!(null), Defaults::JwtProofs), 0);
    assert_eq!(proofs(json!(["jwk"]), Defaults::None), 0);
}

#[test]
fn older_words_have_newer_ones() {
    let lifted = lift(&json!({ "format": "mso_mdoc", "doctype": "d", "scope": 5,
        "cryptographic_binding_methods_supported": ["mso", "cose_key"], "cryptographic_suites_supported": ["ES256"] }));
    let configuration = read(&lifted);
    assert_eq!(configuration.cryptographic_binding_methods_supported, ["cose_key"]);
    assert_eq!(configuration.credential_signing_alg_values_supported, [SigningAlgorithm::Name("ES256".to_owned())]);
    assert_eq!(configuration.scope.as_deref(), Some("5"));
    assert_eq!(names(&lifted), ["older_spelling", "value_type"]);
    let any = lift(
        &json!({ "format": "dc+sd-jwt", "vct": "v", "cryptographic_binding_methods_supported": ["did", "did:jwk"] }),
    );
    assert_eq!(read(&any).cryptographic_binding_methods_supported, ["did", "did:jwk", "did:key"]);
    let newer = lift(&json!({ "format": "mso_mdoc", "doctype": "d",
        "cryptographic_suites_supported": ["ES256"], "credential_signing_alg_values_supported": [-7] }));
    assert_eq!(read(&newer).credential_signing_alg_values_supported, [SigningAlgorithm::Cose(-7)]);
    assert!(newer.tolerated.is_empty());
}

#[test]
fn trees_of_claims_become_paths_of_their_format() {
    let tree = json!({ "b": { "mandatory": true, "display": [{ "name": "B" }] }, "a": { "x": {} } });
    let types = json!(["VerifiableCredential", "Degree"]);
    for (entry, expected) in [
        (
            json!({ "format": "jwt_vc_json", "types": types, "credentialSubject": tree }),
            ["credentialSubject/a/x", "credentialSubject/b"],
        ),
        (
            json!({ "format": "jwt_vc_json", "order": ["b"],
                "credential_definition": { "type": types, "credentialSubject": tree } }),
            ["credentialSubject/b", "credentialSubject/a/x"],
        ),
        (
            json!({ "format": "jwt_vc_json", "credential_definition": { "type": types }, "claims": tree }),
            ["credentialSubject/a/x", "credentialSubject/b"],
        ),
        (
            json!({ "format": "jwt_vc_json", "credential_definition": { "type": types },
                "claims": { "credentialSubject": tree } }),
            ["credentialSubject/a/x", "credentialSubject/b"],
        ),
        (json!({ "format": "vc+sd-jwt", "vct": "v", "claims": tree, "order": ["b", "a"] }), ["b", "a/x"]),
        (json!({ "format": "mso_mdoc", "doctype": "d", "claims": { "n": tree } }), ["n/a/x", "n/b"]),
    ] {
        let lifted = lift(&entry);
        let configuration = read(&lifted);
        assert_eq!(paths(&configuration), expected, "{entry}");
        assert!(names(&lifted).contains(&"claims_tree"), "{entry}");
        let described = configuration.claims.iter().find(|claim| claim.mandatory).expect("one is");
        assert_eq!(described.display[0].name.as_deref(), Some("B"));
    }
    let listed = json!([{ "path": ["credentialSubject", "a"] }]);
    let inside =
        lift(&json!({ "format": "jwt_vc_json", "credential_definition": { "type": types, "claims": listed } }));
    assert_eq!(
        (paths(&read(&inside)), names(&inside)),
        (vec!["credentialSubject/a".to_owned()], vec!["older_spelling"])
    );
    // A list is of a newer kind than a tree.
    let both = lift(&json!({ "format": "jwt_vc_json", "claims": listed,
        "credential_definition": { "type": types, "credentialSubject": tree } }));
    assert_eq!((paths(&read(&both)), names(&both)), (vec!["credentialSubject/a".to_owned()], vec![]));
}

#[test]
fn one_display_is_a_list_of_one() {
    let shown = json!({ "name": "Card" });
    for entry in [
        json!({ "format": "dc+sd-jwt", "vct": "v", "display": shown }),
        json!({ "format": "dc+sd-jwt", "vct": "v", "credential_metadata": { "display": shown } }),
    ] {
        let lifted = lift(&entry);
        assert_eq!(read(&lifted).display[0].name.as_deref(), Some("Card"));
        assert_eq!(names(&lifted), ["single_display"]);
    }
}

#[test]
fn names_are_made_of_what_is_described() {
    let name = |entry: Value| made_up_id(&entry).map(|id| id.as_str().to_owned());
    for (entry, expected) in [
        (json!({ "format": "jwt_vc_json", "types": ["VerifiableCredential", "A"] }), "A_jwt_vc_json"),
        (json!({ "format": "jwt_vc_json", "types": ["VerifiableCredential", "B", "A"] }), "B+A_jwt_vc_json"),
        (
            json!({ "format": "ldp_vc", "credential_definition": { "types": ["VerifiableCredential"] } }),
            "VerifiableCredential_ldp_vc",
        ),
        (json!({ "format": "vc+sd-jwt", "credential_definition": { "type": "A" } }), "A_vc+sd-jwt"),
        (json!({ "format": "mso_mdoc", "doctype": "org.iso", "credential_definition": {} }), "org.iso_mso_mdoc"),
    ] {
        assert_eq!(name(entry).as_deref(), Some(expected));
    }
    for nothing in [
        json!({}),
        json!({ "format": "jwt_vc_json" }),
        json!({ "format": "jwt_vc_json", "types": [] }),
        json!({ "format": "", "types": ["A"] }),
        json!({ "format": "jwt_vc_json", "types": [5, ""] }),
        json!("text"),
    ] {
        assert_eq!(name(nothing.clone()), None, "{nothing}");
    }
}
