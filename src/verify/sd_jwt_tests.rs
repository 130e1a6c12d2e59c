use serde_json::json;

use super::*;
use crate::model::claim_path::{self, ClaimModel};
use crate::verify::testing::{read_vector, vector_files, vectors};

#[path = "sd_jwt_spec_tests.rs"]
mod specifications;

fn disclosure(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn digest_with(hash: &'static digest::Algorithm, text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(hash, text.as_bytes()))
}

fn digest_of(text: &str) -> String {
    digest_with(&digest::SHA256, text)
}

fn disclosed(payload: &Value, disclosures: &[&str]) -> Result<Value, DisclosureError> {
    disclose(payload.as_object().unwrap(), disclosures).map(|disclosed| disclosed.claims)
}

fn disclosable(payload: &Value, disclosures: &[&str]) -> Value {
    serde_json::to_value(disclose(payload.as_object().unwrap(), disclosures).unwrap().disclosable).unwrap()
}

#[test]
fn the_text_is_split_at_its_tildes() {
    assert_eq!(SdJwt::split("a.b.c"), None);
    let parts = |text| SdJwt::split(text).unwrap();
    assert_eq!(parts("a.b.c~"), SdJwt { jws: "a.b.c", disclosures: vec![], key_binding: None });
    assert_eq!(parts("a.b.c~d~e~"), SdJwt { jws: "a.b.c", disclosures: vec!["d", "e"], key_binding: None });
    assert_eq!(parts("a.b.c~d~k"), SdJwt { jws: "a.b.c", disclosures: vec!["d"], key_binding: Some("k") });
    assert_eq!(parts("a.b.c~~"), SdJwt { jws: "a.b.c", disclosures: vec![""], key_binding: None });
}

// covers: CLAIM-08
#[test]
fn disclosures_find_their_places_however_deep() {
    let city = disclosure(&json!(["s1", "city", "Köln"]));
    let address = disclosure(&json!(["s2", "address", {"_sd": [digest_of(&city)], "country": "DE"}]));
    let inner = disclosure(&json!(["s3", {"_sd": [], "x": [1, {"...": digest_of("decoy 1")}]}]));
    let list = disclosure(&json!(["s4", [{"...": digest_of(&inner)}, null]]));
    let payload = json!({
        "_sd": [digest_of("decoy 2"), digest_of(&address)],
        "plain": {"list": [{"...": digest_of(&list)}, "end"]},
    });
    let all = [city.as_str(), &address, &inner, &list];
    let expected = json!({
        "address": {"city": "Köln", "country": "DE"},
        "plain": {"list": [[{"x": [1]}, null], "end"]},
    });
    assert_eq!(disclosed(&payload, &all), Ok(expected));
    // What is left out is not there.
    let expected = json!({"address": {"country": "DE"}, "plain": {"list": ["end"]}});
    assert_eq!(disclosed(&payload, &[&address]), Ok(expected));
    let places = json!([["address"], ["address", "city"], ["plain", "list", 0], ["plain", "list", 0, 0],]);
    assert_eq!(disclosable(&payload, &all), places);
    // What is left out before it does not count.
    let payload_of_two = json!({"list": [{"...": digest_of("decoy")}, "open", {"...": digest_of(&inner)}]});
    assert_eq!(disclosable(&payload_of_two, &[&inner]), json!([["list", 1]]));
    // A disclosure inside of one that is not there has no place.
    assert_eq!(disclosed(&payload, &[&city]), Err(DisclosureError::Unreferenced(1)));
}

#[test]
fn every_hash_function_of_the_sha_2_family() {
    let text = disclosure(&json!(["s", "a", 1]));
    let table = [
        (None, &digest::SHA256),
        (Some("sha-256"), &digest::SHA256),
        (Some("sha-384"), &digest::SHA384),
        (Some("sha-512"), &digest::SHA512),
    ];
    for (name, hash) in table {
        let mut payload = json!({"_sd": [digest_with(hash, &text)]});
        if let Some(name) = name {
            payload["_sd_alg"] = json!(name);
        }
        assert_eq!(disclosed(&payload, &[&text]), Ok(json!({"a": 1})), "{name:?}");
    }
    let payload = |name: Value| json!({"_sd": [digest_of(&text)], "_sd_alg": name});
    assert_eq!(disclosed(&payload(json!("md5")), &[&text]), Err(DisclosureError::UnsupportedHash));
    assert_eq!(disclosed(&payload(json!("SHA-256")), &[&text]), Ok(json!({"a": 1})));
    assert!(matches!(disclosed(&payload(json!(256)), &[&text]), Err(DisclosureError::Payload(_))));
}

#[test]
fn malformed_disclosures_are_refused() {
    for value in [
        json!([]),
        json!(["s"]),
        json!(["s", "a", 1, 2]),
        json!({"s": 1}),
        json!("s"),
        json!(["s", 1, 1]),
        json!([1, "a", 1]),
        json!(["s", "_sd", []]),
        json!(["s", "...", "x"]),
    ] {
        let text = disclosure(&value);
        let payload = json!({"_sd": [digest_of(&text)], "list": []});
        let outcome = disclosed(&payload, &[&text]);
        assert!(matches!(outcome, Err(DisclosureError::Malformed(1, _))), "{value}: {outcome:?}");
    }
    let raw = |text: &str| disclosed(&json!({"_sd": [digest_of(text)]}), &[text]);
    let good = disclosure(&json!(["s", "a", 1]));
    for text in
        ["", "%", &format!("{good}="), &format!("{good}\n"), &URL_SAFE_NO_PAD.encode(r#"["s","a",{"b":1,"b":2}]"#)]
    {
        assert!(matches!(raw(text), Err(DisclosureError::Malformed(1, _))), "{text}");
    }
    // A claim where an element has to stand, and the other way round.
    let element = disclosure(&json!(["s", 1]));
    assert!(matches!(raw(&element), Err(DisclosureError::Malformed(1, _))));
    let in_list = disclosed(&json!({"list": [{"...": digest_of(&good)}]}), &[&good]);
    assert!(matches!(in_list, Err(DisclosureError::Malformed(1, _))));
}

#[test]
fn places_are_unambiguous() {
    let one = disclosure(&json!(["s", "a", 1]));
    let digest = digest_of(&one);
    let twice = [
        json!({"_sd": [digest, digest]}),
        json!({"_sd": [digest], "inner": {"_sd": [digest]}}),
        json!({"list": [{"...": digest_of("decoy")}, {"...": digest_of("decoy")}]}),
    ];
    for payload in twice {
        let disclosures: &[&str] = if payload.get("_sd").is_some() { &[&one] } else { &[] };
        assert_eq!(disclosed(&payload, disclosures), Err(DisclosureError::DuplicateDigest), "{payload}");
    }
    assert!(disclosed(&json!({"_sd": [digest], "list": [{"...": digest}]}), &[&one]).is_err());
    let decoy = digest_of("decoy");
    let decoys = disclosed(&json!({"_sd": [decoy, decoy]}), &[]);
    assert_eq!(decoys, Err(DisclosureError::DuplicateDigest));
    assert_eq!(disclosed(&json!({"_sd": [digest]}), &[&one, &one]), Err(DisclosureError::DuplicateDigest));
    assert_eq!(disclosed(&json!({"_sd": [digest], "a": 0}), &[&one]), Err(DisclosureError::ClaimExists(1)));
    let other = disclosure(&json!(["t", "a", 2]));
    let both = json!({"_sd": [digest, digest_of(&other)]});
    assert_eq!(disclosed(&both, &[&one, &other]), Err(DisclosureError::ClaimExists(2)));
    let stray = disclosure(&json!(["t", "b", 2]));
    assert_eq!(disclosed(&json!({"_sd": [digest]}), &[&one, &stray]), Err(DisclosureError::Unreferenced(2)));
}

#[test]
fn registered_claims_stand_in_the_open() {
    for name in NEVER_DISCLOSED {
        let hidden = disclosure(&json!(["s", name, "x"]));
        let top = json!({"_sd": [digest_of(&hidden)]});
        assert_eq!(disclosed(&top, &[&hidden]), Err(DisclosureError::Forbidden(1)), "{name}");
        // Deeper they are other claims of the same name.
        let deeper = json!({"inner": {"_sd": [digest_of(&hidden)]}});
        assert_eq!(disclosed(&deeper, &[&hidden]), Ok(json!({"inner": {name: "x"}})), "{name}");
    }
    // What stands in them belongs to them.
    let part = disclosure(&json!(["s", "jwk", {}]));
    let element = disclosure(&json!(["s", "other type"]));
    for payload in [json!({"cnf": {"_sd": [digest_of(&part)]}}), json!({"status": [{"_sd": [digest_of(&part)]}]})] {
        assert_eq!(disclosed(&payload, &[&part]), Err(DisclosureError::Forbidden(1)), "{payload}");
    }
    let payload = json!({"aka_vcts": ["one", {"...": digest_of(&element)}]});
    assert_eq!(disclosed(&payload, &[&element]), Err(DisclosureError::Forbidden(1)));
    let allowed = disclosure(&json!(["s", "iat", 1]));
    assert_eq!(disclosed(&json!({"_sd": [digest_of(&allowed)]}), &[&allowed]), Ok(json!({"iat": 1})));
}

#[test]
fn malformed_payloads_are_refused() {
    for payload in [
        json!({"_sd": "x"}),
        json!({"_sd": [1]}),
        json!({"_sd": {}}),
        json!({"a": {"_sd": null}}),
        json!({"a": {"...": "x"}}),
        json!({"...": "x"}),
        json!({"a": [{"...": 1}]}),
        json!({"a": [{"...": "x", "b": 1}]}),
    ] {
        let outcome = disclosed(&payload, &[]);
        assert!(matches!(outcome, Err(DisclosureError::Payload(_))), "{payload}: {outcome:?}");
    }
}

#[test]
fn disclosures_in_disclosures_come_to_an_end() {
    let chain = |length: usize| {
        let mut disclosures = vec![disclosure(&json!(["s", "x", 0]))];
        for _ in 1..length {
            let digest = digest_of(disclosures.last().unwrap());
            disclosures.push(disclosure(&json!(["s", "x", {"_sd": [digest]}])));
        }
        let payload = json!({"_sd": [digest_of(disclosures.last().unwrap())]});
        let disclosures: Vec<&str> = disclosures.iter().map(String::as_str).collect();
        disclosed(&payload, &disclosures)
    };
    assert!(chain(60).is_ok());
    assert_eq!(chain(70), Err(DisclosureError::TooDeep));
    assert_eq!(chain(4000), Err(DisclosureError::TooDeep));
    assert!(matches!(chain(5000), Err(DisclosureError::Payload(_))));
}

#[test]
fn digests_of_rfc_9901() {
    let Some(folder) = vectors("sd-jwt") else { return };
    let file = read_vector(&folder.join("rfc9901-disclosure-digests.json"));
    let items = file["items"].as_array().unwrap();
    assert!(items.len() >= 60, "{}", items.len());
    for item in items {
        let text = item["disclosure"].as_str().unwrap();
        assert_eq!(digest_of(text), item["digest"].as_str().unwrap(), "{text}");
        let parsed = Disclosure::parse(text, 1).unwrap();
        let contents = item["contents"].as_array().unwrap();
        assert_eq!(&parsed.value, contents.last().unwrap());
        assert_eq!(parsed.name.is_some(), contents.len() == 3);
    }
}

#[test]
fn processed_payloads_of_rfc_9901_and_of_others() {
    let Some(folder) = vectors("sd-jwt") else { return };
    let mut seen = 0;
    for (file, vector) in vector_files(&folder).into_iter().chain(vector_files(&folder.join("foreign"))) {
        let Some(text) = vector.get("sd_jwt").and_then(Value::as_str) else { continue };
        let parts = SdJwt::split(text).unwrap();
        let payload = parts.jws.split('.').nth(1).unwrap();
        let payload = json::parse_object(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
        let outcome = disclose(&payload, &parts.disclosures).map(|disclosed| {
            assert_eq!(disclosed.disclosable.len(), parts.disclosures.len(), "{file}");
            for place in &disclosed.disclosable {
                claim_path::select(&disclosed.claims, place, ClaimModel::Json).unwrap();
            }
            disclosed.claims
        });
        let expected = &vector["processed_payload"];
        if vector["expected"].as_str().unwrap().contains("disclosure") || file.starts_with("nl-wallet-invalid") {
            assert!(outcome.is_err(), "{file}");
        } else if payload.get("_sd_alg").is_some_and(|name| name == "sha3-256" || name == "sha256") {
            // A family that is not known here, and a name that nobody registered.
            assert_eq!(outcome, Err(DisclosureError::UnsupportedHash), "{file}");
        } else {
            assert_eq!(outcome.as_ref(), Ok(expected), "{file}");
        }
        seen += 1;
    }
    assert!(seen >= 30, "{seen}");
}
