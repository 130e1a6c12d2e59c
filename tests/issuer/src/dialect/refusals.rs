//! Refusals of credential requests in the words of a dialect.

use serde_json::json;

use super::{Dialect, Nonces};
use crate::issuer::Issuer;
use crate::nonces;
use crate::refusal::Refusal;
use crate::token::Token;

impl Dialect {
    /// The code of this dialect for one of 1.0.
    fn code(&self, code: &'static str) -> &'static str {
        match code {
            "invalid_credential_request" => self.codes.malformed,
            "unknown_credential_configuration" => self.codes.unknown_type,
            "unknown_credential_identifier" => self.codes.unknown_identifier,
            "invalid_proof" => self.codes.bad_proof,
            "invalid_nonce" => self.codes.bad_nonce,
            "credential_request_denied" => self.codes.denied,
            "invalid_encryption_parameters" => self.codes.bad_encryption,
            other => other,
        }
    }
}

/// A refusal as the dialect has it: with its code, and with a nonce if it is about the proof and
/// nonces come that way.
pub(crate) fn translate(issuer: &Issuer, token: &Token, mut refusal: Refusal) -> Refusal {
    let about_proof = ["invalid_proof", "invalid_nonce"].contains(&refusal.code);
    refusal.code = issuer.dialect.code(refusal.code);
    if !about_proof || issuer.dialect.nonces != Nonces::Answers {
        return refusal;
    }
    let nonce = nonces::fresh(issuer, &mut issuer.book(), Some(&token.family));
    refusal.with("c_nonce", json!(nonce)).with("c_nonce_expires_in", json!(issuer.options.nonce_lifetime))
}
