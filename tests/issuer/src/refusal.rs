//! Answers that say no, each with the specification's error code.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::dpop;
use crate::options::Dpop;
use crate::raw;

/// An error answer: status, code and a description for developers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) description: String,
    headers: Vec<(HeaderName, String)>,
    /// More members of the body.
    more: Vec<(&'static str, Value)>,
    /// Whether everything is said in the headers.
    bare: bool,
}

/// How an access token is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// By itself (RFC 6750).
    Bearer,
    /// With a proof of possession (RFC 9449).
    Dpop,
}

impl Scheme {
    pub(crate) const ALL: [Self; 2] = [Self::Bearer, Self::Dpop];

    /// The word in `Authorization`, `WWW-Authenticate` and `token_type`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
        }
    }

    /// A challenge of this scheme.
    fn challenge(self, parameters: &str) -> String {
        let algs = match self {
            Self::Bearer => String::new(),
            Self::Dpop => format!(", algs=\"{}\"", dpop::ALGS.join(" ")),
        };
        format!("{} realm=\"credential\"{parameters}{algs}", self.name())
    }
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
            headers: Vec::new(),
            more: Vec::new(),
            bare: false,
        }
    }

    /// The same with another status.
    pub(crate) fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The same with one more header.
    pub(crate) fn header(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same with one more member in the body.
    pub(crate) fn with(mut self, name: &'static str, value: Value) -> Self {
        self.more.push((name, value));
        self
    }

    /// A refusal that concerns the access token (RFC 6750 section 3, RFC 9449 section 7.1): a
    /// challenge, and for anything but DPoP's own codes a body with the code too.
    pub(crate) fn protected(scheme: Scheme, code: &'static str, description: &str) -> Self {
        let mut refusal = Self::new(code, description).status(dpop::resource_status(code));
        let parameters = format!(", error=\"{code}\", error_description=\"{}\"", refusal.description);
        refusal.bare = code.contains("dpop");
        refusal.header(WWW_AUTHENTICATE, scheme.challenge(&parameters))
    }

    /// No token was sent at all: RFC 6750 asks for a challenge without an error code.
    pub(crate) fn no_token(dpop: Dpop) -> Self {
        let schemes: &[Scheme] = match dpop {
            Dpop::Off => &[Scheme::Bearer],
            Dpop::On => &Scheme::ALL,
            Dpop::Required => &[Scheme::Dpop],
        };
        let mut refusal =
            Self::new(MISSING_TOKEN, "This endpoint wants an access token").status(StatusCode::UNAUTHORIZED);
        refusal.bare = true;
        refusal.headers = schemes.iter().map(|scheme| (WWW_AUTHENTICATE, scheme.challenge(""))).collect();
        refusal
    }

    /// Nothing is served at this path.
    pub(crate) fn not_found() -> Self {
        Self::new("not_found", "Nothing is served here").status(StatusCode::NOT_FOUND)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut body = json!({"error": self.code, "error_description": self.description});
        for (name, value) in self.more {
            body[name] = value;
        }
        let mut response = no_store(self.status, &body);
        if self.bare {
            *response.body_mut() = Body::empty();
            response.headers_mut().remove(CONTENT_TYPE);
        }
        for (name, value) in self.headers {
            let value = HeaderValue::from_str(&value).expect("descriptions are plain ASCII");
            response.headers_mut().append(name, value);
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
    let mut response = Response::new(Body::from(raw::text(body)));
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
