//! Credentials that come later: the deferred credential endpoint.

use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::access::authorize;
use crate::answers::{finish, pending};
use crate::claims::Path;
use crate::codes::{self, Place};
use crate::credential::malformed;
use crate::encoding::random_text;
use crate::encryption;
use crate::faults::Fault;
use crate::issuer::Issuer;
use crate::proof::Holder;
use crate::refusal::Refusal;
use crate::token::Token;
use crate::wishes::Wishes;

/// A credential that was asked for and is not there yet.
#[derive(Clone, Debug)]
pub(crate) struct Transaction {
    client_id: Option<String>,
    configuration: String,
    /// The claims to put in.
    wanted: Option<Vec<Path>>,
    holders: Vec<Holder>,
    wishes: Wishes,
    /// How often the wallet still has to ask in vain.
    waits: u32,
}

/// Puts a request off; the answer has to be sent with status 202.
pub(crate) fn put_off(issuer: &Issuer, token: &Token, configuration: &str, holders: Vec<Holder>, waits: u32) -> Value {
    let id = random_text();
    let answer = pending(issuer, &id);
    let transaction = Transaction {
        client_id: token.client_id.clone(),
        configuration: configuration.to_owned(),
        wanted: token.claims.get(configuration).cloned(),
        holders,
        wishes: token.wishes.clone(),
        waits,
    };
    issuer.book().transactions.insert(id, transaction);
    answer
}

/// Takes a deferred credential request.
pub(crate) fn deferred(issuer: &Issuer, headers: &HeaderMap, body: &[u8]) -> Response {
    collect(issuer, headers, body).unwrap_or_else(Refusal::into_response)
}

fn collect(issuer: &Issuer, headers: &HeaderMap, body: &[u8]) -> Result<Response, Refusal> {
    let (_, token) = authorize(issuer, headers, "/deferred")?;
    if let Some(refusal) = codes::forced(issuer, Place::Deferred, 0, token.scheme()) {
        return Err(refusal);
    }
    let opened = encryption::read(issuer, headers, body)?;
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
    let mut book = issuer.book();
    let transaction = book.transactions.get_mut(id).ok_or_else(unknown)?;
    // Another token will do, if it is the same client's and good for the same credential.
    if transaction.client_id != token.client_id || !token.configurations.contains(&transaction.configuration) {
        return Err(unknown());
    }
    if issuer.faults.strikes(Fault::CredentialDenied) {
        book.transactions.remove(id);
        return Err(Refusal::new("credential_request_denied", "This credential will not be issued"));
    }
    if transaction.waits > 0 {
        transaction.waits -= 1;
        let changed = issuer.faults.strikes(Fault::ChangedTransactionId).then(random_text);
        let answer = pending(issuer, changed.as_deref().unwrap_or(id));
        return Ok(opened.answer(issuer, StatusCode::ACCEPTED, &answer));
    }
    let transaction = book.transactions.remove(id).expect("it was just there");
    drop(book);
    let configuration = issuer.configuration(&transaction.configuration).expect("it was when it was asked for");
    let Transaction { wanted, holders, wishes, .. } = &transaction;
    let answer = finish(issuer, token.family, configuration, wanted.as_ref(), holders, wishes);
    Ok(opened.answer(issuer, StatusCode::OK, &answer))
}
