use std::sync::{Arc, Mutex};
use std::time::Duration;

use billfold::platform::did_resolver::{DidResolver as _, DidResolverErrorKind};
use billfold::platform::http_did_resolver::HttpDidResolver;
use billfold::platform::reqwest::ReqwestTransport;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::transport::{Server, read_request};

const DID: &str = "did:dyne:sandbox.town:7Yx";

/// A resolver that answers so, and what it was asked.
async fn resolver(status: &str, content_type: &str, body: &str) -> (Server, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let answer =
        format!("HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let seen = asked.clone();
    let server = Server::start(move |mut stream| {
        let (answer, seen) = (answer.clone(), seen.clone());
        async move {
            while let Some(request) = read_request(&mut stream).await {
                seen.lock().unwrap().push(request);
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
        }
    })
    .await;
    (server, asked)
}

async fn resolve(server: &Server, did: &str) -> Result<Value, DidResolverErrorKind> {
    let resolver = HttpDidResolver::for_development(server.url("/1.0/identifiers/"), ReqwestTransport::new()).unwrap();
    resolver.resolve(did).await.map_err(|error| error.kind)
}

#[tokio::test]
async fn a_document_is_asked_for_by_its_did() {
    let document = json!({"id": DID, "assertionMethod": []});
    for (content_type, body) in [
        ("application/did+ld+json", document.clone()),
        ("application/did+json;charset=utf-8", document.clone()),
        ("application/json", document.clone()),
        (
            "application/ld+json;profile=\"https://w3id.org/did-resolution\"",
            json!({"didDocument": document, "didDocumentMetadata": {"deactivated": "false"}}),
        ),
    ] {
        let (server, asked) = resolver("200 OK", content_type, &body.to_string()).await;
        assert_eq!(resolve(&server, DID).await, Ok(document.clone()), "{content_type}");
        let asked = asked.lock().unwrap().clone();
        let [request] = asked.as_slice() else { panic!("{asked:?}") };
        assert!(request.starts_with(&format!("GET /1.0/identifiers/{DID} HTTP/1.1\r\n")), "{request}");
        assert!(request.to_ascii_lowercase().contains("accept: application/did+ld+json, "), "{request}");
    }
    // A percent sign is one of the DID.
    let (server, asked) = resolver("404 Not Found", "text/plain", "").await;
    assert_eq!(resolve(&server, "did:x:h%3A8").await, Err(DidResolverErrorKind::NotFound));
    assert!(asked.lock().unwrap()[0].starts_with("GET /1.0/identifiers/did:x:h%253A8 HTTP/1.1\r\n"));
}

#[tokio::test]
async fn nothing_is_followed_and_nothing_is_read_without_end() {
    let (target, _) = resolver("200 OK", "application/json", &json!({"id": DID}).to_string()).await;
    let location = format!("302 Found\r\nlocation: {}", target.url("/"));
    let (server, _) = resolver(&location, "text/plain", "").await;
    assert_eq!(resolve(&server, DID).await, Err(DidResolverErrorKind::Unreachable));
    assert_eq!(target.connections(), 0);

    let long = json!({"id": DID, "x": "x".repeat(1024 * 1024)}).to_string();
    let (server, _) = resolver("200 OK", "application/json", &long).await;
    assert_eq!(resolve(&server, DID).await, Err(DidResolverErrorKind::Invalid));

    let server = Server::start(|stream| async move { drop(stream) }).await;
    let found = tokio::time::timeout(Duration::from_secs(20), resolve(&server, DID)).await.unwrap();
    assert_eq!(found, Err(DidResolverErrorKind::Unreachable));
}

#[tokio::test]
async fn a_deactivated_did_is_none() {
    let body = json!({"didDocument": {"id": DID}, "didDocumentMetadata": {"deactivated": true}}).to_string();
    for status in ["200 OK", "410 Gone"] {
        let (server, _) = resolver(status, "application/json", &body).await;
        assert_eq!(resolve(&server, DID).await, Err(DidResolverErrorKind::NotFound), "{status}");
    }
}
