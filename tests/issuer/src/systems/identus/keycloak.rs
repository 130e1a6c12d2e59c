//! Keycloak with the Identus plugin: a realm, a registered public client, sign-in and consent.

use std::collections::HashMap;

use axum::response::Response;
use http::Method;
use serde_json::{Value, json};

use super::{CLIENT, CONFIGURATION, Identus, REALM, Tokens, pending, uuid};
use crate::encoding::{b64_json, random_text, sha256_b64};
use crate::faults::Fault;
use crate::issuer::Issuer;
use crate::oauth::check_client;
use crate::systems::{Asked, Fields, empty, escape, noted, page, redirect, refused};

/// Seconds that a code lives.
const CODE_LIFETIME: i64 = 60;
/// Seconds that a pushed request lives.
const PAR_LIFETIME: i64 = 60;
/// Seconds that the nonce of the agent is said to live.
const NONCE_LIFETIME: i64 = 86400;

/// What the realm remembers.
#[derive(Default)]
pub(super) struct Book {
    pushed: HashMap<String, (Fields, i64)>,
    /// Sign-ins under way, by the id in the form.
    sign_ins: HashMap<String, Request>,
    codes: HashMap<String, Code>,
    pub(super) tokens: Tokens,
    /// Refresh tokens, with their session and scope.
    refresh: HashMap<String, (String, String)>,
}

/// An authorization request that was looked at.
#[derive(Clone)]
struct Request {
    redirect_uri: String,
    state: Option<String>,
    scope: String,
    challenge: Option<(String, String)>,
    issuer_state: Option<String>,
    signed_in: bool,
}

struct Code {
    request: Request,
    session: String,
    expires: i64,
    /// The token that was got with it.
    token: Option<String>,
}

/// The scopes that the client may ask for.
const SCOPES: [&str; 9] =
    ["openid", "profile", "email", "address", "phone", "roles", "web-origins", "offline_access", CONFIGURATION];

pub(super) fn answer(identus: &Identus, issuer: &Issuer, asked: &Asked) -> Response {
    let Some(rest) = asked.path.strip_prefix(REALM) else {
        return answer_json(404, "RESTEASY003210: Could not find resource for full path");
    };
    let get = asked.method == Method::GET;
    match rest {
        "/.well-known/openid-configuration" if get => super::answer(200, &document(issuer)),
        "/protocol/openid-connect/ext/par/request" if asked.is_post() => push(identus, issuer, asked),
        "/protocol/openid-connect/auth" if get => authorize(identus, issuer, &asked.query),
        "/login-actions/authenticate" if asked.is_post() => sign_in(identus, issuer, asked),
        "/login-actions/required-action" if get => consent_page(identus, asked),
        "/login-actions/consent" if asked.is_post() => consent(identus, issuer, asked),
        "/protocol/openid-connect/token" if asked.is_post() => token(identus, issuer, asked),
        _ => answer_json(404, "HTTP 404 Not Found"),
    }
}

fn answer_json(status: u16, error: &str) -> Response {
    noted(super::answer(status, &json!({"error": error})), "not_found", error)
}

fn document(issuer: &Issuer) -> Value {
    let realm = &issuer.servers[0].id;
    let wrong = format!("{realm}/someone-else");
    let at = |path: &str| format!("{realm}/protocol/openid-connect/{path}");
    json!({
        "issuer": issuer.fault_or(Fault::WrongAsIssuer, &wrong, realm),
        "authorization_endpoint": at("auth"),
        "token_endpoint": at("token"),
        "introspection_endpoint": at("token/introspect"),
        "userinfo_endpoint": at("userinfo"),
        "end_session_endpoint": at("logout"),
        "jwks_uri": at("certs"),
        "grant_types_supported": [
            "authorization_code", "implicit", "refresh_token", "password", "client_credentials",
            "urn:ietf:params:oauth:grant-type:device_code", "urn:openid:params:grant-type:ciba",
        ],
        "response_types_supported": ["code", "none", "id_token", "token", "id_token token", "code id_token"],
        "response_modes_supported": ["query", "fragment", "form_post", "query.jwt", "jwt"],
        "token_endpoint_auth_methods_supported": [
            "private_key_jwt", "client_secret_basic", "client_secret_post", "tls_client_auth", "client_secret_jwt",
        ],
        "claims_parameter_supported": true,
        "scopes_supported": SCOPES,
        "request_parameter_supported": true,
        "request_uri_parameter_supported": true,
        "require_request_uri_registration": true,
        "code_challenge_methods_supported": ["plain", "S256"],
        "require_pushed_authorization_requests": false,
        "pushed_authorization_request_endpoint": at("ext/par/request"),
        "authorization_response_iss_parameter_supported": true,
    })
}

/// Takes a pushed request. All of it is kept, `issuer_state` too.
fn push(identus: &Identus, issuer: &Issuer, asked: &Asked) -> Response {
    let Some(form) = asked.form() else {
        return empty(415);
    };
    if form.get("client_id") != Some(CLIENT) {
        return refused(401, "invalid_client", "Invalid client or Invalid client credentials");
    }
    if form.get("request_uri").is_some() {
        return refused(400, "invalid_request", "It is not allowed to include request_uri to PAR.");
    }
    if let Err(reason) = look_at(issuer, &form) {
        return match reason {
            Unfit::Page(_) => refused(400, "invalid_request", "Invalid parameter: redirect_uri"),
            Unfit::Back(_, error, description) => refused(400, error, &description),
        };
    }
    let uri = format!("urn:ietf:params:oauth:request_uri:{}", uuid());
    identus.book().keycloak.pushed.insert(uri.clone(), (form, issuer.now() + PAR_LIFETIME));
    super::answer(201, &json!({"request_uri": uri, "expires_in": PAR_LIFETIME}))
}

/// Why a request cannot be served.
enum Unfit {
    /// The user is told.
    Page(&'static str),
    /// The client is told: where, what and why.
    Back(Box<Request>, &'static str, String),
}

fn look_at(issuer: &Issuer, fields: &Fields) -> Result<Request, Unfit> {
    if fields.get("client_id") != Some(CLIENT) {
        return Err(Unfit::Page("Client not found."));
    }
    let redirect_uri = fields.get("redirect_uri").unwrap_or_default();
    if check_client(issuer, CLIENT, Some(redirect_uri)).is_err() {
        return Err(Unfit::Page("Invalid parameter: redirect_uri"));
    }
    let challenge = fields
        .get("code_challenge")
        .map(|challenge| (fields.get("code_challenge_method").unwrap_or("plain").to_owned(), challenge.to_owned()));
    let request = Request {
        redirect_uri: redirect_uri.to_owned(),
        state: fields.get("state").map(str::to_owned),
        scope: fields.get("scope").unwrap_or_default().to_owned(),
        challenge,
        issuer_state: fields.get("issuer_state").map(str::to_owned),
        signed_in: false,
    };
    let back = |error, description: &str| Err(Unfit::Back(Box::new(request.clone()), error, description.to_owned()));
    match fields.get("response_type") {
        Some("code") => {}
        None => return back("invalid_request", "Missing parameter: response_type"),
        Some(_) => return back("unsupported_response_type", "Unsupported response_type"),
    }
    if request.scope.split_whitespace().any(|scope| !SCOPES.contains(&scope)) {
        return back("invalid_scope", &format!("Invalid scopes: {}", request.scope));
    }
    if let Some((method, challenge)) = &request.challenge {
        if !["S256", "plain"].contains(&method.as_str()) {
            return back("invalid_request", "Invalid parameter: code_challenge_method");
        }
        if !(43..=128).contains(&challenge.len()) {
            return back("invalid_request", "Invalid parameter: code_challenge");
        }
    }
    Ok(request)
}

fn authorize(identus: &Identus, issuer: &Issuer, query: &Fields) -> Response {
    let looked = match query.get("request_uri") {
        None => look_at(issuer, query),
        Some(uri) => {
            let pushed = identus.book().keycloak.pushed.remove(uri);
            match pushed.filter(|(_, expires)| *expires > issuer.now()) {
                None => return error_page("Invalid Request"),
                Some((pushed, _)) if pushed.get("client_id") != query.get("client_id") => {
                    return error_page("Invalid Request");
                }
                Some((pushed, _)) => look_at(issuer, &pushed),
            }
        }
    };
    match looked {
        Err(Unfit::Page(text)) => error_page(text),
        Err(Unfit::Back(request, error, description)) => back_with_error(issuer, &request, error, &description),
        Ok(request) => {
            let id = random_text();
            identus.book().keycloak.sign_ins.insert(id.clone(), request);
            login_page(&id, None)
        }
    }
}

fn error_page(text: &str) -> Response {
    let body = format!("<h1>We are sorry...</h1>\n<div id=\"kc-error-message\"><p>{}</p></div>", escape(text));
    noted(page(400, &body), "invalid_request", text)
}

fn login_page(id: &str, problem: Option<&str>) -> Response {
    let problem = problem.map_or(String::new(), |text| format!("<span id=\"input-error\">{text}</span>\n"));
    page(
        200,
        &format!(
            "<h1>Sign in to your account</h1>\n{problem}\
             <form id=\"kc-form-login\" action=\"{REALM}/login-actions/authenticate?session_code={id}&amp;client_id={CLIENT}\" method=\"post\">\n\
             <input id=\"username\" name=\"username\" type=\"text\">\n\
             <input id=\"password\" name=\"password\" type=\"password\">\n\
             <input type=\"hidden\" name=\"credentialId\" value=\"\">\n\
             <input name=\"login\" id=\"kc-login\" type=\"submit\" value=\"Sign In\">\n</form>"
        ),
    )
}

fn sign_in(identus: &Identus, issuer: &Issuer, asked: &Asked) -> Response {
    let id = asked.query.get("session_code").unwrap_or_default();
    let form = asked.form().unwrap_or_default();
    let login = &issuer.options.login;
    let right = form.get("username") == Some(&login.user) && form.get("password") == Some(&login.password);
    let mut book = identus.book();
    let Some(request) = book.keycloak.sign_ins.get_mut(id) else {
        return error_page("Your login attempt timed out. Login will start from the beginning.");
    };
    if !right {
        return login_page(id, Some("Invalid username or password."));
    }
    request.signed_in = true;
    redirect(&format!("{REALM}/login-actions/required-action"), &[("execution", "OAUTH_GRANT"), ("session_code", id)])
}

fn consent_page(identus: &Identus, asked: &Asked) -> Response {
    let id = asked.query.get("session_code").unwrap_or_default();
    if !identus.book().keycloak.sign_ins.get(id).is_some_and(|request| request.signed_in) {
        return error_page("Action expired. Please continue with login now.");
    }
    page(
        200,
        &format!(
            "<h1>Grant Access to {CLIENT}</h1>\n<ul><li>University Degree</li></ul>\n\
             <form action=\"{REALM}/login-actions/consent?client_id={CLIENT}\" method=\"post\">\n\
             <input type=\"hidden\" name=\"code\" value=\"{id}\">\n\
             <input name=\"accept\" id=\"kc-login\" type=\"submit\" value=\"Yes\">\n\
             <input name=\"cancel\" id=\"kc-cancel\" type=\"submit\" value=\"No\">\n</form>"
        ),
    )
}

fn consent(identus: &Identus, issuer: &Issuer, asked: &Asked) -> Response {
    let form = asked.form().unwrap_or_default();
    let mut book = identus.book();
    let request = book.keycloak.sign_ins.remove(form.get("code").unwrap_or_default());
    let Some(request) = request.filter(|request| request.signed_in) else {
        return error_page("Action expired. Please continue with login now.");
    };
    if form.get("accept").is_none() || issuer.faults.strikes(Fault::DenyLogin) {
        return back_with_error(issuer, &request, "access_denied", "");
    }
    let session = uuid();
    let code = format!("{}.{session}.{}", uuid(), uuid());
    let response = back(issuer, &request, &[("session_state", &session), ("code", &code)]);
    let expires = issuer.now() + CODE_LIFETIME;
    book.keycloak.codes.insert(code, Code { request, session, expires, token: None });
    response
}

fn back_with_error(issuer: &Issuer, request: &Request, error: &str, description: &str) -> Response {
    let mut fields = vec![("error", error)];
    if !description.is_empty() {
        fields.push(("error_description", description));
    }
    back(issuer, request, &fields)
}

/// Back to the client, always with `state` and `iss`.
fn back(issuer: &Issuer, request: &Request, fields: &[(&str, &str)]) -> Response {
    let realm = &issuer.servers[0].id;
    let wrong = format!("{realm}/someone-else");
    let mut all = Vec::new();
    let state = request.state.as_deref();
    let wrong_state = issuer.faults.strikes(Fault::WrongState).then_some("not-the-state-that-was-sent");
    if let Some(state) = wrong_state.or(state) {
        all.push(("state", state));
    }
    all.extend_from_slice(fields);
    if !issuer.faults.strikes(Fault::MissingIss) {
        all.push(("iss", issuer.fault_or(Fault::WrongIss, &wrong, realm)));
    }
    redirect(&request.redirect_uri, &all)
}

fn token(identus: &Identus, issuer: &Issuer, asked: &Asked) -> Response {
    let Some(form) = asked.form() else {
        return empty(415);
    };
    let Some(grant) = form.get("grant_type") else {
        return refused(400, "invalid_request", "Missing form parameter: grant_type");
    };
    if form.get("client_id") != Some(CLIENT) {
        return refused(401, "invalid_client", "Invalid client or Invalid client credentials");
    }
    match grant {
        "authorization_code" => {}
        "refresh_token" => {
            let mut book = identus.book();
            let Some((session, scope)) = book.keycloak.refresh.remove(form.get("refresh_token").unwrap_or_default())
            else {
                return refused(400, "invalid_grant", "Invalid refresh token");
            };
            // The plugin adds a nonce to what a code gives only.
            return super::answer(200, &tokens(issuer, &mut book.keycloak, session, scope));
        }
        "password" | "client_credentials" => {
            return refused(400, "unauthorized_client", "Client not allowed for this grant");
        }
        _ => return refused(400, "unsupported_grant_type", "Unsupported grant_type"),
    }
    let Some(value) = form.get("code") else {
        return refused(400, "invalid_request", "Missing parameter: code");
    };
    let bad = |description: &str| refused(400, "invalid_grant", description);
    let mut book = identus.book();
    let book = &mut *book;
    let Some(code) = book.keycloak.codes.get_mut(value) else {
        return bad("Code not valid");
    };
    if let Some(token) = &code.token {
        // A code that comes again ends the session.
        book.keycloak.tokens.remove(token);
        return bad("Code not valid");
    }
    if code.expires <= issuer.now() || issuer.faults.strikes(Fault::ExpiredCode) {
        return bad("Code is expired");
    }
    code.token = Some(String::new());
    if form.get("redirect_uri") != Some(&code.request.redirect_uri) {
        return bad("Incorrect redirect_uri");
    }
    if let Some((method, challenge)) = &code.request.challenge {
        let Some(verifier) = form.get("code_verifier") else {
            return bad("PKCE code verifier not specified");
        };
        let computed = if method == "S256" { sha256_b64(verifier) } else { verifier.to_owned() };
        if computed != *challenge {
            return bad("PKCE verification failed: Code mismatch");
        }
    }
    let (session, scope) = (code.session.clone(), code.request.scope.clone());
    let issuer_state = code.request.issuer_state.clone();
    let mut body = tokens(issuer, &mut book.keycloak, session, scope);
    if let Some(code) = book.keycloak.codes.get_mut(value) {
        code.token = body["access_token"].as_str().map(str::to_owned);
    }
    // The plugin asks the agent, and whatever the agent objects to is an error nobody planned for.
    if let Some(issuer_state) = issuer_state {
        let Some(session) = pending(&mut book.sessions, |session| session.issuer_state == issuer_state) else {
            let text = "For more on this error consult the server log at the debug level.";
            return refused(500, "unknown_error", text);
        };
        body["c_nonce"] = json!(session.nonce);
        body["c_nonce_expires_in"] = json!(NONCE_LIFETIME);
    }
    super::answer(200, &body)
}

/// New tokens, and the answer that holds them.
fn tokens(issuer: &Issuer, book: &mut Book, session: String, scope: String) -> Value {
    let lifetime = issuer.options.token_lifetime;
    let claims = json!({
        "iss": issuer.servers[0].id,
        "sub": uuid(),
        "typ": "Bearer",
        "azp": CLIENT,
        "iat": issuer.now(),
        "exp": issuer.now() + lifetime,
        "jti": uuid(),
        "scope": scope,
    });
    // Nobody but this realm looks into them.
    let token =
        |alg: &str| format!("{}.{}.{}", b64_json(&json!({"alg": alg, "typ": "JWT"})), b64_json(&claims), random_text());
    let (access, refresh) = (token("RS256"), token("HS512"));
    let mut body = json!({
        "access_token": access,
        "expires_in": lifetime,
        "refresh_expires_in": 1800,
        "refresh_token": refresh,
        "token_type": "Bearer",
        "not-before-policy": 0,
        "session_state": session,
        "scope": scope,
    });
    if scope.split(' ').any(|scope| scope == "openid") {
        body["id_token"] = json!(token("RS256"));
    }
    book.tokens.insert(access, issuer.now() + lifetime);
    book.refresh.insert(refresh, (session, scope));
    body
}
