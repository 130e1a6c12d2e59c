//! Foreign vectors: canonical forms, hashes and signatures step by step, and whole credentials.

use std::path::{Path, PathBuf};

use super::proof::Suite;
use super::rdfc::tests::parse_n_quads;
use super::*;
use crate::verify::testing::{Documents, World, read_vector, vector_files, vectors};

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn without_proof(document: &Value) -> Value {
    let mut document = document.clone();
    document.as_object_mut().unwrap().remove("proof");
    document
}

async fn found(document: &Value, world: &World) -> Found {
    let document = document.as_object().unwrap();
    let issuer = document.get("issuer").or_else(|| document.get("holder")).unwrap();
    let issuer = issuer.as_str().or_else(|| issuer["id"].as_str()).unwrap();
    verify(document, issuer, &world.context()).await
}

/// A credential of which each step is known.
struct Steps {
    folder: PathBuf,
    /// What the names of its files end in.
    name: &'static str,
    unsigned: Value,
    public_key: Value,
}

impl Steps {
    fn file(&self, step: &str, extension: &str) -> PathBuf {
        self.folder.join(format!("{step}{}.{extension}", self.name))
    }

    fn line(&self, step: &str) -> String {
        text(&self.file(step, "txt")).trim().to_owned()
    }

    async fn check(&self) {
        let at = self.folder.display();
        let signed = read_vector(&self.file("signed", "json"));
        assert!(Value::is_object(&self.unsigned));
        // The same but for contexts that signers add.
        for (name, value) in self.unsigned.as_object().unwrap() {
            assert!(name == "@context" || signed[name] == *value, "{at}: {name}");
        }
        let proof = Proof::parse(&signed["proof"]).unwrap();
        assert!(proof.method.ends_with(self.public_key["publicKeyMultibase"].as_str().unwrap()), "{at}");
        let key = did::self_contained(proof.method).unwrap().unwrap();
        let [plan, ..] = proof.plans(&key)[..] else { unreachable!() };
        let unsecured = without_proof(&signed);
        let secured = Secured::new(unsecured.as_object().unwrap(), &[], &proof).unwrap();
        let contexts = Contexts::default();
        // What was signed, as text.
        let options = proof.options(&secured.document);
        assert_eq!(Value::Object(options.clone()), read_vector(&self.file("proofConfig", "json")), "{at}");
        let canonical_form = |object: &Map<String, Value>| {
            if proof.suite.is_jcs() {
                return jcs::canonical_object(object);
            }
            canonical(&json_ld::to_rdf(object, &contexts).unwrap(), plan.names).unwrap()
        };
        assert_eq!(canonical_form(&options), text(&self.file("proofCanon", "txt")), "{at}");
        assert_eq!(canonical_form(&secured.document), text(&self.file("canonDoc", "txt")), "{at}");
        if !proof.suite.is_jcs() {
            let lines = parse_n_quads(&text(&self.file("canonDoc", "txt")));
            assert_eq!(canonical(&lines, plan.names).unwrap(), text(&self.file("canonDoc", "txt")), "{at}");
        }
        // Its hashes and their signature.
        let digest = |step: &str| hex::encode(plan.hash.digest(text(&self.file(step, "txt")).as_bytes()));
        assert_eq!(digest("proofCanon"), self.line("proofHash"), "{at}");
        assert_eq!(digest("canonDoc"), self.line("docHash"), "{at}");
        let hashes = secured.hashes(&proof, plan, &contexts).unwrap().unwrap();
        assert_eq!(hex::encode(&hashes), self.line("combinedHash"), "{at}");
        let signature = proof.signature().unwrap();
        assert_eq!(hex::encode(&signature.octets), self.line("sigHex"), "{at}");
        assert_eq!(signed["proof"]["proofValue"], self.line("sigBTC58"), "{at}");
        assert_eq!(signature.message(&hashes), hashes);
        // The whole.
        let whole = found(&signed, &World::default()).await;
        assert_eq!(whole.signature.outcome, Outcome::Passed, "{at}: {}", whole.signature.detail);
        assert_eq!(whole.signature.detail, proof.suite.as_str());
        // The issuer is a URL that nothing links to the key, or a did:key of another key.
        assert_ne!(whole.keys.check.outcome, Outcome::Passed, "{at}");
        let mut spoiled = signed.clone();
        spoiled["validFrom"] = json!("2023-01-02T00:00:00Z");
        assert_eq!(found(&spoiled, &World::default()).await.signature.outcome, Outcome::Failed, "{at}");
    }
}

// covers: FMT-01
#[tokio::test]
async fn the_steps_of_the_suites_of_the_w3c() {
    let (Some(ecdsa), Some(eddsa)) = (vectors("di/ecdsa"), vectors("di/eddsa")) else { return };
    for (folder, name, unsigned, key) in [
        (&ecdsa, "ecdsa-rdfc-2019-p256/ECDSAP256", "unsigned", "p256KeyPair"),
        (&ecdsa, "ecdsa-rdfc-2019-p256/employ/ECDSAP256", "employmentAuth", "p256KeyPair"),
        (&ecdsa, "ecdsa-rdfc-2019-p384/ECDSAP384", "unsigned", "p384KeyPair"),
        (&ecdsa, "ecdsa-jcs-2019-p384/JCSECDSAP384", "unsigned", "p384KeyPair"),
        (&eddsa, "eddsa-rdfc-2022/DataInt", "unsigned", "keyPair"),
        (&eddsa, "eddsa-jcs-2022/JCS", "unsigned", "keyPair"),
        (&eddsa, "Ed25519Signature2020/EdSig", "unsigned", "keyPair"),
    ] {
        let (inner, name) = name.rsplit_once('/').unwrap();
        let steps = Steps {
            folder: folder.join(inner),
            name,
            unsigned: read_vector(&folder.join(format!("{unsigned}.json"))),
            public_key: read_vector(&folder.join(format!("{key}.json"))),
        };
        steps.check().await;
    }
    let same = [&ecdsa, &eddsa].map(|folder| read_vector(&folder.join("employmentAuth.json")));
    assert_eq!(same[0], same[1]);
}

// covers: FMT-01
#[tokio::test]
async fn sets_and_chains_of_proofs() {
    let Some(folder) = vectors("di/eddsa/proof-set-chain") else { return };
    let read = |name: &str| read_vector(&folder.join(format!("{name}.json")));
    let unsigned = read("unsigned");
    let pairs = read("multiKeyPairs");
    let mut methods = Vec::new();
    for (signed, steps) in [
        ("signedProofSet1", &[("proofSetConfig1", None)][..]),
        ("signedProofSet2", &[("proofSetConfig1", None), ("proofSetConfig2", None)]),
        ("signedProofChain1", &[("", None), ("", None), ("proofChainConfig1", Some("proofChainTempDoc1"))]),
        (
            "signedProofChain2",
            &[
                ("", None),
                ("", None),
                ("proofChainConfig1", Some("proofChainTempDoc1")),
                ("proofChainConfig2", Some("proofChainTempDoc2")),
            ],
        ),
    ] {
        let document = read(signed);
        let whole = found(&document, &World::default()).await;
        assert_eq!(whole.signature.outcome, Outcome::Passed, "{signed}: {}", whole.signature.detail);
        let proofs = match &document["proof"] {
            Value::Array(proofs) => proofs.clone(),
            single => vec![single.clone()],
        };
        assert_eq!(proofs.len(), steps.len(), "{signed}");
        assert_eq!(without_proof(&document), unsigned, "{signed}");
        for (at, (config, over)) in steps.iter().enumerate().filter(|(_, (config, _))| !config.is_empty()) {
            let proof = Proof::parse(&proofs[at]).unwrap();
            assert_eq!(proofs[at], read(&config.replace("Config", "ConfigSigned")), "{config}");
            let secured = Secured::new(unsigned.as_object().unwrap(), &proofs, &proof).unwrap();
            let mut options = Value::Object(proof.options(&secured.document));
            options.as_object_mut().unwrap().remove("@context");
            assert_eq!(options, read(config), "{config}");
            if let Some(over) = over {
                assert_eq!(Value::Object(secured.document), read(over), "{config}");
            }
            methods.push(proof.method.to_owned());
        }
        // Any of the proofs changed, or one missing that another builds on.
        for at in 0..proofs.len() {
            let mut spoiled = document.clone();
            let place = match &mut spoiled["proof"] {
                Value::Array(proofs) => &mut proofs[at],
                single => single,
            };
            place["created"] = json!("2023-02-24T23:36:39Z");
            assert_eq!(found(&spoiled, &World::default()).await.signature.outcome, Outcome::Failed, "{signed} {at}");
        }
        if signed.contains("Chain") {
            let mut spoiled = document.clone();
            spoiled["proof"].as_array_mut().unwrap().remove(0);
            let signature = found(&spoiled, &World::default()).await.signature;
            assert_eq!(signature.outcome, Outcome::Failed);
            assert_eq!(signature.detail, "a proof builds on one that is not there once");
        }
    }
    for pair in ["keyPair1", "keyPair2", "keyPair3", "keyPair4"] {
        let key = pairs[pair]["publicKeyMultibase"].as_str().unwrap();
        assert!(methods.iter().any(|method| method.ends_with(key)), "{pair}");
    }
}

/// The keys of the suite of `JsonWebSignature2020`, by number.
fn jws_keys(folder: &Path) -> Vec<Value> {
    vector_files(&folder.join("keys")).into_iter().map(|(_, key)| key["publicKeyJwk"].clone()).collect()
}

// covers: FMT-01
#[tokio::test]
async fn credentials_of_the_implementations_of_json_web_signature_2020() {
    let Some(folder) = vectors("di/JsonWebSignature2020") else { return };
    let keys = jws_keys(&folder);
    assert_eq!(keys.len(), 5);
    let mut seen = 0;
    for (file, document) in vector_files(&folder) {
        let number = file.split("key-").nth(1).and_then(|rest| rest[..1].parse::<usize>().ok());
        let number = number.unwrap_or_else(|| panic!("{file}"));
        let input = file.split("credential-").nth(1).map(|rest| format!("inputs/credential-{}.json", &rest[..1]));
        let input = read_vector(&folder.join(input.unwrap()));
        assert_eq!(input["issuer"], document["issuer"], "{file}");
        let method = document["proof"]["verificationMethod"].as_str().unwrap();
        assert_eq!(method, format!("did:example:123#key-{number}"), "{file}");
        for (other, key) in keys.iter().enumerate() {
            let world = World { issuer_jwks: Some(json!({ "keys": [key] })), ..World::default() };
            let whole = found(&document, &world).await;
            let expected = if other == number { Outcome::Passed } else { Outcome::Failed };
            assert_eq!(whole.signature.outcome, expected, "{file} by key {other}: {}", whole.signature.detail);
            assert_eq!(whole.keys.check.outcome, Outcome::Passed, "{file}");
        }
        let world = World { issuer_jwks: Some(json!({ "keys": keys })), ..World::default() };
        let mut spoiled = document.clone();
        spoiled["issuanceDate"] = json!("2021-01-01T19:23:25Z");
        assert_eq!(found(&spoiled, &world).await.signature.outcome, Outcome::Failed, "{file}");
        seen += 1;
    }
    assert_eq!(seen, 22);
    // The inputs can all be signed and are different statements.
    let mut forms = Vec::new();
    for (file, input) in vector_files(&folder.join("inputs")) {
        let quads = json_ld::to_rdf(input.as_object().unwrap(), &Contexts::default());
        let form = canonical(&quads.unwrap_or_else(|error| panic!("{file}: {error}")), Hash::Sha256).unwrap();
        assert!(!forms.contains(&form), "{file}");
        forms.push(form);
    }
    assert_eq!(forms.len(), 4);
}

/// The public key of `did:example:foo#key1` (spruceid/ssi, `tests/rsa2048-2020-08-25.json`), which is not in the
/// collection.
const FOO: &str = "ALG1_NjU1eiMpcQoezH1eIZcr2p4gmo7j_exsjqkr05qBHQTn5Rb2dOpEf_Q-nLbeORZOobJH52oNhhuvTQC1R9qOEQkerUIi0aSnDEbQ2BP7YRJnwbw85v1VZDiGH8bviKbqPSf0uVwzQ43M8dr_t6A4efgiB5FOOobxXgr6VEvi_EyUm4F9JI1ZP5uHiG_cIet67Zg-lM_ygbQqOZpkeExLXC2SmHajKd8Aozfk5YB4s_-KFV1mx1HnwhHvKxZ19YkJ6Qx1OPf0ml0KLndYwmnsRZ9uZ_gGvH_G3OVZvuUnkcInR2uhK7xIU739Xc-hqDT6dokb5vsCdYMcFiRGD0";

// covers: FMT-01
#[tokio::test]
async fn proofs_whose_members_are_given_another_meaning() {
    let Some(folder) = vectors("di/JsonWebSignature2020") else { return };
    let key = json!({ "kty": "RSA", "n": FOO, "e": "AQAB" });
    let world = World { issuer_jwks: Some(json!({ "keys": [key] })), ..World::default() };
    let meaning = "the contexts give the proof's members another meaning";
    for (file, outcome, detail) in [
        ("inline-context", Outcome::Passed, "JsonWebSignature2020"),
        ("bad-method-json", Outcome::Failed, "a proof is made for another purpose than assertions"),
        ("bad-purpose-json", Outcome::Failed, "a proof does not say what it is for (`proofPurpose`)"),
        ("bad-purpose", Outcome::Failed, meaning),
        ("bad-type", Outcome::Failed, meaning),
    ] {
        let document = read_vector(&folder.join(format!("ssi-vc-jws2020-{file}.jsonld")));
        let signature = found(&document, &world).await.signature;
        assert_eq!((signature.outcome, signature.detail.as_str()), (outcome, detail), "{file}");
    }
}

// covers: FMT-01
#[tokio::test]
async fn issuers_that_are_the_address_of_a_document_with_keys() {
    let (Some(folder), Some(foreign)) = (vectors("di/Ed25519Signature2020"), vectors("di/foreign")) else { return };
    let read = |name: &str| read_vector(&folder.join(format!("ssi-lds-ed25519-2020-{name}.jsonld")));
    let issuer = "https://example.com/issuer/123";
    let world = |document: Value| World { documents: Documents::default().with(issuer, document), ..World::default() };
    let credential = read("vc0");
    let whole = found(&credential, &world(read("issuer0"))).await;
    assert_eq!(whole.signature.outcome, Outcome::Passed, "{}", whole.signature.detail);
    assert_eq!(whole.keys.check.outcome, Outcome::Passed, "{}", whole.keys.check.detail);
    // The key is there, and not for assertions.
    let mut document = read("issuer0");
    document.as_object_mut().unwrap().remove("assertionMethod");
    let whole = found(&credential, &world(document)).await;
    assert_eq!(whole.keys.check.outcome, Outcome::Failed);
    // A presentation is signed for another purpose.
    let mut presentation = read("vp0");
    presentation["issuer"] = json!(issuer);
    let signature = found(&presentation, &world(read("issuer0"))).await.signature;
    assert_eq!(signature.outcome, Outcome::Failed);
    assert_eq!(signature.detail, "a proof is made for another purpose than assertions");
    // And the credential in it is the same.
    assert_eq!(presentation["verifiableCredential"][0], credential);

    let case = read_vector(&foreign.join("ssi-p256_verification.json"));
    let issuer = case["input"]["issuer"].as_str().unwrap();
    let method = case["verificationMethods"].as_object().unwrap().values().next().unwrap();
    let document = json!({"id": issuer, "verificationMethod": [method], "assertionMethod": [method["id"]]});
    let world = World { documents: Documents::default().with(issuer, document), ..World::default() };
    let whole = found(&case["input"], &world).await;
    assert_eq!(whole.signature.outcome, Outcome::Passed, "{}", whole.signature.detail);
    assert_eq!(whole.keys.check.outcome, Outcome::Passed, "{}", whole.keys.check.detail);
}

// covers: FMT-01
#[tokio::test]
async fn selective_disclosure_is_not_supported_and_its_statements_are() {
    let Some(folder) = vectors("di/ecdsa") else { return };
    let steps = folder.join("ecdsa-sd-2023/prc");
    let signed = read_vector(&steps.join("addSignedSDBase.json"));
    let whole = found(&signed, &World::default()).await;
    assert_eq!(whole.signature.outcome, Outcome::Unknown(Reason::Unsupported));
    assert!(whole.signature.detail.contains("ecdsa-sd-2023"), "{}", whole.signature.detail);
    let contexts = Contexts::default();
    let form =
        |object: &Value| canonical(&json_ld::to_rdf(object.as_object().unwrap(), &contexts).unwrap(), Hash::Sha256);
    let lines: Vec<String> = serde_json::from_value(read_vector(&steps.join("addBaseDocCanon.json"))).unwrap();
    let mut document = without_proof(&signed);
    assert_eq!(form(&document).unwrap(), lines.concat());
    // The input beside the folder of the steps is the same but for one text.
    let input = read_vector(&folder.join("prCredUnsigned.json"));
    assert_ne!(document, input);
    document["description"] = input["description"].clone();
    assert_eq!(document, input);
    let config = form(&read_vector(&steps.join("addProofConfig.json"))).unwrap();
    assert_eq!(config, text(&steps.join("addProofConfigCanon.txt")));
    let hashes = read_vector(&steps.join("addHashData.json"));
    assert_eq!(hex::encode(Hash::Sha256.digest(config.as_bytes())), hashes["proofHash"].as_str().unwrap());
}

#[test]
fn suites_have_the_names_that_issuers_announce() {
    for (proof, suite) in [
        (json!({"type": "DataIntegrityProof", "cryptosuite": "ecdsa-rdfc-2019"}), Some(Suite::EcdsaRdfc2019)),
        (json!({"type": "DataIntegrityProof", "cryptosuite": "bbs-2023"}), None),
        (json!({"type": "Ed25519Signature2018"}), None),
    ] {
        let mut proof = proof;
        proof["proofPurpose"] = json!("assertionMethod");
        proof["verificationMethod"] = json!("did:example:1#k");
        let found = Proof::parse(&proof);
        match suite {
            Some(suite) => assert_eq!(found.unwrap().suite, suite),
            None => assert!(matches!(found, Err(ProofError::Unsupported(_)))),
        }
    }
}

#[test]
fn contexts_of_the_library_are_those_of_the_collection() {
    let Some(folder) = vectors("di/contexts") else { return };
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let context = read_vector(&path)["@context"].clone();
        let same = contexts::BUNDLED
            .iter()
            .any(|(_, text)| serde_json::from_str::<Value>(text).unwrap()["@context"] == context);
        assert!(same, "{}", path.display());
        seen += 1;
    }
    assert_eq!(seen, 18);
}
