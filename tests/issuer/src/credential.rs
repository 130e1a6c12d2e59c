//! The protected side: nonce, credential and notification endpoints.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::header::{AUTHORIZATION, CACHE_CONTROL};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

use crate::access::authorize;
use crate::answers::finish;
use crate::codes::{self, Place};
use crate::deferred::put_off;
use crate::dialect::{Nonces, refusals};
use crate::encryption;
use crate::faults::Fault;
use crate::issuer::Issuer;
use crate::nonces;
use crate::oauth::media_type;
use crate::refusal::{Refusal, Scheme, no_store};
use crate::requests::{self, Asked};
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
    no_store(StatusCode::OK, &json!({"c_nonce": nonces::fresh(issuer, &mut issuer.book(), None)}))
}

/// Issues credentials.
pub(crate) fn credential(issuer: &Issuer, headers: &HeaderMap, body: &[u8]) -> Response {
    serve(issuer, "/credential", headers, body, issue)
}

/// Issues the credentials of several requests at once, or none of them.
pub(crate) fn batch(issuer: &Issuer, headers: &HeaderMap, body: &[u8]) -> Response {
    serve(issuer, "/batch", headers, body, issue_batch)
}

type Issue = fn(&Issuer, &Token, &HeaderMap, &[u8]) -> Result<Response, Refusal>;

fn serve(issuer: &Issuer, endpoint: &str, headers: &HeaderMap, body: &[u8], issue: Issue) -> Response {
    let token = match admit(issuer, endpoint, headers) {
        Ok(token) => token,
        Err(refusal) => return in_refusal(issuer, refusal).into_response(),
    };
    issue(issuer, &token, headers, body).unwrap_or_else(|refusal| {
        let refusal = in_refusal(issuer, refusal);
        refusals::translate(issuer, &token, refusal).into_response()
    })
}

/// The access token, unless a fault does not like it.
fn admit(issuer: &Issuer, endpoint: &str, headers: &HeaderMap) -> Result<Token, Refusal> {
    let (_, token) = authorize(issuer, headers, endpoint)?;
    if issuer.faults.strikes(Fault::InvalidToken) {
        let message = "The access token is not accepted";
        return Err(Refusal::protected(token.scheme(), "invalid_token", message));
    }
    match codes::forced(issuer, Place::Credential, 0, token.scheme()) {
        Some(refusal) => Err(refusal),
        None => Ok(token),
    }
}

/// The fault that puts a nonce into refusals that are about proofs.
fn in_refusal(issuer: &Issuer, refusal: Refusal) -> Refusal {
    let about_proofs = ["invalid_proof", "invalid_nonce", "invalid_or_missing_proof"].contains(&refusal.code);
    if !about_proofs || issuer.dialect.nonces == Nonces::Answers || !issuer.faults.strikes(Fault::NonceInRefusal) {
        return refusal;
    }
    let nonce = nonces::fresh(issuer, &mut issuer.book(), None);
    let lifetime = json!(issuer.options.nonce_lifetime);
    refusal.with("c_nonce", json!(nonce)).with("c_nonce_expires_in", lifetime)
}

fn issue(issuer: &Issuer, token: &Token, headers: &HeaderMap, body: &[u8]) -> Result<Response, Refusal> {
    let mut opened = encryption::read(issuer, headers, body)?;
    let asked = requests::read(issuer, token, &opened.request)?;
    nonces::spend(issuer, &token.family, &asked.shown.nonces)?;
    opened.seen.extend(asked.shown.describe().map(|seen| ("proofs".to_owned(), seen)));
    opened.seen.extend(asked.wanted.as_ref().map(|wanted| ("claims".to_owned(), json!(wanted))));
    let (status, mut answer) = fulfil(issuer, token, asked)?;
    nonces::put_into(issuer, &mut issuer.book(), &token.family, &mut answer);
    Ok(opened.answer(issuer, status, &answer))
}

fn issue_batch(issuer: &Issuer, token: &Token, headers: &HeaderMap, body: &[u8]) -> Result<Response, Refusal> {
    let whole = read_object(headers, body)?;
    if let Some(name) = whole.keys().find(|name| *name != "credential_requests") {
        return Err(malformed(format!("The member {name} has no place beside credential_requests")));
    }
    let requests = whole
        .get("credential_requests")
        .and_then(Value::as_array)
        .filter(|requests| !requests.is_empty())
        .ok_or_else(|| malformed("credential_requests is not a filled array"))?;
    let limit = issuer.options.batch_size;
    if requests.len() > limit {
        return Err(malformed(format!("There are more than {limit} requests")));
    }
    let mut all = Vec::new();
    for request in requests {
        let request = request.as_object().ok_or_else(|| malformed("A request is not an object"))?;
        all.push(requests::read(issuer, token, request)?);
    }
    let nonces: BTreeSet<String> = all.iter().flat_map(|asked| asked.shown.nonces.clone()).collect();
    nonces::spend(issuer, &token.family, &nonces.into_iter().collect::<Vec<_>>())?;
    let mut responses = Vec::new();
    for asked in all {
        responses.push(fulfil(issuer, token, asked)?.1);
    }
    let mut answer = json!({"credential_responses": responses});
    nonces::put_into(issuer, &mut issuer.book(), &token.family, &mut answer);
    Ok(no_store(StatusCode::OK, &answer))
}

/// Makes what was asked for, or puts it off.
fn fulfil(issuer: &Issuer, token: &Token, asked: Asked<'_>) -> Result<(StatusCode, Value), Refusal> {
    if let Some(waits) = issuer.options.deferred_waits {
        return Ok(put_off(issuer, token, asked, waits));
    }
    if issuer.faults.strikes(Fault::CredentialDenied) {
        return Err(Refusal::new("credential_request_denied", "This credential will not be issued"));
    }
    Ok((StatusCode::OK, finish(issuer, &token.family, &asked, &token.wishes)))
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
