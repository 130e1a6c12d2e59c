//! Where an issuance stands, with all that is needed to go on from there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::dialect::Deferral;
use crate::error::{ErrorCode, Remembered};
use crate::model::credential::HolderKey;
use crate::model::ids::{ConfigurationId, CredentialId, CredentialIdentifier, NotificationId, TransactionId};
use crate::model::offer::GrantType;
use crate::model::secret::Secret;
use crate::model::time::Timestamp;
use crate::model::token::Token;
use crate::model::type_metadata::CredentialMetadata;
use crate::protocol::authorization::{PendingAuthorization, RequestBy, RequestedClaim};
use crate::protocol::encryption::Encryption;
use crate::protocol::proof::ProofPlan;
use crate::protocol::token::TokenGrant;

/// How far an issuance is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// The user looks at the offer; nothing is spent.
    Review,
    /// The user has to type the transaction code.
    EnterCode {
        choice: Choice,
        /// How often the server refused one.
        refusals: u32,
        prepared: Prepared,
    },
    /// The user is at the authorization server, or about to be sent there.
    SignIn {
        choice: Choice,
        pending: PendingAuthorization,
        /// Where to send the user; none until the request is pushed.
        url: Option<Url>,
        /// When a pushed request ends.
        expires_at: Option<Timestamp>,
    },
    /// A token is due.
    Token {
        choice: Choice,
        grant: TokenGrant,
        /// How often a transaction code was refused before.
        refusals: u32,
        prepared: Prepared,
        /// Whether the request may have left. A grant works once, so it is not sent again then.
        in_flight: bool,
    },
    /// There is a token; credentials are due.
    Credentials {
        token: Token,
        /// Whether the token was got without a client id: proofs have no `iss` then.
        anonymous: bool,
        nonce: Option<Secret>,
        #[serde(default, skip_serializing_if = "Encryption::is_auto")]
        encryption: Encryption,
        tasks: Vec<Task>,
    },
    /// It is over.
    Ended(Ending),
}

impl Stage {
    /// The last moment that an issuer asked to wait for.
    pub(crate) fn waits_until(&self) -> Option<Timestamp> {
        let Self::Credentials { tasks, .. } = self else { return None };
        let until = |task: &Task| match task.state {
            TaskState::Deferred { until, .. } => Some(until),
            _ => None,
        };
        tasks.iter().filter_map(until).max()
    }

    /// Whether credentials came that are not stored yet.
    pub(crate) fn has_received(&self) -> bool {
        let Self::Credentials { tasks, .. } = self else { return false };
        tasks.iter().any(|task| matches!(task.state, TaskState::Received { .. }))
    }

    /// The name, for messages to developers.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Review => "review",
            Self::EnterCode { .. } => "enter code",
            Self::SignIn { .. } => "sign in",
            Self::Token { .. } => "token",
            Self::Credentials { .. } => "credentials",
            Self::Ended(_) => "ended",
        }
    }
}

/// What was made ready while something else was waited for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Prepared {
    /// A nonce that no proof has used.
    pub(crate) nonce: Option<Secret>,
    /// Keys that no credential is bound to yet.
    pub(crate) keys: BTreeMap<ConfigurationId, Vec<HolderKey>>,
}

/// What the user agreed to, and how it will be asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Choice {
    pub(crate) configurations: Vec<ConfigurationId>,
    pub(crate) grant: GrantType,
    pub(crate) request_by: RequestBy,
    /// How many copies of each credential.
    pub(crate) copies: u32,
    /// Which claims are wanted, where it is not all.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) claims: BTreeMap<ConfigurationId, Vec<RequestedClaim>>,
    /// What the app adds to the authorization request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) added: Vec<(String, Secret)>,
    #[serde(default, skip_serializing_if = "Encryption::is_auto")]
    pub(crate) encryption: Encryption,
    /// How each configuration's proofs are made; none where none is asked.
    pub(crate) plans: BTreeMap<ConfigurationId, Option<ProofPlan>>,
    /// What was offered and can't be asked for, with the reason.
    pub(crate) left_out: Vec<LeftOut>,
}

/// A configuration that this wallet can't ask for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LeftOut {
    pub(crate) configuration: ConfigurationId,
    pub(crate) code: ErrorCode,
    pub(crate) detail: String,
}

/// One credential request and what became of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) configuration: ConfigurationId,
    /// The dataset, where the token response named it.
    pub(crate) identifier: Option<CredentialIdentifier>,
    pub(crate) plan: Option<ProofPlan>,
    /// How many copies, each with a key of its own.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub(crate) copies: u32,
    pub(crate) keys: Vec<HolderKey>,
    pub(crate) state: TaskState,
}

fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_one(copies: &u32) -> bool {
    *copies == 1
}

/// How far a credential request is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TaskState {
    /// Not sent yet, or surely without effect.
    Due,
    /// Sent, no answer yet. It may be sent again with a fresh nonce.
    InFlight,
    /// The answer, as it came.
    Received {
        credentials: Vec<Value>,
        notification_id: Option<NotificationId>,
        /// How to show them, if that came along.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        credential_metadata: Option<CredentialMetadata>,
    },
    /// The issuer wants more time.
    Deferred {
        transaction_id: TransactionId,
        /// What this id is, and so how it is shown.
        #[serde(default, skip_serializing_if = "Deferral::is_by_id")]
        by: Deferral,
        until: Timestamp,
        /// Another id that the issuer named when it was asked with this one. It must not; which of the two
        /// it will know the next time is for it to say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        other: Option<TransactionId>,
        /// How often it was asked for in vain.
        #[serde(default, skip_serializing_if = "is_zero")]
        asked: u32,
    },
    /// Verified and stored; some copies may have failed.
    Stored { credential: CredentialId },
    /// It came to nothing.
    Failed {
        code: ErrorCode,
        detail: String,
        #[serde(default, skip_serializing_if = "Remembered::is_nothing")]
        told: Remembered,
        quarantined: Option<CredentialId>,
    },
}

impl TaskState {
    /// Whether nothing came of it yet.
    pub(crate) fn is_unanswered(&self) -> bool {
        matches!(self, Self::Due | Self::InFlight)
    }

    /// Whether nothing more will happen to it.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Stored { .. } | Self::Failed { .. })
    }
}

/// How an issuance ended. No secret is left in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ending {
    /// Every task came to an end.
    Done { tasks: Vec<EndedTask> },
    /// The user declined or the app gave up.
    Cancelled,
    /// It can't go on.
    Failed {
        code: ErrorCode,
        detail: String,
        #[serde(default, skip_serializing_if = "Remembered::is_nothing")]
        told: Remembered,
    },
}

/// What became of one credential request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct EndedTask {
    pub(crate) configuration: ConfigurationId,
    pub(crate) state: TaskState,
}
