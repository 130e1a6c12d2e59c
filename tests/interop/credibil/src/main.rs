//! An issuer by credibil's crate (the former vercre), which brings the protocol and leaves the server to its users:
//! that is here. `billfold-interop-credibil REDIRECT_URI`, where the URI is that of the only registered client.
//!
//! Prints JSON lines: `{"base", "jwks"}` when it serves, `{"exchange"}` for each request with its answer. Offers are
//! made at `POST /create_offer`. As in the crate's own sample server an error is answered with 500.

mod provider;

use std::collections::HashMap;

use axum::Router;
use axum::extract::{Form, Json, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use credibil_vc::issuer::{self, Error};
use provider::Provider;
use serde::Serialize;
use serde_json::{Value, json};

type Fields = HashMap<String, String>;

fn main() -> anyhow::Result<()> {
    tokio::runtime::Runtime::new()?.block_on(serve())
}

async fn serve() -> anyhow::Result<()> {
    let redirect_uri = std::env::args().nth(1).unwrap_or_default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let provider = Provider::new(format!("http://{}", listener.local_addr()?), &redirect_uri)?;
    println!("{}", json!({ "base": provider.base(), "jwks": provider.jwks() }));
    let app = Router::new()
        .route("/create_offer", post(create_offer))
        .route("/credential_offer/{id}", get(credential_offer))
        .route("/.well-known/openid-credential-issuer", get(metadata))
        .route("/.well-known/oauth-authorization-server", get(oauth_server))
        .route("/.well-known/jwt-vc-issuer", get(jwt_vc_issuer))
        .route("/auth", get(authorize))
        .route("/login", post(login))
        .route("/token", post(token))
        .route("/credential", post(credential))
        .route("/deferred_credential", post(deferred))
        .route("/notification", post(notification))
        .with_state(provider);
    Ok(axum::serve(listener, app).await?)
}

/// Reads a request of the crate from a body, with what the crate wants to know beside it.
fn read<T: serde::de::DeserializeOwned>(
    provider: &Provider,
    mut body: Value,
    more: &[(&str, String)],
) -> Result<T, Error> {
    let object = body.as_object_mut().ok_or_else(|| Error::InvalidRequest("no object".into()))?;
    object.insert("credential_issuer".into(), provider.base().into());
    for (name, value) in more {
        object.insert((*name).into(), value.as_str().into());
    }
    serde_json::from_value(body).map_err(|error| Error::InvalidRequest(error.to_string()))
}

/// Says what came and what goes, and sends it.
fn answer<T: Serialize>(path: &str, sent: &Value, result: Result<T, Error>) -> Response {
    let (status, body) = match result {
        Ok(body) => (StatusCode::OK, serde_json::to_value(body).unwrap_or_default()),
        // What an error prints is its JSON.
        Err(error) => {
            let text = error.to_string();
            let body = serde_json::from_str(&text)
                .unwrap_or_else(|_| json!({ "error": "server_error", "error_description": text }));
            (StatusCode::INTERNAL_SERVER_ERROR, body)
        }
    };
    println!("{}", json!({ "exchange": { "path": path, "sent": sent, "status": status.as_u16(), "answer": body } }));
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

fn token_of(headers: &HeaderMap) -> String {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.strip_prefix("Bearer ").unwrap_or_default().to_owned()
}

async fn create_offer(State(provider): State<Provider>, Json(body): Json<Value>) -> Response {
    let result = async { issuer::create_offer(provider.clone(), read(&provider, body.clone(), &[])?).await }.await;
    answer("/create_offer", &body, result)
}

async fn credential_offer(State(provider): State<Provider>, Path(id): Path<String>) -> Response {
    let path = format!("/credential_offer/{id}");
    let result = async { issuer::credential_offer(provider.clone(), read(&provider, json!({}), &[("id", id)])?).await };
    answer(&path, &Value::Null, result.await)
}

async fn metadata(State(provider): State<Provider>) -> Response {
    let result = async { issuer::metadata(provider.clone(), read(&provider, json!({}), &[])?).await }.await;
    answer("/.well-known/openid-credential-issuer", &Value::Null, result)
}

async fn oauth_server(State(provider): State<Provider>) -> Response {
    let result = async { issuer::oauth_server(provider.clone(), read(&provider, json!({}), &[])?).await }.await;
    answer("/.well-known/oauth-authorization-server", &Value::Null, result)
}

async fn jwt_vc_issuer(State(provider): State<Provider>) -> Response {
    let document = json!({ "issuer": provider.base(), "jwks": provider.jwks() });
    answer("/.well-known/jwt-vc-issuer", &Value::Null, Ok(document))
}

/// Asks for the user first; the crate wants to know who it is.
async fn authorize(State(provider): State<Provider>, Query(fields): Query<Fields>) -> Response {
    let sent = json!(fields);
    if !fields.contains_key("subject_id") {
        return (StatusCode::UNAUTHORIZED, Html(login_page(&fields))).into_response();
    }
    let mut body = sent.clone();
    if let Some(details) = fields.get("authorization_details") {
        body["authorization_details"] = serde_json::from_str(details).unwrap_or_default();
    }
    let result = async { issuer::authorize(provider.clone(), read(&provider, body, &[])?).await }.await;
    match result {
        Ok(granted) => {
            println!("{}", json!({ "exchange": { "path": "/auth", "sent": sent, "status": 303, "answer": null } }));
            let state = granted.state.map(|state| format!("&state={}", encoded(&state))).unwrap_or_default();
            let url = format!("{}?code={}{state}", granted.redirect_uri, encoded(&granted.code));
            Redirect::to(&url).into_response()
        }
        Err(error) => answer("/auth", &sent, Err::<Value, _>(error)),
    }
}

/// The request goes through the form, and comes back with the user's name.
fn login_page(fields: &Fields) -> String {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
    let hidden: String = fields
        .iter()
        .map(|(name, value)| format!(r#"<input type="hidden" name="{}" value="{}">"#, escaped(name), escaped(value)))
        .collect();
    format!(
        r#"<!doctype html><title>Library</title><form action="/login" method="post">{hidden}
        <input name="username"><input name="password" type="password"><button type="submit">Sign in</button></form>"#
    )
}

async fn login(Form(mut fields): Form<Fields>) -> Redirect {
    let user = fields.remove("username").unwrap_or_default();
    fields.remove("password");
    fields.insert("subject_id".into(), user);
    let query: Vec<String> =
        fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    Redirect::to(&format!("/auth?{}", query.join("&")))
}

/// Percent-encodes all but what never needs it.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

async fn token(State(provider): State<Provider>, Form(fields): Form<Fields>) -> Response {
    let sent = json!(fields);
    let mut body = sent.clone();
    if let Some(details) = fields.get("authorization_details") {
        body["authorization_details"] = serde_json::from_str(details).unwrap_or_default();
    }
    let result = async { issuer::token(provider.clone(), read(&provider, body, &[])?).await }.await;
    answer("/token", &sent, result)
}

async fn credential(State(provider): State<Provider>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let more = [("access_token", token_of(&headers))];
    let result = async { issuer::credential(provider.clone(), read(&provider, body.clone(), &more)?).await }.await;
    answer("/credential", &body, result)
}

async fn deferred(State(provider): State<Provider>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let more = [("access_token", token_of(&headers))];
    let result = async { issuer::deferred(provider.clone(), read(&provider, body.clone(), &more)?).await }.await;
    answer("/deferred_credential", &body, result)
}

async fn notification(State(provider): State<Provider>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let more = [("access_token", token_of(&headers))];
    let result = async { issuer::notification(provider.clone(), read(&provider, body.clone(), &more)?).await }.await;
    answer("/notification", &body, result)
}
