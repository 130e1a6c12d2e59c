//! What is found out about every offer and every issuer's metadata that there is: the examples of the
//! specification in all drafts, what was recorded of deployed issuers, and our own fixtures.
//!
//! `detect_table.txt` has a line for each. A file that has none fails the test, and so does a line without a file.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Value, json};
use url::Url;

use crate::dialect::detect::{quirks, signs};
use crate::dialect::explain;
use crate::dialect::lift;
use crate::dialect::tolerance::Tolerated;
use crate::dialect::{Basis, Dialects, EncryptionForm, PinParameter, Quirks, issuer_metadata, offer};
use crate::json;
use crate::model::ids::{ConfigurationId, IssuerId};
use crate::verify::testing::{recordings, spec_vectors};

/// What has neither an offer nor an issuer's metadata in it, by the beginnings of its name.
const OTHERS: [&str; 12] = [
    "INDEX",
    "authorization_details",
    "credential_request_",
    "credential_response_",
    "issuer_jwks",
    "wallet_attestation",
    "1.0-errata1__issuer_jwks",
    "1.0-inline__",
    "1.0__credential_response_",
    "1.0__wallet_attestation",
    // Sections of the specification.
    "C.3-",
    "D.1-",
];

/// The same of numbered sections.
fn is_section(name: &str) -> bool {
    let number = name.strip_prefix("1.0-inline__").unwrap_or(name).split('-').next().unwrap_or_default();
    !number.is_empty() && number.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'E' | 'F'))
}

/// The files of a folder, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

fn name_of(path: &Path) -> String {
    path.file_name().expect("it has a name").to_string_lossy().into_owned()
}

/// The document in a file: the file itself, the body of a message, or the value in a link.
fn document(text: &str) -> Option<Value> {
    let text = text.trim();
    if text.contains("credential_offer=") {
        let link = Url::parse("https://wallet.example").expect("legal").join(text.trim_start_matches("GET ")).ok()?;
        let value = link.query_pairs().find(|(name, _)| name == "credential_offer")?.1.into_owned();
        return json::parse(value.as_bytes()).ok();
    }
    let body = if text.starts_with("HTTP/") { text.split_once("\n\n")?.1 } else { text };
    json::parse(body.as_bytes()).ok()
}

/// The name of a value as it is stored.
fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).expect("JSON").as_str().expect("a name").to_owned()
}

fn words<T: Serialize>(values: impl IntoIterator<Item = T>) -> String {
    let words: Vec<_> = values.into_iter().map(word).collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(" ") }
}

/// What follows for how the issuer is spoken to.
fn conclusions(quirks: &Quirks, tolerated: &Tolerated) -> String {
    let form = quirks.request;
    let basis = match quirks.basis {
        Basis::Nothing => " unless there is a nonce",
        Basis::Evidence | Basis::Experience => "",
    };
    format!(
        "{} | {} | {}+{}{basis} | {} | {} | {}",
        explain::report(quirks, false, tolerated).looks_like,
        words(&quirks.seen),
        word(form.selector),
        word(form.proof),
        word(quirks.details),
        word(quirks.encryption),
        words(tolerated),
    )
}

/// What is found out about metadata, or about a part of it that an example shows.
fn metadata(document: &Value) -> String {
    let mut document = document.clone();
    // An entry alone is one of the lists that draft 11 had.
    if document.get("format").is_some() {
        document = json!({ "credentials_supported": [document] });
    }
    if document.get("credential_issuer").is_none() && document.get("credential_endpoint").is_none() {
        document["credential_issuer"] = json!("https://credential-issuer.example.com");
        document["credential_endpoint"] = json!("https://credential-issuer.example.com/credential");
    }
    let named = document["credential_issuer"].as_str().and_then(|issuer| IssuerId::parse(issuer).ok());
    let asked = named.unwrap_or_else(|| IssuerId::parse("https://credential-issuer.example.com").expect("legal"));
    let lifted = lift::metadata::lift(&document, &asked);
    let read = match issuer_metadata(&document, &asked, Dialects::Any) {
        Ok(read) => read,
        Err(error) => return format!("metadata | refused: {error}"),
    };
    // In the words of 1.0 it stays as it was, and a wallet that takes no other reads the same.
    if read.tolerated.is_empty() {
        assert_eq!(lifted.document, document);
        let strict = issuer_metadata(&document, &asked, Dialects::Strict).expect("it is 1.0");
        assert_eq!(format!("{:?}", strict.metadata), format!("{:?}", read.metadata));
    }
    let mut said = conclusions(&read.quirks, &read.tolerated);
    for (id, why) in &read.metadata.unreadable {
        write!(said, " | {id} is not read: {why}").expect("a text takes it");
    }
    let configurations = read.metadata.credential_configurations_supported.len();
    let server = if read.server.is_some() { " | its own server" } else { "" };
    format!("metadata of {configurations} | {said}{server}")
}

/// What is found out about an offer.
fn offered(document: &Value) -> String {
    let read = match offer(document, Dialects::Any) {
        Ok(read) => read,
        Err(error) => return format!("offer | refused: {error}"),
    };
    if read.tolerated.is_empty() {
        assert!(offer(document, Dialects::Strict).is_ok(), "{document}");
    }
    let ids = read.offer.credential_configuration_ids.iter().map(ConfigurationId::as_str).collect::<Vec<_>>().join(" ");
    let code = read.offer.grants.pre_authorized_code.as_ref().and_then(|grant| grant.tx_code.as_ref());
    let pin = match (code, read.pin) {
        (None, _) => "no code",
        (Some(_), PinParameter::TxCode) => "tx_code",
        (Some(_), PinParameter::UserPin) => "user_pin",
    };
    format!("offer of {ids} | {pin} | {}", words(&read.tolerated))
}

/// The line of a file of the specification, or of a fixture.
fn line(folder: &str, path: &Path) -> Option<String> {
    let name = name_of(path);
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let found = if name.contains("metadata") {
        document(&text).map_or("metadata | no JSON".to_owned(), |document| metadata(&document))
    } else if text.contains("credential_offer_uri=") {
        "offer | by reference".to_owned()
    } else if name.contains("offer") {
        document(&text).map_or("offer | no JSON".to_owned(), |document| offered(&document))
    } else {
        let known = OTHERS.iter().any(|other| name.starts_with(other)) || is_section(&name);
        assert!(known, "{folder}/{name} is of no known kind");
        assert!(!text.contains("s_supported\""), "{folder}/{name} has metadata in it");
        return None;
    };
    Some(format!("{folder}/{name} | {found}"))
}

/// The lines of a recording: its metadata and its offers, each once.
fn recorded(path: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let steps: Vec<Value> = serde_json::from_str(&text).expect("a list of steps");
    let mut found = BTreeSet::new();
    for step in &steps {
        let body = &step["response"]["body"];
        if body.get("credential_issuer").is_some() && body.get("credential_endpoint").is_some() {
            found.insert(metadata(body));
        } else if body.get("credential_issuer").is_some() {
            found.insert(offered(body));
        } else if let Some(link) = body.get("uri").or_else(|| body.get("offer")).and_then(Value::as_str) {
            found.extend(document(link).map(|document| offered(&document)));
        }
    }
    assert!(!found.is_empty(), "{}: nothing in it", path.display());
    found.into_iter().map(|line| format!("{} | {line}", name_of(path))).collect()
}

/// Holds lines to those of the table that begin the same.
fn hold(begins: &str, lines: &[String]) {
    let table = include_str!("detect_table.txt").lines().filter(|line| line.starts_with(begins));
    let expected: Vec<&str> = table.collect();
    for line in lines {
        assert!(expected.contains(&line.as_str()), "the table has another line, or none:\n{line}");
    }
    assert_eq!(expected, lines, "the table has lines of {begins} that nothing stands behind");
}

#[test]
fn all_examples_of_the_specification() {
    let folders =
        ["draft11", "draft12", "draft13", "draft14", "draft15", "1.0", "1.0-derived", "1.0-errata1", "1.0-inline"];
    let Some(root) = spec_vectors(".") else { return };
    let on_disk: BTreeSet<String> =
        files(&root).iter().filter(|path| path.is_dir()).map(|path| name_of(path)).collect();
    assert_eq!(on_disk, folders.iter().map(|name| (*name).to_owned()).collect(), "a folder that nobody looks at");
    for folder in folders {
        let lines: Vec<_> = files(&root.join(folder)).iter().filter_map(|path| line(folder, path)).collect();
        hold(&format!("{folder}/"), &lines);
    }
}

#[test]
fn all_recordings_of_deployed_issuers() {
    let Some(folder) = recordings() else { return };
    let lines: Vec<_> =
        files(&folder).iter().flat_map(|path| recorded(path)).map(|line| format!("recorded/{line}")).collect();
    hold("recorded/", &lines);
}

#[test]
fn all_fixtures() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut lines = Vec::new();
    for folder in files(&root).into_iter().filter(|path| path.is_dir()) {
        for path in files(&folder) {
            let name = name_of(&path);
            if name.starts_with("issuer-metadata") || name.starts_with("offer") {
                lines.extend(line(&format!("fixtures/{}", name_of(&folder)), &path));
            }
        }
    }
    hold("fixtures/", &lines);
}

#[test]
fn who_takes_encrypted_requests_gets_no_plain_ones() {
    let both = json!({ "credential_response_encryption_alg_values_supported": ["ECDH-ES"],
        "credential_request_encryption": { "encryption_required": true } });
    assert_eq!(quirks(signs(&both)).encryption, EncryptionForm::InKey);
}
