//! What an ended session still knows of the error that it ended with.

use serde::{Deserialize, Serialize};

use super::{Advice, Error, IssuerError, Operation, RequestOutcome};

/// What is kept of an error beside its code and detail, to tell it again as it was told first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Remembered {
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<Operation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer_error: Option<IssuerError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<RequestOutcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<Advice>,
}

impl Remembered {
    /// Whether nothing is known, as in sessions of the first versions.
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl Error {
    /// What is kept of it when a session ends.
    pub(crate) fn remember(&self) -> Remembered {
        let inner = &self.0;
        Remembered {
            operation: inner.operation,
            endpoint: inner.endpoint.clone(),
            status: inner.status,
            issuer_error: inner.issuer_error.clone(),
            outcome: Some(inner.outcome),
            advice: inner.advice,
        }
    }

    /// The same error once more, with what was kept of it.
    pub(crate) fn told_again(mut self, before: &Remembered) -> Self {
        let Remembered { operation, endpoint, status, issuer_error, outcome, advice } = before.clone();
        let inner = &mut *self.0;
        inner.operation = operation.or(inner.operation);
        inner.endpoint = endpoint.or(inner.endpoint.take());
        inner.status = status.or(inner.status);
        inner.issuer_error = issuer_error.or(inner.issuer_error.take());
        inner.outcome = outcome.unwrap_or(inner.outcome);
        inner.advice = advice.or(inner.advice);
        self
    }
}
