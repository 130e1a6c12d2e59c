//! Answers that say no, each with the specification's error code.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};

/// An error answer: status, code and a description for developers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) description: String,
    header: Option<(HeaderName, String)>,
}

/// Only for the log: who sends no token at all gets a challenge without code or body (RFC 6750
/// section 3.1).
const MISSING_TOKEN: &str = "missing_token";

/// What the log takes from an answer.
#[derive(Clone)]
pub(crate) struct Noted {
    pub(crate) code: String,
    pub(crate) description: String,
}

impl Refusal {
    /// Status 400 with the given code.
    pub(crate) fn new(code: &'static str, description: impl AsRef<str>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code,
            description: legal_description(description.as_ref()),
            header: None,
        }
    }

    /// The same with another status.
    pub(crate) fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// A bearer token refusal (RFC 6750 section 3): challenge header, and the code in the body too.
    pub(crate) fn bearer(status: StatusCode, code: &'static str, description: &str) -> Self {
        let mut refusal = Self::new(code, description).status(status);
        let challenge =
            format!("Bearer realm=\"credential\", error=\"{code}\", error_description=\"{}\"", refusal.description);
        refusal.header = Some((WWW_AUTHENTICATE, challenge));
        refusal
    }

    /// No token was sent at all: RFC 6750 asks for a challenge without an error code.
    pub(crate) fn no_token() -> Self {
        let mut refusal =
            Self::new(MISSING_TOKEN, "This endpoint wants an access token").status(StatusCode::UNAUTHORIZED);
        refusal.header = Some((WWW_AUTHENTICATE, "Bearer realm=\"credential\"".to_owned()));
        refusal
    }

    /// Nothing is served at this path.
    pub(crate) fn not_found() -> Self {
        Self::new("not_found", "Nothing is served here").status(StatusCode::NOT_FOUND)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({"error": self.code, "error_description": self.description});
        let mut response = no_store(self.status, &body);
        if self.code == MISSING_TOKEN {
            *response.body_mut() = Body::empty();
            response.headers_mut().remove(CONTENT_TYPE);
        }
        if let Some((name, value)) = self.header {
            let value = HeaderValue::from_str(&value).expect("descriptions are plain ASCII");
            response.headers_mut().insert(name, value);
        }
        note(&mut response, self.code, &self.description);
        response
    }
}

/// Leaves a note for the log on an answer.
pub(crate) fn note(response: &mut Response, code: &str, description: &str) {
    response.extensions_mut().insert(Noted { code: code.to_owned(), description: description.to_owned() });
}

/// A JSON answer that may be cached.
pub(crate) fn json_answer(body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A JSON answer that must not be cached.
pub(crate) fn no_store(status: StatusCode, body: &Value) -> Response {
    let mut response = json_answer(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// `error_description` may hold printable ASCII without quote and backslash only.
fn legal_description(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '"' | '\\' => '\'',
            ' '..='~' => c,
            _ => '?',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_are_plain() {
        let refusal = Refusal::new("invalid_request", "a \"b\" \\ ü\n");
        assert_eq!(refusal.description, "a 'b' ' ??");
    }
}
