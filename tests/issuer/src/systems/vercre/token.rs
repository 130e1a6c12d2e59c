//! vercre's token endpoint.

use axum::response::Response;
use serde_json::json;

use super::{CLIENT, DATASET, EMPLOYEE, Token, Vercre, failed};
use crate::encoding::sha256_b64;
use crate::faults::Fault;
use crate::issuer::Issuer;
use crate::systems::family::{random, rejected};
use crate::systems::{Asked, Fields, answer};

/// Seconds that tokens and nonces live.
pub(super) const ACCESS: i64 = 900;
pub(super) const NONCE: i64 = 600;

type Refusal = (&'static str, &'static str);

pub(super) fn token(vercre: &Vercre, issuer: &Issuer, asked: &Asked) -> Response {
    let Some(form) = asked.form() else {
        return rejected(415, "Form requests must have `Content-Type: application/x-www-form-urlencoded`");
    };
    let unread = |reason: &str| rejected(422, &format!("Failed to deserialize form body: {reason}"));
    if form.get("authorization_details").is_some() {
        return unread("invalid type: string, expected a sequence");
    }
    let mut book = vercre.book();
    let with_details = match form.get("grant_type") {
        Some("authorization_code") => {
            let Some(value) = form.get("code") else { return unread("missing field `code`") };
            // A code is good once, whatever else is wrong.
            let Some(code) = book.authorized.remove(value) else {
                return failed("invalid_grant", "authorization code is invalid");
            };
            if code.expires <= issuer.now() || issuer.faults.strikes(Fault::ExpiredCode) {
                return failed("invalid_request", "authorization state expired");
            }
            if let Err((error, description)) = check_code(&form, &code) {
                return failed(error, description);
            }
            // Who asked by scope is told nothing of identifiers, and asks by format.
            false
        }
        Some("urn:ietf:params:oauth:grant-type:pre-authorized_code") => {
            let Some(value) = form.get("pre-authorized_code") else {
                return unread("missing field `pre-authorized_code`");
            };
            let Some(offered) = book.offered.remove(value) else {
                return failed("invalid_grant", "authorization code is invalid");
            };
            if offered.expires <= issuer.now() || issuer.faults.strikes(Fault::ExpiredCode) {
                return failed("invalid_request", "authorization state expired");
            }
            if !offered.pre_authorized {
                return failed("server_error", "no authorized items");
            }
            // Anonymous access is said to be served, and is not.
            let Some(client) = form.get("client_id") else {
                return failed("invalid_client", "anonymous access is not supported");
            };
            if form.get("tx_code") != offered.tx_code.as_deref() {
                return failed("invalid_grant", "invalid `tx_code` provided");
            }
            if client != CLIENT {
                return failed("invalid_client", "invalid `client_id`");
            }
            true
        }
        Some(_) => return unread("unknown variant of `grant_type`"),
        None => return unread("missing field `grant_type`"),
    };
    let (access, nonce) = (random(), random());
    let mut body = json!({
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": ACCESS,
        "c_nonce": nonce,
        "c_nonce_expires_in": NONCE,
    });
    if with_details {
        body["authorization_details"] = json!([{
            "type": "openid_credential",
            "credential_configuration_id": EMPLOYEE,
            "credential_identifiers": [DATASET],
        }]);
    }
    let now = issuer.now();
    book.tokens.insert(access, Token { nonce, nonce_expires: now + NONCE, expires: now + ACCESS, pending: 0 });
    answer(200, &body)
}

fn check_code(form: &Fields, code: &super::Authorized) -> Result<(), Refusal> {
    match form.get("client_id") {
        None => return Err(("invalid_request", "`client_id` is missing")),
        Some(client) if client != code.client_id => {
            return Err(("invalid_client", "`client_id` differs from authorized one"));
        }
        Some(_) => {}
    }
    if form.get("redirect_uri") != Some(&code.redirect_uri) {
        return Err(("invalid_grant", "`redirect_uri` differs from authorized one"));
    }
    match form.get("code_verifier") {
        None => Err(("access_denied", "`code_verifier` is missing")),
        Some(verifier) if sha256_b64(verifier) != code.challenge => {
            Err(("access_denied", "`code_verifier` is invalid"))
        }
        Some(_) => Ok(()),
    }
}
