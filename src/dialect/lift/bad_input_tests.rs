//! Documents that are no good: of several drafts at once, of the wrong types, too deep and too long. Nothing panics,
//! nothing grows beyond its bounds, and what is fine in such a document is still read.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::dialect::read::{self, ReadError};
use crate::dialect::tolerance::Tolerated;
use crate::dialect::{Dialects, ReadIssuer, explain, form, issuer_metadata, lift, offer, server_metadata, settle};
use crate::json;
use crate::model::ids::{ConfigurationId, IssuerId};
use crate::model::time::Timestamp;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const PRE_AUTHORIZED: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";

fn asked() -> IssuerId {
    IssuerId::parse("https://i.example").expect("legal")
}

fn metadata(document: &Value) -> Result<ReadIssuer, ReadError> {
    issuer_metadata(document, &asked(), Dialects::Any)
}

/// One document of each kind of issuer, with all that lifts look at.
fn documents() -> Vec<Value> {
    let types = json!(["VerifiableCredential", "Degree"]);
    let tree = json!({ "name": { "mandatory": true, "display": [{ "name": "Name" }] }, "degrees": [{ "kind": {} }] });
    let issuer = |catalogue: &str, entries: Value, more: Value| {
        let mut document = json!({ "credential_issuer": "https://i.example", "credential_endpoint": "https://i.example/c",
            "display": [{ "name": "I", "logo": { "url": "https://i.example/l" } }] });
        document[catalogue] = entries;
        for (name, value) in more.as_object().expect("members") {
            document[name] = value.clone();
        }
        document
    };
    vec![
        issuer(
            "credentials_supported",
            json!([
                { "id": "A", "format": "jwt_vc_json", "types": types, "credentialSubject": tree, "order": ["Name"],
                  "cryptographic_binding_methods_supported": ["did"], "cryptographic_suites_supported": ["ES256"] },
                { "format": "ldp_vc", "@context": ["https://c.example"], "types": types },
                { "format": "mso_mdoc", "doctype": "org.iso", "claims": { "org.iso": tree },
                  "cryptographic_binding_methods_supported": ["mso"] },
            ]),
            json!({ "authorization_server": "https://as.example", "batch_credential_endpoint": "https://i.example/b" }),
        ),
        issuer(
            "credentials_supported",
            json!({ "A": { "format": "jwt_vc", "proof_types_supported": ["jwt"],
                "credential_definition": { "type": types, "credentialSubject": tree } } }),
            json!({ "credential_response_encryption_alg_values_supported": ["ECDH-ES"],
                "credential_response_encryption_enc_values_supported": ["A128GCM"],
                "require_credential_response_encryption": false, "credential_identifiers_supported": true,
                "token_endpoint": "/token", "authorization_servers": ["https://i.example"] }),
        ),
        issuer(
            "credential_configurations_supported",
            json!({ "A": { "format": "vc+sd-jwt", "vct": "v", "claims": tree, "order": ["degrees"], "scope": "A",
                "proof_types_supported": { "jwt": { "proof_signing_alg_values_supported": ["ES256"] } } },
                "B": { "format": "ldp-vc", "credentials_definition": { "@context": ["c"], "type": types } } }),
            json!({ "credential_response_encryption": { "alg_values_supported": ["ECDH-ES"], "encryption_required": false },
                "batch_credential_issuance": { "batch_size": "5" }, "deferred_credential_endpoint": "/d" }),
        ),
        issuer(
            "credential_configurations_supported",
            json!({ "A": { "format": "dc+sd-jwt", "vct": "v", "claims": [{ "path": ["a", null, 1], "mandatory": true }] },
                "B": { "format": "mso_mdoc", "doctype": "d", "credential_signing_alg_values_supported": [-7],
                  "credential_metadata": { "claims": [{ "path": ["n", "e"] }], "display": { "name": "B" } } } }),
            json!({ "nonce_endpoint": "https://i.example/n", "notification_endpoint": "https://i.example/o",
                "credential_request_encryption": { "jwks": { "keys": [] }, "enc_values_supported": ["A128GCM"] } }),
        ),
        json!({ "credential_issuer": "https://i.example", "credentials": ["A", { "format": "jwt_vc_json", "types": types }],
            "grants": { "authorization_code": { "issuer_state": "s" },
                PRE_AUTHORIZED: { "pre-authorized_code": "c", "user_pin_required": true, "interval": 5 } } }),
        json!({ "credential_offer": { "credential_issuer": "https://i.example", "credential_configuration_ids": ["A"],
            "grants": { PRE_AUTHORIZED: { "pre-authorized_code": "c", "tx_code": { "length": "4", "input_mode": "text" } } } } }),
        json!({ "issuer": "https://i.example", "credentials": ["A"], "pre-authorized_code": "c",
            "user_pin_required": "true", "op_state": "s" }),
        json!({ "authorization_server": { "issuer": "https://i.example", "token_endpoint": "/token",
            "grant_types_supported": [PRE_AUTHORIZED], "code_challenge_methods_supported": ["S256"] } }),
        json!({ "access_token": "t", "token_type": "bearer", "expires_in": 1_900_000_000, "c_nonce": "n",
            "authorization_details": [{ "type": "openid_credential", "format": "jwt_vc_json", "credential_identifiers": ["x"] }] }),
        json!({ "format": "jwt_vc_json", "credential": { "@context": [], "type": [] }, "credentials": ["a", { "@context": [] }],
            "acceptance_token": "t", "transaction_id": "t", "interval": "5", "c_nonce": "n", "notification_id": "x" }),
    ]
}

/// Everything that is done with a document that came, whatever it was meant to be.
fn take(document: &Value) {
    for dialects in [Dialects::Any, Dialects::Strict] {
        let issuer = issuer_metadata(document, &asked(), dialects);
        let offered = offer(document, dialects);
        drop(server_metadata(document, &asked(), dialects));
        let Ok(mut issuer) = issuer else { continue };
        let report = explain::report(&issuer.quirks, true, &issuer.tolerated);
        assert!(!report.looks_like.is_empty());
        assert!(form::RequestForm::next(&[issuer.quirks.request], issuer.quirks.basis, |_| true).is_some());
        for configuration in issuer.metadata.credential_configurations_supported.values() {
            assert!(configuration.claims.len() <= 1000);
        }
        assert!(issuer.quirks.spellings.len() <= entries(document));
        if let Ok(offered) = offered {
            let settled = settle(&offered, &mut issuer.metadata, &mut issuer.quirks);
            assert!(!settled.credential_configuration_ids.is_empty());
        }
    }
    let mut tolerated = Tolerated::new();
    drop(read::token(&lift::answers::token(document, NOW, &mut tolerated), NOW));
    drop(lift::answers::nonce(document));
    drop(read::credential_response(&lift::answers::credential(document, &mut tolerated).0));
}

/// How many entries its catalogues have.
fn entries(document: &Value) -> usize {
    ["credential_configurations_supported", "credentials_supported"]
        .into_iter()
        .filter_map(|name| document.get(name))
        .map(|entries| entries.as_object().map_or(0, Map::len) + entries.as_array().map_or(0, Vec::len))
        .sum()
}

/// Numbers that are the same in every run (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides).expect("a few")).expect("a few")
    }
}

/// All places in a document, as JSON pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                places(value, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| places(item, &format!("{at}/{index}"), found));
        }
        _ => {}
    }
}

/// A document with something in it that does not belong there.
fn spoil(document: &mut Value, others: &[Value], dice: &mut Dice) {
    let any_of = |document: &Value, dice: &mut Dice| {
        let mut found = Vec::new();
        places(document, "", &mut found);
        let at = found.swap_remove(dice.below(found.len()));
        (document.pointer(&at).expect("it is there").clone(), at)
    };
    let odd = [
        json!(null),
        json!(true),
        json!("true"),
        json!(0),
        json!(-1),
        json!(1e300),
        json!(18_446_744_073_709_551_615_u64),
        json!(""),
        json!("/x"),
        json!("//evil.example"),
        json!([]),
        json!([[]]),
        json!({}),
        json!({ "": {} }),
        json!(["x", 5, null]),
        json!("https://x.example/\u{0}"),
        json!({ "display": {} }),
        json!([{ "format": "mso_mdoc" }]),
    ];
    let (_, at) = any_of(document, dice);
    let replacement = match dice.below(3) {
        0 => any_of(document, dice).0,
        1 => any_of(&others[dice.below(others.len())], dice).0,
        _ => odd[dice.below(odd.len())].clone(),
    };
    let slot = document.pointer_mut(&at).expect("it is there");
    match (dice.below(4), slot) {
        (0, Value::Object(members)) => {
            let names: Vec<String> = members.keys().cloned().collect();
            if !names.is_empty() {
                members.remove(&names[dice.below(names.len())]);
            }
        }
        // Under another name that means something.
        (1, Value::Object(members)) => {
            let (other, _) = any_of(&others[dice.below(others.len())], dice);
            let name = other.as_object().and_then(|other| other.keys().next().cloned()).unwrap_or_default();
            members.insert(name, replacement);
        }
        (2, Value::Array(items)) => items.push(replacement),
        (_, slot) => *slot = replacement,
    }
}

#[test]
fn documents_of_any_kind_spoiled_in_any_way_never_panic() {
    let originals = documents();
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    for round in 0..3000 {
        let mut document = originals[round % originals.len()].clone();
        for _ in 0..=dice.below(4) {
            spoil(&mut document, &originals, &mut dice);
        }
        // What is too deep is refused before anything else looks at it.
        let text = document.to_string();
        if let Ok(document) = json::parse(text.as_bytes()) {
            take(&document);
        }
    }
}

#[test]
fn the_documents_themselves_are_read() {
    let read: Vec<bool> = documents()
        .iter()
        .map(|document| {
            take(document);
            metadata(document).is_ok_and(|read| read.metadata.unreadable.is_empty())
                || offer(document, Dialects::Any).is_ok()
                || server_metadata(document, &asked(), Dialects::Any).is_ok()
                || read::token(&lift::answers::token(document, NOW, &mut Tolerated::new()), NOW).is_ok()
                || document.get("acceptance_token").is_some()
        })
        .collect();
    assert_eq!(read, vec![true; documents().len()]);
}

#[test]
fn half_a_migration_is_read_by_what_is_newer() {
    let both = json!({ "credential_issuer": "https://i.example", "credential_endpoint": "https://i.example/c",
        "nonce_endpoint": "https://i.example/n", "authorization_servers": ["https://as.example"],
        "authorization_server": "https://older.example", "batch_credential_endpoint": "https://i.example/b",
        "credential_configurations_supported": { "New": { "format": "dc+sd-jwt", "vct": "v",
            "cryptographic_suites_supported": ["ES256"], "display": { "name": "N" } } },
        "credentials_supported": { "Old": { "format": "dc+sd-jwt", "vct": "v" } } });
    let read = metadata(&both).expect("metadata");
    let ids: Vec<_> = read.metadata.credential_configurations_supported.keys().map(ConfigurationId::as_str).collect();
    assert_eq!(ids, ["New"]);
    assert_eq!(read.metadata.authorization_servers[0].as_str(), "https://as.example");
    assert_eq!(read.quirks.request, form::RequestForm::FINAL, "nonce endpoints are of a newer kind than the rest");
    let tolerated: Vec<_> = read.tolerated.iter().map(|tolerance| tolerance.as_str()).collect();
    assert_eq!(tolerated, ["older_spelling", "single_display"]);
    // A list under the newer name, in words that are older than it, without anything that is newer.
    let half = json!({ "credential_issuer": "https://i.example", "credential_endpoint": "https://i.example/c",
        "credential_configurations_supported": [{ "id": "A", "format": "jwt_vc_json", "types": ["VerifiableCredential", "A"],
            "cryptographic_binding_methods_supported": ["did:key"] }] });
    let read = metadata(&half).expect("metadata");
    let configuration = read.metadata.credential_configurations_supported.values().next().expect("one");
    assert!(configuration.proof_types_supported.contains_key("jwt"));
    assert_eq!(read.quirks.request, form::RequestForm::OLD);
}

#[test]
fn trees_and_lists_beyond_all_measure_cost_little() {
    let mut deep = json!({});
    for _ in 0..json::MAX_DEPTH - 5 {
        deep = json!({ "x": deep });
    }
    let wide: Map<String, Value> = (0..20_000).map(|at| (format!("c{at}"), json!({ "a": {}, "b": {} }))).collect();
    let same = vec![json!({ "format": "jwt_vc_json", "types": ["VerifiableCredential", "A"] }); 10_000];
    let entry = |claims: Value| json!({ "A": { "format": "vc+sd-jwt", "vct": "v", "claims": claims } });
    let begun = Instant::now();
    for catalogue in [entry(deep), entry(Value::Object(wide.clone())), entry(json!([wide])), Value::Array(same)] {
        for name in ["credentials_supported", "credential_configurations_supported"] {
            let document = json!({ "credential_issuer": "https://i.example", "credential_endpoint": "https://i.example/c",
                name: catalogue });
            take(&json::parse(document.to_string().as_bytes()).expect("it is not too deep"));
        }
    }
    let many: Vec<Value> =
        (0..5000).map(|at| json!({ "format": "jwt_vc_json", "types": [format!("T{at}")] })).collect();
    take(&json!({ "credential_issuer": "https://i.example", "credentials": many }));
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}
