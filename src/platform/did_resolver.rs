//! DID methods that the app knows and billfold does not.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

/// Among the methods that a [`DidResolver`] knows: all that billfold does not resolve by itself.
pub const ALL_METHODS: &str = "*";

/// Resolves DIDs of methods that billfold does not resolve by itself.
///
/// did:key, did:jwk, did:web and the long form of did:prism are never asked of it. A document is judged by the same
/// rules as one of a did:web: its `id` has to be the DID, and only keys that it lists for assertions
/// (`assertionMethod`) sign credentials. Documents are remembered for five minutes.
#[async_trait]
pub trait DidResolver: Send + Sync {
    /// The methods that it knows, such as `ebsi` of `did:ebsi:…`, or [`ALL_METHODS`]. Read once, when the wallet is
    /// built.
    fn methods(&self) -> Vec<String>;

    /// The DID document, as the JSON object of DID Core section 6.2, of a DID without path, query and fragment.
    async fn resolve(&self, did: &str) -> Result<Value, DidResolverError>;
}

#[async_trait]
impl<T: DidResolver + ?Sized> DidResolver for Arc<T> {
    fn methods(&self) -> Vec<String> {
        (**self).methods()
    }

    async fn resolve(&self, did: &str) -> Result<Value, DidResolverError> {
        (**self).resolve(did).await
    }
}

/// What became of a DID that was not resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DidResolverErrorKind {
    /// There is no such DID, or it was deactivated: a credential of it is rejected.
    NotFound,
    /// It can't be found out now; later it may. A credential of it is unverified until then.
    Unreachable,
    /// It is not a DID of its method: a credential of it is rejected.
    Invalid,
}

/// A DID that was not resolved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct DidResolverError {
    /// What became of it.
    pub kind: DidResolverErrorKind,
    /// Why, for developers. It stands in the credential's report.
    pub detail: String,
}

impl DidResolverError {
    /// From its parts.
    pub fn new(kind: DidResolverErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }
}

/// A resolver with the methods that it named.
#[derive(Clone)]
pub(crate) struct Resolver {
    methods: Vec<String>,
    resolver: Arc<dyn DidResolver>,
}

impl Resolver {
    pub(crate) fn new(resolver: Arc<dyn DidResolver>) -> Self {
        Self { methods: resolver.methods(), resolver }
    }

    /// Who resolves this DID, if it is of a method that was named.
    pub(crate) fn of(&self, did: &str) -> Option<&dyn DidResolver> {
        let method = did.strip_prefix("did:")?.split(':').next().filter(|method| !method.is_empty())?;
        self.methods.iter().any(|known| known == method || known == ALL_METHODS).then_some(&*self.resolver)
    }
}
