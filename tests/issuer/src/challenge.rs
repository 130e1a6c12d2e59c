//! Challenges for the proof of possession of a client attestation.

use std::time::Duration;

use axum::response::{IntoResponse as _, Response};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::json;

use crate::issuer::Issuer;
use crate::refusal::{Refusal, no_store};

const HEADER: HeaderName = HeaderName::from_static("oauth-client-attestation-challenge");

/// Gives a challenge.
pub(crate) fn endpoint(issuer: &Issuer, server: usize, body: &[u8]) -> Response {
    if !body.is_empty() {
        return Refusal::new("invalid_request", "The challenge endpoint takes no body").into_response();
    }
    no_store(StatusCode::OK, &json!({"attestation_challenge": give(issuer, server)}))
}

fn give(issuer: &Issuer, server: usize) -> String {
    let now = issuer.now();
    issuer.book().challenges.entry(server).or_default().give(now)
}

/// The refusal with a challenge to be used instead.
pub(crate) fn with_challenge(issuer: &Issuer, server: usize, refusal: Refusal) -> Refusal {
    refusal.header(HEADER, give(issuer, server))
}

/// Puts a new challenge on an answer, if this issuer wants challenges and none is there yet.
pub(crate) fn renew(issuer: &Issuer, server: usize, response: &mut Response) {
    if issuer.options.challenge_endpoint && !response.headers().contains_key(HEADER) {
        let challenge = HeaderValue::from_str(&give(issuer, server)).expect("a challenge is base64url");
        response.headers_mut().insert(HEADER, challenge);
    }
}

/// Whether this is a challenge of the server that was not used before.
pub(crate) fn take(issuer: &Issuer, server: usize, challenge: &str) -> bool {
    let now = issuer.now();
    let overlap = Duration::from_millis(issuer.options.latency_ms);
    issuer.book().challenges.entry(server).or_default().take(challenge, now, overlap)
}
