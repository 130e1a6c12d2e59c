//! The examples of the specification, read where they lie and never copied: each file is read into the
//! model, compared with what is sent, or refused for the reason that its index gives.
//!
//! The tables are held against the folders, so that a file without an expectation fails.

mod examples;
mod index;
mod inline;

use std::collections::BTreeSet;
use std::future::Future;
use std::path::PathBuf;

use serde_json::{Value, json};
use url::Url;

use crate::error::{Error, Operation};
use crate::json;
use crate::model::credential::CredentialResponse;
use crate::model::metadata::{AuthorizationServerMetadata, IssuerMetadata};
use crate::model::time::Timestamp;
use crate::platform::http::{HttpRequest, HttpResponse};
use crate::protocol::credential;
use crate::protocol::encryption::AnswerKey;
use crate::verify::jose::Jws;
use crate::verify::testing::spec_vectors;
use crate::verify::x509::Chain;

/// What a file has to turn out to be.
type Expectation = fn(&str);

const ISSUER: &str = "https://credential-issuer.example.com";

/// Holds every file of a folder to its expectation.
fn every_file(folder: &str, table: &[(&str, Expectation)]) {
    let Some(path) = spec_vectors(folder) else { return };
    let entries = std::fs::read_dir(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let files: BTreeSet<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    let expected: BTreeSet<String> = table.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(files, expected, "{folder}: a file without an expectation, or the other way round");
    for (name, expectation) in table {
        eprintln!("{folder}/{name}");
        expectation(&text(&path, name));
    }
}

fn text(folder: &std::path::Path, name: &str) -> String {
    let path: PathBuf = folder.join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Another file of the same collection.
fn other(folder: &str, name: &str) -> String {
    text(&spec_vectors(folder).expect("the folders lie side by side"), name)
}

/// JSON that is read as from the network.
fn value(text: &str) -> Value {
    json::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error} in {text}"))
}

/// Text that is wrapped for print: real traffic of this form is refused.
fn no_json(text: &str) {
    assert!(json::parse(text.as_bytes()).is_err(), "{text}");
}

/// A message as print shows it: its first line, its other head lines, its body.
fn message(text: &str) -> (&str, Vec<(&str, &str)>, String) {
    let mut lines = text.trim_start().lines();
    let first = lines.next().expect("a first line");
    let mut headers = Vec::new();
    for line in lines.by_ref().take_while(|line| !line.trim().is_empty()) {
        headers.extend(line.split_once(": "));
    }
    (first, headers, lines.collect::<Vec<_>>().join("\n"))
}

/// An answer, with its body or another one in its place.
fn answer(text: &str, body: Option<&str>) -> HttpResponse {
    let (first, headers, own) = message(text);
    let status: u16 = first.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let mut response = http::Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(body.map_or(own, str::to_owned).into_bytes()).expect("an answer")
}

/// The same, made of a body alone.
fn body(status: u16, text: &str) -> HttpResponse {
    let response = http::Response::builder().status(status).header("content-type", "application/json");
    response.body(text.as_bytes().to_vec()).expect("an answer")
}

fn credentials(response: &HttpResponse, operation: Operation) -> Result<CredentialResponse, Error> {
    let read = credential::response(response, AnswerKey::none(), operation, crate::dialect::Dialects::Any);
    read.map(|read| read.response)
}

/// Without the line breaks and the indentation of print.
fn joined(text: &str) -> String {
    text.lines().map(str::trim).collect()
}

/// The parameters of a form or query that is wrapped for print.
fn parameters(wrapped: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(joined(wrapped).as_bytes()).into_owned().collect()
}

fn json_body(request: &HttpRequest) -> Value {
    value(std::str::from_utf8(request.body()).expect("text"))
}

fn url(text: &str) -> Url {
    Url::parse(text).expect("a URL")
}

/// A JWT whose signature holds with the key of the first certificate in its header, its payload, and its
/// certificates.
fn signed(text: &str, typ: &str) -> (Value, Chain) {
    let jws = Jws::parse(text.trim()).expect("a JWT");
    assert_eq!(jws.header_text("typ"), Some(typ));
    let chain = Chain::from_header(&jws.header["x5c"]).expect("certificates");
    let key = chain.leaf_key().expect("a key");
    let algorithm = jws.algorithm().expect("an algorithm");
    key.verify(algorithm, jws.signing_input.as_bytes(), &jws.signature).expect("its signature holds");
    (json::parse(&jws.payload).expect("JSON"), chain)
}

/// Issuer metadata made whole around configurations that stand alone.
fn around(configurations: &Value) -> IssuerMetadata {
    let mut whole = configurations.clone();
    whole["credential_issuer"] = json!(ISSUER);
    whole["credential_endpoint"] = json!(format!("{ISSUER}/credential"));
    let metadata = crate::dialect::read::issuer_metadata(&whole).expect("metadata");
    assert!(metadata.unreadable.is_empty(), "{:?}", metadata.unreadable);
    metadata
}

fn server() -> AuthorizationServerMetadata {
    crate::dialect::read::authorization_server_metadata(&json!({
        "issuer": "https://server.example.com",
        "token_endpoint": "https://server.example.com/token",
        "authorization_endpoint": "https://server.example.com/authorize"
    }))
    .expect("metadata")
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}
