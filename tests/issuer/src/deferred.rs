//! Credentials that come later: the deferred credential endpoint.

use axum::response::{IntoResponse as _, Response};
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::access::authorize;
use crate::answers::{finish, pending};
use crate::claims::Path;
use crate::codes::{self, Place};
use crate::credential::{malformed, read_object};
use crate::dialect::{Deferral, EncryptionForm, refusals};
use crate::encoding::random_text;
use crate::encryption::{self, Opened};
use crate::faults::Fault;
use crate::issuer::Issuer;
use crate::proofs::Shown;
use crate::refusal::{Refusal, Scheme, no_store};
use crate::requests::Asked;
use crate::token::Token;
use crate::wishes::Wishes;

/// A credential that was asked for and is not there yet.
#[derive(Clone, Debug)]
pub(crate) struct Transaction {
    client_id: Option<String>,
    /// The grant that it was asked for with.
    family: String,
    configuration: String,
    /// The claims to put in.
    wanted: Option<Vec<Path>>,
    shown: Shown,
    wishes: Wishes,
    /// How often the wallet still has to ask in vain.
    waits: u32,
}

/// Puts a request off.
pub(crate) fn put_off(issuer: &Issuer, token: &Token, asked: Asked<'_>, waits: u32) -> (StatusCode, Value) {
    let id = random_text();
    let answer = match issuer.dialect.deferral {
        Deferral::AcceptanceToken => (StatusCode::OK, json!({"acceptance_token": id})),
        Deferral::TransactionId => (StatusCode::ACCEPTED, json!({"transaction_id": id})),
        Deferral::TransactionIdAndInterval => (StatusCode::ACCEPTED, pending(issuer, &id)),
    };
    let transaction = Transaction {
        client_id: token.client_id.clone(),
        family: token.family.clone(),
        configuration: asked.configuration.id.clone(),
        wanted: asked.wanted,
        shown: asked.shown,
        wishes: token.wishes.clone(),
        waits,
    };
    issuer.book().transactions.insert(id, transaction);
    answer
}

/// Takes a deferred credential request.
pub(crate) fn deferred(issuer: &Issuer, headers: &HeaderMap, body: &[u8]) -> Response {
    let result = if issuer.dialect.deferral == Deferral::AcceptanceToken {
        accept(issuer, headers, body)
    } else {
        collect(issuer, headers, body)
    };
    result.unwrap_or_else(Refusal::into_response)
}

/// The way with an access token and a body.
fn collect(issuer: &Issuer, headers: &HeaderMap, body: &[u8]) -> Result<Response, Refusal> {
    let (_, token) = authorize(issuer, headers, "/deferred")?;
    if let Some(refusal) = codes::forced(issuer, Place::Deferred, 0, token.scheme()) {
        return Err(refusal);
    }
    collect_with(issuer, &token, headers, body).map_err(|refusal| refusals::translate(issuer, &token, refusal))
}

fn collect_with(issuer: &Issuer, token: &Token, headers: &HeaderMap, body: &[u8]) -> Result<Response, Refusal> {
    let opened = if issuer.dialect.encryption == EncryptionForm::Object {
        encryption::read(issuer, headers, body)?
    } else {
        Opened::plain(read_object(headers, body)?)
    };
    let request = &opened.request;
    for name in request.keys() {
        match name.as_str() {
            "transaction_id" => {}
            _ if !issuer.options.refuse_unknown_members => {}
            _ => return Err(malformed(format!("The member {name} is not known"))),
        }
    }
    let id = request
        .get("transaction_id")
        .and_then(Value::as_str)
        .ok_or_else(|| malformed("transaction_id is missing or not a string"))?;
    let unknown = || Refusal::new("invalid_transaction_id", "The transaction_id is unknown or was used before");
    let known = issuer.book().transactions.get(id).cloned().ok_or_else(unknown)?;
    // Another token will do, if it is the same client's and good for the same credential.
    if known.client_id != token.client_id || !token.configurations.contains(&known.configuration) {
        return Err(unknown());
    }
    match next(issuer, id)? {
        Some(transaction) => {
            let answer = ready(issuer, transaction, &token.family);
            Ok(opened.answer(issuer, StatusCode::OK, &answer))
        }
        None if issuer.dialect.deferral == Deferral::TransactionIdAndInterval => {
            let changed = issuer.faults.strikes(Fault::ChangedTransactionId).then(random_text);
            let answer = pending(issuer, changed.as_deref().unwrap_or(id));
            Ok(opened.answer(issuer, StatusCode::ACCEPTED, &answer))
        }
        None => Err(still_pending(issuer)),
    }
}

/// The way with an acceptance token instead of an access token, and nothing else.
fn accept(issuer: &Issuer, headers: &HeaderMap, body: &[u8]) -> Result<Response, Refusal> {
    if let Some(refusal) = codes::forced(issuer, Place::Deferred, 0, Scheme::Bearer) {
        return Err(refusal);
    }
    let header = headers.get(AUTHORIZATION).ok_or_else(|| Refusal::no_token(issuer.options.dpop))?;
    let value = header.to_str().ok().and_then(|text| text.split_once(' '));
    let token = value.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token);
    let invalid = |reason| Refusal::protected(Scheme::Bearer, "invalid_token", reason);
    let token = token.ok_or_else(|| invalid("The acceptance token has to come as a Bearer token"))?;
    if !issuer.book().transactions.contains_key(token) {
        return Err(invalid("The acceptance token is unknown or was used before"));
    }
    if !body.is_empty() {
        return Err(Refusal::new("invalid_request", "The acceptance token is all there is to send"));
    }
    let answer = match next(issuer, token)? {
        Some(transaction) => {
            let family = transaction.family.clone();
            ready(issuer, transaction, &family)
        }
        // An answer without a credential has an acceptance token.
        None => json!({"acceptance_token": token}),
    };
    Ok(no_store(StatusCode::OK, &answer))
}

/// The transaction, if its time has come; it is known to be there.
fn next(issuer: &Issuer, id: &str) -> Result<Option<Transaction>, Refusal> {
    let mut book = issuer.book();
    if issuer.faults.strikes(Fault::CredentialDenied) {
        book.transactions.remove(id);
        return Err(Refusal::new(issuer.dialect.codes.denied, "This credential will not be issued"));
    }
    match book.transactions.get_mut(id) {
        Some(transaction) if transaction.waits > 0 => {
            transaction.waits -= 1;
            Ok(None)
        }
        _ => Ok(book.transactions.remove(id)),
    }
}

fn still_pending(issuer: &Issuer) -> Refusal {
    let refusal = Refusal::new("issuance_pending", "The credential is not there yet");
    if issuer.faults.strikes(Fault::MissingInterval) {
        return refusal;
    }
    let zero = issuer.faults.strikes(Fault::IntervalZero);
    refusal.with("interval", json!(if zero { 0 } else { issuer.options.deferred_interval }))
}

fn ready(issuer: &Issuer, transaction: Transaction, family: &str) -> Value {
    let Transaction { configuration, wanted, shown, wishes, .. } = transaction;
    let configuration = issuer.configuration(&configuration).expect("it was when it was asked for");
    finish(issuer, family, &Asked { configuration, shown, wanted }, &wishes)
}
