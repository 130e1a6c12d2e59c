//! The proof type `di_vp`: presentations with a Data Integrity proof.

use billfold_test_issuer::{Options, Running, TestIssuer};
use ed25519_dalek::Signer as _;
use p256::ecdsa::SigningKey;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::client::*;

const ID: &str = "UniversityDegree_jwt_vc_json";
const V2: &str = "https://www.w3.org/ns/credentials/v2";

async fn start() -> Running {
    TestIssuer::start(Options { di_vp_proof: true, ..Options::default() }).await.expect("started")
}

pub(crate) enum Holder {
    P256(SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
}

impl Holder {
    pub(crate) fn p256(seed: u8) -> Self {
        Self::P256(SigningKey::from_slice(&[seed; 32]).expect("a scalar"))
    }

    pub(crate) fn ed25519(seed: u8) -> Self {
        Self::Ed25519(ed25519_dalek::SigningKey::from_bytes(&[seed; 32]))
    }

    pub(crate) fn did(&self) -> String {
        let bytes = match self {
            Self::P256(key) => [&[0x80, 0x24], key.verifying_key().to_sec1_point(true).as_bytes()].concat(),
            Self::Ed25519(key) => [&[0xed, 0x01], &key.verifying_key().as_bytes()[..]].concat(),
        };
        format!("did:key:z{}", bs58::encode(bytes).into_string())
    }

    fn method(&self) -> String {
        let did = self.did();
        format!("{did}#{}", did.trim_start_matches("did:key:"))
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
            Self::Ed25519(key) => key.sign(message).to_bytes().to_vec(),
        }
    }
}

/// A legal presentation without `proofValue`.
pub(crate) fn unsigned(issuer: &Running, holder: &Holder, suite: &str, nonce: &str) -> Value {
    json!({
        "@context": [V2],
        "type": ["VerifiablePresentation"],
        "holder": holder.did(),
        "proof": {
            "type": "DataIntegrityProof",
            "cryptosuite": suite,
            "created": created(),
            "verificationMethod": holder.method(),
            "proofPurpose": "authentication",
            "domain": issuer.issuer(),
            "challenge": nonce,
        },
    })
}

fn created() -> String {
    let time = x509_cert::der::DateTime::from_unix_duration(std::time::Duration::from_secs(now()));
    time.expect("our time").to_string()
}

/// Signs what is there, be it legal or not.
pub(crate) fn signed(mut presentation: Value, holder: &Holder) -> Value {
    let mut document = presentation.clone();
    document.as_object_mut().expect("an object").remove("proof");
    let jcs = presentation["proof"]["cryptosuite"].as_str().is_some_and(|suite| suite.contains("-jcs-"));
    let (options, document) = if jcs {
        presentation["proof"]["@context"] = presentation["@context"].clone();
        (presentation["proof"].to_string(), document.to_string())
    } else {
        (statements_of_proof(&presentation["proof"]), statements_of_presentation(&document))
    };
    let message = [Sha256::digest(options), Sha256::digest(document)].concat();
    let value = format!("z{}", bs58::encode(holder.sign(&message)).into_string());
    presentation["proof"]["proofValue"] = json!(value);
    presentation
}

fn statements_of_proof(proof: &Value) -> String {
    let text = |name: &str| proof[name].as_str().unwrap_or_default().to_owned();
    let first = format!(
        "_:c14n0 <http://purl.org/dc/terms/created> \
         \"{}\"^^<http://www.w3.org/2001/XMLSchema#dateTime> .\n\
         _:c14n0 <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <https://w3id.org/security#DataIntegrityProof> .\n",
        text("created")
    );
    let challenge = proof.get("challenge").map(|_| format!("challenge> \"{}\"", text("challenge")));
    let (suite, domain, purpose, method) =
        (text("cryptosuite"), text("domain"), text("proofPurpose"), text("verificationMethod"));
    let rest = [
        challenge.unwrap_or_default(),
        format!("cryptosuite> \"{suite}\"^^<https://w3id.org/security#cryptosuiteString>"),
        format!("domain> \"{domain}\""),
        format!("proofPurpose> <https://w3id.org/security#{purpose}Method>"),
        format!("verificationMethod> <{method}>"),
    ];
    let line = |rest: &String| format!("_:c14n0 <https://w3id.org/security#{rest} .\n");
    first + &rest.iter().filter(|rest| !rest.is_empty()).map(line).collect::<String>()
}

fn statements_of_presentation(document: &Value) -> String {
    let subject = document["id"].as_str().map_or("_:c14n0".to_owned(), |id| format!("<{id}>"));
    let kind = format!(
        "{subject} <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> \
         <https://www.w3.org/2018/credentials#VerifiablePresentation> .\n"
    );
    let holder = document["holder"].as_str();
    let holder = holder.map(|did| format!("{subject} <https://www.w3.org/2018/credentials#holder> <{did}> .\n"));
    kind + &holder.unwrap_or_default()
}

async fn ask(issuer: &Running, id: &str, presentations: &[Value]) -> Answer {
    let token = token_for(issuer, &[id]).await;
    let body = json!({"credential_configuration_id": id, "proofs": {"di_vp": presentations}});
    request_credential(issuer, &token, &body).await
}

#[tokio::test]
async fn it_is_listed_where_dids_are_taken() {
    let issuer = start().await;
    let metadata = get(&format!("{}/.well-known/openid-credential-issuer", issuer.base())).await.json();
    let types = |id: &str| metadata["credential_configurations_supported"][id]["proof_types_supported"].clone();
    let suites = json!(["ecdsa-rdfc-2019", "eddsa-rdfc-2022", "ecdsa-jcs-2019", "eddsa-jcs-2022"]);
    for id in [ID, "UniversityDegree_dc_sd_jwt_did"] {
        assert_eq!(types(id)["di_vp"]["proof_signing_alg_values_supported"], suites);
        assert!(types(id)["jwt"].is_object());
    }
    assert!(types("UniversityDegree_dc_sd_jwt").get("di_vp").is_none());
    let issuer = TestIssuer::start(Options::default()).await.expect("started");
    let fresh = nonce(&issuer).await;
    let holder = Holder::p256(7);
    let presentation = signed(unsigned(&issuer, &holder, "ecdsa-rdfc-2019", &fresh), &holder);
    ask(&issuer, ID, &[presentation]).await.assert_refused("not listed", 400, "invalid_proof");
}

#[tokio::test]
async fn each_cryptosuite_binds_to_the_did() {
    let issuer = start().await;
    for (suite, holder) in [
        ("ecdsa-rdfc-2019", Holder::p256(7)),
        ("ecdsa-jcs-2019", Holder::p256(7)),
        ("eddsa-rdfc-2022", Holder::ed25519(7)),
        ("eddsa-jcs-2022", Holder::ed25519(7)),
    ] {
        let fresh = nonce(&issuer).await;
        let mut bare = unsigned(&issuer, &holder, suite, &fresh);
        let presentation = signed(bare.clone(), &holder);
        let answer = ask(&issuer, ID, std::slice::from_ref(&presentation)).await;
        assert_eq!(answer.status, 200, "{suite}: {}", String::from_utf8_lossy(&answer.body));
        let (_, claims) = decode(answer.json()["credentials"][0]["credential"].as_str().expect("text"));
        assert_eq!(claims["sub"], holder.did(), "{suite}");
        assert_eq!(issuer.log().requests.last().expect("an entry").seen["proofs"]["type"], "di_vp");
        ask(&issuer, ID, &[presentation]).await.assert_refused("used", 400, "invalid_nonce");

        // With a name of its own, without a holder, the proof in an array.
        bare["id"] = json!("urn:uuid:1");
        bare.as_object_mut().expect("an object").remove("holder");
        bare["proof"]["challenge"] = json!(nonce(&issuer).await);
        let mut presentation = signed(bare, &holder);
        presentation["proof"] = json!([presentation["proof"]]);
        assert_eq!(ask(&issuer, "UniversityDegree_dc_sd_jwt_did", &[presentation]).await.status, 200, "{suite}");
    }
}

type Change = fn(&mut Value);

#[tokio::test]
async fn presentations_that_prove_nothing() {
    let issuer = start().await;
    let fresh = nonce(&issuer).await;
    let cases: &[(&str, Change)] = &[
        ("no context", |p| {
            p.as_object_mut().expect("an object").remove("@context");
        }),
        ("type", |p| p["type"] = json!(["VerifiableCredential"])),
        ("two types", |p| p["type"] = json!(["VerifiablePresentation", "Other"])),
        ("another holder", |p| p["holder"] = json!("did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK")),
        ("unknown member", |p| p["verifiableCredential"] = json!([])),
        ("proof type", |p| p["proof"]["type"] = json!("Ed25519Signature2020")),
        ("unlisted suite", |p| p["proof"]["cryptosuite"] = json!("ecdsa-sd-2023")),
        ("suite of another key", |p| p["proof"]["cryptosuite"] = json!("eddsa-rdfc-2022")),
        ("purpose", |p| p["proof"]["proofPurpose"] = json!("assertionMethod")),
        ("no domain", |p| {
            p["proof"].as_object_mut().expect("an object").remove("domain");
        }),
        ("another domain", |p| p["proof"]["domain"] = json!("https://example.com")),
        ("no challenge", |p| {
            p["proof"].as_object_mut().expect("an object").remove("challenge");
        }),
        ("DID without fragment", |p| p["proof"]["verificationMethod"] = p["holder"].clone()),
        ("another method", |p| p["proof"]["verificationMethod"] = json!("did:web:example.com#0")),
        ("old", |p| p["proof"]["created"] = json!("2020-01-01T00:00:00Z")),
        ("no time", |p| p["proof"]["created"] = json!("today")),
        ("expired", |p| p["proof"]["expires"] = json!("2020-01-01T00:00:00Z")),
    ];
    for suite in ["ecdsa-rdfc-2019", "ecdsa-jcs-2019"] {
        let holder = Holder::p256(7);
        for (case, change) in cases {
            let mut presentation = unsigned(&issuer, &holder, suite, &fresh);
            change(&mut presentation);
            let presentation = signed(presentation, &holder);
            ask(&issuer, ID, &[presentation]).await.assert_refused(case, 400, "invalid_proof");
        }
        let good = signed(unsigned(&issuer, &holder, suite, &fresh), &holder);
        let stranger = signed(unsigned(&issuer, &holder, suite, &fresh), &Holder::p256(8));
        let mut changed = good.clone();
        changed["proof"]["created"] = json!(format!("{}.5Z", created().trim_end_matches('Z')));
        let mut no_proof = good.clone();
        no_proof.as_object_mut().expect("an object").remove("proof");
        let mut two_proofs = good.clone();
        two_proofs["proof"] = json!([good["proof"], good["proof"]]);
        for (case, presentations) in [
            ("another key's signature", vec![stranger]),
            ("changed after signing", vec![changed]),
            ("no proof", vec![no_proof]),
            ("two proofs", vec![two_proofs]),
            ("the same key twice", vec![good.clone(), good.clone()]),
            ("a string", vec![json!("x")]),
        ] {
            ask(&issuer, ID, &presentations).await.assert_refused(case, 400, "invalid_proof");
        }
        let other = Holder::p256(8);
        let mut unknown = unsigned(&issuer, &other, suite, &fresh);
        unknown["proof"]["challenge"] = json!("x");
        let unknown = signed(unknown, &other);
        ask(&issuer, ID, &[good, unknown]).await.assert_refused("a nonce of nobody", 400, "invalid_nonce");
    }
    let (one, two) = (Holder::p256(7), Holder::ed25519(9));
    let mut foreign = unsigned(&issuer, &one, "ecdsa-rdfc-2019", &fresh);
    foreign["@context"] = json!([V2, "https://example.com/v1"]);
    ask(&issuer, ID, &[signed(foreign, &one)]).await.assert_refused("another context", 400, "invalid_proof");
    let presentations = [
        signed(unsigned(&issuer, &one, "ecdsa-rdfc-2019", &fresh), &one),
        signed(unsigned(&issuer, &two, "eddsa-jcs-2022", &fresh), &two),
    ];
    let answer = ask(&issuer, ID, &presentations).await;
    let subject = |index: usize| decode(answer.json()["credentials"][index]["credential"].as_str().expect("text")).1;
    assert_eq!((&subject(0)["sub"], &subject(1)["sub"]), (&json!(one.did()), &json!(two.did())));
}
