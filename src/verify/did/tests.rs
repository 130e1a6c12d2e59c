use serde_json::json;

use super::*;
use crate::model::jwk::Algorithm;
use crate::verify::testing::{Documents, TestKey, read_vector, vectors};

fn key_of(did: &str) -> Result<Jwk, DidError> {
    self_contained(did).expect("a method that carries its key").map(|key| key.into_jwk().expect("no RSA key"))
}

#[test]
fn keys_become_dids_and_back() {
    for algorithm in Algorithm::ALL {
        let key = TestKey::new(algorithm).jwk();
        let sloppy = [format!("{}#key-1", did_key(&key)), format!("{}#key-1", did_jwk(&key))];
        for text in [did_key(&key), did_key_url(&key), did_jwk(&key), did_jwk_url(&key)].into_iter().chain(sloppy) {
            assert_eq!(key_of(&text).as_ref(), Ok(&key), "{text}");
        }
        assert!(did_key_url(&key).starts_with(&format!("{}#z", did_key(&key))));
    }
}

#[test]
fn a_key_id_makes_no_other_did() {
    let key = TestKey::new(Algorithm::Es256);
    let named = Jwk::from_value(&key.published("key-1")).unwrap();
    assert_eq!(did_jwk(&named), did_jwk(&key.jwk()));
}

#[test]
fn broken_dids_lead_nowhere() {
    let x25519 = "did:key:z6LSeu9HkTHSfLLeUs2nnzUSNedgDUevfNQgQjQC23ZCit6F";
    let encryption = json!({"kty": "EC", "crv": "P-256", "use": "enc", "x": "AA", "y": "AA"});
    let off_curve = [&[0x80, 0x24, 2][..], &[0xff; 32]].concat();
    let bad = [
        ("did:key:".to_owned(), "Malformed"),
        ("did:key:m1234".to_owned(), "Malformed"),
        ("did:key:z0OIl".to_owned(), "Malformed"),
        (format!("did:key:z{}", "2".repeat(5000)), "Malformed"),
        (format!("did:key:z{}", bs58::encode([0x80, 0x24, 2, 1]).into_string()), "Malformed"),
        (format!("did:key:z{}", bs58::encode(off_curve).into_string()), "Malformed"),
        (x25519.to_owned(), "Unsupported"),
        ("did:jwk:%".to_owned(), "Malformed"),
        (format!("did:jwk:{}", URL_SAFE_NO_PAD.encode("{}")), "Malformed"),
        (format!("did:jwk:{}", URL_SAFE_NO_PAD.encode(encryption.to_string())), "NoKey"),
    ];
    for (did, kind) in bad {
        let error = format!("{:?}", key_of(&did).unwrap_err());
        assert!(error.starts_with(kind), "{did:.80}: {error}");
    }
    assert!(self_contained("did:web:issuer.example").is_none());
}

#[test]
fn did_web_is_an_address() {
    for (did, url) in [
        ("did:web:issuer.example", "https://issuer.example/.well-known/did.json"),
        ("did:web:issuer.example%3A8443", "https://issuer.example:8443/.well-known/did.json"),
        ("did:web:issuer.example:a:b", "https://issuer.example/a/b/did.json"),
        ("did:web:localhost%3a9000:t", "http://localhost:9000/t/did.json"),
        ("did:web:127.0.0.1%3A9000", "http://127.0.0.1:9000/.well-known/did.json"),
    ] {
        assert_eq!(web_url(did).unwrap().as_str(), url);
    }
    for bad in [
        "did:web:",
        "did:web::a",
        "did:web:h:",
        "did:web:h:..:a",
        "did:web:h:a/b",
        "did:web:h/x",
        "did:web:u@h",
        "did:web:h?x",
        "did:web:h%2Fx",
        "did:web:h:a?b",
        "did:key:h",
    ] {
        assert!(web_url(bad).is_err(), "{bad}");
    }
}

const DID: &str = "did:web:issuer.example";
const ADDRESS: &str = "https://issuer.example/.well-known/did.json";

#[tokio::test]
async fn a_document_gives_its_assertion_keys() {
    let [one, two, other] = [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Es384].map(|a| TestKey::new(a).jwk());
    let document = json!({
        "id": DID,
        "verificationMethod": [
            {"id": format!("{DID}#one"), "type": "JsonWebKey2020", "controller": DID, "publicKeyJwk": one.to_value()},
            {"id": "#login", "type": "JsonWebKey2020", "controller": DID, "publicKeyJwk": other.to_value()},
        ],
        "authentication": ["#login"],
        "assertionMethod": [
            "#one",
            "#gone",
            {"id": "#two", "type": "Multikey", "controller": DID,
             "publicKeyMultibase": did_key(&two).strip_prefix("did:key:")},
        ],
    });
    let documents = Documents::default().with(ADDRESS, document);
    let keys = async |did_url: &str| {
        let keys = resolve(did_url, &documents).await;
        keys.map(|keys| keys.into_iter().filter_map(IssuerPublicKey::into_jwk).collect::<Vec<_>>())
    };
    assert_eq!(keys(DID).await, Ok(vec![one.clone(), two.clone()]));
    assert_eq!(keys(&format!("{DID}#one")).await, Ok(vec![one]));
    assert_eq!(keys(&format!("{DID}#two")).await, Ok(vec![two]));
    for missing in ["login", "gone", "three", ""] {
        let error = keys(&format!("{DID}#{missing}")).await.unwrap_err();
        assert!(matches!(error, DidError::NoKey(_)), "{missing}: {error:?}");
    }
}

#[tokio::test]
async fn a_document_of_somebody_else_or_none_is_an_error() {
    let key = TestKey::new(Algorithm::Es256).jwk().to_value();
    let method = json!({"id": "#one", "publicKeyJwk": key});
    let document = |id: &str| json!({"id": id, "verificationMethod": [method], "assertionMethod": ["#one"]});
    let resolve_with = async |documents: Documents| resolve(DID, &documents).await;
    assert!(resolve_with(Documents::default().with(ADDRESS, document(DID))).await.is_ok());
    let other = resolve_with(Documents::default().with(ADDRESS, document("did:web:other.example"))).await;
    assert!(matches!(other, Err(DidError::NoKey(_))));
    let bare = json!({"id": DID, "verificationMethod": [method]});
    assert!(matches!(resolve_with(Documents::default().with(ADDRESS, bare)).await, Err(DidError::NoKey(_))));
    let strange = json!({"id": DID, "assertionMethod": [{"id": "#one", "publicKeyBase58": "x"}]});
    assert!(matches!(resolve_with(Documents::default().with(ADDRESS, strange)).await, Err(DidError::Unsupported(_))));
    assert!(matches!(
        resolve_with(Documents::default().down(ADDRESS)).await,
        Err(DidError::Document(DocumentError::Unreachable(_)))
    ));
    assert!(matches!(resolve_with(Documents::default()).await, Err(DidError::Document(DocumentError::Unusable(_)))));
    let error = resolve("did:example:1", &Documents::default()).await.unwrap_err();
    assert_eq!(error, DidError::Unsupported("the DID method `example` is not supported".to_owned()));
}

#[tokio::test]
async fn documents_that_the_app_resolves_are_judged_like_those_of_did_web() {
    const DID: &str = "did:example:1";
    let key = TestKey::new(Algorithm::Es256).jwk();
    let document = |id: &str| json!({"id": id, "assertionMethod": [{"id": "#one", "publicKeyJwk": key.to_value()}]});
    let resolve_with = async |did: &str, document: Result<Value, DocumentError>| {
        resolve(did, &Documents::default().with_did(DID, document)).await
    };
    let ours = Ok(vec![IssuerPublicKey::Curve(key.clone())]);
    assert_eq!(resolve_with(DID, Ok(document(DID))).await, ours);
    assert_eq!(resolve_with("did:example:1#one", Ok(document(DID))).await, ours);
    for (did, found, kind) in [
        (DID, Ok(document("did:example:2")), "NoKey"),
        (DID, Ok(json!({"id": DID, "verificationMethod": document(DID)["assertionMethod"]})), "NoKey"),
        (DID, Ok(json!([])), "NoKey"),
        (DID, Ok(json!("did:example:1")), "NoKey"),
        ("did:example:1#two", Ok(document(DID)), "NoKey"),
        ("did:example:1/path", Ok(document(DID)), "Malformed"),
        ("did:example:1?versionId=2", Ok(document(DID)), "Malformed"),
        ("did:other:1", Ok(document(DID)), "Unsupported"),
        (DID, Err(DocumentError::Unreachable("no ledger".to_owned())), "Document(Unreachable"),
        (DID, Err(DocumentError::Unusable("deactivated".to_owned())), "Document(Unusable"),
    ] {
        let error = format!("{:?}", resolve_with(did, found).await.unwrap_err());
        assert!(error.starts_with(kind), "{did}: {error}");
    }
    // Nobody is asked for what a DID says itself or its host does.
    let own = did_key(&key);
    let documents = Documents::default().with_did(&own, Ok(json!({}))).with_did("did:web:h", Ok(document("did:web:h")));
    assert_eq!(resolve(&own, &documents).await, ours);
    assert!(matches!(resolve("did:web:h", &documents).await, Err(DidError::Document(_))));
    assert_eq!(documents.asked(), ["https://h/.well-known/did.json"]);
}

#[tokio::test]
async fn a_key_of_a_document_without_purposes_has_to_be_named() {
    const DID: &str = "did:dyne:sandbox:1";
    let key = TestKey::new(Algorithm::Es256).jwk();
    let methods = json!([
        {"id": format!("{DID}#one"), "type": "JsonWebKey2020", "publicKeyJwk": key.to_value()},
        {"id": "#two", "type": "JsonWebKey2020", "publicKeyJwk": key.to_value()},
    ]);
    let bare = json!({"id": DID, "verificationMethod": methods});
    let resolve_with = async |did_url: &str, document: &Value| {
        resolve(did_url, &Documents::default().with_did(DID, Ok(document.clone()))).await
    };
    for name in ["one", "two"] {
        let found = resolve_with(&format!("{DID}#{name}"), &bare).await;
        assert_eq!(found, Ok(vec![IssuerPublicKey::Curve(key.clone())]), "{name}");
    }
    for (did_url, document) in [
        (DID.to_owned(), bare.clone()),
        (format!("{DID}#three"), bare.clone()),
        (format!("{DID}#"), bare.clone()),
        (format!("{DID}#one"), json!({"id": "did:dyne:sandbox:2", "verificationMethod": methods})),
        // One that says what its keys are for means it.
        (format!("{DID}#one"), json!({"id": DID, "verificationMethod": methods, "authentication": ["#one"]})),
        (format!("{DID}#one"), json!({"id": DID, "verificationMethod": methods, "assertionMethod": []})),
        (format!("{DID}#one"), json!({"id": DID, "verificationMethod": methods, "keyAgreement": null})),
    ] {
        let found = resolve_with(&did_url, &document).await;
        assert!(matches!(found, Err(DidError::NoKey(_))), "{did_url} {document}: {found:?}");
    }
}

#[test]
fn keys_in_base58_are_read_by_the_type_of_their_method() {
    let of = |algorithm: Algorithm, kind: &str| {
        let key = TestKey::new(algorithm).jwk();
        let multibase = bs58::decode(did_key(&key).strip_prefix("did:key:z").unwrap()).into_vec().unwrap();
        let method = json!({"id": "#1", "type": kind, "publicKeyBase58": bs58::encode(&multibase[2..]).into_string()});
        let document = json!({"id": "did:example:1", "assertionMethod": [method]});
        (IssuerPublicKey::Curve(key), keys_of_document("did:example:1", None, &document))
    };
    for (algorithm, kind) in
        [(Algorithm::EdDsa, "Ed25519VerificationKey2018"), (Algorithm::Es256k, "EcdsaSecp256k1VerificationKey2019")]
    {
        let (key, found) = of(algorithm, kind);
        assert_eq!(found, Ok(vec![key]));
    }
    let (key, found) = of(Algorithm::Es256, "EcdsaSecp256r1VerificationKey");
    assert_eq!(found, Ok(vec![key.clone()]));
    // As the two coordinates alone, a key of did:dyne's own description of the type.
    let example = "5a1vFrHHfCULezmUm3mAsd6G9qtyHVvMH9aMLj7QGBkEg3nkqSjgVo4Pk64nMrm8z2ZmJ6whqzp1nPdqaQX5j6Hr";
    let method = json!({"type": "EcdsaSecp256r1VerificationKey", "publicKeyBase58": example});
    let key = key_in_base58(&method).unwrap().unwrap().into_jwk().unwrap();
    assert_eq!(key.to_point()[1..], bs58::decode(example).into_vec().unwrap());
    assert!(p256::PublicKey::from_sec1_bytes(&key.to_point()).is_ok(), "it lies on the curve");
    assert!(matches!(of(Algorithm::Es256, "Ed25519VerificationKey2018").1, Err(DidError::Malformed(_))));
    assert!(matches!(of(Algorithm::Es256, "Strange").1, Err(DidError::Unsupported(_))));
    let long = json!({"type": "Ed25519VerificationKey2018", "publicKeyBase58": "2".repeat(5000)});
    assert!(matches!(key_in_base58(&long), Some(Err(DidError::Malformed(_)))));
}

#[test]
fn did_documents_of_others_lead_to_the_key_of_their_did() {
    let Some(folder) = vectors("did/key") else { return };
    let file = |name: &str| read_vector(&folder.join(name));
    let mut documents: Vec<Value> =
        ["didKeyP256.json", "didKeyP384.json", "didKeyK256.json"].iter().map(|name| file(name)).collect();
    for name in ["nist-curves.json", "ed25519-x25519.json"] {
        documents.extend(file(name).as_object().unwrap().values().map(|entry| entry["didDocument"].clone()));
    }
    let mut seen = 0;
    for document in &documents {
        let did = document["id"].as_str().unwrap();
        let expected = self_contained(did).unwrap();
        let found = keys_of_document(did, Some(split(did).0.strip_prefix("did:key:").unwrap()), document);
        let method = &document["verificationMethod"][0];
        if method["publicKeyJwk"]["crv"] == "P-521"
            || method["type"] == "P256Key2021"
            || method["type"] == "P384Key2021"
        {
            // A curve that is not known here, or a type that nobody kept.
            assert!(matches!(found, Err(DidError::Unsupported(_))), "{did}");
            continue;
        }
        assert_eq!(found, expected.map(|key| vec![key]), "{did}");
        seen += 1;
    }
    assert!(seen >= 12, "{seen}");
    // Keys for key agreement sign nothing.
    for (did, document) in file("x25519.json")["didDocument"].as_object().unwrap() {
        assert!(matches!(key_of(did), Err(DidError::Unsupported(_))), "{did}");
        assert!(matches!(keys_of_document(did, None, document), Err(DidError::NoKey(_))), "{did}");
    }
    let x25519 = file("didKeyX25519.json");
    let did = x25519["id"].as_str().unwrap();
    assert!(matches!(keys_of_document(did, None, &x25519), Err(DidError::NoKey(_))));
    // A key in PEM, in a type of 2018, is none that is read; and what is broken about the second leads nowhere.
    for (name, did) in [("didExample123.json", "did:example:123"), ("didExample456Invalid.json", "did:example:456")] {
        let found = keys_of_document(did, None, &file(name));
        assert!(matches!(found, Err(DidError::Unsupported(_))), "{name}: {found:?}");
    }
    // A document from before the terms of DID Core: its keys stand under a name that is no more.
    let answer = file("ssi-did-key-uniresolver-resp.json");
    let did = answer["didDocument"]["id"].as_str().unwrap();
    assert!(matches!(keys_of_document(did, None, &answer["didDocument"]), Err(DidError::NoKey(_))));
    let text = answer["didDocument"]["publicKey"][0]["publicKeyBase58"].as_str().unwrap();
    let point = bs58::decode(text).into_vec().unwrap();
    assert_eq!(key_of(did), Ok(Jwk::from_point(Curve::Ed25519, &point).unwrap()));
}

#[test]
fn did_key_vectors() {
    let Some(folder) = vectors("did/key") else { return };
    let mut seen = 0;
    for file in ["didKeyP256.json", "didKeyP384.json", "didKeyK256.json"] {
        let document = read_vector(&folder.join(file));
        let did = document["id"].as_str().unwrap();
        let expected = Jwk::from_value(&document["verificationMethod"][0]["publicKeyJwk"]).unwrap();
        assert_eq!(key_of(did).as_ref(), Ok(&expected), "{file}");
        assert_eq!(did_key(&expected), did);
        seen += 1;
    }
    for (did, entry) in read_vector(&folder.join("nist-curves.json")).as_object().unwrap() {
        let method = &entry["didDocument"]["verificationMethod"][0];
        if let Some(point) = method.get("publicKeyBase58") {
            let point = bs58::decode(point.as_str().unwrap()).into_vec().unwrap();
            let key = key_of(did).unwrap();
            assert_eq!(point[1..], key.to_point()[1..33], "{did}");
            assert_eq!(did_key(&key), *did);
            seen += 1;
            continue;
        }
        match Jwk::from_value(&method["publicKeyJwk"]) {
            Ok(expected) => assert_eq!(key_of(did), Ok(expected), "{did}"),
            Err(_) => assert!(matches!(key_of(did), Err(DidError::Unsupported(_))), "{did}"),
        }
        seen += 1;
    }
    for (did, entry) in read_vector(&folder.join("ed25519-x25519.json")).as_object().unwrap() {
        let method = &entry["didDocument"]["verificationMethod"][0];
        let expected = match method.get("publicKeyBase58").and_then(Value::as_str) {
            Some(text) => Jwk::from_point(Curve::Ed25519, &bs58::decode(text).into_vec().unwrap()).unwrap(),
            None => Jwk::from_value(&method["publicKeyJwk"]).unwrap(),
        };
        assert_eq!(key_of(did).as_ref(), Ok(&expected), "{did}");
        assert_eq!(did_key(&expected), *did);
        seen += 1;
    }
    assert_eq!(seen, 15);
    let x25519 = read_vector(&folder.join("didKeyX25519.json"));
    assert!(matches!(key_of(x25519["id"].as_str().unwrap()), Err(DidError::Unsupported(_))));
}

#[test]
fn did_jwk_vectors() {
    let Some(folder) = vectors("did/jwk") else { return };
    let mut seen = 0;
    for file in ["did-jwk-spec.json", "did-jwk-foreign.json"] {
        for item in read_vector(&folder.join(file))["items"].as_array().unwrap() {
            let did = item["did"].as_str().unwrap();
            match Jwk::from_value(&item["jwk"]) {
                Ok(_) if item["jwk"]["use"] == "enc" => assert!(key_of(did).is_err(), "{did}"),
                Ok(expected) => assert_eq!(key_of(did), Ok(expected), "{did}"),
                Err(_) => assert!(!matches!(self_contained(did), Some(Ok(IssuerPublicKey::Curve(_)))), "{did}"),
            }
            seen += 1;
            let Some(document) = item.get("did_document") else { continue };
            // Each method leads to the key that the document shows for it, if that may sign.
            let found = keys_of_document(did, Some("0"), document);
            match self_contained(item["did_url"].as_str().unwrap()).unwrap() {
                Ok(key) => assert_eq!(found, Ok(vec![key]), "{did}"),
                Err(_) => assert!(matches!(found, Err(DidError::NoKey(_))), "{did}: {found:?}"),
            }
        }
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn did_web_vectors() {
    let Some(folder) = vectors("did/web") else { return };
    let mappings = read_vector(&folder.join("did-web-spec.json"));
    let mappings = mappings["url_mappings"].as_array().unwrap();
    assert_eq!(mappings.len(), 3);
    for mapping in mappings {
        assert_eq!(web_url(mapping["did"].as_str().unwrap()).unwrap().as_str(), mapping["url"].as_str().unwrap());
    }
    for document in read_vector(&folder.join("did-web-spec.json"))["documents"].as_array().unwrap() {
        // Its only method is for authentication, by an account of a blockchain.
        let found = keys_of_document(document["id"].as_str().unwrap(), None, document);
        assert!(matches!(found, Err(DidError::NoKey(_))), "{found:?}");
    }
}
