//! Pushed authorization requests (RFC 9126) and the authorization endpoint.

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::json;

use crate::client_auth::authenticate;
use crate::codes::{self, Place};
use crate::dialect::Offered;
use crate::dpop;
use crate::encoding::random_text;
use crate::faults::Fault;
use crate::issuer::Issuer;
use crate::login;
use crate::oauth::{Form, Wanted, check_client};
use crate::options::{Dpop, Par};
use crate::refusal::{Refusal, Scheme, no_store, note};
use crate::wishes::Wishes;

/// Seconds that the user has for signing in.
const SIGN_IN_LIFETIME: i64 = 600;
/// Seconds that an authorization code lives.
const CODE_LIFETIME: i64 = 60;

/// A checked authorization request.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) server: usize,
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) state: Option<String>,
    pub(crate) challenge: String,
    pub(crate) wanted: Wanted,
    pub(crate) wishes: Wishes,
    /// Thumbprint of the DPoP key that the code will be bound to.
    pub(crate) dpop_key: Option<String>,
    /// Thumbprint of the attested key that pushed the request, which the code will be bound to.
    pub(crate) instance_key: Option<String>,
    pub(crate) expires: i64,
}

/// An authorization code that was handed out.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) request: Pending,
    pub(crate) expires: i64,
    pub(crate) used: bool,
    /// The grant it was redeemed for, to be revoked if the code comes again.
    pub(crate) family: Option<String>,
}

/// A refusal, and the redirect URI and state that it may be sent to.
struct Refused {
    refusal: Box<Refusal>,
    back: Option<(String, Option<String>)>,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self { refusal: refusal.into(), back: None }
    }
}

/// Takes a pushed authorization request.
pub(crate) fn push(issuer: &Issuer, server: usize, headers: &HeaderMap, body: &[u8]) -> Response {
    let result = Form::from_body(headers, body).and_then(|form| {
        let client = authenticate(issuer, server, headers, &form)?;
        if form.get("request_uri").is_some() {
            return Err(Refusal::new("invalid_request", "request_uri has no place in a pushed request"));
        }
        let proven = dpop::at_server(issuer, server, "/par", headers, false)?;
        let mut request = check(issuer, server, &form).map_err(|refused| *refused.refusal)?;
        request.instance_key = client.instance_key;
        // RFC 9449 section 10.1: a proof binds the code as dpop_jkt does, and both have to agree.
        match (&proven, &request.dpop_key) {
            (Some(proven), Some(named)) if proven != named => {
                let message = "dpop_jkt is not the thumbprint of the key in the DPoP header";
                return Err(Refusal::new("invalid_dpop_proof", message));
            }
            (Some(_), _) => request.dpop_key = proven,
            (None, _) => {}
        }
        match codes::forced(issuer, Place::Par, server, Scheme::Bearer) {
            Some(refusal) => Err(refusal),
            None => Ok(request),
        }
    });
    match result {
        Err(refusal) => refusal.into_response(),
        Ok(mut request) => {
            let lifetime = issuer.options.par_lifetime;
            request.expires = issuer.now() + lifetime;
            let uri = format!("urn:ietf:params:oauth:request_uri:{}", random_text());
            issuer.book().pushed.insert(uri.clone(), request);
            let answer = json!({"request_uri": uri, "expires_in": lifetime});
            no_store(StatusCode::CREATED, &answer)
        }
    }
}

/// Shows the sign-in page, or says why not.
pub(crate) fn authorize(issuer: &Issuer, server: usize, query: &str) -> Response {
    match accept(issuer, server, query) {
        Ok((id, request)) => login::page(issuer, &id, &request, None),
        Err(Refused { refusal, back: Some((uri, state)) }) => {
            redirect_error(issuer, server, &uri, state.as_deref(), &refusal)
        }
        Err(Refused { refusal, back: None }) => login::error_page(&refusal),
    }
}

fn accept(issuer: &Issuer, server: usize, query: &str) -> Result<(String, Pending), Refused> {
    let form = Form::parse(query.as_bytes())?;
    let mut request = if let Some(uri) = form.get("request_uri") {
        take_pushed(issuer, server, &form, uri)?
    } else if issuer.options.par == Par::Required {
        // The redirect URI was not checked, so this error stays here.
        return Err(Refusal::new("invalid_request", "Requests have to be pushed first").into());
    } else {
        check(issuer, server, &form)?
    };
    if let Some(refusal) = codes::forced(issuer, Place::Authorize, server, Scheme::Bearer) {
        return Err(Refused { refusal: refusal.into(), back: Some((request.redirect_uri, request.state)) });
    }
    request.expires = issuer.now() + SIGN_IN_LIFETIME;
    let id = random_text();
    issuer.book().sign_ins.insert(id.clone(), request.clone());
    Ok((id, request))
}

fn take_pushed(issuer: &Issuer, server: usize, form: &Form, uri: &str) -> Result<Pending, Refusal> {
    let client = form.require("client_id")?;
    if let Some(name) = form.names().find(|name| !["client_id", "request_uri"].contains(name)) {
        let message = format!("After a push only client_id and request_uri belong here, not {name}");
        return Err(Refusal::new("invalid_request", message));
    }
    let bad = |reason| Refusal::new("invalid_request_uri", reason);
    let mut book = issuer.book();
    let known = book.pushed.get(uri).ok_or_else(|| bad("request_uri is unknown or was used before"))?;
    if known.client_id != client || known.server != server {
        return Err(bad("request_uri belongs to another client or server"));
    }
    let request = book.pushed.remove(uri).expect("it was just there");
    if request.expires <= issuer.now() || issuer.faults.strikes(Fault::ExpiredRequestUri) {
        return Err(bad("request_uri has expired"));
    }
    Ok(request)
}

/// Checks the parameters of an authorization request, pushed or not.
fn check(issuer: &Issuer, server: usize, form: &Form) -> Result<Pending, Refused> {
    let client_id = form.require("client_id")?;
    let redirect_uri = form.require("redirect_uri")?;
    check_client(issuer, client_id, Some(redirect_uri))?;
    // From here on the client is known well enough to be told by redirect.
    let state = form.get("state").map(str::to_owned);
    check_rest(issuer, form)
        .map(|(challenge, wanted, dpop_key, wishes)| Pending {
            server,
            client_id: client_id.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
            state: state.clone(),
            challenge,
            wanted,
            wishes,
            dpop_key,
            instance_key: None,
            expires: 0,
        })
        .map_err(|refusal| Refused { refusal: refusal.into(), back: Some((redirect_uri.to_owned(), state)) })
}

fn check_rest(issuer: &Issuer, form: &Form) -> Result<(String, Wanted, Option<String>, Wishes), Refusal> {
    if form.get("request").is_some() {
        return Err(Refusal::new("request_not_supported", "Request objects are not supported"));
    }
    if form.require("response_type")? != "code" {
        return Err(Refusal::new("unsupported_response_type", "The only response_type is code"));
    }
    if form.get("response_mode").is_some_and(|mode| mode != "query") {
        return Err(Refusal::new("invalid_request", "The only response_mode is query"));
    }
    let challenge = form.require("code_challenge")?;
    if form.get("code_challenge_method") != Some("S256") {
        return Err(Refusal::new("invalid_request", "code_challenge_method has to be S256"));
    }
    if challenge.len() != 43 || !challenge.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)) {
        return Err(Refusal::new("invalid_request", "code_challenge is not a SHA-256 in base64url"));
    }
    let wanted = Wanted::read(issuer, form)?;
    if wanted.is_empty() {
        let message = "Neither scope nor authorization_details says which credential is wanted";
        return Err(Refusal::new("invalid_request", message));
    }
    let mut wishes = Wishes::of_options(&issuer.options);
    // Its name in the oldest offers.
    let old_name = form.get("op_state").filter(|_| issuer.dialect.offered == Offered::IdsOrObjects);
    if let Some(issuer_state) = form.get("issuer_state").or(old_name) {
        match issuer.book().issuer_states.get(issuer_state) {
            Some(offered) if offered.expires > issuer.now() => wishes = offered.wishes.clone(),
            _ => return Err(Refusal::new("invalid_request", "issuer_state is unknown or has expired")),
        }
    }
    let dpop_key = form.get("dpop_jkt").filter(|_| issuer.options.dpop != Dpop::Off);
    if dpop_key.is_some_and(|key| key.len() != 43) {
        return Err(Refusal::new("invalid_request", "dpop_jkt is not a SHA-256 in base64url"));
    }
    Ok((challenge.to_owned(), wanted, dpop_key.map(str::to_owned), wishes))
}

/// Sends the user back with a code.
pub(crate) fn redirect_code(issuer: &Issuer, request: Pending) -> Response {
    let code = random_text();
    let response =
        redirect(issuer, request.server, &request.redirect_uri, request.state.as_deref(), &[("code", &code)]);
    let expires = issuer.now() + CODE_LIFETIME;
    issuer.book().codes.insert(code, Code { request, expires, used: false, family: None });
    response
}

/// Sends the user back with an error.
pub(crate) fn redirect_error(
    issuer: &Issuer,
    server: usize,
    uri: &str,
    state: Option<&str>,
    refusal: &Refusal,
) -> Response {
    let fields = [("error", refusal.code), ("error_description", &refusal.description)];
    let mut response = redirect(issuer, server, uri, state, &fields);
    note(&mut response, refusal.code, &refusal.description);
    response
}

fn redirect(issuer: &Issuer, server: usize, uri: &str, state: Option<&str>, fields: &[(&str, &str)]) -> Response {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(fields);
    let wrong_state = issuer.faults.strikes(Fault::WrongState);
    if wrong_state {
        query.append_pair("state", "not-the-state-that-was-sent");
    } else if let Some(state) = state {
        query.append_pair("state", state);
    }
    if issuer.options.iss_parameter && !issuer.faults.strikes(Fault::MissingIss) {
        let wrong = format!("{}/someone-else", issuer.origin);
        let iss = issuer.fault_or(Fault::WrongIss, &wrong, &issuer.servers[server].id);
        query.append_pair("iss", iss);
    }
    // The URI is taken as text, so that it goes back exactly as it came.
    let joint = if uri.contains('?') { '&' } else { '?' };
    let location = format!("{uri}{joint}{}", query.finish());
    let mut response = Response::new(Body::empty());
    let Ok(location) = HeaderValue::from_str(&location) else {
        return login::error_page(&Refusal::new("invalid_request", "redirect_uri does not fit into a header"));
    };
    *response.status_mut() = StatusCode::FOUND;
    response.headers_mut().insert(LOCATION, location);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
