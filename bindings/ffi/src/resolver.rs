//! DID methods that the app knows, in the app's own language.

use std::sync::Arc;

use async_trait::async_trait;
use billfold::platform::did_resolver as core;
use billfold::{Error, ErrorCode};
use serde_json::Value;

/// What became of a DID that was not resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum DidResolverErrorKind {
    /// There is no such DID, or it was deactivated: a credential of it is rejected.
    NotFound,
    /// It can't be found out now; later it may.
    Unreachable,
    /// It is not a DID of its method: a credential of it is rejected.
    Invalid,
}

/// A DID that was not resolved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum DidResolverError {
    /// The only variant.
    #[error("{detail}")]
    Failed {
        /// What became of it.
        kind: DidResolverErrorKind,
        /// A sentence for developers. It stands in the credential's report.
        detail: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for DidResolverError {
    /// The text of an unexpected exception may hold anything, so it stays behind.
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed {
            kind: DidResolverErrorKind::Unreachable,
            detail: String::from("the app's DID resolver threw something unexpected"),
        }
    }
}

impl From<DidResolverError> for core::DidResolverError {
    fn from(error: DidResolverError) -> Self {
        let DidResolverError::Failed { kind, detail } = error;
        let kind = match kind {
            DidResolverErrorKind::NotFound => core::DidResolverErrorKind::NotFound,
            DidResolverErrorKind::Unreachable => core::DidResolverErrorKind::Unreachable,
            DidResolverErrorKind::Invalid => core::DidResolverErrorKind::Invalid,
        };
        Self::new(kind, detail)
    }
}

/// Resolves DIDs of methods that billfold does not resolve by itself. It is never asked for did:key, did:jwk,
/// did:web and the long form of did:prism.
#[uniffi::export(foreign)]
#[async_trait]
pub trait DidResolver: Send + Sync {
    /// The methods that it knows, such as `ebsi` of `did:ebsi:…`, or `*` for all that billfold does not resolve by
    /// itself. Asked once, when the wallet is opened.
    fn methods(&self) -> Result<Vec<String>, DidResolverError>;

    /// The DID document, as the text of a JSON object, of a DID without path, query and fragment.
    async fn resolve(&self, did: String) -> Result<String, DidResolverError>;
}

/// The app's resolver as the core's.
pub(crate) struct ResolverAdapter {
    resolver: Arc<dyn DidResolver>,
    methods: Vec<String>,
}

impl ResolverAdapter {
    /// Asks for the methods at once, because the core asks where nothing may fail.
    pub(crate) fn new(resolver: Arc<dyn DidResolver>) -> Result<Self, Error> {
        let methods = resolver.methods().map_err(|error| Error::new(ErrorCode::SetupInvalid, error.to_string()))?;
        Ok(Self { resolver, methods })
    }
}

#[async_trait]
impl core::DidResolver for ResolverAdapter {
    fn methods(&self) -> Vec<String> {
        self.methods.clone()
    }

    async fn resolve(&self, did: &str) -> Result<Value, core::DidResolverError> {
        let document = self.resolver.resolve(did.to_owned()).await?;
        serde_json::from_str(&document).map_err(|error| {
            // Where it ends to be JSON, and nothing of what stands there.
            let detail =
                format!("the app's DID resolver gave no JSON (line {}, column {})", error.line(), error.column());
            core::DidResolverError::new(core::DidResolverErrorKind::Unreachable, detail)
        })
    }
}

#[cfg(test)]
mod tests;
