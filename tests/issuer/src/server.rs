//! Listening, routing, and what happens around every request: log, latency, wire faults.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, get, post};
use http::header::{ACCEPT, ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::control;
use crate::dialect::{Batch, Nonces};
use crate::display;
use crate::dpop::{self, Realm};
use crate::faults::{DropConnection, Fault, Target, Wire, redirect, spoil};
use crate::issuer::Issuer;
use crate::log::{Arrival, Outcome, Seen};
use crate::oauth::{AuthServer, media_type};
use crate::options::Par;
use crate::refusal::{Noted, Refusal};
use crate::shown::Shown;
use crate::{
    authorize, challenge, credential, deferred, images, login, metadata, offers, status, systems, token, type_metadata,
};

type Shared = Arc<Issuer>;

/// Bytes of a request that are read; what is longer counts as empty.
const BODY_LIMIT: usize = 1 << 20;

/// Everything that the issuer's own port serves.
pub(crate) fn router(issuer: &Shared) -> Router {
    if issuer.system.is_some() {
        return observed(systems::router(systems::Side::Issuer), issuer);
    }
    let path = issuer.options.path.clone();
    let own_port = |server: &AuthServer| server.id.starts_with(&format!("{}/", issuer.origin));
    let at = |rest: &str| format!("{path}{rest}");
    let mut router = Router::new()
        .route(&issuer.dialect.well_known.path("openid-credential-issuer", &path), get(metadata::credential_issuer))
        .route(&at("/offers/{id}"), get(offers::fetch))
        .route(&at("/credential"), posted(credential::credential))
        .route(&format!("/.well-known/jwt-vc-issuer{path}"), get(metadata::jwt_vc_issuer))
        .route("/.well-known/jwt-vc-issuer/other-issuer", get(metadata::jwt_vc_issuer_of_other))
        .route(&at("/pictures/{name}"), get(display::picture))
        .route(&at("/jwks"), get(metadata::jwks))
        .route(&at("/vct/{slug}"), get(type_metadata::serve))
        .route(&at("/images/{name}"), get(images::serve))
        .route(&at("/status/{list}/{configuration}"), get(status::serve))
        .route(&did_path(&path), get(metadata::did_document));
    if issuer.options.batch_size >= 2 && issuer.dialect.batch == Batch::Endpoint {
        router = router.route(&at("/batch"), posted(credential::batch));
    }
    if issuer.options.nonce_endpoint && issuer.dialect.nonces == Nonces::Endpoint {
        router = router.route(&at("/nonce"), posted(credential::nonce));
    }
    if issuer.options.notification_endpoint && issuer.dialect.notifications {
        router = router.route(&at("/notification"), posted(credential::notification));
    }
    if issuer.options.deferred_waits.is_some() {
        router = router.route(&at("/deferred"), posted(deferred::deferred));
    }
    for (index, server) in issuer.servers.iter().enumerate() {
        if own_port(server) || server.id == issuer.origin {
            router = with_server(router, issuer, index);
        }
    }
    finish(router, issuer)
}

/// What the authorization server's own port serves, if it has one.
pub(crate) fn second_router(issuer: &Shared) -> Router {
    if issuer.system.is_some() {
        return observed(systems::router(systems::Side::Server), issuer);
    }
    finish(with_server(Router::new(), issuer, 0), issuer)
}

/// Where `did:web` looks for the document.
fn did_path(path: &str) -> String {
    if path.is_empty() { "/.well-known/did.json".to_owned() } else { format!("{path}/did.json") }
}

fn finish(router: Router<Shared>, issuer: &Shared) -> Router {
    observed(router.fallback(async || Refusal::not_found()), issuer)
}

fn observed(router: Router<Shared>, issuer: &Shared) -> Router {
    router
        .layer(from_fn_with_state(issuer.clone(), observe))
        // Behind the log on purpose: asking about the test is not part of it.
        .merge(control::router())
        .with_state(issuer.clone())
}

fn with_server(router: Router<Shared>, issuer: &Shared, index: usize) -> Router<Shared> {
    let server = &issuer.servers[index];
    let path = &server.path;
    let document =
        async move |State(issuer): State<Shared>| metadata::authorization_server(&issuer, &issuer.servers[index]);
    let mut router = router.route(&format!("/.well-known/oauth-authorization-server{path}"), get(document)).route(
        &format!("{path}/token"),
        posted(move |issuer, headers, body| token::token(issuer, index, headers, body)),
    );
    if issuer.options.challenge_endpoint {
        router = router.route(
            &format!("{path}/challenge"),
            posted(move |issuer, _, body| challenge::endpoint(issuer, index, body)),
        );
    }
    if server.serves_code() {
        let show = async move |State(issuer): State<Shared>, RawQuery(query): RawQuery| {
            authorize::authorize(&issuer, index, &query.unwrap_or_default())
        };
        router = router.route(&format!("{path}/authorize"), get(show)).route(
            &format!("{path}/login"),
            posted(move |issuer, headers, body| login::submit(issuer, index, headers, body)),
        );
        if issuer.options.par != Par::Off {
            router = router.route(
                &format!("{path}/par"),
                posted(move |issuer, headers, body| authorize::push(issuer, index, headers, body)),
            );
        }
    }
    router
}

/// A route for POST whose handler gets headers and the whole body.
fn posted<F>(handler: F) -> MethodRouter<Shared>
where
    F: Fn(&Issuer, &HeaderMap, &[u8]) -> Response + Clone + Send + Sync + 'static,
{
    post(async move |State(issuer): State<Shared>, headers: HeaderMap, body: Bytes| handler(&issuer, &headers, &body))
}

/// Logs a request, delays it, and spoils its answer if a fault says so.
async fn observe(State(issuer): State<Shared>, request: Request, next: Next) -> Response {
    let ticket = issuer.log.begin(arrival(&request));
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, BODY_LIMIT).await.unwrap_or_default();
    let is_form = media_type(&parts.headers).as_deref() == Some("application/x-www-form-urlencoded");
    issuer.log.describe(&ticket, Shown::of(&parts.headers, is_form.then_some(&*body)));
    let request = Request::from_parts(parts, Body::from(body));
    delay(&issuer).await;
    let response = answer(&issuer, request, next).await;
    let dropped = response.extensions().get::<DropConnection>().is_some();
    let noted = response.extensions().get::<Noted>().cloned();
    let outcome = Outcome {
        status: if dropped { 0 } else { response.status().as_u16() },
        error: noted.map(|noted| (noted.code, noted.description)),
        seen: response.extensions().get::<Seen>().cloned().unwrap_or_default().0,
    };
    issuer.log.end(&ticket, outcome);
    response
}

async fn answer(issuer: &Issuer, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let Some(target) = target_of(issuer, &path) else {
        return renewed(issuer, &path, next.run(request).await);
    };
    let strikes = |wire| issuer.faults.strikes(Fault::Wire(wire, target));
    if strikes(Wire::Http500) {
        let refusal = Refusal::new("server_error", "The fault http-500 is on");
        return refusal.status(StatusCode::INTERNAL_SERVER_ERROR).into_response();
    }
    // Who followed the redirect is at the other origin already and gets the real answer, so that
    // following it is seen to work.
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !host.starts_with("localhost") && strikes(Wire::Redirect) {
        let port = host.rsplit(':').next().unwrap_or_default();
        let post = request.method() == http::Method::POST;
        return redirect(post, &format!("http://localhost:{port}{path}"));
    }
    let mut response = renewed(issuer, &path, next.run(request).await);
    if response.headers().contains_key(WWW_AUTHENTICATE) && issuer.faults.strikes(Fault::BareChallenge) {
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(CONTENT_TYPE);
    }
    for wire in [Wire::DeepJson, Wire::BadJson, Wire::Oversized, Wire::ContentType, Wire::Drop] {
        if strikes(wire) {
            response = spoil(response, wire, target).await;
        }
    }
    response
}

/// The answer with new values for the next request to the same server, where there are such.
fn renewed(issuer: &Issuer, path: &str, mut response: Response) -> Response {
    if issuer.system.is_some() {
        return response;
    }
    let at_server = |(index, server): (usize, &AuthServer)| {
        let endpoint = path.strip_prefix(server.path.as_str())?;
        ["/par", "/token", "/challenge"].contains(&endpoint).then_some(index)
    };
    if let Some(server) = issuer.servers.iter().enumerate().find_map(at_server) {
        dpop::renew_nonce(issuer, Realm::Authorization(server), &mut response);
        if !path.ends_with("/challenge") {
            challenge::renew(issuer, server, &mut response);
        }
    } else if let Some("/nonce" | "/credential" | "/batch" | "/deferred" | "/notification") =
        path.strip_prefix(issuer.options.path.as_str())
    {
        dpop::renew_nonce(issuer, Realm::Resource, &mut response);
    }
    response
}

/// Which answer a path leads to, as the wire faults count them.
fn target_of(issuer: &Issuer, path: &str) -> Option<Target> {
    if let Some(system) = &issuer.system {
        return system.target(path);
    }
    if path == issuer.dialect.well_known.path("openid-credential-issuer", &issuer.options.path) {
        return Some(Target::Metadata);
    }
    if let Some(rest) = path.strip_prefix("/.well-known/") {
        let (name, _) = rest.split_once('/').unwrap_or((rest, ""));
        return match name {
            "oauth-authorization-server" => Some(Target::AsMetadata),
            "jwt-vc-issuer" | "did.json" => Some(Target::IssuerKey),
            _ => None,
        };
    }
    for server in &issuer.servers {
        match path.strip_prefix(server.path.as_str()) {
            Some("/token") => return Some(Target::Token),
            Some("/par") => return Some(Target::Par),
            Some("/challenge") => return Some(Target::Challenge),
            _ => {}
        }
    }
    match path.strip_prefix(issuer.options.path.as_str())? {
        "/credential" | "/batch" => Some(Target::Credential),
        "/nonce" => Some(Target::Nonce),
        "/deferred" => Some(Target::Deferred),
        "/notification" => Some(Target::Notification),
        "/jwks" | "/did.json" => Some(Target::IssuerKey),
        rest if rest.starts_with("/status/") => Some(Target::Status),
        rest if rest.starts_with("/images/") => Some(Target::Image),
        rest if rest.starts_with("/vct/") => Some(Target::TypeMetadata),
        rest if rest.starts_with("/offers/") => Some(Target::Offer),
        _ => None,
    }
}

async fn delay(issuer: &Issuer) {
    let mut milliseconds = issuer.options.latency_ms;
    if issuer.faults.strikes(Fault::Slow) {
        milliseconds = (milliseconds * 10).max(5000);
    }
    if milliseconds > 0 {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
}

fn arrival(request: &Request) -> Arrival {
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let mut headers: BTreeMap<String, String> = [ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, USER_AGENT]
        .into_iter()
        .filter_map(|name| text(name.clone()).map(|value| (name.to_string(), value.to_owned())))
        .collect();
    if let Some(authorization) = text(AUTHORIZATION) {
        // The scheme only: the token itself has no place in a log.
        let scheme = authorization.split(' ').next().unwrap_or_default();
        headers.insert(AUTHORIZATION.to_string(), scheme.to_owned());
    }
    Arrival {
        method: request.method().to_string(),
        host: text(HOST).unwrap_or_default().to_owned(),
        path: request.uri().path().to_owned(),
        query: request.uri().query().map(str::to_owned),
        headers,
    }
}

/// Accepts connections until told to stop; then all of them are closed.
pub(crate) async fn serve(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(connection(stream, router.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// Closes the connection: the wire fault `drop`.
#[derive(Debug)]
struct Dropped;

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection is dropped on purpose")
    }
}

impl std::error::Error for Dropped {}

async fn connection(stream: TcpStream, router: Router) {
    // Small answers must not wait for acknowledgements: it would look like latency.
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let router = TowerToHyperService::new(router.clone());
        async move {
            let response: Result<http::Response<Body>, Infallible> =
                hyper::service::Service::call(&router, request.map(Body::new)).await;
            match response {
                Ok(response) if response.extensions().get::<DropConnection>().is_some() => Err(Dropped),
                Ok(response) => Ok(response),
                Err(never) => match never {},
            }
        }
    });
    // Errors are the client's going away, or a drop that was asked for.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
