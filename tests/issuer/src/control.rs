//! `/test/*`: the log, more offers, faults, and the clock. Not part of the protocol.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::attester::KeyAttestationSpec;
use crate::faults::Fault;
use crate::issuer::Issuer;
use crate::offers::{self, OfferSpec};
use crate::refusal::{Refusal, no_store};
use crate::status;

type Shared = Arc<Issuer>;

/// The routes.
pub(crate) fn router() -> Router<Shared> {
    Router::new()
        .route("/test/log", get(log))
        .route("/test/log/reset", post(reset))
        .route("/test/offer", post(offer))
        .route("/test/fault", get(faults).post(set_fault))
        .route("/test/clock", post(clock))
        .route("/test/status", get(statuses).post(set_status))
        .route("/test/attester/client", post(attest_client))
        .route("/test/attester/keys", post(attest_keys))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::new("invalid_request", error.to_string()))
}

fn answer(result: Result<Value, Refusal>) -> Response {
    match result {
        Ok(value) => no_store(StatusCode::OK, &value),
        Err(refusal) => refusal.into_response(),
    }
}

async fn log(State(issuer): State<Shared>) -> Response {
    answer(Ok(json!(issuer.log.report())))
}

async fn reset(State(issuer): State<Shared>) -> Response {
    issuer.log.reset();
    answer(Ok(json!({})))
}

async fn offer(State(issuer): State<Shared>, body: Bytes) -> Response {
    answer(read::<OfferSpec>(&body).and_then(|spec| {
        offers::make(&issuer, &spec).map(|offer| json!(offer)).map_err(|reason| Refusal::new("invalid_request", reason))
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultRequest {
    name: String,
    #[serde(default = "yes")]
    on: bool,
    /// How often it strikes; always if left out.
    times: Option<u32>,
}

fn yes() -> bool {
    true
}

async fn faults(State(issuer): State<Shared>) -> Response {
    let on: Vec<String> = issuer.faults.active().iter().map(Fault::to_string).collect();
    answer(Ok(json!({"on": on, "known": Fault::names()})))
}

async fn set_fault(State(issuer): State<Shared>, body: Bytes) -> Response {
    answer(read::<FaultRequest>(&body).and_then(|request| {
        let fault: Fault = request.name.parse().map_err(|reason: String| Refusal::new("invalid_request", reason))?;
        if request.times == Some(0) {
            return Err(Refusal::new("invalid_request", "times is 1 at least"));
        }
        if request.on {
            issuer.faults.set(fault, request.times);
        } else {
            issuer.faults.unset(fault);
        }
        let on: Vec<String> = issuer.faults.active().iter().map(Fault::to_string).collect();
        Ok(json!({"on": on}))
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StatusRequest {
    index: u64,
    /// 0 is valid, 1 invalid, 2 suspended.
    value: u8,
}

async fn statuses(State(issuer): State<Shared>) -> Response {
    let values: std::collections::BTreeMap<String, u8> =
        issuer.book().statuses.all().iter().map(|(index, value)| (index.to_string(), *value)).collect();
    answer(Ok(json!(values)))
}

async fn set_status(State(issuer): State<Shared>, body: Bytes) -> Response {
    answer(read::<StatusRequest>(&body).and_then(|request| {
        status::set(&issuer, request.index, request.value)
            .map_err(|reason| Refusal::new("invalid_request", reason))
            .map(|()| json!({}))
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockRequest {
    advance_seconds: i64,
}

async fn clock(State(issuer): State<Shared>, body: Bytes) -> Response {
    answer(read::<ClockRequest>(&body).map(|request| {
        issuer.clock.advance(request.advance_seconds);
        json!({"now": issuer.now()})
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientRequest {
    client_id: String,
    jwk: Value,
    /// Seconds that it shall be good for; an hour if left out.
    expires_in: Option<i64>,
}

async fn attest_client(State(issuer): State<Shared>, body: Bytes) -> Response {
    answer(read::<ClientRequest>(&body).map(|request| {
        let attester = &issuer.attester;
        let attestation = match request.expires_in {
            None => attester.client_attestation(&request.client_id, &request.jwk),
            Some(seconds) => attester.client_attestation_for(&request.client_id, &request.jwk, seconds),
        };
        json!({"attestation": attestation})
    }))
}

async fn attest_keys(State(issuer): State<Shared>, body: Bytes) -> Response {
    answer(read::<KeyAttestationSpec>(&body).map(|spec| json!({"attestation": issuer.attester.key_attestation(&spec)})))
}
