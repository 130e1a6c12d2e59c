//! The protected side: nonce, credential and notification endpoints.

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::header::{AUTHORIZATION, CACHE_CONTROL};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

use crate::access::authorize;
use crate::answers::finish;
use crate::catalogue::Configuration;
use crate::codes::{self, Place};
use crate::deferred::put_off;
use crate::encoding::random_text;
use crate::encryption;
use crate::faults::Fault;
use crate::issuer::Issuer;
use crate::oauth::media_type;
use crate::proofs;
use crate::refusal::{Refusal, Scheme, no_store};
use crate::token::Token;

/// One credential response, as the notification endpoint knows it.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    /// The grant that it was made for, which any token of that grant may speak for.
    pub(crate) family: String,
}

/// Gives a nonce.
pub(crate) fn nonce(issuer: &Issuer, headers: &HeaderMap, body: &[u8]) -> Response {
    if let Some(refusal) = codes::forced(issuer, Place::Nonce, 0, Scheme::Bearer) {
        return refusal.into_response();
    }
    if headers.contains_key(AUTHORIZATION) {
        return Refusal::new("invalid_request", "The nonce endpoint takes no access token").into_response();
    }
    if !body.is_empty() {
        return Refusal::new("invalid_request", "The nonce endpoint takes no body").into_response();
    }
    let lifetime = if issuer.faults.strikes(Fault::StaleNonce) { 0 } else { issuer.options.nonce_lifetime };
    no_store(StatusCode::OK, &json!({"c_nonce": new_nonce(issuer, lifetime)}))
}

/// Issues credentials.
pub(crate) fn credential(issuer: &Issuer, headers: &HeaderMap, body: &[u8]) -> Response {
    issue(issuer, headers, body).unwrap_or_else(|refusal| {
        let about_proofs = ["invalid_proof", "invalid_nonce", "invalid_or_missing_proof"].contains(&refusal.code);
        if about_proofs && issuer.faults.strikes(Fault::NonceInRefusal) {
            let nonce = new_nonce(issuer, issuer.options.nonce_lifetime);
            let lifetime = json!(issuer.options.nonce_lifetime);
            return refusal.with("c_nonce", json!(nonce)).with("c_nonce_expires_in", lifetime).into_response();
        }
        refusal.into_response()
    })
}

fn new_nonce(issuer: &Issuer, lifetime: i64) -> String {
    let nonce = random_text();
    issuer.book().nonces.insert(nonce.clone(), issuer.now() + lifetime);
    nonce
}

fn issue(issuer: &Issuer, headers: &HeaderMap, body: &[u8]) -> Result<Response, Refusal> {
    let (_, token) = authorize(issuer, headers, "/credential")?;
    if issuer.faults.strikes(Fault::InvalidToken) {
        let message = "The access token is not accepted";
        return Err(Refusal::protected(token.scheme(), "invalid_token", message));
    }
    if let Some(refusal) = codes::forced(issuer, Place::Credential, 0, token.scheme()) {
        return Err(refusal);
    }
    let mut opened = encryption::read(issuer, headers, body)?;
    let request = &opened.request;
    check_members(issuer, request)?;
    let configuration = choose(issuer, &token, request)?;
    let holders = proofs::read(issuer, configuration, token.client_id.as_deref(), request.get("proofs"))?;
    if let Some(seen) = proofs::describe(request.get("proofs"), &holders) {
        opened.seen.insert("proofs".to_owned(), seen);
    }
    let wanted = token.claims.get(&configuration.id);
    if let Some(wanted) = wanted {
        opened.seen.insert("claims".to_owned(), json!(wanted));
    }
    if let Some(waits) = issuer.options.deferred_waits {
        let answer = put_off(issuer, &token, &configuration.id, holders, waits);
        return Ok(opened.answer(issuer, StatusCode::ACCEPTED, &answer));
    }
    if issuer.faults.strikes(Fault::CredentialDenied) {
        return Err(Refusal::new("credential_request_denied", "This credential will not be issued"));
    }
    let answer = finish(issuer, token.family, configuration, wanted, &holders, &token.wishes);
    Ok(opened.answer(issuer, StatusCode::OK, &answer))
}

/// A request that is not well-formed.
pub(crate) fn malformed(reason: impl AsRef<str>) -> Refusal {
    Refusal::new("invalid_credential_request", reason)
}

/// Reads a body, which has to be a JSON object.
pub(crate) fn read_object(headers: &HeaderMap, body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    if media_type(headers).as_deref() != Some("application/json") {
        return Err(malformed("The body has to be application/json"));
    }
    let request: Value = serde_json::from_slice(body).map_err(|_| malformed("The body is not JSON"))?;
    match request {
        Value::Object(request) => Ok(request),
        _ => Err(malformed("The body is not a JSON object")),
    }
}

fn check_members(issuer: &Issuer, request: &Map<String, Value>) -> Result<(), Refusal> {
    for name in request.keys() {
        match name.as_str() {
            "credential_identifier" | "credential_configuration_id" | "proofs" => {}
            _ if !issuer.options.refuse_unknown_members => {}
            "format" | "proof" | "vct" | "doctype" | "credential_definition" => {
                return Err(malformed(format!("{name} is of an earlier draft and gone in 1.0")));
            }
            _ => return Err(malformed(format!("The member {name} is not known"))),
        }
    }
    Ok(())
}

/// The configuration that the request names, if the token is good for it.
fn choose<'a>(issuer: &'a Issuer, token: &Token, request: &Map<String, Value>) -> Result<&'a Configuration, Refusal> {
    let text = |name: &str| match request.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(malformed(format!("{name} is not a string"))),
    };
    let id = match (text("credential_identifier")?, text("credential_configuration_id")?) {
        (Some(_), Some(_)) => {
            return Err(malformed("credential_identifier and credential_configuration_id exclude each other"));
        }
        (None, None) => {
            return Err(malformed("credential_identifier or credential_configuration_id is missing"));
        }
        (Some(_), None) if token.identifiers.is_empty() => {
            return Err(malformed("The token answer gave no credential_identifiers, so none can be used"));
        }
        (None, Some(_)) if !token.identifiers.is_empty() => {
            return Err(malformed("The token answer gave credential_identifiers, so one has to be used"));
        }
        (Some(identifier), None) => token.identifiers.get(identifier).ok_or_else(|| {
            Refusal::new("unknown_credential_identifier", "The token has no such credential identifier")
        })?,
        (None, Some(id)) => id,
    };
    let configuration = issuer.configuration(id).ok_or_else(|| {
        Refusal::new("unknown_credential_configuration", format!("'{id}' is not a configuration of this issuer"))
    })?;
    if !token.configurations.contains(&configuration.id) {
        let message = "The access token is not good for this credential";
        return Err(Refusal::protected(token.scheme(), "insufficient_scope", message));
    }
    Ok(configuration)
}

/// Takes a notification.
pub(crate) fn notification(issuer: &Issuer, headers: &HeaderMap, body: &[u8]) -> Response {
    match notified(issuer, headers, body) {
        Ok(()) if issuer.faults.strikes(Fault::NotificationBody) => no_store(StatusCode::OK, &json!({"taken": true})),
        Ok(()) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(refusal) => refusal.into_response(),
    }
}

fn notified(issuer: &Issuer, headers: &HeaderMap, body: &[u8]) -> Result<(), Refusal> {
    let (_, token) = authorize(issuer, headers, "/notification")?;
    if let Some(refusal) = codes::forced(issuer, Place::Notification, 0, token.scheme()) {
        return Err(refusal);
    }
    let bad = |reason: &str| Refusal::new("invalid_notification_request", reason);
    if media_type(headers).as_deref() != Some("application/json") {
        return Err(bad("The body has to be application/json"));
    }
    let request: Map<String, Value> = serde_json::from_slice(body).map_err(|_| bad("The body is not a JSON object"))?;
    let text = |name: &str| request.get(name).and_then(Value::as_str);
    let id = text("notification_id").ok_or_else(|| bad("notification_id is missing"))?;
    match text("event") {
        Some("credential_accepted" | "credential_deleted" | "credential_failure") => {}
        Some(_) => return Err(bad("The event is not known")),
        None => return Err(bad("event is missing")),
    }
    if let Some(description) = request.get("event_description") {
        let legal = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
        if !description.as_str().is_some_and(|text| text.chars().all(legal)) {
            return Err(bad("event_description is not plain ASCII"));
        }
    }
    let known = issuer.book().issued.get(id).is_some_and(|issued| issued.family == token.family);
    if known {
        issuer.log.notified(Value::Object(request));
        Ok(())
    } else {
        Err(Refusal::new("invalid_notification_id", "The token has no such notification_id"))
    }
}
