//! Error codes that an endpoint can be told to answer with, whatever it was asked.

use http::StatusCode;
use serde_json::json;

use crate::challenge;
use crate::dialect::PendingToken;
use crate::dpop::{self, Realm};
use crate::faults::Fault;
use crate::issuer::Issuer;
use crate::refusal::{Refusal, Scheme};

/// An endpoint that can be told to refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Pushed authorization request.
    Par,
    /// Authorization endpoint: the error comes by redirect.
    Authorize,
    /// Token.
    Token,
    /// Nonce.
    Nonce,
    /// Credential.
    Credential,
    /// Deferred credential.
    Deferred,
    /// Notification.
    Notification,
}

/// Codes of every place that knows DPoP (RFC 9449).
const DPOP: [&str; 2] = ["invalid_dpop_proof", "use_dpop_nonce"];

/// Codes of every place that authenticates the client (RFC 6749 section 5.2, and the errors of
/// attestation-based client authentication).
const CLIENT: [&str; 4] =
    ["invalid_client", "invalid_client_attestation", "use_attestation_challenge", "use_fresh_attestation"];

/// RFC 9126 section 2.3 with RFC 6749, RFC 8707, RFC 9101 and RFC 9396.
const PAR: [&str; 11] = [
    "access_denied",
    "invalid_authorization_details",
    "invalid_request",
    "invalid_request_object",
    "invalid_scope",
    "invalid_target",
    "request_not_supported",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_response_type",
];

/// RFC 6749 section 4.1.2.1 with RFC 8707, RFC 9101, RFC 9396 and `OpenID` Connect Core 3.1.2.6.
const AUTHORIZE: [&str; 17] = [
    "access_denied",
    "account_selection_required",
    "consent_required",
    "interaction_required",
    "invalid_authorization_details",
    "invalid_request",
    "invalid_request_object",
    "invalid_request_uri",
    "invalid_scope",
    "invalid_target",
    "login_required",
    "request_not_supported",
    "request_uri_not_supported",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_response_type",
];

/// RFC 6749 section 5.2 with RFC 8628, RFC 8707, RFC 9396, and drafts of `OpenID4VCI`.
const TOKEN: [&str; 14] = [
    "access_denied",
    "authorization_pending",
    "expired_token",
    "invalid_authorization_details",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "invalid_target",
    "invalid_tx_code",
    "server_error",
    "slow_down",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_grant_type",
];

/// RFC 6750 section 3.1: these come in `WWW-Authenticate`.
const BEARER: [&str; 3] = ["insufficient_scope", "invalid_request", "invalid_token"];

/// The nonce endpoint has no codes of its own and asks for no token.
const NONCE: [&str; 3] = ["invalid_request", "server_error", "temporarily_unavailable"];

/// `OpenID4VCI` section 8.3.1, and codes of its drafts.
const CREDENTIAL: [&str; 13] = [
    "credential_request_denied",
    "invalid_credential_request",
    "invalid_encryption_parameters",
    "invalid_nonce",
    "invalid_or_missing_proof",
    "invalid_proof",
    "issuance_pending",
    "server_error",
    "temporarily_unavailable",
    "unknown_credential_configuration",
    "unknown_credential_identifier",
    "unsupported_credential_format",
    "unsupported_credential_type",
];

/// `OpenID4VCI` section 9.3, and `issuance_pending` of its drafts.
const DEFERRED: [&str; 7] = [
    "credential_request_denied",
    "invalid_credential_request",
    "invalid_encryption_parameters",
    "invalid_transaction_id",
    "issuance_pending",
    "server_error",
    "temporarily_unavailable",
];

/// `OpenID4VCI` section 11.3.
const NOTIFICATION: [&str; 4] =
    ["invalid_notification_id", "invalid_notification_request", "server_error", "temporarily_unavailable"];

impl Place {
    pub(crate) const ALL: [Self; 7] =
        [Self::Par, Self::Authorize, Self::Token, Self::Nonce, Self::Credential, Self::Deferred, Self::Notification];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Par => "par",
            Self::Authorize => "authorize",
            Self::Token => "token",
            Self::Nonce => "nonce",
            Self::Credential => "credential",
            Self::Deferred => "deferred",
            Self::Notification => "notification",
        }
    }

    /// The codes that this place can be told to answer with.
    pub fn codes(self) -> Vec<&'static str> {
        let groups: &[&[&str]] = match self {
            Self::Par => &[&PAR, &CLIENT, &DPOP],
            Self::Authorize => &[&AUTHORIZE],
            Self::Token => &[&TOKEN, &CLIENT, &DPOP],
            Self::Nonce => &[&NONCE],
            Self::Credential => &[&CREDENTIAL, &BEARER, &DPOP],
            Self::Deferred => &[&DEFERRED, &BEARER, &DPOP],
            Self::Notification => &[&NOTIFICATION, &BEARER, &DPOP],
        };
        groups.concat()
    }

    /// The side whose nonces this place asks for; `server` is the authorization server's number.
    fn realm(self, server: usize) -> Realm {
        match self {
            Self::Par | Self::Authorize | Self::Token => Realm::Authorization(server),
            Self::Nonce | Self::Credential | Self::Deferred | Self::Notification => Realm::Resource,
        }
    }
}

/// The refusal that a fault wants at this place, if there is one. `server` is the number of the
/// authorization server, of no meaning at the credential issuer's endpoints; `scheme` is how the
/// access token came there.
pub(crate) fn forced(issuer: &Issuer, place: Place, server: usize, scheme: Scheme) -> Option<Refusal> {
    let code = issuer.faults.active().into_iter().find_map(|fault| match fault {
        Fault::Refuse(code, at) if at == place && issuer.faults.strikes(fault) => Some(code),
        _ => None,
    })?;
    let words = format!("The fault {} is on", Fault::Refuse(code, place));
    let realm = place.realm(server);
    let refusal = match code {
        "use_dpop_nonce" | "invalid_dpop_proof" => dpop::refusal(realm, code, &words),
        _ if realm == Realm::Resource && place != Place::Nonce && BEARER.contains(&code) => {
            Refusal::protected(scheme, code, &words)
        }
        "issuance_pending" => Refusal::new(code, words).with("interval", json!(issuer.options.deferred_interval)),
        "authorization_pending" | "slow_down" if issuer.dialect.pending_token == PendingToken::IntervalInRefusal => {
            Refusal::new(code, words).with("interval", json!(issuer.options.deferred_interval))
        }
        _ => Refusal::new(code, words).status(status(code)),
    };
    Some(match code {
        "use_dpop_nonce" => dpop::with_nonce(issuer, realm, refusal),
        "use_attestation_challenge" => challenge::with_challenge(issuer, server, refusal),
        _ => refusal,
    })
}

/// The HTTP status that goes with a code in a JSON answer.
fn status(code: &str) -> StatusCode {
    match code {
        "invalid_client" => StatusCode::UNAUTHORIZED,
        "server_error" => StatusCode::INTERNAL_SERVER_ERROR,
        "temporarily_unavailable" => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    }
}
