//! The one error that crosses the border: a variant a kind, the rest in a record.

use std::fmt;

use billfold::model::ids::SessionId;
use billfold::{Error, ErrorKind};

/// What the app should do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Advice {
    /// Make the same call again, now or later; nothing is lost.
    Retry,
    /// Ask the user for the transaction code again.
    AskCodeAgain,
    /// Let the user sign in again.
    SignInAgain,
    /// Ask the issuer for a new offer.
    GetNewOffer,
    /// Begin the issuance again from the same offer or issuer.
    StartOver,
    /// The credential is kept aside, not lost: check it again later with `recheck`.
    CheckAgain,
    /// Get the credential anew, with `refresh`.
    Renew,
    /// Ask the user for the passphrase again.
    AskPassphraseAgain,
    /// The program or its settings have to be corrected.
    FixSetup,
    /// The issuer has to correct something; show the transcript to its operator.
    TellIssuer,
    /// Nothing can be done.
    GiveUp,
}

impl From<billfold::Advice> for Advice {
    fn from(advice: billfold::Advice) -> Self {
        match advice {
            billfold::Advice::Retry => Self::Retry,
            billfold::Advice::AskCodeAgain => Self::AskCodeAgain,
            billfold::Advice::SignInAgain => Self::SignInAgain,
            billfold::Advice::GetNewOffer => Self::GetNewOffer,
            billfold::Advice::StartOver => Self::StartOver,
            billfold::Advice::CheckAgain => Self::CheckAgain,
            billfold::Advice::Renew => Self::Renew,
            billfold::Advice::AskPassphraseAgain => Self::AskPassphraseAgain,
            billfold::Advice::FixSetup => Self::FixSetup,
            billfold::Advice::TellIssuer => Self::TellIssuer,
            // Advice that this layer does not know is no advice.
            _ => Self::GiveUp,
        }
    }
}

/// Whether a request had reached the server when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum RequestOutcome {
    /// No request was sent, or it surely did not arrive.
    NotSent,
    /// The server answered.
    Answered,
    /// It may have arrived and may have had its effect.
    Unknown,
}

impl From<billfold::RequestOutcome> for RequestOutcome {
    fn from(outcome: billfold::RequestOutcome) -> Self {
        match outcome {
            billfold::RequestOutcome::NotSent => Self::NotSent,
            billfold::RequestOutcome::Answered => Self::Answered,
            billfold::RequestOutcome::Unknown => Self::Unknown,
        }
    }
}

/// Everything that is known about a failure. Holds no token, code, key or claim: the generated
/// Kotlin prints all of it.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct ErrorDetails {
    /// The stable text of the core's error code, or `internal`.
    pub code: String,
    /// What the app should do.
    pub advice: Advice,
    /// Whether making the same call again can help.
    pub is_retryable: bool,
    /// What was found, in a sentence for developers.
    pub detail: String,
    /// Where in the protocol it happened, by name.
    pub operation: Option<String>,
    /// The address that was asked, without its query.
    pub endpoint: Option<String>,
    /// The HTTP status of the answer.
    pub status: Option<u16>,
    /// The server's own `error`.
    pub server_error: Option<String>,
    /// The server's own `error_description`.
    pub server_description: Option<String>,
    /// Whether the failed request may have had its effect.
    pub outcome: RequestOutcome,
    /// The session that it happened in.
    pub session: Option<String>,
    /// Every request and answer so far, without secrets, one a line.
    pub transcript: String,
}

/// What went wrong, by kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum WalletError {
    /// The link or the offer behind it is not usable.
    #[error("{details}")]
    Offer {
        /// What is known about it.
        details: ErrorDetails,
    },
    /// The issuer's or the authorization server's metadata is not usable.
    #[error("{details}")]
    Metadata {
        /// What is known about it.
        details: ErrorDetails,
    },
    /// A server could not be reached, or its answer did not arrive whole.
    #[error("{details}")]
    Network {
        /// What is known about it.
        details: ErrorDetails,
    },
    /// A server said no, or said something that the protocol does not allow.
    #[error("{details}")]
    Issuer {
        /// What is known about it.
        details: ErrorDetails,
    },
    /// The user or the issuer declined.
    #[error("{details}")]
    Denied {
        /// What is known about it.
        details: ErrorDetails,
    },
    /// The call does not fit where the issuance stands.
    #[error("{details}")]
    WrongStep {
        /// What is known about it.
        details: ErrorDetails,
    },
    /// The credential did not pass its checks.
    #[error("{details}")]
    Verification {
        /// What is known about it.
        details: ErrorDetails,
    },
    /// The platform's keys failed.
    #[error("{details}")]
    Keys {
        /// What is known about it.
        details: ErrorDetails,
    },
    /// The wallet's own storage failed.
    #[error("{details}")]
    Store {
        /// What is known about it.
        details: ErrorDetails,
    },
    /// Something that this wallet, or this version, does not do; also a fault inside the library.
    #[error("{details}")]
    Unsupported {
        /// What is known about it.
        details: ErrorDetails,
    },
}

impl fmt::Display for ErrorDetails {
    /// One line for a log: the code, then what was found and where.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)?;
        if let Some(error) = &self.server_error {
            write!(f, " (the server said {error}")?;
            if let Some(description) = &self.server_description {
                write!(f, ": {description}")?;
            }
            f.write_str(")")?;
        }
        if let Some(endpoint) = &self.endpoint {
            write!(f, " [{endpoint}")?;
            if let Some(status) = self.status {
                write!(f, ", status {status}")?;
            }
            f.write_str("]")?;
        }
        Ok(())
    }
}

impl WalletError {
    /// The record of any kind.
    pub fn details(&self) -> &ErrorDetails {
        match self {
            Self::Offer { details }
            | Self::Metadata { details }
            | Self::Network { details }
            | Self::Issuer { details }
            | Self::Denied { details }
            | Self::WrongStep { details }
            | Self::Verification { details }
            | Self::Keys { details }
            | Self::Store { details }
            | Self::Unsupported { details } => details,
        }
    }

    /// A fault of this library itself. What a request did meanwhile is not known.
    pub(crate) fn internal(detail: &str, session: Option<SessionId>) -> Self {
        Self::Unsupported {
            details: ErrorDetails {
                code: String::from("internal"),
                advice: Advice::GiveUp,
                is_retryable: false,
                detail: detail.to_owned(),
                operation: None,
                endpoint: None,
                status: None,
                server_error: None,
                server_description: None,
                outcome: RequestOutcome::Unknown,
                session: session.map(|session| session.to_string()),
                transcript: String::new(),
            },
        }
    }
}

impl From<Error> for WalletError {
    fn from(error: Error) -> Self {
        let server = error.server_error();
        let details = ErrorDetails {
            code: error.code().as_str().to_owned(),
            advice: error.advice().into(),
            is_retryable: error.is_retryable(),
            detail: error.detail().to_owned(),
            operation: error.operation().map(|operation| operation.as_str().to_owned()),
            endpoint: error.endpoint_url().map(str::to_owned),
            status: error.http_status(),
            server_error: server.map(|server| server.error.clone()),
            server_description: server.and_then(|server| server.error_description.clone()),
            outcome: error.outcome().into(),
            session: error.session().map(ToString::to_string),
            transcript: error.transcript().to_string(),
        };
        match error.kind() {
            ErrorKind::Offer => Self::Offer { details },
            ErrorKind::Metadata => Self::Metadata { details },
            ErrorKind::Network => Self::Network { details },
            ErrorKind::Issuer => Self::Issuer { details },
            ErrorKind::Denied => Self::Denied { details },
            ErrorKind::WrongStep => Self::WrongStep { details },
            ErrorKind::Verification => Self::Verification { details },
            ErrorKind::Keys => Self::Keys { details },
            ErrorKind::Store => Self::Store { details },
            // Also a kind that this layer does not know; its code says which.
            _ => Self::Unsupported { details },
        }
    }
}

#[cfg(test)]
mod tests;
