use serde_json::Value;

use super::super::{resolve, same};
use super::*;
use crate::model::jwk::Algorithm;
use crate::verify::testing::{Documents, TestKey, read_vector, vectors};

fn did_of(state: &[u8]) -> String {
    format!("{PREFIX}{}:{}", hex::encode(Sha256::digest(state)), URL_SAFE_NO_PAD.encode(state))
}

fn state_of(did: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(did.rsplit(':').next().unwrap()).unwrap()
}

fn read(did: &str) -> Result<LongForm, DidError> {
    long_form(did).expect("a long form")
}

/// The state of a DID with these keys.
fn state(public_keys: Vec<PublicKey>) -> Vec<u8> {
    Operation { create_did: Some(CreateDid { did_data: Some(DidCreationData { public_keys }) }) }.encode_to_vec()
}

fn named(id: &str, usage: i32, key_data: KeyData) -> PublicKey {
    PublicKey { id: id.to_owned(), usage, key_data: Some(key_data) }
}

fn on(curve: &str, data: &[u8]) -> KeyData {
    KeyData::Compressed(CompressedData { curve: curve.to_owned(), data: data.to_vec() })
}

fn key_data(key: &Jwk) -> KeyData {
    on(key.curve().as_str(), &super::super::compressed(key))
}

#[tokio::test]
async fn the_did_of_a_key_leads_back_to_it() {
    for _ in 0..32 {
        let key = TestKey::new(Algorithm::Es256k).jwk();
        let (did, url) = (did_prism(&key).unwrap(), did_prism_url(&key).unwrap());
        assert_eq!(did_prism(&Jwk::from_value(&key.to_value()).unwrap()), Some(did.clone()), "the same each time");
        let keys = vec![IssuerPublicKey::Curve(key)];
        // The method that `kid` names is one of the DID, by that very text.
        let (base, fragment) = url.split_once('#').unwrap();
        assert_eq!(base, did);
        assert_eq!(read(&did).unwrap().subject_keys(Some(fragment)).as_ref(), Ok(&keys));
        assert_eq!(read(&did).unwrap().subject_keys(None).as_ref(), Ok(&keys));
        // Nobody is asked.
        let documents = Documents::default();
        for url in [did.clone(), format!("{did}#issuing-0")] {
            assert_eq!(resolve(&url, &documents).await.as_ref(), Ok(&keys));
        }
        for other in ["master-0", AUTHENTICATION, "issuing-1", ""] {
            let found = resolve(&format!("{did}#{other}"), &documents).await;
            assert!(matches!(found, Err(DidError::NoKey(_))), "{other}: {found:?}");
        }
        assert!(documents.asked().is_empty());
    }
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa] {
        let key = TestKey::new(algorithm).jwk();
        assert_eq!((did_prism(&key), did_prism_url(&key)), (None, None), "{algorithm} keys are no master keys");
    }
}

#[test]
fn the_state_of_a_made_did_is_what_the_method_asks_for() {
    // By hand: the fields of the three messages inside one another, then of each key.
    let key = TestKey::new(Algorithm::Es256k).jwk();
    let point = super::super::compressed(&key);
    let entry = |id: &str, usage: u8| {
        let curve = [&[0x0a, 9][..], b"secp256k1", &[0x12, 33], &point].concat();
        let size = u8::try_from(id.len()).unwrap();
        let body = [&[0x0a, size][..], id.as_bytes(), &[0x10, usage, 0x4a, 46], &curve].concat();
        [&[0x12, u8::try_from(body.len()).unwrap()][..], &body].concat()
    };
    let keys = [entry("master-0", 1), entry("authentication-0", 4), entry("issuing-0", 2)].concat();
    let length = |octets: &[u8]| {
        let length = u8::try_from(octets.len() - 128).unwrap();
        [&[0x0a, 0x80 | length, 1][..], octets].concat()
    };
    assert_eq!(hex::encode(state_of(&did_prism(&key).unwrap())), hex::encode(length(&length(&keys))));
}

/// Made by another hand, of the generator of the curve, which is the key of the number 1.
#[test]
fn a_known_key_has_a_known_did() {
    let generator = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
    let did = "did:prism:de1ae32d1d2a453a60a6bff1ab137f73b8c521928dc245674b12ac9823e43fd7:CsYBCsMBEjwKCG1hc3Rlci0wEAFKLg\
               oJc2VjcDI1NmsxEiECeb5mfvncu6xVoGKVzocLBwKb_NstzijZWfKBWxb4F5gSRAoQYXV0aGVudGljYXRpb24tMBAESi4KCXNlY3AyN\
               TZrMRIhAnm-Zn753LusVaBilc6HCwcCm_zbLc4o2VnygVsW-BeYEj0KCWlzc3VpbmctMBACSi4KCXNlY3AyNTZrMRIhAnm-Zn753Lus\
               VaBilc6HCwcCm_zbLc4o2VnygVsW-BeY";
    let key = IssuerPublicKey::from_point(Curve::Secp256k1, &hex::decode(generator).unwrap()).unwrap();
    assert_eq!(did_prism(&key.into_jwk().unwrap()).as_deref(), Some(did));
}

#[test]
fn two_forms_are_one_did() {
    let [one, other] = [(); 2].map(|()| did_prism(&TestKey::new(Algorithm::Es256k).jwk()).unwrap());
    let short = &one[..PREFIX.len() + HASH_LENGTH];
    assert!(is_short_form(short) && !is_short_form(&one));
    for (left, right, expected) in [
        (one.as_str(), one.as_str(), true),
        (&one, short, true),
        (short, &one, true),
        (&other, short, false),
        (&one, &other, false),
        // Of two states with one hash, at least one is made up.
        (&one, &format!("{one}A"), false),
        ("did:key:z", "did:key:z", true),
        ("did:key:z", "did:key:y", false),
    ] {
        assert_eq!(same(left, right), expected, "{left} {right}");
    }
    for bad in [&short[..70], &short.to_uppercase(), &short.replace("prism", "prisn"), "did:prism:", "did:prism::"] {
        assert!(!is_short_form(bad), "{bad}");
    }
    assert!(long_form(short).is_none() && long_form("did:key:z").is_none());
}

#[tokio::test]
async fn the_short_form_is_for_the_app() {
    let key = TestKey::new(Algorithm::Es256k).jwk();
    let did = did_prism(&key).unwrap();
    let short = &did[..PREFIX.len() + HASH_LENGTH];
    let error = resolve(short, &Documents::default()).await.unwrap_err();
    assert!(matches!(&error, DidError::Unsupported(why) if why.contains("short form")), "{error:?}");
    let method = serde_json::json!({"id": "#k", "publicKeyJwk": key.to_value()});
    let document = serde_json::json!({"id": short, "assertionMethod": [method]});
    let documents = Documents::default().with_did(short, Ok(document));
    assert_eq!(resolve(&format!("{short}#k"), &documents).await, Ok(vec![IssuerPublicKey::Curve(key)]));
}

#[test]
fn what_is_no_such_did_is_refused() {
    let key = TestKey::new(Algorithm::Es256k).jwk();
    let good = did_prism(&key).unwrap();
    let hash = hash(&good).unwrap().to_owned();
    let master = || named("m", 1, key_data(&key));
    let encoded = good.rsplit(':').next().unwrap();
    let of = |keys: Vec<PublicKey>| did_of(&state(keys));
    let many = |count: usize| of((0..count).map(|n| named(&format!("m{n}"), 1, key_data(&key))).collect());
    let update = [0x12, 2, 0x0a, 0];
    for (bad, what) in [
        (format!("{PREFIX}{}:{encoded}", "0".repeat(64)), "another hash"),
        (format!("{PREFIX}{}:{encoded}", hash.to_uppercase()), "capital letters"),
        (format!("{PREFIX}:{encoded}"), "no hash"),
        (format!("{good}="), "padding"),
        (format!("{good}:x"), "a part more"),
        (format!("{good}/path"), "a path"),
        (format!("{PREFIX}{hash}:"), "no state"),
        (did_of(b""), "an empty state"),
        (did_of(b"\xff\xff\xff"), "no message"),
        (did_of(&update), "another operation"),
        (did_of(&vec![0; MAX_STATE]), "too long"),
        (of(Vec::new()), "no key"),
        (of(vec![named("a", 4, key_data(&key))]), "no master key"),
        (of(vec![master(), named("m", 4, key_data(&key))]), "one name twice"),
        (of(vec![master(), named("", 4, key_data(&key))]), "no name"),
        (of(vec![master(), named("a b", 4, key_data(&key))]), "no fragment"),
        (of(vec![master(), named(&"a".repeat(51), 4, key_data(&key))]), "a long name"),
        (of(vec![master(), named("a", 0, key_data(&key))]), "a key without usage"),
        (of(vec![master(), PublicKey { id: "a".to_owned(), usage: 4, key_data: None }]), "a key that is none"),
        (many(51), "too many keys"),
    ] {
        let found = read(&bad);
        assert!(matches!(found, Err(DidError::Malformed(_))), "{what}: {found:?}");
    }
    assert!(read(&many(50)).is_ok());
}

#[test]
fn keys_are_read_on_every_curve_that_there_is() {
    let master = TestKey::new(Algorithm::Es256k).jwk();
    let with = |key: PublicKey| {
        let did = did_of(&state(vec![named("m", 1, key_data(&master)), key]));
        read(&did).unwrap().assertion_keys(None)
    };
    for algorithm in Algorithm::ALL {
        let key = TestKey::new(algorithm).jwk();
        let expected = Ok(vec![IssuerPublicKey::Curve(key.clone())]);
        assert_eq!(with(named("i", 2, key_data(&key))), expected, "{algorithm}");
        assert_eq!(with(named("i", 2, on(key.curve().as_str(), &key.to_point()))), expected, "{algorithm}");
        let point = key.to_point();
        let (x, y) = match key.curve() {
            Curve::Ed25519 => (point, Vec::new()),
            _ => (point[1..=point.len() / 2].to_vec(), point[1 + point.len() / 2..].to_vec()),
        };
        let data = |x: &[u8], y: &[u8]| PointData { curve: key.curve().as_str().to_owned(), x: x.into(), y: y.into() };
        assert_eq!(with(named("i", 2, KeyData::Point(data(&x, &y)))), expected, "{algorithm}");
        if key.curve() != Curve::Ed25519 {
            // As a number with a sign.
            let signed = |octets: &[u8]| [&[0], octets].concat();
            assert_eq!(with(named("i", 2, KeyData::Point(data(&signed(&x), &signed(&y))))), expected, "{algorithm}");
            for (x, y) in [(&x[..], &[][..]), (&[0; 32], &y), (&[1; 49], &y)] {
                let found = with(named("i", 2, KeyData::Point(data(x, y))));
                assert!(matches!(found, Err(DidError::Malformed(_))), "{algorithm}: {found:?}");
            }
        }
    }
    let key = key_data(&master);
    for (strange, kind) in [
        (named("i", 2, on("X25519", &[9; 32])), "Unsupported"),
        (named("i", 2, on("no\u{202e}curve", &[9; 32])), "Unsupported"),
        (named("i", 2, on("secp256k1", &[])), "Malformed"),
        (named("i", 2, on("secp256k1", &[[2].as_slice(), &[0xff; 32]].concat())), "Malformed"),
        (named("i", 4, key.clone()), "NoKey"),
        (named("i", 5, key.clone()), "NoKey"),
        // A usage of a later version.
        (named("i", 8, key), "NoKey"),
    ] {
        let error = format!("{:?}", with(strange).unwrap_err());
        assert!(error.starts_with(kind) && !error.contains('\u{202e}'), "{error}");
    }
}

#[test]
fn a_later_version_may_say_more() {
    let key = TestKey::new(Algorithm::Es256k).jwk();
    let mut octets = state_of(&did_prism(&key).unwrap());
    // Field 15 with a text, field 16 with a number.
    octets.extend([0x7a, 3, b'n', b'e', b'w', 0x80, 1, 42]);
    assert_eq!(read(&did_of(&octets)).unwrap().subject_keys(None), Ok(vec![IssuerPublicKey::Curve(key)]));
}

/// A key as the collection lists it.
fn listed(entry: &Value) -> Option<IssuerPublicKey> {
    let octets = |name: &str| entry[name].as_str().map(|text| hex::decode(text).unwrap()).unwrap_or_default();
    let (curve, x, y) = (Curve::parse(entry["curve"].as_str().unwrap())?, octets("x"), octets("y"));
    if entry["compressed"] == true {
        return IssuerPublicKey::from_point(curve, &x).ok();
    }
    Jwk::from_coordinates(curve, &x, &y).ok().map(IssuerPublicKey::Curve)
}

#[test]
fn did_prism_vectors() {
    let Some(folder) = vectors("did/prism") else { return };
    let file = read_vector(&folder.join("prism-long-form.json"));
    let (mut valid, mut invalid, mut rewritten) = (0, 0, 0);
    for item in file["items"].as_array().unwrap() {
        let did = item["did"].as_str().unwrap();
        if item["expected"] != "valid" {
            assert!(matches!(read(did), Err(DidError::Malformed(_))), "{did}");
            invalid += 1;
            continue;
        }
        assert!(same(item["short_form"].as_str().unwrap(), did));
        let entries = item["public_keys"].as_array().unwrap();
        let with =
            |usage: u64| entries.iter().filter(|key| key["usage"] == usage).filter_map(listed).collect::<Vec<_>>();
        for (found, expected) in
            [(read(did).unwrap().assertion_keys(None), with(2)), (read(did).unwrap().subject_keys(None), with(4))]
        {
            match found {
                Ok(keys) => assert_eq!(keys, expected, "{did}"),
                Err(_) => assert_eq!(expected, [], "{did}"),
            }
        }
        for entry in entries {
            let id = entry["id"].as_str().unwrap();
            let public = ![1, 3, 5].contains(&entry["usage"].as_u64().unwrap());
            let expected = listed(entry).filter(|_| public);
            assert_eq!(read(did).unwrap().subject_keys(Some(id)).ok(), expected.map(|key| vec![key]), "{did}#{id}");
        }
        // What is written again is what the others wrote, octet by octet, but for what is not read.
        if item["services"].as_array().unwrap().is_empty() {
            let octets = state_of(did);
            assert_eq!(Operation::decode(octets.as_slice()).unwrap().encode_to_vec(), octets, "{did}");
            rewritten += 1;
        }
        valid += 1;
    }
    assert_eq!((valid, invalid, rewritten), (30, 1, 24), "DIDs");

    let file = read_vector(&folder.join("prism-deterministic.json"));
    for item in file["items"].as_array().unwrap() {
        let secret = hex::decode(item["private_key_hex"].as_str().unwrap()).unwrap();
        let key = k256::ecdsa::SigningKey::from_slice(&secret).unwrap();
        let key = Jwk::from_point(Curve::Secp256k1, key.verifying_key().to_sec1_point(false).as_bytes()).unwrap();
        // One key, the master, under the name of that proposal.
        let made = did_of(&state(vec![named("master", 1, key_data(&key))]));
        assert_eq!(made, item["long_form"].as_str().unwrap());
        assert!(same(&made, item["did"].as_str().unwrap()));
        assert!(matches!(read(&made).unwrap().assertion_keys(None), Err(DidError::NoKey(_))));
    }
}
