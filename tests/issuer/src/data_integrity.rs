//! Checking `di_vp` proofs: verifiable presentations with a Data Integrity proof (`OpenID4VCI`
//! appendix F.2; W3C `vc-data-integrity`, `vc-di-ecdsa`, `vc-di-eddsa`).
//!
//! A presentation that shows nothing but its holder is one node in RDF, and so is its proof. For
//! that shape RDFC-1.0 comes down to writing out the statements in order, which is what is done
//! here; anything else in a presentation is refused.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256, Sha384};
use x509_cert::der::DateTime;

use crate::catalogue::Configuration;
use crate::issuer::Issuer;
use crate::keys::PublicKey;
use crate::proof::Holder;

/// The cryptosuites that are taken.
pub(crate) const SUITES: [&str; 4] = ["ecdsa-rdfc-2019", "eddsa-rdfc-2022", "ecdsa-jcs-2019", "eddsa-jcs-2022"];

/// Seconds that `created` may be off.
const WINDOW: u64 = 300;

/// Contexts that say what a presentation is; one has to come first.
const FIRST_CONTEXTS: [&str; 2] = ["https://www.w3.org/ns/credentials/v2", "https://www.w3.org/2018/credentials/v1"];
/// Defines the proof, which the older of the two does not.
const PROOF_CONTEXT: &str = "https://w3id.org/security/data-integrity/v2";
/// More contexts that change nothing about these statements.
const HARMLESS_CONTEXTS: [&str; 1] = ["https://www.w3.org/ns/credentials/examples/v2"];

const PRESENTATION_MEMBERS: [&str; 5] = ["@context", "id", "type", "holder", "proof"];
const PROOF_MEMBERS: [&str; 11] = [
    "@context",
    "id",
    "type",
    "cryptosuite",
    "created",
    "expires",
    "verificationMethod",
    "proofPurpose",
    "domain",
    "challenge",
    "proofValue",
];

/// What a presentation proves, and the nonce it did it with.
#[derive(Debug)]
pub(crate) struct Presented {
    pub(crate) holder: Holder,
    pub(crate) nonce: Option<String>,
}

type Object = Map<String, Value>;

/// Checks one presentation; its nonce is left to the caller.
pub(crate) fn check(issuer: &Issuer, configuration: &Configuration, value: &Value) -> Result<Presented, String> {
    let presentation = value.as_object().ok_or("it is not an object")?;
    known_members(presentation, &PRESENTATION_MEMBERS, "the presentation")?;
    let types = match presentation.get("type") {
        Some(Value::Array(types)) => types.as_slice(),
        Some(text) => std::slice::from_ref(text),
        None => &[],
    };
    if !matches!(types, [only] if only == "VerifiablePresentation") {
        return Err("its type is not just VerifiablePresentation".to_owned());
    }
    let proof = match presentation.get("proof") {
        Some(Value::Object(proof)) => proof,
        Some(Value::Array(proofs)) if proofs.len() == 1 => proofs[0].as_object().ok_or("its proof is not an object")?,
        Some(_) => return Err("it has not exactly one proof".to_owned()),
        None => return Err("it has no proof".to_owned()),
    };
    known_members(proof, &PROOF_MEMBERS, "the proof")?;
    let holder = holder(configuration, presentation, proof)?;
    let nonce = check_proof(issuer, proof)?;
    verify(presentation, proof, &holder.key)?;
    Ok(Presented { holder, nonce })
}

fn known_members(object: &Object, known: &[&str], what: &str) -> Result<(), String> {
    match object.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(format!("the member {name} of {what} is not known here")),
        None => Ok(()),
    }
}

fn text<'a>(object: &'a Object, name: &str) -> Result<&'a str, String> {
    match object.get(name) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(format!("its {name} is not a string")),
        None => Err(format!("it has no {name}")),
    }
}

fn holder(configuration: &Configuration, presentation: &Object, proof: &Object) -> Result<Holder, String> {
    let method = text(proof, "verificationMethod")?;
    let did_method = method.splitn(3, ':').take(2).collect::<Vec<_>>().join(":");
    if !configuration.binding.contains(&did_method.as_str()) {
        return Err(format!("its verificationMethod is not a DID URL of {}", configuration.binding.join(", ")));
    }
    let key = PublicKey::from_did_url(method).map_err(|reason| format!("its verificationMethod: {reason}"))?;
    let did = method.split('#').next().unwrap_or_default();
    if presentation.contains_key("holder") && text(presentation, "holder")? != did {
        return Err("its holder is not the one of the verificationMethod".to_owned());
    }
    Ok(Holder { key, kid: Some(method.to_owned()) })
}

/// Checks what the proof says about itself; its signature is looked at later.
fn check_proof(issuer: &Issuer, proof: &Object) -> Result<Option<String>, String> {
    if text(proof, "type")? != "DataIntegrityProof" {
        return Err("its proof is no DataIntegrityProof".to_owned());
    }
    if text(proof, "proofPurpose")? != "authentication" {
        return Err("its proofPurpose is not authentication".to_owned());
    }
    if text(proof, "domain")? != issuer.id {
        return Err("its domain is not the credential issuer identifier".to_owned());
    }
    let time = |name: &str| match proof.get(name) {
        None => Ok(None),
        Some(_) => seconds(text(proof, name)?).map(Some).ok_or_else(|| format!("its {name} is not a time in UTC")),
    };
    if time("created")?.is_some_and(|created| created.abs_diff(issuer.now()) > WINDOW) {
        return Err(format!("its created is more than {WINDOW} seconds off"));
    }
    if time("expires")?.is_some_and(|expires| expires <= issuer.now()) {
        return Err("its proof has expired".to_owned());
    }
    match (proof.contains_key("challenge"), issuer.wants_nonces()) {
        (_, true) => Ok(Some(text(proof, "challenge")?.to_owned())),
        (true, false) => Err("it has a challenge, but none was ever given".to_owned()),
        (false, false) => Ok(None),
    }
}

/// A time in UTC; parts of a second are cut off.
fn seconds(text: &str) -> Option<i64> {
    let text = text.strip_suffix('Z')?;
    let whole = match text.split_once('.') {
        Some((whole, part)) if !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()) => whole,
        Some(_) => return None,
        None => text,
    };
    let time: DateTime = format!("{whole}Z").parse().ok()?;
    i64::try_from(time.unix_duration().as_secs()).ok()
}

fn verify(presentation: &Object, proof: &Object, key: &PublicKey) -> Result<(), String> {
    let suite = text(proof, "cryptosuite")?;
    let fits = match key {
        PublicKey::P256(_) | PublicKey::P384(_) => suite.starts_with("ecdsa-"),
        PublicKey::Ed25519(_) => suite.starts_with("eddsa-"),
        PublicKey::K256(_) => false,
    };
    if !SUITES.contains(&suite) {
        return Err(format!("its cryptosuite is not one of {}", SUITES.join(", ")));
    }
    if !fits {
        return Err(format!("its key is not one for {suite}"));
    }
    let signature = text(proof, "proofValue")?
        .strip_prefix('z')
        .and_then(|encoded| bs58::decode(encoded).into_vec().ok())
        .ok_or("its proofValue is not in base58btc")?;
    let context = presentation.get("@context").ok_or("it has no @context")?;
    if proof.get("@context").is_some_and(|own| own != context) {
        return Err("its proof has another @context".to_owned());
    }
    let mut document = presentation.clone();
    document.remove("proof");
    let mut options = proof.clone();
    options.remove("proofValue");
    let (options, document) = if suite.contains("-jcs-") {
        names_of(context)?;
        (jcs(options)?, jcs(document)?)
    } else {
        check_context(context)?;
        (proof_statements(&options)?, presentation_statements(&document)?)
    };
    let message = if matches!(key, PublicKey::P384(_)) {
        [Sha384::digest(options).to_vec(), Sha384::digest(document).to_vec()].concat()
    } else {
        [Sha256::digest(options).to_vec(), Sha256::digest(document).to_vec()].concat()
    };
    if key.verifies(&message, &signature) { Ok(()) } else { Err("its proofValue does not verify".to_owned()) }
}

/// The canonical form of RFC 8785, for objects without numbers: those would need more.
fn jcs(object: Object) -> Result<String, String> {
    let value = Value::Object(object);
    if has_numbers(&value) {
        return Err("it has numbers in it".to_owned());
    }
    // serde_json keeps members sorted by name; every name let through here is ASCII.
    Ok(value.to_string())
}

fn has_numbers(value: &Value) -> bool {
    match value {
        Value::Number(_) => true,
        Value::Array(values) => values.iter().any(has_numbers),
        Value::Object(members) => members.values().any(has_numbers),
        _ => false,
    }
}

/// The contexts, all of which have to be there by name.
fn names_of(context: &Value) -> Result<Vec<&str>, String> {
    let names: Option<Vec<&str>> = match context {
        Value::String(only) => Some(vec![only]),
        Value::Array(several) => several.iter().map(Value::as_str).collect(),
        _ => None,
    };
    names.filter(|names| !names.is_empty()).ok_or_else(|| "its @context is not a filled array of names".to_owned())
}

fn check_context(context: &Value) -> Result<(), String> {
    let contexts = names_of(context)?;
    let first = contexts[0];
    if !FIRST_CONTEXTS.contains(&first) {
        return Err(format!("its first @context is not one of {}", FIRST_CONTEXTS.join(", ")));
    }
    if first == FIRST_CONTEXTS[1] && !contexts.contains(&PROOF_CONTEXT) {
        return Err(format!("its @context lacks {PROOF_CONTEXT}, so that its proof means nothing"));
    }
    let unknown = contexts[1..].iter().find(|name| **name != PROOF_CONTEXT && !HARMLESS_CONTEXTS.contains(name));
    match unknown {
        Some(name) => Err(format!("its @context {name} is not known here")),
        None => Ok(()),
    }
}

const TYPE: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";
const DATE_TIME: &str = "http://www.w3.org/2001/XMLSchema#dateTime";

/// The canonical N-Quads of a presentation without its proof.
fn presentation_statements(document: &Object) -> Result<String, String> {
    let mut statements = Statements::about(document)?;
    statements.iri(TYPE, "https://www.w3.org/2018/credentials#VerifiablePresentation")?;
    if document.contains_key("holder") {
        statements.iri("https://www.w3.org/2018/credentials#holder", text(document, "holder")?)?;
    }
    Ok(statements.finish())
}

/// The canonical N-Quads of a proof without its value.
fn proof_statements(proof: &Object) -> Result<String, String> {
    let mut statements = Statements::about(proof)?;
    statements.iri(TYPE, "https://w3id.org/security#DataIntegrityProof")?;
    for (name, predicate, kind) in [
        ("created", "http://purl.org/dc/terms/created", Some(DATE_TIME)),
        ("expires", "https://w3id.org/security#expiration", Some(DATE_TIME)),
        ("cryptosuite", "https://w3id.org/security#cryptosuite", Some("https://w3id.org/security#cryptosuiteString")),
        ("challenge", "https://w3id.org/security#challenge", None),
        ("domain", "https://w3id.org/security#domain", None),
    ] {
        if proof.contains_key(name) {
            statements.literal(predicate, text(proof, name)?, kind);
        }
    }
    let purpose = match text(proof, "proofPurpose")? {
        "authentication" => "https://w3id.org/security#authenticationMethod",
        "assertionMethod" => "https://w3id.org/security#assertionMethod",
        _ => return Err("its proofPurpose means nothing".to_owned()),
    };
    statements.iri("https://w3id.org/security#proofPurpose", purpose)?;
    statements.iri("https://w3id.org/security#verificationMethod", text(proof, "verificationMethod")?)?;
    Ok(statements.finish())
}

/// Statements about one node.
struct Statements {
    subject: String,
    lines: Vec<String>,
}

impl Statements {
    /// The node is named by `id`; without one it is the only blank node there is.
    fn about(object: &Object) -> Result<Self, String> {
        let subject = match object.get("id") {
            Some(_) => iri(text(object, "id")?)?,
            None => "_:c14n0".to_owned(),
        };
        Ok(Self { subject, lines: Vec::new() })
    }

    fn iri(&mut self, predicate: &str, object: &str) -> Result<(), String> {
        self.lines.push(format!("{} <{predicate}> {} .\n", self.subject, iri(object)?));
        Ok(())
    }

    fn literal(&mut self, predicate: &str, text: &str, kind: Option<&str>) {
        let kind = kind.map(|kind| format!("^^<{kind}>")).unwrap_or_default();
        self.lines.push(format!("{} <{predicate}> \"{}\"{kind} .\n", self.subject, escaped(text)));
    }

    fn finish(mut self) -> String {
        self.lines.sort();
        self.lines.concat()
    }
}

/// An absolute IRI; anything that JSON-LD would drop or resolve is refused.
fn iri(text: &str) -> Result<String, String> {
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    let legal_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let foreign = |c: char| c <= ' ' || "<>\"{}|^`\\".contains(c);
    if !legal_scheme || text.contains(foreign) {
        return Err("an identifier in it is not an absolute IRI".to_owned());
    }
    Ok(format!("<{text}>"))
}

/// A literal's text as canonical N-Quads have it (RDFC-1.0 section 5).
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            '\u{8}' => escaped.push_str("\\b"),
            '\u{c}' => escaped.push_str("\\f"),
            '\0'..='\u{1f}' | '\u{7f}' => escaped.extend(format!("\\u{:04X}", u32::from(c)).chars()),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Object {
        match value {
            Value::Object(object) => object,
            _ => unreachable!("an object"),
        }
    }

    fn sha256(text: &str) -> String {
        Sha256::digest(text).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
    }

    #[test]
    fn proof_options_of_the_ecdsa_cryptosuites() {
        // The P-256 example of vc-di-ecdsa, whose text gives this hash.
        let method = "did:key:zDnaepBuvsQ8cpsWrVKw8fbpGpvPeNSjVPTWoq6cRqaYzBKVP";
        let options = object(json!({
            "type": "DataIntegrityProof",
            "cryptosuite": "ecdsa-rdfc-2019",
            "created": "2023-02-24T23:36:38Z",
            "verificationMethod": format!("{method}#{}", method.trim_start_matches("did:key:")),
            "proofPurpose": "assertionMethod",
        }));
        let expected = "3a8a522f689025727fb9d1f0fa99a618da023e8494ac74f51015d009d35abc2e";
        assert_eq!(sha256(&proof_statements(&options).expect("legal")), expected);
    }

    #[test]
    fn statements_as_a_json_ld_processor_makes_them() {
        // What PyLD 2 makes of these, with the contexts of the specifications.
        let did = "did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169";
        let document = object(json!({"type": ["VerifiablePresentation"], "holder": did}));
        assert_eq!(
            presentation_statements(&document).expect("legal"),
            format!(
                "_:c14n0 <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> \
                 <https://www.w3.org/2018/credentials#VerifiablePresentation> .\n\
                 _:c14n0 <https://www.w3.org/2018/credentials#holder> <{did}> .\n"
            )
        );
        let options = object(json!({
            "id": "urn:uuid:2",
            "type": "DataIntegrityProof",
            "cryptosuite": "ecdsa-rdfc-2019",
            "created": "2026-11-21T14:00:00Z",
            "expires": "2026-11-21T15:00:00Z",
            "verificationMethod": format!("{did}#0"),
            "proofPurpose": "authentication",
            "domain": "http://127.0.0.1:1/te\"n\\ant",
            "challenge": "a\u{e9}\n",
        }));
        let security = "https://w3id.org/security";
        let expected = [
            "<http://purl.org/dc/terms/created> \"2026-11-21T14:00:00Z\"^^<http://www.w3.org/2001/XMLSchema#dateTime>",
            &format!("<http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <{security}#DataIntegrityProof>"),
            &format!("<{security}#challenge> \"a\u{e9}\\n\""),
            &format!("<{security}#cryptosuite> \"ecdsa-rdfc-2019\"^^<{security}#cryptosuiteString>"),
            &format!("<{security}#domain> \"http://127.0.0.1:1/te\\\"n\\\\ant\""),
            &format!("<{security}#expiration> \"2026-11-21T15:00:00Z\"^^<http://www.w3.org/2001/XMLSchema#dateTime>"),
            &format!("<{security}#proofPurpose> <{security}#authenticationMethod>"),
            &format!("<{security}#verificationMethod> <{did}#0>"),
        ]
        .map(|line| format!("<urn:uuid:2> {line} .\n"));
        assert_eq!(proof_statements(&options).expect("legal"), expected.concat());
        assert_eq!(escaped("\u{1}\u{7f}\t"), "\\u0001\\u007F\\t");
    }

    /// The signed examples of the specifications, where the folder with foreign vectors is at hand.
    #[test]
    fn signed_examples_of_the_jcs_cryptosuites() {
        let Some(root) = std::env::var_os("BILLFOLD_VECTORS").map(std::path::PathBuf::from) else {
            return;
        };
        for file in ["eddsa/eddsa-jcs-2022/signedJCS.json", "ecdsa/ecdsa-jcs-2019-p384/signedJCSECDSAP384.json"] {
            let path = root.join("vectors/di").join(file);
            let signed = std::fs::read(&path).expect("a vector");
            let mut signed = object(serde_json::from_slice(&signed).expect("JSON"));
            let proof = object(signed["proof"].clone());
            let key = PublicKey::from_did_url(text(&proof, "verificationMethod").expect("text")).expect("a key");
            assert_eq!(verify(&signed, &proof, &key), Ok(()), "{file}");
            signed.insert("name".into(), json!("another"));
            assert!(verify(&signed, &proof, &key).is_err(), "{file}");
        }
    }

    #[test]
    fn times() {
        assert_eq!(seconds("2023-11-14T22:13:20Z"), Some(1_700_000_000));
        assert_eq!(seconds("2023-11-14T22:13:20.280619Z"), Some(1_700_000_000));
        for text in ["2023-11-14T22:13:20", "2023-11-14T22:13:20.Z", "2023-11-14", "", "2023-11-14T22:13:20+01:00"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn only_known_contexts_are_taken() {
        let (v2, v1) = (FIRST_CONTEXTS[0], FIRST_CONTEXTS[1]);
        for context in [json!([v2]), json!(v2), json!([v2, PROOF_CONTEXT]), json!([v1, PROOF_CONTEXT])] {
            assert_eq!(check_context(&context), Ok(()), "{context}");
        }
        for context in
            [json!([v1]), json!([]), json!([PROOF_CONTEXT, v2]), json!([v2, "x"]), json!([v2, {}]), json!({})]
        {
            assert!(check_context(&context).is_err(), "{context}");
        }
        for text in ["x", "", ":x", "urn:a b", "urn:<x>", "1a:b"] {
            assert!(iri(text).is_err(), "{text}");
        }
    }
}
