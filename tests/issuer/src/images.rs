//! Logos and backgrounds that have an address of their own.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use crate::faults::Fault;
use crate::issuer::Issuer;
use crate::refusal::Refusal;

/// Name, media type and content. The last one is not what it says.
const IMAGES: [(&str, &str, &[u8]); 4] = [
    ("licence.png", "image/png", include_bytes!("../images/licence.png")),
    ("card.svg", "image/svg+xml", include_bytes!("../images/card.svg")),
    ("portrait.jpg", "image/jpeg", include_bytes!("../images/portrait.jpg")),
    ("lying.png", "image/png", b"<html><script>alert(1)</script></html>"),
];

/// The content of an image.
pub(crate) fn content(name: &str) -> Option<&'static [u8]> {
    IMAGES.iter().find(|(known, ..)| *known == name).map(|(.., content)| *content)
}

/// Where an image is.
pub(crate) fn url(issuer: &str, name: &str) -> String {
    format!("{issuer}/images/{name}")
}

/// Serves an image.
pub(crate) async fn serve(State(issuer): State<Arc<Issuer>>, Path(name): Path<String>) -> Response {
    let name = if name == "licence.png" && issuer.faults.strikes(Fault::LyingLogo) { "lying.png" } else { &name };
    let Some((_, media_type, content)) = IMAGES.iter().find(|(known, ..)| *known == name) else {
        return Refusal::not_found().into_response();
    };
    let mut response = Response::new(Body::from(*content));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=3600"));
    response
}
