//! What can happen to an issuance.

use serde_json::Value;
use url::Url;

use super::stage::{Choice, Prepared, Task};
use crate::dialect::Deferral;
use crate::error::{ErrorCode, Remembered};
use crate::model::credential::HolderKey;
use crate::model::ids::{CredentialId, NotificationId, TransactionId};
use crate::model::secret::Secret;
use crate::model::time::Timestamp;
use crate::model::token::Token;
use crate::model::type_metadata::CredentialMetadata;
use crate::protocol::authorization::PendingAuthorization;
use crate::protocol::encryption::Encryption;
use crate::protocol::proof::ProofPlan;
use crate::protocol::token::TokenGrant;

/// One thing that happened.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// The user said yes, and has to sign in.
    SignInBegan { choice: Choice, pending: PendingAuthorization },
    /// The user said yes, and has to type a code.
    CodeWanted { choice: Choice },
    /// The address for the browser is known.
    SignInReady { url: Url, expires_at: Option<Timestamp> },
    /// The sign-in has to begin again: it was refused, or its code was lost.
    SignInDropped,
    /// There is something to ask a token with.
    GrantReady { choice: Choice, grant: TokenGrant },
    /// The token request is about to leave.
    TokenSent,
    /// The token request surely had no effect; it can be sent again.
    TokenNotSent { prepared: Prepared },
    /// The server refused the transaction code.
    TxCodeRefused { prepared: Prepared },
    /// A token came.
    TokenReceived { token: Token, anonymous: bool, prepared: Prepared },
    /// The token was renewed.
    TokenRenewed { token: Token },
    /// A credential that is there already is asked for again, with the token that is there too.
    RenewalBegan { token: Token, anonymous: bool, encryption: Encryption, tasks: Vec<Task> },
    /// There is no token left to ask with: the user has to agree again.
    AuthorizationEnded,
    /// A nonce and keys were made ready after the token had come.
    MadeReady { prepared: Prepared },
    /// A task needs a proof that it was not planned with.
    ProofPlanned { task: usize, plan: ProofPlan },
    /// Keys were made for a task.
    KeysMade { task: usize, keys: Vec<HolderKey> },
    /// A credential request is about to leave; it uses the nonce up, unless the issuer says when there is another.
    CredentialSent { task: usize, keeps_nonce: bool },
    /// An answer brought a nonce for the next proofs.
    NonceReceived { nonce: Secret },
    /// It had no effect, or may be repeated all the same.
    CredentialDue { task: usize },
    /// The issuer did not accept how a request was encrypted, and has said anew how that is done.
    EncryptionRenewed { encryption: Encryption },
    /// Credentials came.
    CredentialsReceived {
        task: usize,
        credentials: Vec<Value>,
        notification_id: Option<NotificationId>,
        credential_metadata: Option<CredentialMetadata>,
    },
    /// The issuer wants more time.
    CredentialDeferred {
        task: usize,
        transaction_id: TransactionId,
        by: Deferral,
        until: Timestamp,
        other: Option<TransactionId>,
        asked: u32,
    },
    /// A credential is in the store.
    CredentialStored { task: usize, credential: CredentialId },
    /// A credential request came to nothing.
    TaskFailed { task: usize, code: ErrorCode, detail: String, told: Remembered, quarantined: Option<CredentialId> },
    /// It can't go on.
    Failed { code: ErrorCode, detail: String, told: Remembered },
    /// The user declined or the app gave up.
    Cancelled,
}

impl Event {
    /// Whether it is something that came and may not be had a second time.
    pub(crate) fn is_received(&self) -> bool {
        matches!(self, Self::TokenReceived { .. } | Self::CredentialsReceived { .. } | Self::CredentialDeferred { .. })
    }

    /// The name, for messages to developers.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::SignInBegan { .. } | Self::CodeWanted { .. } => "accept",
            Self::SignInReady { .. } => "sign-in ready",
            Self::SignInDropped => "sign-in dropped",
            Self::GrantReady { .. } => "grant ready",
            Self::TokenSent => "token sent",
            Self::TokenNotSent { .. } => "token not sent",
            Self::TxCodeRefused { .. } => "transaction code refused",
            Self::TokenReceived { .. } => "token received",
            Self::TokenRenewed { .. } => "token renewed",
            Self::RenewalBegan { .. } => "renewal began",
            Self::AuthorizationEnded => "authorization ended",
            Self::MadeReady { .. } => "made ready",
            Self::ProofPlanned { .. } => "proof planned",
            Self::KeysMade { .. } => "keys made",
            Self::NonceReceived { .. } => "nonce received",
            Self::CredentialSent { .. } => "credential request sent",
            Self::CredentialDue { .. } => "credential request due",
            Self::EncryptionRenewed { .. } => "encryption renewed",
            Self::CredentialsReceived { .. } => "credentials received",
            Self::CredentialDeferred { .. } => "credential deferred",
            Self::CredentialStored { .. } => "credential stored",
            Self::TaskFailed { .. } => "credential failed",
            Self::Failed { .. } => "failed",
            Self::Cancelled => "cancel",
        }
    }
}
