//! The credential and deferred credential endpoints (OpenID4VCI sections 8 and 9).

use url::Url;

use super::message;
use crate::dialect::read;
use crate::dialect::write::{self, Proofs, Selector};
use crate::error::{Error, ErrorCode, Operation};
use crate::model::credential::CredentialResponse;
use crate::model::ids::TransactionId;
use crate::platform::http::{HttpRequest, HttpResponse};

/// A credential request.
pub(crate) fn request(url: &Url, selector: Selector<'_>, proofs: &Proofs) -> Result<HttpRequest, Error> {
    message::post_json(url, &write::credential_request(selector, proofs))
        .map_err(|error| error.at(Operation::Credential))
}

/// A deferred credential request.
pub(crate) fn deferred_request(url: &Url, transaction_id: &TransactionId) -> Result<HttpRequest, Error> {
    message::post_json(url, &write::deferred_credential_request(transaction_id))
        .map_err(|error| error.at(Operation::DeferredCredential))
}

/// Reads the answer to either request.
pub(crate) fn response(response: &HttpResponse, operation: Operation) -> Result<CredentialResponse, Error> {
    let refused = |error: &str| match error {
        "invalid_nonce" => ErrorCode::NonceRefused,
        "invalid_proof" => ErrorCode::ProofRefused,
        "invalid_token" | "insufficient_scope" => ErrorCode::TokenRefused,
        "invalid_dpop_proof" | "use_dpop_nonce" => ErrorCode::DpopRefused,
        "credential_request_denied" => ErrorCode::CredentialDenied,
        "unknown_credential_configuration" | "unknown_credential_identifier" => ErrorCode::ConfigurationRefused,
        _ => ErrorCode::ServerRefused,
    };
    let value = message::success(response, operation, refused)?;
    read::credential_response(&value).map_err(|error| message::malformed(error, operation, response.status().as_u16()))
}
