//! The JSON-LD contexts that there are: those in the library and those that the app adds. None is ever fetched.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::json_ld::{JsonLdError, excerpt};

/// Contexts in the library, by address.
macro_rules! bundled {
    ($($address:literal => $file:literal,)*) => {
        &[$(($address, include_str!(concat!("contexts/", $file)))),*]
    };
}

pub(super) const BUNDLED: &[(&str, &str)] = bundled! {
    "https://www.w3.org/2018/credentials/v1" => "credentials-v1.json",
    "https://www.w3.org/ns/credentials/v2" => "credentials-v2.json",
    "https://www.w3.org/2018/credentials/examples/v1" => "credentials-examples-v1.json",
    "https://www.w3.org/ns/credentials/examples/v2" => "credentials-examples-v2.json",
    "https://www.w3.org/ns/credentials/undefined-terms/v2" => "credentials-undefined-terms-v2.json",
    "https://www.w3.org/ns/odrl.jsonld" => "odrl.json",
    "https://w3id.org/vdl/v1" => "vdl-v1.json",
    "https://w3id.org/security/v1" => "security-v1.json",
    "https://w3id.org/security/v2" => "security-v2.json",
    "https://w3id.org/security/data-integrity/v1" => "data-integrity-v1.json",
    "https://w3id.org/security/data-integrity/v2" => "data-integrity-v2.json",
    "https://w3id.org/security/suites/ed25519-2020/v1" => "ed25519-2020-v1.json",
    "https://w3id.org/security/suites/jws-2020/v1" => "jws-2020-v1.json",
    "https://w3id.org/security/multikey/v1" => "multikey-v1.json",
    "https://w3id.org/security/jwk/v1" => "jwk-v1.json",
    "https://www.w3.org/ns/did/v1" => "did-v1.json",
    "https://w3id.org/vc/status-list/2021/v1" => "status-list-2021-v1.json",
    "https://w3id.org/vc-revocation-list-2020/v1" => "revocation-list-2020-v1.json",
    "https://www.w3.org/ns/credentials/status/v1" => "bitstring-status-list-v1.json",
    "https://w3id.org/citizenship/v1" => "citizenship-v1.json",
    "https://w3id.org/citizenship/v4rc1" => "citizenship-v4rc1.json",
};

static PARSED: LazyLock<HashMap<&'static str, Value>> = LazyLock::new(|| {
    let parse = |text: &str| serde_json::from_str(text).expect("contexts in the library are JSON");
    BUNDLED.iter().map(|(address, text)| (*address, parse(text))).collect()
});

/// What a credential's contexts are looked up in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contexts {
    added: HashMap<String, Value>,
}

impl Contexts {
    /// Adds a document that has a `@context`; says what is wrong with it if it can't be one. A context of the
    /// library can't be replaced: verification relies on what the base contexts define.
    pub(crate) fn add(&mut self, address: &str, document: Value) -> Result<(), &'static str> {
        if PARSED.contains_key(address) {
            return Err("the context is part of the library");
        }
        if document.get("@context").is_none() {
            return Err("the document has no `@context`");
        }
        self.added.insert(address.to_owned(), document);
        Ok(())
    }

    /// The local context at an address.
    pub(super) fn get(&self, address: &str) -> Result<&Value, JsonLdError> {
        let document = PARSED.get(address).or_else(|| self.added.get(address));
        let context = document.and_then(|document| document.get("@context"));
        context.ok_or_else(|| JsonLdError::UnknownContext(excerpt(address)))
    }
}
