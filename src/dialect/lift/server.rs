//! Authorization server metadata.

use serde_json::Value;

use super::super::tolerance::{Tolerance, Tolerated};
use super::absolute;
use crate::model::ids::IssuerId;

const ENDPOINTS: [&str; 4] =
    ["authorization_endpoint", "token_endpoint", "pushed_authorization_request_endpoint", "challenge_endpoint"];

/// Takes off what is around the metadata, and makes endpoints absolute.
pub(crate) fn lift(document: &Value, asked: &IssuerId, tolerated: &mut Tolerated) -> Value {
    let mut document = document;
    if document.get("issuer").is_none()
        && let Some(inner) = document.get("authorization_server").filter(|inner| inner.is_object())
    {
        document = inner;
        tolerated.insert(Tolerance::WrappedServerMetadata);
    }
    let mut document = document.clone();
    if let Some(members) = document.as_object_mut() {
        for name in ENDPOINTS {
            absolute(members, name, asked, tolerated);
        }
    }
    document
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lifted(document: &Value) -> (Value, Vec<Tolerance>) {
        let mut tolerated = Tolerated::new();
        let asked = IssuerId::parse("https://as.example/realm").expect("legal");
        let document = lift(document, &asked, &mut tolerated);
        (document, tolerated.into_iter().collect())
    }

    #[test]
    fn a_wrapper_comes_off_and_paths_become_addresses() {
        let (document, tolerated) = lifted(&json!({ "authorization_server": {
            "issuer": "https://as.example/realm", "token_endpoint": "/token", "authorization_endpoint": "https://as.example/a"
        } }));
        assert_eq!(document["token_endpoint"], "https://as.example/token");
        assert_eq!(document["authorization_endpoint"], "https://as.example/a");
        assert_eq!(tolerated, [Tolerance::WrappedServerMetadata, Tolerance::RelativeEndpoint]);
    }

    #[test]
    fn what_is_in_order_stays_and_what_names_another_host_is_no_path() {
        for endpoint in
            ["https://as.example/token", "//evil.example/token", "/\\evil.example/token", "token", "/\t/evil.example"]
        {
            let document = json!({ "issuer": "https://as.example/realm", "token_endpoint": endpoint });
            let (lifted, tolerated) = lifted(&document);
            assert_eq!((lifted, tolerated), (document, vec![]), "{endpoint}");
        }
    }
}
