use serde_json::json;

use super::*;
use crate::model::jwk::Algorithm;
use crate::model::report::{Report, Verdict, VerificationPolicy};
use crate::model::time::Timestamp;
use crate::verify::data_integrity::testing::sign;
use crate::verify::did;
use crate::verify::testing::{Documents, NOW, TestKey, World, outcome};

const V1: &str = "https://www.w3.org/2018/credentials/v1";
const V2: &str = "https://www.w3.org/ns/credentials/v2";

/// The suites, with the keys that they are made with.
const SUITES: [(&str, Algorithm); 10] = [
    ("ecdsa-rdfc-2019", Algorithm::Es256),
    ("ecdsa-rdfc-2019", Algorithm::Es384),
    ("ecdsa-jcs-2019", Algorithm::Es256),
    ("ecdsa-jcs-2019", Algorithm::Es384),
    ("eddsa-rdfc-2022", Algorithm::EdDsa),
    ("eddsa-jcs-2022", Algorithm::EdDsa),
    ("Ed25519Signature2020", Algorithm::EdDsa),
    ("JsonWebSignature2020", Algorithm::EdDsa),
    ("JsonWebSignature2020", Algorithm::Es256),
    ("JsonWebSignature2020", Algorithm::Es256k),
];

fn own_terms() -> Value {
    json!({"@vocab": null, "LibraryCard": "https://city.example/#LibraryCard",
        "given_name": "https://city.example/#given_name", "books": "https://city.example/#books",
        "photo": {"@id": "https://city.example/#photo", "@type": "@id"}})
}

/// An issuer with a credential, to be spoiled one way at a time.
struct Scene {
    issuer: TestKey,
    holder: TestKey,
    proof: Value,
    credential: Value,
    world: World,
}

impl Scene {
    /// Data model 2.0.
    fn new(suite: &str, algorithm: Algorithm) -> Self {
        let (issuer, holder) = (TestKey::new(algorithm), TestKey::new(Algorithm::Es256));
        let did = did::did_key(&issuer.jwk());
        let mut proof = json!({
            "type": "DataIntegrityProof", "cryptosuite": suite, "created": "2025-12-31T23:59:55Z",
            "verificationMethod": did::did_key_url(&issuer.jwk()), "proofPurpose": "assertionMethod",
        });
        let mut contexts = vec![json!(V2), own_terms()];
        if suite.ends_with("2020") {
            proof["type"] = json!(suite);
            proof.as_object_mut().unwrap().remove("cryptosuite");
            let older = if suite.starts_with("Json") { "jws-2020" } else { "ed25519-2020" };
            contexts.insert(1, json!(format!("https://w3id.org/security/suites/{older}/v1")));
        }
        let credential = json!({
            "@context": contexts,
            "type": ["VerifiableCredential", "LibraryCard"],
            "issuer": {"id": did, "name": "City"},
            "validFrom": "2025-12-31T23:59:50Z", "validUntil": "2026-01-01T00:10:00Z",
            "credentialSubject": {"id": did::did_key(&holder.jwk()), "given_name": "Mira", "books": 3.5},
        });
        let world = World {
            kind: Some(CredentialKind::Types(vec!["VerifiableCredential".into(), "LibraryCard".into()])),
            asked_contexts: vec![V2.to_owned()],
            holder_keys: vec![holder.jwk()],
            ..World::default()
        };
        Self { issuer, holder, proof, credential, world }
    }

    /// The most common of today.
    fn usual() -> Self {
        Self::new("ecdsa-rdfc-2019", Algorithm::Es256)
    }

    fn signed(&self) -> Value {
        let mut document = self.credential.clone();
        sign(&mut document, self.proof.clone(), &self.issuer);
        document
    }

    async fn examine(&self, raw: &Value) -> Examined {
        LdpVc.examine(raw, &self.world.context()).await
    }
}

/// All kinds that did not pass, with how they came out; what does not apply is left out.
fn amiss(examined: &Examined) -> Vec<(CheckKind, Outcome)> {
    assert_eq!(examined.checks.len(), CheckKind::ALL.len());
    CheckKind::ALL
        .into_iter()
        .map(|kind| (kind, outcome(&examined.checks, kind)))
        .filter(|(_, outcome)| !matches!(outcome, Outcome::Passed | Outcome::Skipped(_)))
        .collect()
}

fn detail(examined: &Examined, kind: CheckKind) -> &str {
    &examined.checks.iter().find(|check| check.kind == kind).expect("a check").detail
}

// covers: FMT-01
#[tokio::test]
async fn a_good_credential_passes_everything_in_every_suite() {
    for (suite, algorithm) in SUITES {
        let scene = Scene::new(suite, algorithm);
        let examined = scene.examine(&scene.signed()).await;
        assert_eq!(amiss(&examined), [], "{suite} {algorithm}: {:?}", examined.checks);
        for kind in CheckKind::ALL {
            let expected = match kind {
                CheckKind::IssuerTrust => Outcome::Skipped(Reason::NoAnchors),
                CheckKind::Status | CheckKind::Digests | CheckKind::Issuer => Outcome::Skipped(Reason::NotApplicable),
                _ => Outcome::Passed,
            };
            assert_eq!(outcome(&examined.checks, kind), expected, "{kind}");
        }
        assert_eq!(detail(&examined, CheckKind::Signature), suite);
        assert_eq!(examined.bound_key, Some(scene.holder.jwk()));
        assert_eq!(examined.expires_at, Some(Timestamp::from_seconds(NOW + 600)));
        assert_eq!(examined.valid_from, Some(Timestamp::from_seconds(NOW - 10)));
        assert_eq!(examined.claims["credentialSubject"]["given_name"], "Mira");
        assert!(examined.claims.get("proof").is_none());
        assert_eq!(Some(&examined.kind), scene.world.kind.as_ref());
    }
}

// covers: FMT-01
#[tokio::test]
async fn the_first_data_model_and_issuers_with_a_document() {
    let mut scene = Scene::new("Ed25519Signature2020", Algorithm::EdDsa);
    let did = "did:web:city.example";
    scene.world.asked_contexts = vec![V1.to_owned()];
    scene.credential["@context"][0] = json!(V1);
    scene.credential["issuer"] = json!(did);
    for (new, old) in [("validFrom", "issuanceDate"), ("validUntil", "expirationDate")] {
        let date = scene.credential.as_object_mut().unwrap().remove(new).unwrap();
        scene.credential[old] = date;
    }
    scene.proof["verificationMethod"] = json!(format!("{did}#key-1"));
    let multibase = did::did_key(&scene.issuer.jwk()).replace("did:key:", "");
    let document = |uses: &str| {
        let method = json!({"id": "#key-1", "type": "Ed25519VerificationKey2020", "controller": did,
            "publicKeyMultibase": multibase});
        Documents::default().with(
            "https://city.example/.well-known/did.json",
            json!({"id": did, "verificationMethod": [method], uses: ["#key-1"]}),
        )
    };
    scene.world.documents = document("assertionMethod");
    let examined = scene.examine(&scene.signed()).await;
    assert_eq!(amiss(&examined), [], "{:?}", examined.checks);
    // A key for something else.
    scene.world.documents = document("authentication");
    let examined = scene.examine(&scene.signed()).await;
    let unsure = (CheckKind::Signature, Outcome::Unknown(Reason::DependsOnFailed));
    assert_eq!(amiss(&examined), [unsure, (CheckKind::IssuerKey, Outcome::Failed)]);
    scene.world.documents = Documents::default().down("https://city.example/.well-known/did.json");
    let examined = scene.examine(&scene.signed()).await;
    assert_eq!(amiss(&examined), [unsure, (CheckKind::IssuerKey, Outcome::Unknown(Reason::Unreachable))]);
}

// covers: FMT-01
#[tokio::test]
async fn what_is_signed_in_another_allowed_form_passes() {
    // Language tags in small letters, and nodes named by SHA-256 beside a key of 384 bits.
    let mut scene = Scene::new("ecdsa-rdfc-2019", Algorithm::Es384);
    let subject =
        |tag: &str| json!({"given_name": {"@value": "Mira", "@language": tag}, "books": [{"books": 1}, {"books": 2}]});
    scene.credential["credentialSubject"] = subject("en-us");
    let mut raw = scene.signed();
    raw["credentialSubject"] = subject("en-US");
    assert_eq!(amiss(&scene.examine(&raw).await), []);
    raw["credentialSubject"] = subject("en-GB");
    assert_eq!(amiss(&scene.examine(&raw).await), [(CheckKind::Signature, Outcome::Failed)]);
}

type Spoil = fn(&mut Value);

// covers: FMT-01
#[tokio::test]
async fn whatever_is_changed_after_signing_fails_the_signature_in_every_suite() {
    let flip = |text: &Value| {
        let text = text.as_str().unwrap();
        let at = text.len() - 6;
        let other = if text[at..].starts_with('a') { "b" } else { "a" };
        json!(format!("{}{other}{}", &text[..at], &text[at + 1..]))
    };
    let spoiled: &[(&str, Spoil)] = &[
        ("a claim", |it| it["credentialSubject"]["given_name"] = json!("Vera")),
        ("a number", |it| it["credentialSubject"]["books"] = json!(3.6)),
        ("a claim less", |it| {
            it["credentialSubject"].as_object_mut().unwrap().remove("given_name");
        }),
        ("a defined claim more", |it| it["credentialSubject"]["photo"] = json!("urn:x")),
        ("an undefined claim more", |it| it["credentialSubject"]["admin"] = json!(true)),
        ("an undefined member more", |it| it["admin"] = json!({"a": "b"})),
        ("a claim that is no IRI", |it| it["credentialSubject"]["photo"] = json!("no iri")),
        ("another date of the proof", |it| it["proof"]["created"] = json!("2025-12-31T23:59:54Z")),
        ("an undefined member in the proof", |it| it["proof"]["note"] = json!("x")),
        ("no context for the claims", |it| {
            let contexts = it["@context"].as_array_mut().unwrap();
            contexts.pop();
        }),
        ("no proof value", |it| {
            let proof = it["proof"].as_object_mut().unwrap();
            proof.remove("proofValue").or_else(|| proof.remove("jws")).unwrap();
        }),
        ("an empty proof value", |it| {
            let name = if it["proof"].get("jws").is_some() { "jws" } else { "proofValue" };
            it["proof"][name] = json!("z");
        }),
        ("another purpose", |it| it["proof"]["proofPurpose"] = json!("authentication")),
        ("no purpose", |it| {
            it["proof"].as_object_mut().unwrap().remove("proofPurpose");
        }),
        ("no key", |it| {
            it["proof"].as_object_mut().unwrap().remove("verificationMethod");
        }),
        ("no type of proof", |it| {
            it["proof"].as_object_mut().unwrap().remove("type");
        }),
        ("a proof that is text", |it| it["proof"] = json!("z123")),
        ("no proof", |it| {
            it.as_object_mut().unwrap().remove("proof");
        }),
        ("an empty list of proofs", |it| it["proof"] = json!([])),
        ("many proofs", |it| it["proof"] = json!(vec![it["proof"].clone(); 9])),
        ("a spoiled proof beside the good one", |it| {
            let mut other = it["proof"].clone();
            other["created"] = json!("2025-12-31T23:59:54Z");
            it["proof"] = json!([it["proof"].clone(), other]);
        }),
        ("a proof that builds on itself", |it| {
            it["proof"]["id"] = json!("urn:p");
            it["proof"]["previousProof"] = json!("urn:p");
        }),
    ];
    for (suite, algorithm) in SUITES {
        let scene = Scene::new(suite, algorithm);
        let good = scene.signed();
        let check = async |what: &str, raw: &Value| {
            let examined = scene.examine(raw).await;
            let found = outcome(&examined.checks, CheckKind::Signature);
            assert_eq!(found, Outcome::Failed, "{suite} {algorithm}: {what}");
            let verdict = Report::judge(&examined.checks, &VerificationPolicy::default()).verdict;
            assert_eq!(verdict, Verdict::Rejected, "{suite}: {what}");
            for kind in [CheckKind::Validity, CheckKind::Type, CheckKind::HolderBinding, CheckKind::Issuer] {
                let found = outcome(&examined.checks, kind);
                assert!(matches!(found, Outcome::Passed | Outcome::Skipped(_)), "{suite}: {what}: {kind} {found:?}");
            }
            for shown in ["Mira", "Vera"] {
                assert!(!detail(&examined, CheckKind::Signature).contains(shown), "{what}");
            }
        };
        for (what, spoil) in spoiled {
            let mut raw = good.clone();
            spoil(&mut raw);
            check(what, &raw).await;
        }
        let mut raw = good.clone();
        let name = if good["proof"].get("jws").is_some() { "jws" } else { "proofValue" };
        raw["proof"][name] = flip(&good["proof"][name]);
        check("the proof value", &raw).await;
        // Twice the same proof is once the same.
        let mut doubled = good.clone();
        doubled["proof"] = json!([good["proof"], good["proof"]]);
        assert_eq!(amiss(&scene.examine(&doubled).await), [], "{suite}");
    }
}

// covers: FMT-01
#[tokio::test]
async fn the_same_statements_written_so_that_checks_would_miss_them_are_refused() {
    type Rewrite<'a> = &'a dyn Fn(&mut Value);
    const ENDS: &str = "2026-01-01T00:10:00Z";
    let mut scene = Scene::usual();
    scene.credential["id"] = json!("urn:c");
    scene.credential["credentialSubject"]["photo"] = json!("urn:c");
    scene.credential["credentialStatus"] = json!({"id": "urn:s", "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation", "statusListIndex": "9", "statusSize": 2,
        "statusListCredential": "https://status.example/1"});
    scene.proof["expires"] = json!(ENDS);
    scene.world.policy = VerificationPolicy::default().with(CheckKind::Status, crate::model::report::Requirement::Off);
    let date = || json!({"@value": ENDS, "@type": "http://www.w3.org/2001/XMLSchema#dateTime"});
    let rename = |it: &mut Value, from: &str, to: &str| {
        let value = it.as_object_mut().unwrap().remove(from).unwrap();
        it[to] = value;
    };
    let add_context = |it: &mut Value, context: Value| it["@context"].as_array_mut().unwrap().push(context);
    let good = scene.signed();
    assert_eq!(amiss(&scene.examine(&good).await), []);
    // What means the same and is read the same.
    let mut same = good.clone();
    same["credentialSubject"] = json!([good["credentialSubject"]]);
    add_context(&mut same, json!({"card": "urn:card"}));
    assert_eq!(amiss(&scene.examine(&same).await), []);
    let anew: [(&str, Rewrite<'_>); 14] = [
        ("its end under an IRI", &|it| {
            rename(it, "validUntil", "https://www.w3.org/2018/credentials#validUntil");
            it["https://www.w3.org/2018/credentials#validUntil"] = date();
        }),
        ("its end under another name", &|it| {
            add_context(it, json!({"ends": {"@id": "https://www.w3.org/2018/credentials#validUntil"}}));
            rename(it, "validUntil", "ends");
            it["ends"] = date();
        }),
        ("its end in another place", &|it| {
            rename(it, "validUntil", "x");
            it.as_object_mut().unwrap().remove("x");
            it["credentialSubject"]["photo"] =
                json!({"id": "urn:c", "type": "VerifiableCredential", "validUntil": ENDS});
        }),
        ("its status under an IRI", &|it| {
            rename(it, "credentialStatus", "https://www.w3.org/2018/credentials#credentialStatus");
        }),
        ("its status in a set", &|it| it["credentialStatus"] = json!({"@set": [it["credentialStatus"].clone()]})),
        ("the type of its status as a keyword", &|it| rename(&mut it["credentialStatus"], "type", "@type")),
        ("the size of its status under an IRI", &|it| {
            rename(&mut it["credentialStatus"], "statusSize", "https://www.w3.org/ns/credentials/status#statusSize");
        }),
        ("its holder as a keyword", &|it| rename(&mut it["credentialSubject"], "id", "@id")),
        ("its holder under another name", &|it| {
            add_context(it, json!({"self": "@id"}));
            rename(&mut it["credentialSubject"], "id", "self");
        }),
        ("its holder shortened", &|it| {
            add_context(it, json!({"w": {"@id": "did:key:", "@prefix": true}}));
            let id = it["credentialSubject"]["id"].as_str().unwrap().replace("did:key:", "w:");
            it["credentialSubject"]["id"] = json!(id);
        }),
        ("its holder in a set", &|it| it["credentialSubject"] = json!({"@set": [it["credentialSubject"].clone()]})),
        ("its holder in lists", &|it| it["credentialSubject"] = json!([[it["credentialSubject"].clone()]])),
        ("one of its types as a keyword", &|it| it["@type"] = json!("LibraryCard")),
        ("the end of its proof under an IRI", &|it| {
            rename(&mut it["proof"], "expires", "https://w3id.org/security#expiration");
            it["proof"]["https://w3id.org/security#expiration"] = date();
        }),
    ];
    for (what, write) in anew {
        let mut raw = good.clone();
        write(&mut raw);
        let examined = scene.examine(&raw).await;
        assert_eq!(outcome(&examined.checks, CheckKind::Signature), Outcome::Failed, "{what}");
        // Not because it says something else.
        assert_ne!(detail(&examined, CheckKind::Signature), "the signature does not verify", "{what}");
    }
}

// covers: FMT-01
#[tokio::test]
async fn other_keys_and_suites_fail_their_own_check() {
    let scene = Scene::usual();
    let good = scene.signed();
    // Signed by somebody else, who says to be the issuer.
    let stranger = TestKey::new(Algorithm::Es256);
    let mut raw = scene.credential.clone();
    sign(&mut raw, scene.proof.clone(), &stranger);
    assert_eq!(amiss(&scene.examine(&raw).await), [(CheckKind::Signature, Outcome::Failed)]);
    // Signed by somebody else, who says so.
    let mut raw = scene.credential.clone();
    let mut proof = scene.proof.clone();
    proof["verificationMethod"] = json!(did::did_key_url(&stranger.jwk()));
    sign(&mut raw, proof.clone(), &stranger);
    let examined = scene.examine(&raw).await;
    assert_eq!(amiss(&examined), [(CheckKind::IssuerKey, Outcome::Failed)]);
    // The same beside the issuer's is a notary.
    let mut raw = good.clone();
    sign(&mut raw, proof, &stranger);
    assert_eq!(amiss(&scene.examine(&raw).await), []);
    // The suite of another kind of key.
    let mut raw = good.clone();
    raw["proof"]["cryptosuite"] = json!("eddsa-rdfc-2022");
    let examined = scene.examine(&raw).await;
    assert_eq!(amiss(&examined), [(CheckKind::Signature, Outcome::Failed)]);
    assert_eq!(detail(&examined, CheckKind::Signature), "the key does not fit the proof's suite");
    // A suite that is not known, alone and beside the good proof.
    let mut raw = good.clone();
    raw["proof"]["cryptosuite"] = json!("bbs-2023");
    let examined = scene.examine(&raw).await;
    assert_eq!(outcome(&examined.checks, CheckKind::Signature), Outcome::Unknown(Reason::Unsupported));
    raw["proof"] = json!([raw["proof"], good["proof"]]);
    let examined = scene.examine(&raw).await;
    assert_eq!(amiss(&examined), []);
    assert_eq!(detail(&examined, CheckKind::Signature), "ecdsa-rdfc-2019; passed over: bbs-2023");
    // A JWS that signs its payload in base64, or with no algorithm.
    let scene = Scene::new("JsonWebSignature2020", Algorithm::EdDsa);
    let good = scene.signed();
    let (_, signature) = good["proof"]["jws"].as_str().unwrap().split_once("..").unwrap();
    for header in [
        json!({"alg": "EdDSA"}),
        json!({"alg": "EdDSA", "b64": true, "crit": ["b64"]}),
        json!({"alg": "EdDSA", "b64": false}),
        json!({"alg": "EdDSA", "b64": false, "crit": ["b64", "exp"]}),
        json!({"alg": "none", "b64": false, "crit": ["b64"]}),
        json!({"alg": "HS256", "b64": false, "crit": ["b64"]}),
        json!({"alg": "ES256", "b64": false, "crit": ["b64"]}),
    ] {
        use base64::Engine as _;
        let encoded = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(header.to_string());
        let mut raw = good.clone();
        raw["proof"]["jws"] = json!(format!("{encoded}..{signature}"));
        assert_eq!(amiss(&scene.examine(&raw).await), [(CheckKind::Signature, Outcome::Failed)], "{header}");
    }
}

// covers: FMT-01
#[tokio::test]
async fn what_the_issuer_signed_wrong_fails_its_own_check() {
    type Spoil = fn(&mut Scene);
    let spoiled: &[(&str, CheckKind, Spoil)] = &[
        ("expired", CheckKind::Validity, |it| it.credential["validUntil"] = json!("2025-12-31T23:58:00Z")),
        ("not valid yet", CheckKind::Validity, |it| it.credential["validFrom"] = json!("2026-01-01T00:05:00Z")),
        ("a proof that has ended", CheckKind::Validity, |it| it.proof["expires"] = json!("2025-12-31T23:58:00Z")),
        ("a proof of the future", CheckKind::Validity, |it| it.proof["created"] = json!("2026-01-01T00:05:00Z")),
        ("no date", CheckKind::Validity, |it| it.proof["created"] = json!("today")),
        ("another type", CheckKind::Type, |it| it.credential["type"] = json!(["VerifiableCredential"])),
        ("a context less than announced", CheckKind::Type, |it| {
            it.world.asked_contexts.push("https://www.w3.org/ns/credentials/examples/v2".to_owned());
        }),
        ("somebody else's", CheckKind::HolderBinding, |it| {
            it.credential["credentialSubject"]["id"] = json!(did::did_key(&TestKey::new(Algorithm::Es256).jwk()));
        }),
    ];
    for (what, kind, spoil) in spoiled {
        let mut scene = Scene::usual();
        spoil(&mut scene);
        let examined = scene.examine(&scene.signed()).await;
        assert_eq!(amiss(&examined), [(*kind, Outcome::Failed)], "{what}: {:?}", examined.checks);
    }
    let mut scene = Scene::usual();
    scene.credential["credentialSubject"].as_object_mut().unwrap().remove("id");
    let examined = scene.examine(&scene.signed()).await;
    assert_eq!(amiss(&examined), []);
    assert_eq!(outcome(&examined.checks, CheckKind::HolderBinding), Outcome::Skipped(Reason::Unbound));
    // The base context has to come first: JCS would sign any other.
    let mut scene = Scene::new("eddsa-jcs-2022", Algorithm::EdDsa);
    scene.credential["@context"].as_array_mut().unwrap().reverse();
    assert_eq!(amiss(&scene.examine(&scene.signed()).await), [(CheckKind::Type, Outcome::Failed)]);
}

// covers: FMT-01
#[tokio::test]
async fn contexts_that_nobody_knows_are_not_fetched() {
    let mut scene = Scene::usual();
    let mut raw = scene.signed();
    let address = "https://city.example/context.json";
    raw["@context"][1] = json!(address);
    let document = json!({"@context": own_terms()});
    scene.world.documents = Documents::default().with(address, document.clone());
    let examined = scene.examine(&raw).await;
    assert_eq!(amiss(&examined), [(CheckKind::Signature, Outcome::Unknown(Reason::Unsupported))]);
    assert_eq!(detail(&examined, CheckKind::Signature), "the context https://city.example/context.json is not known");
    assert_eq!(scene.world.documents.asked(), [""; 0]);
    // The app knows it.
    scene.world.contexts.add(address, document).unwrap();
    assert_eq!(amiss(&scene.examine(&raw).await), []);
}

// covers: FMT-01
#[tokio::test]
async fn what_cannot_be_read_fails_the_signature() {
    let scene = Scene::usual();
    for raw in [
        json!("text"),
        json!([]),
        json!({}),
        json!({"@context": [V2]}),
        json!({"@context": [V2], "type": "VerifiableCredential"}),
        json!({"@context": [V2], "type": "VerifiableCredential", "issuer": {}}),
        Value::Null,
    ] {
        let examined = scene.examine(&raw).await;
        assert_eq!(outcome(&examined.checks, CheckKind::Signature), Outcome::Failed, "{raw}");
        assert_eq!(outcome(&examined.checks, CheckKind::Type), Outcome::Unknown(Reason::DependsOnFailed));
    }
    // Members given twice are no JSON for the verifier.
    let text = scene.signed().to_string().replacen('{', r#"{"issuer":"did:example:1","#, 1);
    let verification = crate::Verifier::new().verify(&Format::LdpVc, text.as_bytes()).await.unwrap();
    assert_eq!(verification.report.verdict, Verdict::Rejected);
    let deep = format!("{}1{}", r#"{"a":"#.repeat(100), "}".repeat(100));
    let verification = crate::Verifier::new().verify(&Format::LdpVc, deep.as_bytes()).await.unwrap();
    assert_eq!(verification.report.verdict, Verdict::Rejected);
}

// covers: FMT-01
#[tokio::test]
async fn large_and_tangled_credentials_are_bounded() {
    let started = std::time::Instant::now();
    let mut scene = Scene::usual();
    scene.credential["credentialSubject"]["given_name"] = json!("M".repeat(1 << 20));
    assert_eq!(amiss(&scene.examine(&scene.signed()).await), []);
    let good = Scene::usual().signed();
    // Nodes without names that are all linked with each other.
    let knot: Vec<Value> = (0..12)
        .map(|node| {
            let others: Vec<Value> =
                (0..12).filter(|other| *other != node).map(|other| json!({"id": format!("_:n{other}")})).collect();
            json!({"id": format!("_:n{node}"), "books": others})
        })
        .collect();
    let mut deep = json!("x");
    for _ in 0..60 {
        deep = json!({"books": deep});
    }
    for (name, claims) in [("knot", json!(knot)), ("deep", json!([[deep]])), ("many", json!(vec![json!(1); 100_000]))] {
        let mut raw = good.clone();
        raw["credentialSubject"]["books"] = claims;
        assert_eq!(outcome(&scene.examine(&raw).await.checks, CheckKind::Signature), Outcome::Failed, "{name}");
    }
    assert!(started.elapsed() < std::time::Duration::from_secs(120), "{:?}", started.elapsed());
}

// covers: FMT-01
#[test]
fn kinds_are_read_from_metadata() {
    let read = |definition: Value| LdpVc.read_kind(&json!({ "credential_definition": definition }));
    let types = ["VerifiableCredential", "Card"];
    let whole = json!({ "@context": [V2], "type": types });
    assert_eq!(read(whole), Ok(CredentialKind::Types(types.map(str::to_owned).to_vec())));
    for bad in [json!({ "type": types }), json!({ "@context": [], "type": types }), json!({ "@context": [V2] })] {
        assert!(read(bad.clone()).is_err(), "{bad}");
    }
}
