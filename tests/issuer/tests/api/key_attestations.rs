//! Key attestations: in the header of a `jwt` proof, and as a proof of their own.

use billfold_test_issuer::{
    AttestationProof, Attester, KeyAttestation, KeyAttestationSpec, Options, Running, TestIssuer,
};
use serde_json::{Value, json};

use crate::client::*;

const ID: &str = "UniversityDegree_dc_sd_jwt";

async fn start(key_attestation: KeyAttestation, attestation_proof: AttestationProof) -> Running {
    let options = Options { key_attestation, attestation_proof, ..Options::default() };
    TestIssuer::start(options).await.expect("started")
}

/// An attestation of keys made from the seeds.
fn spec(nonce: &str, seeds: &[u8]) -> KeyAttestationSpec {
    KeyAttestationSpec {
        keys: seeds.iter().map(|seed| Key::new(*seed).jwk()).collect(),
        nonce: Some(nonce.to_owned()),
        key_storage: vec!["iso_18045_high".to_owned()],
        user_authentication: vec!["iso_18045_basic".to_owned(), "iso_18045_moderate".to_owned()],
    }
}

async fn ask(issuer: &Running, proofs: Value) -> Answer {
    let token = token_for(issuer, &[ID]).await;
    request_credential(issuer, &token, &json!({"credential_configuration_id": ID, "proofs": proofs})).await
}

/// A proof by the key with seed 7, with an attestation in its header.
fn proof(issuer: &Running, nonce: &str, attestation: &str) -> Proof {
    let mut proof = Proof::new(issuer, Some(nonce));
    proof.header["key_attestation"] = json!(attestation);
    proof
}

fn bound_to(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let answer = answer.json();
    let credentials = answer["credentials"].as_array().expect("credentials");
    let key = |credential: &Value| decode(credential["credential"].as_str().expect("text")).1["cnf"]["jwk"].clone();
    credentials.iter().map(key).collect()
}

async fn proof_types(issuer: &Running, id: &str) -> Value {
    let metadata = get(&format!("{}/.well-known/openid-credential-issuer", issuer.base())).await.json();
    metadata["credential_configurations_supported"][id]["proof_types_supported"].clone()
}

#[tokio::test]
async fn metadata_says_what_is_required() {
    let issuer = start(KeyAttestation::Required, AttestationProof::Off).await;
    let types = proof_types(&issuer, ID).await;
    assert_eq!(types["jwt"]["key_attestations_required"], json!({}));
    assert!(types.get("attestation").is_none());
    // A DID cannot be attested.
    let types = proof_types(&issuer, "UniversityDegree_dc_sd_jwt_did").await;
    assert!(types["jwt"].get("key_attestations_required").is_none());

    let types = proof_types(&start(KeyAttestation::RequiredLevels, AttestationProof::Also).await, ID).await;
    for kind in ["jwt", "attestation"] {
        let required = &types[kind]["key_attestations_required"];
        for name in ["key_storage", "user_authentication"] {
            assert_eq!(required[name], json!(["iso_18045_high", "iso_18045_moderate"]), "{kind}");
        }
    }
    assert_eq!(types["attestation"]["proof_signing_alg_values_supported"], json!(["ES256"]));
    let types = proof_types(&start(KeyAttestation::Off, AttestationProof::Only).await, ID).await;
    assert!(types.get("jwt").is_none() && types["attestation"].get("key_attestations_required").is_none());
}

#[tokio::test]
async fn one_proof_for_all_attested_keys() {
    let issuer = start(KeyAttestation::RequiredLevels, AttestationProof::Off).await;
    let keys = [Key::new(6).jwk(), Key::new(7).jwk(), Key::new(8).jwk()];
    let fresh = nonce(&issuer).await;
    let attestation = issuer.attester().key_attestation(&spec(&fresh, &[6, 7, 8]));
    let answer = ask(&issuer, json!({"jwt": [proof(&issuer, &fresh, &attestation).jwt()]})).await;
    assert_eq!(bound_to(&answer), keys);
    assert_eq!(
        issuer.log().requests.last().expect("an entry").seen["proofs"],
        json!({"type": "jwt", "count": 1, "keys": 3})
    );

    // The proof's nonce and the attestation's may differ, as long as both are the issuer's.
    let (one, two) = (nonce(&issuer).await, nonce(&issuer).await);
    let attestation = issuer.attester().key_attestation(&spec(&one, &[6, 7, 8]));
    let mut by_index = proof(&issuer, &two, &attestation);
    let header = by_index.header.as_object_mut().expect("an object");
    header.remove("jwk");
    header.insert("kid".into(), json!("1"));
    assert_eq!(bound_to(&ask(&issuer, json!({"jwt": [by_index.jwt()]})).await), keys);
    ask(&issuer, json!({"jwt": [by_index.jwt()]})).await.assert_refused("used", 400, "invalid_nonce");
}

#[tokio::test]
async fn jwt_proofs_that_do_not_fit() {
    let issuer = start(KeyAttestation::Required, AttestationProof::Off).await;
    let fresh = nonce(&issuer).await;
    let attestation = issuer.attester().key_attestation(&spec(&fresh, &[6, 7]));
    let good = || proof(&issuer, &fresh, &attestation);
    let by_kid = |kid: &str| {
        let mut proof = good();
        proof.header.as_object_mut().expect("an object").remove("jwk");
        proof.header["kid"] = json!(kid);
        proof.jwt()
    };
    let plain = Proof::new(&issuer, Some(&fresh)).jwt();
    let stranger = {
        let mut stranger = Proof::with_key(&issuer, Some(&fresh), 9);
        stranger.header["key_attestation"] = json!(attestation);
        stranger.jwt()
    };
    let other_nonce = issuer.attester().key_attestation(&spec("x", &[7]));
    for (case, error, proofs) in [
        ("none", "invalid_proof", vec![plain]),
        ("key not attested", "invalid_proof", vec![stranger]),
        ("index of another key", "invalid_proof", vec![by_kid("0")]),
        ("index out of range", "invalid_proof", vec![by_kid("2")]),
        ("no index", "invalid_proof", vec![by_kid("x")]),
        ("index with a sign", "invalid_proof", vec![by_kid("+1")]),
        ("index with a zero", "invalid_proof", vec![by_kid("01")]),
        ("two proofs", "invalid_proof", vec![good().jwt(), good().jwt()]),
        ("nonce of nobody", "invalid_nonce", vec![proof(&issuer, &fresh, &other_nonce).jwt()]),
    ] {
        ask(&issuer, json!({"jwt": proofs})).await.assert_refused(case, 400, error);
    }
    ask(&issuer, json!({"attestation": [attestation]})).await.assert_refused("type not listed", 400, "invalid_proof");
    assert_eq!(bound_to(&ask(&issuer, json!({"jwt": [by_kid("1")]})).await).len(), 2);

    let issuer = start(KeyAttestation::Off, AttestationProof::Off).await;
    let fresh = nonce(&issuer).await;
    let attestation = issuer.attester().key_attestation(&spec(&fresh, &[7]));
    let unasked = proof(&issuer, &fresh, &attestation).jwt();
    ask(&issuer, json!({"jwt": [unasked]})).await.assert_refused("unasked", 400, "invalid_proof");
}

type Change = fn(&mut Value, &mut Value);

#[tokio::test]
async fn attestations_that_do_not_hold() {
    let issuer = start(KeyAttestation::RequiredLevels, AttestationProof::Also).await;
    let stranger = TestIssuer::start(Options::default()).await.expect("started");
    let fresh = nonce(&issuer).await;
    let build = |attester: &Attester, change: Change| {
        let mut header = json!({"typ": "key-attestation+jwt"});
        let mut claims = json!({
            "iat": now(),
            "exp": now() + 60,
            "nonce": fresh,
            "attested_keys": [Key::new(7).jwk()],
            "key_storage": ["iso_18045_moderate"],
            "user_authentication": ["iso_18045_high"],
        });
        change(&mut header, &mut claims);
        if let Some(claims) = claims.as_object_mut() {
            claims.retain(|_, value| !value.is_null());
        }
        attester.sign(&header, &claims)
    };
    let cases: &[(&str, Change)] = &[
        ("typ", |h, _| h["typ"] = json!("JWT")),
        ("no typ", |h, _| h["typ"] = Value::Null),
        ("alg none", |h, _| h["alg"] = json!("none")),
        ("alg HS256", |h, _| h["alg"] = json!("HS256")),
        ("no x5c", |h, _| h["x5c"] = Value::Null),
        ("kid", |h, _| h["kid"] = json!("x")),
        ("crit", |h, _| h["crit"] = json!(["x"])),
        ("x5c not a chain", |h, _| h["x5c"] = json!(["AAAA"])),
        ("no iat", |_, c| c["iat"] = Value::Null),
        ("iat ahead", |_, c| c["iat"] = json!(now() + 400)),
        ("expired", |_, c| c["exp"] = json!(now() - 1)),
        ("exp text", |_, c| c["exp"] = json!("tomorrow")),
        ("no nonce", |_, c| c["nonce"] = Value::Null),
        ("no keys", |_, c| c["attested_keys"] = Value::Null),
        ("keys empty", |_, c| c["attested_keys"] = json!([])),
        ("a key twice", |_, c| c["attested_keys"] = json!([Key::new(7).jwk(), Key::new(7).jwk()])),
        ("a private key", |_, c| c["attested_keys"][0]["d"] = json!("AAAA")),
        ("more than the batch", |_, c| {
            c["attested_keys"] = (1..=5).map(|seed| Key::new(seed).jwk()).collect();
        }),
        ("no key_storage", |_, c| c["key_storage"] = Value::Null),
        ("key_storage empty", |_, c| c["key_storage"] = json!([])),
        ("low key_storage", |_, c| c["key_storage"] = json!(["iso_18045_basic"])),
        ("low user_authentication", |_, c| c["user_authentication"] = json!(["iso_18045_enhanced-basic"])),
        ("levels a string", |_, c| c["user_authentication"] = json!("iso_18045_high")),
    ];
    for (case, change) in cases {
        let attestation = build(issuer.attester(), *change);
        ask(&issuer, json!({"attestation": [attestation]})).await.assert_refused(case, 400, "invalid_proof");
        let inside = proof(&issuer, &fresh, &attestation).jwt();
        ask(&issuer, json!({"jwt": [inside]})).await.assert_refused(case, 400, "invalid_proof");
    }
    let foreign = build(stranger.attester(), |_, _| {});
    ask(&issuer, json!({"attestation": [foreign]})).await.assert_refused("another root", 400, "invalid_proof");
    let good = build(issuer.attester(), |_, _| {});
    let tampered =
        format!("{}.{}", good.rsplit_once('.').expect("parts").0, foreign.rsplit_once('.').expect("parts").1);
    ask(&issuer, json!({"attestation": [tampered]})).await.assert_refused("signature", 400, "invalid_proof");
    let two = json!({"attestation": [good, good]});
    ask(&issuer, two).await.assert_refused("two", 400, "invalid_credential_request");
    let text = json!({"attestation": good});
    ask(&issuer, text).await.assert_refused("not an array", 400, "invalid_credential_request");
    // Only inside a proof it has to expire.
    let endless = build(issuer.attester(), |_, c| c["exp"] = Value::Null);
    let inside = proof(&issuer, &fresh, &endless).jwt();
    ask(&issuer, json!({"jwt": [inside]})).await.assert_refused("no exp", 400, "invalid_proof");
    assert_eq!(bound_to(&ask(&issuer, json!({"attestation": [endless]})).await), [Key::new(7).jwk()]);
}

#[tokio::test]
async fn an_attestation_is_a_proof_of_its_own() {
    let issuer = start(KeyAttestation::Off, AttestationProof::Only).await;
    let fresh = nonce(&issuer).await;
    let attestation = issuer.attester().key_attestation(&spec(&fresh, &[1, 2, 3, 4]));
    let answer = ask(&issuer, json!({"attestation": [attestation]})).await;
    assert_eq!(bound_to(&answer), [1, 2, 3, 4].map(|seed| Key::new(seed).jwk()));
    let fresh = nonce(&issuer).await;
    let plain = Proof::new(&issuer, Some(&fresh)).jwt();
    ask(&issuer, json!({"jwt": [plain]})).await.assert_refused("jwt is not listed", 400, "invalid_proof");
}

#[tokio::test]
async fn more_attesters_can_be_trusted() {
    let other = TestIssuer::start(Options::default()).await.expect("started");
    let pem = other.attester().trust_pem().to_owned();
    let options = Options {
        attestation_proof: AttestationProof::Only,
        attester_trust_pem: Some(pem),
        nonce_endpoint: false,
        ..Options::default()
    };
    let issuer = TestIssuer::start(options).await.expect("started");
    for attester in [other.attester(), issuer.attester()] {
        let spec = KeyAttestationSpec { keys: vec![Key::new(1).jwk()], ..KeyAttestationSpec::default() };
        let attestation = attester.key_attestation(&spec);
        assert_eq!(bound_to(&ask(&issuer, json!({"attestation": [attestation]})).await), [Key::new(1).jwk()]);
        let attestation = attester.key_attestation(&KeyAttestationSpec { nonce: Some("x".into()), ..spec });
        let answer = ask(&issuer, json!({"attestation": [attestation]})).await;
        answer.assert_refused("a nonce from nowhere", 400, "invalid_proof");
    }
    let options = Options { attester_trust_pem: Some("x".into()), ..Options::default() };
    assert!(TestIssuer::start(options).await.is_err());
}

#[tokio::test]
async fn a_proof_by_a_secp256k1_key() {
    use k256::ecdsa::signature::Signer as _;
    let issuer = start(KeyAttestation::Off, AttestationProof::Off).await;
    let key = k256::ecdsa::SigningKey::from_slice(&[7; 32]).expect("a scalar");
    let point = key.verifying_key().to_sec1_point(false);
    let jwk = json!({
        "kty": "EC",
        "crv": "secp256k1",
        "x": b64(&point.as_bytes()[1..33]),
        "y": b64(&point.as_bytes()[33..]),
    });
    let mut proof = Proof::new(&issuer, Some(&nonce(&issuer).await));
    proof.header["jwk"] = jwk.clone();
    let mut sign = |alg: &str| {
        proof.header["alg"] = json!(alg);
        let input = format!("{}.{}", b64(proof.header.to_string()), b64(proof.claims.to_string()));
        let signature: k256::ecdsa::Signature = key.sign(input.as_bytes());
        format!("{input}.{}", b64(signature.to_bytes()))
    };
    ask(&issuer, json!({"jwt": [sign("ES256")]})).await.assert_refused("alg", 400, "invalid_proof");
    assert_eq!(bound_to(&ask(&issuer, json!({"jwt": [sign("ES256K")]})).await), [jwk]);
}
