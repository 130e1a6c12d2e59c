//! What the adapter makes of resolvers that keep to the contract, and of those that do not.

use billfold::platform::did_resolver::DidResolver as _;
use serde_json::json;

use super::*;

struct Known(Result<Vec<String>, DidResolverError>);

fn failed(kind: DidResolverErrorKind) -> DidResolverError {
    DidResolverError::Failed { kind, detail: String::from("why") }
}

#[async_trait]
impl DidResolver for Known {
    fn methods(&self) -> Result<Vec<String>, DidResolverError> {
        self.0.clone()
    }

    async fn resolve(&self, did: String) -> Result<String, DidResolverError> {
        match did.as_str() {
            "did:x:gone" => Err(failed(DidResolverErrorKind::NotFound)),
            "did:x:late" => Err(failed(DidResolverErrorKind::Unreachable)),
            "did:x:odd" => Err(failed(DidResolverErrorKind::Invalid)),
            "did:x:thrown" => Err(uniffi::UnexpectedUniFFICallbackError { reason: String::from("token=abc") }.into()),
            "did:x:text" => Ok(String::from("{\"id\": token=abc")),
            _ => Ok(json!({ "id": did }).to_string()),
        }
    }
}

#[tokio::test]
async fn documents_and_failures_cross() {
    let methods = vec![String::from("x")];
    let adapter = ResolverAdapter::new(Arc::new(Known(Ok(methods.clone())))).expect("it knows itself");
    assert_eq!(adapter.methods(), methods);
    assert_eq!(adapter.resolve("did:x:1").await, Ok(json!({ "id": "did:x:1" })));
    for (did, kind, detail) in [
        ("did:x:gone", core::DidResolverErrorKind::NotFound, "why"),
        ("did:x:late", core::DidResolverErrorKind::Unreachable, "why"),
        ("did:x:odd", core::DidResolverErrorKind::Invalid, "why"),
        ("did:x:thrown", core::DidResolverErrorKind::Unreachable, "the app's DID resolver threw something unexpected"),
        (
            "did:x:text",
            core::DidResolverErrorKind::Unreachable,
            "the app's DID resolver gave no JSON (line 1, column 9)",
        ),
    ] {
        let error = adapter.resolve(did).await.expect_err("a failure");
        assert_eq!((error.kind, error.detail.as_str()), (kind, detail), "{did}");
    }
}

#[test]
fn one_that_does_not_know_itself_is_a_setup_error() {
    let error = ResolverAdapter::new(Arc::new(Known(Err(failed(DidResolverErrorKind::Invalid))))).err();
    assert_eq!(error.expect("refused").code(), ErrorCode::SetupInvalid);
}
