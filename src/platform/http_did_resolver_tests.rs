use serde_json::json;

use super::*;
use crate::platform::http::{HttpRequest, TransportError};

const DID: &str = "did:dyne:sandbox.town:7Yx";

/// Answers what it was given.
struct Answers(u16, Vec<u8>);

#[async_trait]
impl HttpTransport for Answers {
    async fn send(&self, request: HttpRequest, limits: HttpLimits) -> Result<HttpResponse, TransportError> {
        assert_eq!((request.method().as_str(), limits), ("GET", HttpLimits::default()));
        Ok(http::Response::builder().status(self.0).body(self.1.clone()).unwrap())
    }
}

async fn answered(status: u16, body: impl Into<Vec<u8>>) -> Result<Value, DidResolverError> {
    HttpDidResolver::new("https://r.example/dids", Answers(status, body.into())).unwrap().resolve(DID).await
}

#[test]
fn a_did_is_the_last_segment_of_the_address() {
    let address = |base: &str, did: &str| {
        HttpDidResolver::for_development(base, Answers(200, Vec::new())).unwrap().address(did).to_string()
    };
    assert_eq!(address("https://r.example", DID), format!("https://r.example/{DID}"));
    assert_eq!(address("https://r.example/1.0/identifiers/", DID), format!("https://r.example/1.0/identifiers/{DID}"));
    assert_eq!(address("https://r.example/a%20b", DID), format!("https://r.example/a%20b/{DID}"));
    assert_eq!(address("http://localhost:9/dids", "did:x:h%3A8:a_b"), "http://localhost:9/dids/did:x:h%253A8:a_b");
}

#[test]
fn addresses_that_cannot_be_a_resolvers_are_refused() {
    let of = |base: &str| HttpDidResolver::new(base, Answers(200, Vec::new())).err().map(|error| error.code());
    assert_eq!(of("https://r.example/x"), None);
    for bad in
        ["", "r.example", "http://r.example", "http://127.0.0.1:9", "https://r.example?did=", "https://u@r.example"]
    {
        assert_eq!(of(bad), Some(ErrorCode::SetupInvalid), "{bad}");
    }
    assert!(HttpDidResolver::for_development("http://127.0.0.1:9", Answers(200, Vec::new())).is_ok());
    assert!(HttpDidResolver::for_development("http://r.example", Answers(200, Vec::new())).is_err());
}

#[tokio::test]
async fn what_is_no_did_is_not_asked() {
    struct Never;
    #[async_trait]
    impl HttpTransport for Never {
        async fn send(&self, _: HttpRequest, _: HttpLimits) -> Result<HttpResponse, TransportError> {
            panic!("it was asked")
        }
    }
    let resolver = HttpDidResolver::new("https://r.example", Never).unwrap();
    let long = format!("did:x:{}", "a".repeat(MAX_DID));
    for bad in [
        "",
        "did:",
        "did:x",
        "did:x:",
        "did::y",
        "did:X:y",
        "did:x:y#k",
        "did:x:y?q",
        "did:x:../y",
        "did:x:ü",
        "did:x:y:",
        &long,
    ] {
        assert_eq!(resolver.resolve(bad).await.unwrap_err().kind, DidResolverErrorKind::Invalid, "{bad}");
    }
}

#[tokio::test]
async fn documents_come_bare_or_in_a_result() {
    let document = json!({"@context": "https://www.w3.org/ns/did/v1", "id": DID, "verificationMethod": []});
    for said in [
        document.clone(),
        json!({"didDocument": document}),
        json!({"@context": "x", "didDocument": document, "didDocumentMetadata": {"created": "1", "deactivated": "false"}}),
        json!({"didDocument": document, "didDocumentMetadata": null, "didResolutionMetadata": {"error": null}}),
        json!({"didDocument": document, "didDocumentMetadata": {"deactivated": false}, "didResolutionMetadata": {}}),
    ] {
        assert_eq!(answered(200, said.to_string()).await, Ok(document.clone()), "{said}");
    }
}

#[tokio::test]
async fn everything_else_is_an_error_that_says_whether_it_may_pass() {
    use DidResolverErrorKind::{Invalid, NotFound, Unreachable};
    let document = json!({"id": DID});
    let result = |error: Value| json!({"didDocument": null, "didResolutionMetadata": {"error": error}}).to_string();
    let url = |fragment: &str| json!({"type": format!("https://www.w3.org/ns/did#{fragment}"), "title": "x"});
    for (status, body, kind) in [
        (404, String::new(), NotFound),
        (404, "<html>".to_owned(), NotFound),
        (410, document.to_string(), NotFound),
        (400, "no".to_owned(), Invalid),
        (200, result(json!("notFound")), NotFound),
        (404, result(json!("notFound")), NotFound),
        (200, result(url("NOT_FOUND")), NotFound),
        (200, result(json!("deactivated")), NotFound),
        (200, result(json!("invalidDid")), Invalid),
        (400, result(url("INVALID_DID")), Invalid),
        (501, result(json!("methodNotSupported")), Unreachable),
        (400, result(json!("methodNotSupported")), Unreachable),
        (200, result(json!("internalError")), Unreachable),
        (200, result(json!(7)), Unreachable),
        (200, json!({"didDocument": document, "didDocumentMetadata": {"deactivated": true}}).to_string(), NotFound),
        (200, json!({"didDocument": document, "didDocumentMetadata": {"deactivated": "true"}}).to_string(), NotFound),
        (200, json!({"didDocument": null}).to_string(), NotFound),
        (200, json!({"didDocument": {}}).to_string(), Invalid),
        (200, json!({"didDocument": [document]}).to_string(), Invalid),
        (200, json!({"id": "did:dyne:sandbox.town:other"}).to_string(), Invalid),
        (200, json!({"didDocument": {"id": "did:dyne:other"}, "id": DID}).to_string(), Invalid),
        (200, "{}".to_owned(), Invalid),
        (200, "[]".to_owned(), Unreachable),
        (200, "<html>".to_owned(), Unreachable),
        (200, format!("{{\"id\":\"{DID}\",\"id\":\"{DID}\"}}"), Unreachable),
        (200, " ".repeat(1024 * 1024 + 1), Invalid),
        (302, document.to_string(), Unreachable),
        (401, document.to_string(), Unreachable),
        (403, String::new(), Unreachable),
        (406, String::new(), Unreachable),
        (429, String::new(), Unreachable),
        (500, document.to_string(), Unreachable),
        (503, String::new(), Unreachable),
    ] {
        let error = answered(status, body.clone()).await.unwrap_err();
        assert_eq!(error.kind, kind, "{status} {body:.100}: {error}");
    }
}

#[tokio::test]
async fn what_goes_wrong_on_the_way_may_pass() {
    struct Fails(TransportErrorKind);
    #[async_trait]
    impl HttpTransport for Fails {
        async fn send(&self, _: HttpRequest, _: HttpLimits) -> Result<HttpResponse, TransportError> {
            Err(TransportError::new(self.0, true, "why"))
        }
    }
    for (kind, expected) in [
        (TransportErrorKind::Unreachable, DidResolverErrorKind::Unreachable),
        (TransportErrorKind::TimedOut, DidResolverErrorKind::Unreachable),
        (TransportErrorKind::Tls, DidResolverErrorKind::Unreachable),
        (TransportErrorKind::TooLarge, DidResolverErrorKind::Invalid),
    ] {
        let resolver = HttpDidResolver::new("https://r.example", Fails(kind)).unwrap();
        assert_eq!(resolver.resolve(DID).await.unwrap_err().kind, expected, "{kind:?}");
    }
}

#[test]
fn it_is_asked_for_all_methods_or_for_those_that_were_named() {
    let all = HttpDidResolver::new("https://r.example", Answers(200, Vec::new())).unwrap();
    let some = all.clone().methods(["dyne", "prism"]);
    let asked = |resolver: HttpDidResolver, did: &str| {
        super::super::did_resolver::Resolver::new(Arc::new(resolver)).of(did).is_some()
    };
    for did in [DID, "did:ion:x", "did:prism:x"] {
        assert!(asked(all.clone(), did), "{did}");
        assert_eq!(asked(some.clone(), did), !did.contains("ion"), "{did}");
    }
    assert!(!asked(all.clone(), "https://r.example") && !asked(all, "did::x"));
}
