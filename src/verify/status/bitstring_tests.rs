use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::tests::{ISSUER, look_up, world};
use super::*;
use crate::inflate::testing::{gzipped, zlibbed};
use crate::model::jwk::Algorithm;
use crate::verify::testing::{Documents, NOW, TestKey, World};

const LIST: &str = "https://status.example/credentials/1";
const OTHER_LIST: &str = "https://status.example/credentials/2";

/// The bits 0, 9 and 10 are set.
const OCTETS: [u8; 2] = [0b1000_0000, 0b0110_0000];

fn multibase(octets: &[u8]) -> String {
    format!("u{}", URL_SAFE_NO_PAD.encode(gzipped(octets)))
}

fn list(purpose: &str) -> Value {
    json!({
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "id": LIST,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": ISSUER,
        "validFrom": "2025-12-31T00:00:00Z",
        "validUntil": "2026-01-02T00:00:00Z",
        "credentialSubject": {
            "id": format!("{LIST}#list"), "type": "BitstringStatusList", "statusPurpose": purpose,
            "encodedList": multibase(&OCTETS),
        },
    })
}

fn with(path: &str, value: Value) -> Value {
    let mut list = list("revocation");
    let (parent, name) = path.rsplit_once('/').unwrap();
    list.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(name.to_owned(), value);
    list
}

fn entry(purpose: &str, index: u64) -> Value {
    json!({ "type": "BitstringStatusListEntry", "statusPurpose": purpose, "statusListIndex": index.to_string(),
        "statusListCredential": LIST })
}

fn stated(entries: &Value) -> Stated {
    Stated::in_w3c(json!({ "credentialStatus": entries }).as_object().unwrap(), None)
}

fn serving(body: impl Into<Vec<u8>>) -> World {
    World { documents: Documents::default().with_body(LIST, "application/vc+jwt", body), ..world() }
}

fn sign(key: &TestKey, list: &Value) -> String {
    key.jws(&json!({ "typ": "vc+jwt" }), list)
}

#[tokio::test]
async fn each_purpose_has_its_outcome() {
    let key = TestKey::new(Algorithm::Es256);
    for (purpose, set, value) in [
        ("revocation", Outcome::Failed, StatusValue::Invalid),
        ("suspension", Outcome::Failed, StatusValue::Suspended),
        ("refresh", Outcome::Passed, StatusValue::Other(1)),
        ("message", Outcome::Passed, StatusValue::Other(1)),
        ("something-else", Outcome::Unknown(Reason::Unsupported), StatusValue::Other(1)),
    ] {
        let world = serving(sign(&key, &list(purpose)));
        for index in [0, 9, 10] {
            let (outcome, detail, found) = look_up(&stated(&entry(purpose, index)), Some(ISSUER), &key, &world).await;
            assert_eq!((outcome, found), (set, Some(value)), "{purpose}: {detail}");
        }
        for index in [1, 7, 8, 11, 15] {
            let (outcome, detail, found) = look_up(&stated(&entry(purpose, index)), Some(ISSUER), &key, &world).await;
            assert_eq!((outcome, found), (Outcome::Passed, Some(StatusValue::Valid)), "{purpose}: {detail}");
        }
        let (outcome, detail, _) = look_up(&stated(&entry(purpose, 16)), Some(ISSUER), &key, &world).await;
        assert_eq!(outcome, Outcome::Failed);
        assert!(detail.contains("no such place"), "{detail}");
        assert_eq!(world.documents.asked().len(), 1);
    }
}

#[tokio::test]
async fn of_several_places_the_worst_counts() {
    let key = TestKey::new(Algorithm::Es256);
    let mut suspensions = list("suspension");
    suspensions["id"] = json!(OTHER_LIST);
    let mut world = serving(sign(&key, &list("revocation")));
    world.documents = world.documents.with_body(OTHER_LIST, "application/vc+jwt", sign(&key, &suspensions));
    let suspension = |index: u64| {
        let mut entry = entry("suspension", index);
        entry["statusListCredential"] = json!(OTHER_LIST);
        entry
    };
    let elsewhere = |index: u64| {
        let mut entry = entry("revocation", index);
        entry["statusListCredential"] = json!("https://status.example/gone");
        entry
    };
    let (good, revoked, suspended) = (entry("revocation", 1), entry("revocation", 0), suspension(0));
    let strange = json!({ "type": "Strange" });
    let broken = json!({ "type": "BitstringStatusListEntry" });
    for (entries, expected) in [
        (json!([good, suspension(1)]), (Outcome::Passed, Some(StatusValue::Valid))),
        (json!([good, suspended]), (Outcome::Failed, Some(StatusValue::Suspended))),
        (json!([suspended, revoked, good]), (Outcome::Failed, Some(StatusValue::Invalid))),
        (json!([elsewhere(0), good]), (Outcome::Unknown(Reason::Unreachable), None)),
        (json!([elsewhere(0), suspended]), (Outcome::Failed, Some(StatusValue::Suspended))),
        (json!([good, strange]), (Outcome::Unknown(Reason::Unsupported), None)),
        (json!([revoked, strange]), (Outcome::Failed, Some(StatusValue::Invalid))),
        (json!([good, broken]), (Outcome::Failed, None)),
        (strange.clone(), (Outcome::Unknown(Reason::Unsupported), None)),
    ] {
        let (outcome, detail, value) = look_up(&stated(&entries), Some(ISSUER), &key, &world).await;
        assert_eq!((outcome, value), expected, "{entries}: {detail}");
    }
}

#[tokio::test]
async fn values_of_several_bits_and_their_messages() {
    let key = TestKey::new(Algorithm::Es256);
    let world = serving(sign(&key, &list("message")));
    let mut wide = entry("message", 4);
    wide["statusSize"] = json!(2);
    wide["statusMessage"] = json!([{ "status": "0x0", "message": "sent" }, { "status": "0x1", "message": "received" }]);
    let stated = stated(&wide);
    let (outcome, _, value) = look_up(&stated, Some(ISSUER), &key, &world).await;
    assert_eq!((outcome, value), (Outcome::Passed, Some(StatusValue::Other(1))));
    let Some(StatusReference::Bitstring(places)) = &stated.reference else { panic!("it is one of these") };
    assert_eq!(places[0].messages, [(0, "sent".to_owned()), (1, "received".to_owned())]);
}

#[tokio::test]
async fn a_list_in_a_jwt_of_the_first_data_model_and_with_an_issuer_object_is_read() {
    let key = TestKey::new(Algorithm::Es256);
    let mut older = list("revocation");
    older["issuanceDate"] = older["validFrom"].take();
    older["expirationDate"] = older["validUntil"].take();
    older.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let wrapped = key.jws(&json!({}), &json!({ "iss": ISSUER, "nbf": NOW - 100, "exp": NOW + 100, "vc": older }));
    let object = with("/issuer", json!({ "id": ISSUER, "name": "Somebody" }));
    let both = with("/credentialSubject/statusPurpose", json!(["suspension", "revocation"]));
    for body in [wrapped, sign(&key, &object), sign(&key, &both)] {
        let world = serving(body);
        assert_eq!(look_up(&stated(&entry("revocation", 1)), Some(ISSUER), &key, &world).await.0, Outcome::Passed);
        assert_eq!(look_up(&stated(&entry("revocation", 9)), Some(ISSUER), &key, &world).await.0, Outcome::Failed);
    }
}

#[tokio::test]
async fn lists_of_the_forerunners_come_in_any_base64() {
    let key = TestKey::new(Algorithm::Es256);
    let octets: Vec<u8> = (0..=255).collect();
    for (list_type, entry_type, encoded) in [
        ("StatusList2021Credential", "StatusList2021Entry", STANDARD.encode(gzipped(&octets))),
        ("StatusList2021Credential", "StatusList2021Entry", URL_SAFE_NO_PAD.encode(gzipped(&octets))),
        ("RevocationList2020Credential", "RevocationList2020Status", STANDARD.encode(zlibbed(&octets))),
        ("RevocationList2020Credential", "RevocationList2020Status", STANDARD.encode(gzipped(&octets))),
    ] {
        let mut list = with("/credentialSubject/encodedList", json!(encoded));
        list["type"] = json!(["VerifiableCredential", list_type]);
        let world = serving(sign(&key, &list));
        for (index, outcome) in [(0, Outcome::Passed), (15, Outcome::Failed), (8 * 255, Outcome::Failed)] {
            let mut entry = entry("revocation", index);
            entry["type"] = json!(entry_type);
            let (found, detail, _) = look_up(&stated(&entry), Some(ISSUER), &key, &world).await;
            assert_eq!(found, outcome, "{list_type} at {index}: {detail}");
        }
    }
}

#[tokio::test]
async fn a_list_that_does_not_hold_now_or_calls_itself_otherwise_is_unknown() {
    let key = TestKey::new(Algorithm::Es256);
    for (list, reason, said) in [
        (with("/validUntil", json!("2025-12-31T23:58:59Z")), Reason::Unreachable, "expired"),
        (with("/exp", json!(NOW - 61)), Reason::Unreachable, "expired"),
        (with("/validFrom", json!("2026-01-01T00:01:01Z")), Reason::Unreachable, "future"),
        (with("/id", json!(OTHER_LIST)), Reason::Unsupported, "another address"),
    ] {
        let world = serving(sign(&key, &list));
        let (outcome, detail, value) = look_up(&stated(&entry("revocation", 0)), Some(ISSUER), &key, &world).await;
        assert_eq!((outcome, value), (Outcome::Unknown(reason), None), "{detail}");
        assert!(detail.contains(said), "{detail}");
    }
    for list in [with("/id", json!("urn:uuid:1")), with("/validUntil", json!("2026-01-01T00:00:00"))] {
        let world = serving(sign(&key, &list));
        assert_eq!(look_up(&stated(&entry("revocation", 1)), Some(ISSUER), &key, &world).await.0, Outcome::Passed);
    }
}

#[tokio::test]
async fn a_list_that_is_wrong_fails() {
    let key = TestKey::new(Algorithm::Es256);
    let encoded = |value: Value| with("/credentialSubject/encodedList", value);
    let whole = multibase(&[5; 300]);
    let no_prefix = multibase(&OCTETS)[1..].to_owned();
    let in_zlib = format!("u{}", URL_SAFE_NO_PAD.encode(zlibbed(&OCTETS)));
    let spoiled = [
        (with("/type", json!(["VerifiableCredential"])), "another type"),
        (with("/type", json!(5)), "another type"),
        (with("/credentialSubject", json!([])), "`credentialSubject`"),
        (with("/credentialSubject/statusPurpose", json!("suspension")), "`statusPurpose`"),
        (with("/credentialSubject/statusPurpose", json!(null)), "`statusPurpose`"),
        (with("/credentialSubject/statusPurpose", json!([])), "`statusPurpose`"),
        (with("/validUntil", json!("soon")), "`validUntil`"),
        (with("/nbf", json!("soon")), "`nbf`"),
        (encoded(json!(null)), "`encodedList`"),
        (encoded(json!(no_prefix)), "`encodedList`"),
        (encoded(json!("u%%%")), "`encodedList`"),
        (encoded(json!(format!("z{no_prefix}"))), "`encodedList`"),
        (encoded(json!(in_zlib)), "compressed"),
        (encoded(json!(whole[..whole.len() - 4])), "compressed"),
        (encoded(json!("u")), "compressed"),
        (encoded(json!(multibase(&vec![0; MAX_OCTETS + 1]))), "too large"),
    ];
    let bodies = spoiled.map(|(list, said)| (sign(&key, &list).into_bytes(), said));
    let mut flipped = sign(&key, &list("revocation")).into_bytes();
    let at = flipped.len() - 10;
    flipped[at] = if flipped[at] == b'A' { b'B' } else { b'A' };
    let none = key.jws(&json!({ "alg": "none" }), &list("revocation"));
    let others =
        [(flipped, "does not verify"), (none.into_bytes(), "not signed"), (b"\xd2\x84".to_vec(), "another kind")];
    for (body, said) in bodies.into_iter().chain(others) {
        let mut world = serving(body);
        world.issuer_jwks = Some(json!({ "keys": [key.published("1")] }));
        let (outcome, detail, value) = look_up(&stated(&entry("revocation", 1)), Some(ISSUER), &key, &world).await;
        assert_eq!((outcome, value), (Outcome::Failed, None), "{said}: {detail}");
        assert!(detail.contains(said), "{said}: {detail}");
    }
    // A token list is not what `credentialStatus` points to.
    let token = key.jws(&json!({ "typ": "statuslist+jwt" }), &json!({ "sub": LIST, "iat": NOW }));
    let (outcome, ..) = look_up(&stated(&entry("revocation", 1)), Some(ISSUER), &key, &serving(token)).await;
    assert_eq!(outcome, Outcome::Failed);
}

#[tokio::test]
async fn a_list_with_data_integrity_proofs() {
    use crate::verify::data_integrity::testing;
    use crate::verify::did;

    let (issuer, other) = (TestKey::new(Algorithm::Es256), TestKey::new(Algorithm::EdDsa));
    let signed = |key: &TestKey, by: &str, expires: &str| {
        let mut list = with("/issuer", json!(by));
        let suite = if key.jwk().algorithm() == Algorithm::EdDsa { "eddsa-rdfc-2022" } else { "ecdsa-rdfc-2019" };
        let proof = json!({"type": "DataIntegrityProof", "cryptosuite": suite, "proofPurpose": "assertionMethod",
            "verificationMethod": did::did_key_url(&key.jwk()), "expires": expires});
        testing::sign(&mut list, proof, key);
        list
    };
    let (own, late) = (did::did_key(&issuer.jwk()), "2026-02-01T00:00:00Z");
    let asked = async |list: &Value, index: u64| {
        let world = serving(list.to_string());
        look_up(&stated(&entry("revocation", index)), Some(&own), &issuer, &world).await
    };
    let good = signed(&issuer, &own, late);
    assert_eq!(asked(&good, 1).await.0, Outcome::Passed);
    assert_eq!(asked(&good, 9).await.0, Outcome::Failed);
    let mut turned = good.clone();
    turned["credentialSubject"]["encodedList"] = json!(multibase(&[0, 0]));
    let mut bare = good.clone();
    bare.as_object_mut().unwrap().remove("proof");
    for (list, outcome) in [
        (turned, Outcome::Failed),
        (bare, Outcome::Failed),
        (signed(&issuer, &own, "2025-12-31T00:00:00Z"), Outcome::Failed),
        (signed(&other, &own, late), Outcome::Unknown(Reason::DependsOnFailed)),
        (signed(&other, &did::did_key(&other.jwk()), late), Outcome::Unknown(Reason::Unsupported)),
    ] {
        let (found, detail, value) = asked(&list, 1).await;
        assert_eq!((found, value), (outcome, None), "{detail}");
    }
}
