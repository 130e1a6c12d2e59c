//! Faults on the wire: what becomes of a finished answer.

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, StatusCode};
use http_body_util::BodyExt as _;

/// An answer that a wire fault can spoil.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// Credential issuer metadata.
    Metadata,
    /// Authorization server metadata.
    AsMetadata,
    /// Offer by reference.
    Offer,
    /// Pushed authorization request.
    Par,
    /// Challenge for proofs of client attestations.
    Challenge,
    /// Token.
    Token,
    /// Nonce.
    Nonce,
    /// Credential.
    Credential,
    /// Deferred credential.
    Deferred,
    /// Notification.
    Notification,
    /// JWT VC issuer metadata, `did.json` and the key set: where issuer keys are found.
    IssuerKey,
    /// Status lists.
    Status,
    /// SD-JWT VC type metadata.
    TypeMetadata,
    /// Logos and backgrounds with an address of their own.
    Image,
}

impl Target {
    pub(super) const ALL: [Self; 14] = [
        Self::Metadata,
        Self::AsMetadata,
        Self::Offer,
        Self::Par,
        Self::Challenge,
        Self::Token,
        Self::Nonce,
        Self::Credential,
        Self::Deferred,
        Self::Notification,
        Self::IssuerKey,
        Self::Status,
        Self::TypeMetadata,
        Self::Image,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::AsMetadata => "as-metadata",
            Self::Offer => "offer",
            Self::Par => "par",
            Self::Challenge => "challenge",
            Self::Token => "token",
            Self::Nonce => "nonce",
            Self::Credential => "credential",
            Self::Deferred => "deferred",
            Self::Notification => "notification",
            Self::IssuerKey => "issuer-key",
            Self::Status => "status",
            Self::TypeMetadata => "type-metadata",
            Self::Image => "image",
        }
    }
}

/// What a wire fault does to an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wire {
    /// Blanks after the JSON make it longer than any wallet should read: 64 KiB for offers, 1 MiB else.
    Oversized,
    /// The right body under `text/html`.
    ContentType,
    /// 302 (307 for a POST) to the same path under `localhost`, which is another origin.
    Redirect,
    /// Status 500 without looking at the request.
    Http500,
    /// The request is carried out, then the connection is closed without an answer.
    Drop,
    /// The body is cut in the middle.
    BadJson,
    /// One more member, nested 5000 deep.
    DeepJson,
}

impl Wire {
    pub(super) const ALL: [Self; 7] =
        [Self::Oversized, Self::ContentType, Self::Redirect, Self::Http500, Self::Drop, Self::BadJson, Self::DeepJson];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Oversized => "oversized",
            Self::ContentType => "wrong-content-type",
            Self::Redirect => "redirect",
            Self::Http500 => "http-500",
            Self::Drop => "drop",
            Self::BadJson => "bad-json",
            Self::DeepJson => "deep-json",
        }
    }
}

/// Marks an answer that must never be sent: the server closes the connection instead.
#[derive(Clone, Copy)]
pub(crate) struct DropConnection;

/// An answer that redirects to the same path on another origin.
pub(crate) fn redirect(post: bool, location: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = if post {
        // 307 makes a careless client repeat the body, secrets and all.
        StatusCode::TEMPORARY_REDIRECT
    } else {
        StatusCode::FOUND
    };
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// Applies a wire fault to a finished answer.
pub(crate) async fn spoil(response: Response, wire: Wire, target: Target) -> Response {
    let (mut parts, body) = response.into_parts();
    let mut bytes =
        body.collect().await.map(|body| body.to_bytes().to_vec()).expect("an answer of this server is in memory");
    match wire {
        Wire::Oversized => {
            let limit = if target == Target::Offer { 64 << 10 } else { 1 << 20 };
            bytes.resize(bytes.len().max(limit + 1), b' ');
        }
        Wire::ContentType => {
            parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        }
        Wire::Drop => {
            parts.extensions.insert(DropConnection);
        }
        Wire::BadJson => bytes.truncate(bytes.len() / 2),
        Wire::DeepJson => {
            if let Some(end) = bytes.iter().rposition(|byte| *byte == b'}') {
                let deep = format!(",\"deep\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
                bytes.truncate(end);
                bytes.extend_from_slice(deep.as_bytes());
            }
        }
        // Both replace the answer before the request is looked at.
        Wire::Redirect | Wire::Http500 => {}
    }
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(bytes))
}
