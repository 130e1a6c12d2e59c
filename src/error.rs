//! The one public error: what went wrong, where, and what the app should do now.

use std::error::Error as StdError;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::ids::SessionId;
pub use crate::transcript::Operation;
use crate::transcript::Transcript;

mod remembered;
pub(crate) use remembered::Remembered;

/// What kind of trouble it is, for an app that shows one sentence a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The link or the offer behind it is not usable.
    Offer,
    /// The issuer's or the authorization server's metadata is not usable.
    Metadata,
    /// A server could not be reached, or its answer did not arrive whole.
    Network,
    /// A server said no, or said something that the protocol does not allow.
    Issuer,
    /// The user or the issuer declined.
    Denied,
    /// The call does not fit where the issuance stands.
    WrongStep,
    /// The credential did not pass its checks.
    Verification,
    /// The platform's keys failed, or the wallet provider that vouches for them.
    Keys,
    /// The wallet's own storage failed.
    Store,
    /// Something that this wallet, or this version, does not do.
    Unsupported,
}

/// What the app should do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
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
    /// The credential is kept aside, not lost: check it again later with
    /// [`Wallet::recheck`](crate::Wallet::recheck).
    CheckAgain,
    /// Get the credential anew, by [`Wallet::refresh`](crate::Wallet::refresh).
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

/// Whether a request had reached the server when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestOutcome {
    /// No request was sent, or it surely did not arrive.
    NotSent,
    /// The server answered.
    Answered,
    /// It may have arrived and may have had its effect.
    Unknown,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $kind:ident, $advice:ident;)*) => {
        /// What exactly went wrong. Codes are stable: an app or a log search may rely on them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)*
        }

        impl ErrorCode {
            /// All codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable text of the code.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The kind it belongs to.
            pub fn kind(self) -> ErrorKind {
                match self { $(Self::$variant => ErrorKind::$kind,)* }
            }

            /// What the app should do, unless the error itself says otherwise.
            pub fn advice(self) -> Advice {
                match self { $(Self::$variant => Advice::$advice,)* }
            }
        }
    };
}

codes! {
    /// The link can't be taken apart, or the offer is no JSON of the right shape.
    OfferMalformed = "offer_malformed", Offer, GetNewOffer;
    /// The link has both `credential_offer` and `credential_offer_uri`.
    OfferAmbiguous = "offer_ambiguous", Offer, GetNewOffer;
    /// The text is no link with an offer: it has neither `credential_offer` nor `credential_offer_uri`.
    OfferMissing = "offer_missing", Offer, GetNewOffer;
    /// The offer names an issuer that is no legal identifier.
    OfferIssuerInvalid = "offer_issuer_invalid", Offer, GetNewOffer;
    /// The offer is over the size limit.
    OfferTooLarge = "offer_too_large", Offer, GetNewOffer;
    /// The document behind the link is gone or was refused.
    OfferUnavailable = "offer_unavailable", Offer, GetNewOffer;
    /// A configuration was asked for that the offer or the issuer does not have.
    UnknownConfiguration = "unknown_configuration", Offer, GetNewOffer;
    /// The offer and the server have no grant in common that this wallet can use.
    GrantUnavailable = "grant_unavailable", Offer, GetNewOffer;
    /// The text is too long for a QR code; an offer by reference is shorter.
    QrTooLarge = "qr_too_large", Offer, FixSetup;
    /// The picture shows no QR code that can be read.
    QrUnreadable = "qr_unreadable", Offer, GetNewOffer;

    /// An address is not https (and not loopback with the development switch).
    InsecureUrl = "insecure_url", Metadata, TellIssuer;
    /// An address that can't be requested: too long, or not for HTTP.
    UrlUnusable = "url_unusable", Metadata, TellIssuer;
    /// The issuer's metadata names another issuer than the one asked.
    IssuerMismatch = "issuer_mismatch", Metadata, TellIssuer;
    /// The authorization server's metadata names another server than the one asked.
    AuthorizationServerMismatch = "authorization_server_mismatch", Metadata, TellIssuer;
    /// The offer names an authorization server that the issuer's metadata does not list.
    AuthorizationServerUnknown = "authorization_server_unknown", Metadata, TellIssuer;
    /// Metadata is no JSON of the right shape.
    MetadataMalformed = "metadata_malformed", Metadata, TellIssuer;
    /// A metadata document is not there.
    MetadataUnavailable = "metadata_unavailable", Metadata, TellIssuer;
    /// The issuer's metadata came unsigned, and the wallet takes only signed metadata.
    MetadataUnsigned = "metadata_unsigned", Metadata, TellIssuer;
    /// The issuer's signed metadata is not signed as it should be, or not good at this time.
    MetadataSignatureInvalid = "metadata_signature_invalid", Metadata, TellIssuer;
    /// The issuer's metadata was signed by somebody whom the wallet's metadata anchors don't vouch for.
    MetadataUntrusted = "metadata_untrusted", Metadata, GiveUp;

    /// The server could not be reached.
    Unreachable = "unreachable", Network, Retry;
    /// No answer within the time limit.
    TimedOut = "timed_out", Network, Retry;
    /// The connection broke before the answer was whole.
    ConnectionLost = "connection_lost", Network, Retry;
    /// The server's certificate was not accepted.
    TlsFailed = "tls_failed", Network, TellIssuer;
    /// A private or link-local address behind a reference.
    AddressForbidden = "address_forbidden", Network, GetNewOffer;
    /// The answer is over the size limit.
    ResponseTooLarge = "response_too_large", Network, TellIssuer;
    /// The server redirected where no redirect is followed.
    RedirectRefused = "redirect_refused", Network, TellIssuer;
    /// A request that must not be repeated may have reached the server.
    OutcomeUnknown = "outcome_unknown", Network, GetNewOffer;

    /// The answer has another content type than the protocol asks for.
    WrongContentType = "wrong_content_type", Issuer, TellIssuer;
    /// The answer is no JSON of the right shape.
    ResponseMalformed = "response_malformed", Issuer, TellIssuer;
    /// The server failed (status 5xx).
    ServerFailed = "server_failed", Issuer, Retry;
    /// The server refused the request for a reason of its own.
    ServerRefused = "server_refused", Issuer, TellIssuer;
    /// The transaction code was wrong, or the offer is used up: the server does not say which.
    TxCodeRefused = "tx_code_refused", Issuer, AskCodeAgain;
    /// The transaction code does not have the form that the offer asks for.
    TxCodeMalformed = "tx_code_malformed", Issuer, AskCodeAgain;
    /// The authorization or pre-authorized code is expired, used or unknown.
    GrantRefused = "grant_refused", Issuer, GetNewOffer;
    /// The server finds the token request amiss: most often a transaction code that it did not expect, or one
    /// that it misses.
    TokenRequestRefused = "token_request_refused", Issuer, GetNewOffer;
    /// The server does not know this client, or wants it to authenticate otherwise.
    ClientRefused = "client_refused", Issuer, FixSetup;
    /// The server does not accept the wallet's attestation.
    AttestationRefused = "attestation_refused", Issuer, FixSetup;
    /// The server does not accept the proof that the wallet has its access token's key (DPoP).
    DpopRefused = "dpop_refused", Issuer, TellIssuer;
    /// The server gave a token that anybody can use, where one bound to a key was asked for.
    TokenUnbound = "token_unbound", Issuer, TellIssuer;
    /// The server asks to wait before the token is asked for again.
    TokenPending = "token_pending", Issuer, Retry;
    /// The access token is not accepted (any more).
    TokenRefused = "token_refused", Issuer, StartOver;
    /// The issuer refused the key proof.
    ProofRefused = "proof_refused", Issuer, TellIssuer;
    /// The issuer did not accept a fresh nonce either.
    NonceRefused = "nonce_refused", Issuer, TellIssuer;
    /// The issuer did not accept how the request was encrypted, or that it was not, also after a fresh look at
    /// what it says of encryption. The issuance stays open, unless the app asked never to encrypt.
    EncryptionRefused = "encryption_refused", Issuer, TellIssuer;
    /// The answer came plain, where an encrypted one was asked for. It is not used; the issuance stays open.
    ResponseNotEncrypted = "response_not_encrypted", Issuer, TellIssuer;
    /// The encrypted answer can't be opened. The issuance stays open, and can ask for another one.
    DecryptionFailed = "decryption_failed", Issuer, TellIssuer;
    /// The issuer does not give this credential to this user.
    CredentialDenied = "credential_denied", Issuer, GiveUp;
    /// The issuer does not know what was asked for.
    ConfigurationRefused = "configuration_refused", Issuer, TellIssuer;
    /// The issuer does not know the deferred credential: it was fetched before, or given up.
    TransactionRefused = "transaction_refused", Issuer, StartOver;

    /// The user declined, here or at the issuer.
    AccessDenied = "access_denied", Denied, GiveUp;
    /// The server wants the user to sign in, choose or consent, and could not ask.
    InteractionRequired = "interaction_required", Denied, SignInAgain;
    /// There is no token left to renew this credential with: the user has to agree again.
    ReauthorizationRequired = "reauthorization_required", Denied, SignInAgain;
    /// The server refused the authorization request.
    AuthorizationRefused = "authorization_refused", Denied, StartOver;

    /// The redirect is not one that the wallet waits for.
    RedirectMalformed = "redirect_malformed", Issuer, SignInAgain;
    /// The redirect's `state` belongs to no open sign-in.
    StateMismatch = "state_mismatch", Issuer, SignInAgain;
    /// The redirect came from another authorization server (RFC 9207).
    IssMismatch = "iss_mismatch", Issuer, GiveUp;

    /// The call does not fit the step that the issuance is in.
    WrongStep = "wrong_step", WrongStep, FixSetup;
    /// There is no such session.
    SessionUnknown = "session_unknown", WrongStep, GiveUp;
    /// There is no such credential.
    CredentialUnknown = "credential_unknown", WrongStep, GiveUp;
    /// The session has ended.
    SessionEnded = "session_ended", WrongStep, StartOver;

    /// The credential failed its checks and was put aside.
    CredentialRejected = "credential_rejected", Verification, TellIssuer;
    /// The credential could not be checked completely and was put aside.
    CredentialUnverified = "credential_unverified", Verification, CheckAgain;
    /// The credential was put aside, and was to be used.
    CredentialQuarantined = "credential_quarantined", Verification, CheckAgain;

    /// The key store made no keys.
    KeyCreationFailed = "key_creation_failed", Keys, Retry;
    /// The key store did not sign.
    SigningFailed = "signing_failed", Keys, Retry;
    /// The user did not unlock the key.
    KeyLocked = "key_locked", Keys, Retry;
    /// The credential is bound to a key that is not on this device: it came out of a backup.
    KeyMissing = "key_missing", Keys, Renew;

    /// The wallet provider could not be reached, or failed.
    ProviderUnavailable = "provider_unavailable", Keys, Retry;
    /// The wallet provider does not vouch for this wallet or its keys.
    ProviderRefused = "provider_refused", Keys, FixSetup;
    /// What the wallet provider gave can't be used.
    AttestationUnusable = "attestation_unusable", Keys, FixSetup;

    /// The store could not read or write.
    StoreFailed = "store_failed", Store, Retry;
    /// Another process has the store open.
    StoreLocked = "store_locked", Store, Retry;
    /// The store was written by a newer version of this library.
    StoreTooNew = "store_too_new", Store, FixSetup;
    /// A record could not be opened: a wrong key, or damage.
    RecordDamaged = "record_damaged", Store, GiveUp;
    /// Another process or task changed the same session meanwhile.
    StoreConflict = "store_conflict", Store, Retry;
    /// The secret store did not give or take a secret.
    SecretStoreFailed = "secret_store_failed", Store, Retry;
    /// This is no backup, or one that is damaged or cut.
    BackupDamaged = "backup_damaged", Store, GiveUp;
    /// The backup was made by a newer version of this library.
    BackupTooNew = "backup_too_new", Store, FixSetup;
    /// The backup is longer, or asks for more work to be opened, than this version accepts.
    BackupTooLarge = "backup_too_large", Store, GiveUp;
    /// The passphrase is not the one that the backup was made with, or is empty.
    PassphraseWrong = "passphrase_wrong", Store, AskPassphraseAgain;

    /// The issuer and this wallet have no proof type or algorithm in common.
    NoCommonAlgorithm = "no_common_algorithm", Unsupported, GiveUp;
    /// The issuer binds credentials in ways that this wallet does not know.
    BindingUnsupported = "binding_unsupported", Unsupported, GiveUp;
    /// A credential format that this version does not know.
    FormatUnsupported = "format_unsupported", Unsupported, GiveUp;
    /// The issuer requires something that this version does not do.
    FeatureUnsupported = "feature_unsupported", Unsupported, GiveUp;
    /// Encryption is wanted, and the issuer offers none that this version knows.
    EncryptionUnavailable = "encryption_unavailable", Unsupported, GiveUp;
    /// The issuer requires encryption, and the app asked for none.
    EncryptionRequired = "encryption_required", Unsupported, FixSetup;
    /// The server takes clients that authenticate only, in no way that this wallet is set up for.
    ClientAuthenticationUnavailable = "client_authentication_unavailable", Unsupported, FixSetup;
    /// The issuer or its server falls short of the profile that the wallet insists on.
    ProfileViolated = "profile_violated", Unsupported, TellIssuer;
    /// The wallet was set up with values that cannot work.
    SetupInvalid = "setup_invalid", Unsupported, FixSetup;
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An OAuth error as the server gave it. For developers and logs, not for users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuerError {
    /// The `error` code.
    pub error: String,
    /// The `error_description`, without control characters, at most 500 characters.
    pub error_description: Option<String>,
}

/// Result with the crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, where, and what to do about it.
///
/// The text of an error holds no token, code, key or claim.
pub struct Error(Box<Inner>);

struct Inner {
    code: ErrorCode,
    detail: String,
    operation: Option<Operation>,
    endpoint: Option<String>,
    status: Option<u16>,
    issuer_error: Option<IssuerError>,
    outcome: RequestOutcome,
    advice: Option<Advice>,
    session: Option<SessionId>,
    transcript: Transcript,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// A new error; `detail` says in a sentence what was found, without secrets.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        // Its very meaning; also where it is told again after a restart.
        let unknown = code == ErrorCode::OutcomeUnknown;
        Self(Box::new(Inner {
            code,
            detail: detail.into(),
            operation: None,
            endpoint: None,
            status: None,
            issuer_error: None,
            outcome: if unknown { RequestOutcome::Unknown } else { RequestOutcome::NotSent },
            advice: None,
            session: None,
            transcript: Transcript::default(),
            source: None,
        }))
    }

    /// Adds where it happened, unless that is known already.
    #[must_use]
    pub fn at(mut self, operation: Operation) -> Self {
        self.0.operation.get_or_insert(operation);
        self
    }

    /// Adds the endpoint, unless that is known already. Its query is left out, and of an offer's
    /// address the path too: they may hold secrets. Say [where it happened](Self::at) first.
    #[must_use]
    pub fn endpoint(mut self, url: &url::Url) -> Self {
        let shown = match self.0.operation {
            Some(operation) => crate::transcript::address_for(operation, url),
            None => crate::transcript::address(url),
        };
        self.0.endpoint.get_or_insert(shown);
        self
    }

    /// Adds the HTTP status; the server has answered.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self.0.outcome = RequestOutcome::Answered;
        self
    }

    /// Adds the server's own error.
    #[must_use]
    pub fn issuer_error(mut self, error: IssuerError) -> Self {
        self.0.issuer_error = Some(error);
        self
    }

    /// Says whether the request may have had its effect.
    #[must_use]
    pub fn outcome_is(mut self, outcome: RequestOutcome) -> Self {
        self.0.outcome = outcome;
        self
    }

    /// Gives other advice than the code's own.
    #[must_use]
    pub fn advise(mut self, advice: Advice) -> Self {
        self.0.advice = Some(advice);
        self
    }

    /// Adds the session, unless that is known already.
    #[must_use]
    pub fn in_session(mut self, session: &SessionId) -> Self {
        self.0.session.get_or_insert_with(|| session.clone());
        self
    }

    /// Adds what was said so far.
    #[must_use]
    pub fn with_transcript(mut self, transcript: &Transcript) -> Self {
        if self.0.transcript.is_empty() {
            self.0.transcript = transcript.clone();
        }
        self
    }

    /// The same, understood otherwise.
    #[must_use]
    pub(crate) fn recode(mut self, code: ErrorCode) -> Self {
        self.0.code = code;
        self
    }

    /// Says better what was found.
    #[must_use]
    pub(crate) fn explain(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = detail.into();
        self
    }

    /// Whether an access token was refused that is still good, but not for this: another one of the same grant
    /// is no better.
    pub(crate) fn is_about_scope(&self) -> bool {
        self.code() == ErrorCode::TokenRefused && self.http_status() == Some(403)
    }

    /// Whether the server may have done what it was asked, although no usable answer says so: what works
    /// once may be used up then.
    pub(crate) fn may_have_had_effect(&self) -> bool {
        let answer = self.http_status();
        self.outcome() == RequestOutcome::Unknown
            || self.code() == ErrorCode::ResponseTooLarge
            // Behind a gateway that lost its server, the request may well have been carried out.
            || answer.is_some_and(|status| (200..300).contains(&status) || matches!(status, 502 | 504))
    }

    /// Keeps the cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What exactly went wrong.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The kind of trouble.
    pub fn kind(&self) -> ErrorKind {
        self.0.code.kind()
    }

    /// What the app should do.
    pub fn advice(&self) -> Advice {
        self.0.advice.unwrap_or_else(|| self.0.code.advice())
    }

    /// Whether making the same call again can help. What was received is kept either way.
    pub fn is_retryable(&self) -> bool {
        matches!(self.advice(), Advice::Retry | Advice::AskCodeAgain | Advice::SignInAgain)
    }

    /// What was found, in a sentence for developers.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// Where in the protocol it happened.
    pub fn operation(&self) -> Option<Operation> {
        self.0.operation
    }

    /// The address that was asked, without its query.
    pub fn endpoint_url(&self) -> Option<&str> {
        self.0.endpoint.as_deref()
    }

    /// The HTTP status of the answer.
    pub fn http_status(&self) -> Option<u16> {
        self.0.status
    }

    /// The server's own error, as it gave it.
    pub fn server_error(&self) -> Option<&IssuerError> {
        self.0.issuer_error.as_ref()
    }

    /// Whether the failed request may have had its effect.
    pub fn outcome(&self) -> RequestOutcome {
        self.0.outcome
    }

    /// The session that it happened in. It is kept, and can be resumed if the advice says so.
    pub fn session(&self) -> Option<&SessionId> {
        self.0.session.as_ref()
    }

    /// Every request and answer of the issuance so far, without secrets: what a bug report needs.
    pub fn transcript(&self) -> &Transcript {
        &self.0.transcript
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.detail)?;
        if let Some(error) = &self.0.issuer_error {
            write!(f, " (the server said {}", error.error)?;
            if let Some(description) = &error.error_description {
                write!(f, ": {description}")?;
            }
            f.write_str(")")?;
        }
        if let Some(endpoint) = &self.0.endpoint {
            write!(f, " [{endpoint}")?;
            if let Some(status) = self.0.status {
                write!(f, ", status {status}")?;
            }
            f.write_str("]")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("code", &self.0.code)
            .field("detail", &self.0.detail)
            .field("operation", &self.0.operation)
            .field("endpoint", &self.0.endpoint)
            .field("status", &self.0.status)
            .field("issuer_error", &self.0.issuer_error)
            .field("outcome", &self.0.outcome)
            .field("advice", &self.advice())
            .field("session", &self.0.session)
            .field("source", &self.0.source)
            .finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_spelled_like_their_json() {
        let mut seen = std::collections::BTreeSet::new();
        for code in ErrorCode::ALL {
            assert!(seen.insert(code.as_str()), "{code} twice");
            assert_eq!(serde_json::to_value(code).expect("json"), code.as_str());
        }
    }

    #[test]
    fn the_text_shows_no_query() {
        let url = url::Url::parse("https://h.example/token?code=secret").expect("url");
        let error = Error::new(ErrorCode::ServerFailed, "the server failed").endpoint(&url).status(500);
        let text = format!("{error} {error:?}");
        assert!(text.contains("https://h.example/token") && !text.contains("secret"), "{text}");
        assert_eq!(error.outcome(), RequestOutcome::Answered);
        assert!(error.is_retryable());
        let offer = url::Url::parse("https://h.example/offers/secret").expect("url");
        let error = Error::new(ErrorCode::OfferUnavailable, "gone").at(Operation::Offer).endpoint(&offer);
        assert_eq!(error.endpoint_url(), Some("https://h.example/…"));
        for offer in ["data:application/json,secret", "urn:offer:secret"] {
            let offer = url::Url::parse(offer).expect("url");
            let error = Error::new(ErrorCode::InsecureUrl, "no").at(Operation::Offer).endpoint(&offer);
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        }
    }
}
