//! The credential and deferred credential endpoints (OpenID4VCI sections 8 and 9).

use serde_json::Value;
use url::Url;

use super::encryption::{AnswerKey, EncryptionPlan};
use super::message;
use crate::dialect::form::ProofMember;
use crate::dialect::write::{self, Proofs, Selector};
use crate::dialect::{self, Dialects, ReadCredential, lift, read};
use crate::error::{Error, ErrorCode, Operation};
use crate::json;
use crate::model::ids::TransactionId;
use crate::model::secret::Secret;
use crate::platform::http::{HttpRequest, HttpResponse};

/// A credential request, and what opens its answer.
pub(crate) fn request(
    url: &Url,
    selector: Selector<'_>,
    proofs: &Proofs,
    member: ProofMember,
    encryption: &EncryptionPlan,
) -> Result<(HttpRequest, AnswerKey), Error> {
    encrypted(url, write::credential_request(selector, proofs, member), encryption)
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

/// The request for a deferred credential with the token that stands for it.
pub(crate) fn acceptance_request(url: &Url) -> Result<HttpRequest, Error> {
    message::post_nothing(url).map_err(|error| error.at(Operation::DeferredCredential))
}

/// The nonce that an answer brings along, also where it is an error; none from an encrypted one.
pub(crate) fn nonce(response: &HttpResponse) -> Option<Secret> {
    lift::answers::nonce(&json::parse(response.body()).ok()?)
}

fn encrypted(url: &Url, mut body: Value, encryption: &EncryptionPlan) -> Result<(HttpRequest, AnswerKey), Error> {
    let key = encryption.ask(&mut body);
    let request = message::post_json(url, &body)?;
    Ok((encryption.seal(request, &key), key))
}

/// For how many more seconds the issuer wants to be left alone, if it says so with an error. In 1.0 that is an
/// answer like any other.
pub(crate) fn still_pending(response: &HttpResponse, dialects: Dialects) -> Option<u64> {
    let says_so = message::issuer_error(response)?.error == PENDING && !response.status().is_success();
    if !says_so || dialects == Dialects::Strict {
        return None;
    }
    Some(read::pending_interval(&json::parse(response.body()).ok()?).unwrap_or(PENDING_SECONDS))
}

/// The error that says that a deferred credential needs more time.
const PENDING: &str = "issuance_pending";
/// How long to wait where the issuer does not say.
const PENDING_SECONDS: u64 = 5;

/// Reads the answer to either request.
pub(crate) fn response(
    response: &HttpResponse,
    key: AnswerKey,
    operation: Operation,
    dialects: Dialects,
) -> Result<ReadCredential, Error> {
    let refused = |error: &str| match error {
        "invalid_nonce" => ErrorCode::NonceRefused,
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
    dialect::credential(&value, dialects)
        .map_err(|error| message::malformed(error, operation, response.status().as_u16()))
}
