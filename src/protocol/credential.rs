//! The credential and deferred credential endpoints (OpenID4VCI sections 8 and 9).

use serde_json::Value;
use url::Url;

use super::encryption::{AnswerKey, EncryptionPlan};
use super::message;
use crate::dialect::read;
use crate::dialect::write::{self, Proofs, Selector};
use crate::error::{Error, ErrorCode, Operation};
use crate::json;
use crate::model::credential::CredentialResponse;
use crate::model::ids::TransactionId;
use crate::platform::http::{HttpRequest, HttpResponse};

/// A credential request, and what opens its answer.
pub(crate) fn request(
    url: &Url,
    selector: Selector<'_>,
    proofs: &Proofs,
    encryption: &EncryptionPlan,
) -> Result<(HttpRequest, AnswerKey), Error> {
    encrypted(url, write::credential_request(selector, proofs), encryption)
        .map_err(|error| error.at(Operation::Credential))
}

/// A deferred credential request, and what opens its answer. What the first request said about encryption
/// does not carry over (OpenID4VCI section 9.1): it is said again, with a key of its own.
pub(crate) fn deferred_request(
    url: &Url,
    transaction_id: &TransactionId,
    encryption: &EncryptionPlan,
) -> Result<(HttpRequest, AnswerKey), Error> {
    encrypted(url, write::deferred_credential_request(transaction_id), encryption)
        .map_err(|error| error.at(Operation::DeferredCredential))
}

fn encrypted(url: &Url, mut body: Value, encryption: &EncryptionPlan) -> Result<(HttpRequest, AnswerKey), Error> {
    let key = encryption.ask(&mut body);
    let request = message::post_json(url, &body)?;
    Ok((encryption.seal(request, &key), key))
}

/// For how many more seconds the issuer wants to be left alone, if it says so as drafts do: with an error.
/// In 1.0 that is an answer like any other.
pub(crate) fn still_pending(response: &HttpResponse) -> Option<u64> {
    if response.status() != http::StatusCode::BAD_REQUEST || message::issuer_error(response)?.error != PENDING {
        return None;
    }
    Some(read::pending_interval(&json::parse(response.body()).ok()?).unwrap_or(PENDING_SECONDS))
}

/// The error by which drafts say that a deferred credential needs more time.
const PENDING: &str = "issuance_pending";
/// How long to wait where the issuer does not say.
const PENDING_SECONDS: u64 = 5;

/// Reads the answer to either request.
pub(crate) fn response(
    response: &HttpResponse,
    key: AnswerKey,
    operation: Operation,
) -> Result<CredentialResponse, Error> {
    let refused = |error: &str| match error {
        "invalid_nonce" => ErrorCode::NonceRefused,
        // Drafts had names of their own.
        "invalid_proof" | "invalid_or_missing_proof" => ErrorCode::ProofRefused,
        "invalid_token" | "insufficient_scope" => ErrorCode::TokenRefused,
        "invalid_dpop_proof" | "use_dpop_nonce" => ErrorCode::DpopRefused,
        "invalid_encryption_parameters" => ErrorCode::EncryptionRefused,
        "credential_request_denied" => ErrorCode::CredentialDenied,
        "invalid_transaction_id" => ErrorCode::TransactionRefused,
        "unknown_credential_configuration"
        | "unknown_credential_identifier"
        | "unsupported_credential_type"
        | "unsupported_credential_format" => ErrorCode::ConfigurationRefused,
        _ => ErrorCode::ServerRefused,
    };
    let response = key.open(response, operation)?;
    let value = message::success(&response, operation, refused).map_err(|error| {
        if error.is_about_scope() { error.explain("the access token is not good for this credential") } else { error }
    })?;
    read::credential_response(&value).map_err(|error| message::malformed(error, operation, response.status().as_u16()))
}
