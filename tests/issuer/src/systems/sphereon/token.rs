//! Sphereon's token endpoint.

use axum::response::Response;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, PRAGMA};
use serde_json::{Value, json};

use super::{LIFETIME, PRE_AUTHORIZED, Sphereon};
use crate::encoding::random_text;
use crate::faults::Fault;
use crate::issuer::Issuer;
use crate::jwt;
use crate::systems::{Asked, Fields, answer, refused};

/// A status is always 400.
type Refusal = (&'static str, String);

pub(super) fn token(sphereon: &Sphereon, issuer: &Issuer, asked: &Asked) -> Response {
    let form = asked.form().unwrap_or_else(|| json_fields(&asked.body));
    let code = match check(sphereon, issuer, &form) {
        Ok(code) => code,
        Err((error, description)) => return refused(400, error, &description),
    };
    // Without its configuration there is no DPoP, and with the header no token.
    let mut response = if asked.header("dpop").is_some() {
        refused(400, "invalid_request", "Received unsupported DPoP header.")
    } else {
        answer(200, &tokens(sphereon, issuer, code))
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// The body may be JSON as well.
fn json_fields(body: &[u8]) -> Fields {
    let object: serde_json::Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    let texts = object.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())));
    Fields(texts.collect())
}

/// The code, which may come again and again until it expires.
fn check(sphereon: &Sphereon, issuer: &Issuer, form: &Fields) -> Result<String, Refusal> {
    let refuse = |code, text: &str| Err((code, text.to_owned()));
    if form.get("grant_type") != Some(PRE_AUTHORIZED) {
        return refuse("invalid_grant", "unsupported grant_type");
    }
    let Some(code) = form.get("pre-authorized_code") else {
        return refuse("invalid_request", "pre-authorized_code is required");
    };
    let mut book = sphereon.book();
    let Some(session) = book.sessions.get_mut(code) else {
        return refuse("invalid_request", &format!("issuer state or pre-authorized key not found ({code})"));
    };
    // From here on the offer cannot be fetched any more, whatever comes of this.
    session.fresh = false;
    let (tx_code, user_pin) = (form.get("tx_code"), form.get("user_pin"));
    match (&session.tx_code, tx_code, user_pin) {
        (None, Some(_), None) | (_, None, Some(_)) => return refuse("invalid_request", "User pin is not required"),
        (Some(_), None, None) => return refuse("invalid_request", "User pin is required"),
        _ => {}
    }
    if session.expires <= issuer.now() || issuer.faults.strikes(Fault::ExpiredCode) {
        return refuse("invalid_grant", "The pre-authorized_code has expired");
    }
    if let Some(typed) = tx_code {
        let shown = &session.offer["grants"][PRE_AUTHORIZED]["tx_code"];
        let Some(right) = &session.tx_code else {
            return refuse("invalid_request", "User pin is not required");
        };
        let length = shown["length"].as_u64().unwrap_or(4);
        let digits = typed.bytes().filter(u8::is_ascii_digit).count() as u64;
        // The pattern for texts lacks a brace, so that no text fits it.
        if shown["input_mode"] == "text" || digits < length {
            return refuse("invalid_grant", &format!("PIN must consist the following amount of characters: {length}"));
        }
        if typed != right || sphereon.is_old() {
            return refuse("invalid_grant", "PIN is invalid");
        }
    }
    Ok(code.to_owned())
}

fn tokens(sphereon: &Sphereon, issuer: &Issuer, code: String) -> Value {
    let lifetime = issuer.options.token_lifetime;
    // The system's clock in milliseconds, divided.
    let iat = f64::from(u32::try_from(issuer.now()).expect("before 2106")) + 0.459;
    let mut claims = json!({
        "iat": iat,
        "exp": iat + f64::from(u32::try_from(lifetime).unwrap_or(u32::MAX)),
        "iss": issuer.id,
        "preAuthorizedCode": code,
    });
    if !sphereon.is_old() {
        claims["token_type"] = json!("Bearer");
    }
    // Two tokens of one code may be made within a second.
    claims["jti"] = json!(random_text());
    let access = jwt::sign(&sphereon.key, &json!({"typ": "JWT", "alg": "ES256", "kid": "k1"}), &claims);
    let nonce = sphereon.new_nonce(issuer);
    let mut body = json!({
        "access_token": access,
        "token_type": "bearer",
        "expires_in": lifetime,
        "c_nonce": nonce,
        "c_nonce_expires_in": LIFETIME,
        "interval": 300,
    });
    if sphereon.is_old() {
        body["authorization_pending"] = json!(false);
    }
    sphereon.book().tokens.insert(access, (code, issuer.now() + lifetime));
    body
}
