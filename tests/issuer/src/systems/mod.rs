//! Issuers by name: systems that speak neither 1.0 nor any one draft.
//!
//! Each is built from its own source, with its own routes, answers and refusals, and shares nothing with
//! the others but what stands in this file: it gets whole requests and gives whole answers.

mod credibil;
mod didroom;
mod family;
mod identus;
mod prism;
mod sphereon;
mod vercre;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;

use crate::faults::Target;
use crate::issuer::Issuer;
use crate::oauth::{Grant, media_type};
use crate::offers::{By, MadeOffer, OfferSpec};
use crate::options::{AuthorizationServer, Options};
use crate::profile::Profile;
use crate::refusal::note;

/// Bytes of a request that are read.
const BODY_LIMIT: usize = 1 << 20;

/// Which of two ports was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The credential issuer's.
    Issuer,
    /// The authorization server's own one, where it has one.
    Server,
}

/// One system.
pub(crate) trait System: Send + Sync {
    /// Answers a request.
    fn answer(&self, issuer: &Issuer, side: Side, asked: &Asked) -> Response;

    /// Which answer a path leads to, as the wire faults count them.
    fn target(&self, path: &str) -> Option<Target>;

    /// Makes an offer.
    fn make(&self, issuer: &Issuer, spec: &OfferSpec) -> Result<MadeOffer, String>;

    /// The offers that exist in this system.
    fn announced(&self) -> Vec<OfferSpec>;
}

/// The system of a profile, if it is one.
pub(crate) fn of(options: &Options, origin: &str) -> Option<Box<dyn System>> {
    match options.profile {
        Profile::Identus => Some(Box::new(identus::Identus::new(options))),
        Profile::Credibil => Some(Box::new(credibil::Credibil::new(origin, options.credibil_as_is))),
        Profile::Didroom => Some(Box::new(didroom::Didroom::new())),
        Profile::Sphereon => Some(Box::new(sphereon::Sphereon::new(options.sphereon_release))),
        Profile::Vercre => Some(Box::new(vercre::Vercre::new(origin))),
        _ => None,
    }
}

/// The options as the system of a profile has them.
pub(crate) fn shape(options: Options) -> Options {
    match options.profile {
        Profile::Identus => Options {
            path: identus::ISSUER_PATH.to_owned(),
            authorization_server: AuthorizationServer::Port,
            ..options
        },
        Profile::Didroom => Options {
            path: didroom::ISSUER_PATH.to_owned(),
            authorization_server: AuthorizationServer::Port,
            ..options
        },
        Profile::Sphereon | Profile::Vercre | Profile::Credibil => {
            Options { path: String::new(), authorization_server: AuthorizationServer::Own, ..options }
        }
        _ => options,
    }
}

/// The path of the authorization server on a port of its own.
pub(crate) fn server_path(profile: Profile) -> &'static str {
    match profile {
        Profile::Identus => identus::REALM,
        Profile::Didroom => didroom::SERVER_PATH,
        _ => "",
    }
}

/// What one port serves.
pub(crate) fn router(side: Side) -> Router<Arc<Issuer>> {
    Router::new().fallback(async move |State(issuer): State<Arc<Issuer>>, request: Request| {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, BODY_LIMIT).await.unwrap_or_default();
        let asked = Asked {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: Fields::parse(parts.uri.query().unwrap_or_default().as_bytes()),
            headers: parts.headers,
            body,
        };
        issuer.system.as_ref().expect("the profile is a system").answer(&issuer, side, &asked)
    })
}

/// A request.
pub(crate) struct Asked {
    method: Method,
    path: String,
    query: Fields,
    headers: HeaderMap,
    body: Bytes,
}

impl Asked {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn is_post(&self) -> bool {
        self.method == Method::POST
    }

    /// The body as a form, which has to say that it is one.
    fn form(&self) -> Option<Fields> {
        let is_form = media_type(&self.headers).as_deref() == Some("application/x-www-form-urlencoded");
        is_form.then(|| Fields::parse(&self.body))
    }

    /// What follows a scheme in `Authorization`, however the scheme is spelled.
    fn credentials(&self, scheme: &str) -> Option<&str> {
        let (word, rest) = self.header("authorization")?.split_once(' ')?;
        word.eq_ignore_ascii_case(scheme).then_some(rest.trim())
    }
}

/// Parameters of a query or a form.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    fn parse(text: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(text).into_owned().collect())
    }

    /// The first value; none if it is empty.
    fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }
}

/// A JSON answer.
fn answer(status: u16, body: &Value) -> Response {
    let mut response = crate::refusal::json_answer(body);
    *response.status_mut() = StatusCode::from_u16(status).expect("a legal status");
    response
}

/// A refusal as OAuth spells it.
fn refused(status: u16, code: &str, description: &str) -> Response {
    noted(answer(status, &json!({"error": code, "error_description": description})), code, description)
}

/// An answer with a word for the log about what is wrong.
fn noted(mut response: Response, code: &str, description: &str) -> Response {
    note(&mut response, code, description);
    response
}

/// A page.
fn page(status: u16, body: &str) -> Response {
    let mut response = Response::new(Body::from(format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Sign in</title></head>\n\
         <body>\n{body}\n</body>\n</html>\n"
    )));
    *response.status_mut() = StatusCode::from_u16(status).expect("a legal status");
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

/// An answer without a body.
fn empty(status: u16) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(status).expect("a legal status");
    response
}

/// Sends the browser on, with more parameters.
fn redirect(to: &str, parameters: &[(&str, &str)]) -> Response {
    let joint = match (parameters.is_empty(), to.contains('?')) {
        (true, _) => "",
        (false, true) => "&",
        (false, false) => "?",
    };
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    let mut response = empty(302);
    if let Ok(location) = HeaderValue::from_str(&format!("{to}{joint}{query}")) {
        response.headers_mut().insert(LOCATION, location);
    }
    if let Some((_, code)) = parameters.iter().find(|(name, _)| *name == "error") {
        return noted(response, code, "");
    }
    response
}

/// Text as it may stand in a page.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The link of an offer; `spaces` says whether a space is a `+`, as in forms.
fn link(parameter: &str, value: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair(parameter, value).finish();
    format!("openid-credential-offer://?{query}")
}

/// The offer as it is announced.
fn made(spec: &OfferSpec, configuration: &str, link: String, offer: Value) -> MadeOffer {
    let grant = if spec.grant == Grant::Code { "code" } else { "pre-authorized" };
    let by = if spec.by == By::Value { "value" } else { "reference" };
    MadeOffer {
        name: format!("{grant} {configuration} by {by}"),
        grant: spec.grant,
        format: spec.format.clone(),
        by: spec.by,
        link,
        tx_code: None,
        args: Vec::new(),
        offer,
        id: None,
    }
}
