//! `DIDroom`'s authorization server.

use axum::response::Response;
use serde_json::{Value, json};

use super::{Didroom, LDP_VC, SD_JWT, SERVER_PATH, form, plain, stopped};
use crate::encoding::{random_bytes, sha256_b64};
use crate::faults::Fault;
use crate::issuer::Issuer;
use crate::jwt::{self, Jwt};
use crate::keys::PublicKey;
use crate::systems::{Asked, Fields, answer, escape, noted, page, redirect};

const URI: &str = "urn:ietf:params:oauth:request_uri:";
/// Seconds that a pushed request, a code and a token live.
const PAR_LIFETIME: i64 = 600;
const CODE_LIFETIME: i64 = 300;
const TOKEN_LIFETIME: i64 = 3600;

/// A request that was pushed, with the code that is there from the beginning.
#[derive(Clone)]
pub(super) struct Pushed {
    client_id: String,
    redirect_uri: String,
    challenge: String,
    details: Value,
    code: String,
    expires: i64,
    code_expires: i64,
}

pub(super) fn document(didroom: &Didroom, issuer: &Issuer) -> Value {
    let id = &issuer.servers[0].id;
    let wrong = format!("{id}/someone-else");
    json!({
        "authorization_endpoint": format!("{id}/authorize"),
        "pushed_authorization_request_endpoint": format!("{id}/par"),
        "token_endpoint": format!("{id}/token"),
        "introspection_endpoint": format!("{id}/introspection"),
        "issuer": issuer.fault_or(Fault::WrongAsIssuer, &wrong, id),
        "require_pushed_authorization_requests": true,
        "jwks": didroom.server.jwks(issuer.options.bare_jwks),
        "scopes_supported": [SD_JWT, LDP_VC],
        "dpop_signing_alg_values_supported": ["ES256"],
        "client_registration_types_supported": ["automatic"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_details_types_supported": ["openid_credential"],
        "grant_types_supported": ["authorization_code"],
        "request_parameter_supported": true,
        "request_uri_parameter_supported": false,
        "response_types_supported": ["code"],
        "subject_types_supported": ["pairwise"],
        "token_endpoint_auth_methods_supported": ["none"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
        "request_object_signing_alg_values_supported": ["ES256"],
    })
}

/// The first of these that is not there, as the schema's complaint.
fn missing(fields: &Fields, names: &[&str]) -> Option<Response> {
    let name = names.iter().find(|name| fields.get(name).is_none())?;
    Some(plain(422, &format!("REQUIRED must have required property '{name}'")))
}

pub(super) fn push(didroom: &Didroom, issuer: &Issuer, asked: &Asked) -> Response {
    let fields = match form(asked) {
        Ok(fields) => fields,
        Err(response) => return *response,
    };
    let required = ["response_type", "client_id", "state", "code_challenge", "code_challenge_method", "redirect_uri"];
    if let Some(response) = missing(&fields, &required) {
        return response;
    }
    match check(didroom, issuer, &fields) {
        Err((error, description)) => {
            let body = json!({"error_description": description, "error": error});
            noted(stopped(400, &body.to_string()), error, &description)
        }
        Ok(details) => {
            let random = random_bytes::<20>().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
            let uri = format!("{URI}{}{random}", issuer.now());
            let text = |name| fields.get(name).unwrap_or_default().to_owned();
            let pushed = Pushed {
                client_id: text("client_id"),
                redirect_uri: text("redirect_uri"),
                challenge: text("code_challenge"),
                details,
                code: signed(didroom, issuer, &text("client_id")),
                expires: issuer.now() + PAR_LIFETIME,
                code_expires: issuer.now() + CODE_LIFETIME,
            };
            didroom.book().pushed.insert(uri.clone(), pushed);
            answer(201, &json!({"expires_in": PAR_LIFETIME, "request_uri": uri}))
        }
    }
}

/// The steps of the script, each with the code for its failing.
fn check(didroom: &Didroom, issuer: &Issuer, fields: &Fields) -> Result<Value, (&'static str, String)> {
    let invalid = |reason: &str| Err(("invalid_request", reason.to_owned()));
    let denied = |reason: String| Err(("access_denied", reason));
    if fields.get("response_type") != Some("code") {
        return invalid("response_type is not equal to code_string");
    }
    if fields.get("code_challenge_method") != Some("S256") {
        return invalid("code_challenge_method is not equal to S256_string");
    }
    let details = match fields.get("authorization_details") {
        Some(text) => {
            let Ok(Value::Array(details)) = serde_json::from_str(text) else {
                return invalid("authorization_details is not an array in JSON");
            };
            let [detail] = &details[..] else {
                return invalid("Size of json unescaped object is more than one");
            };
            if detail["type"] != "openid_credential" {
                return invalid("type is not openid_credential");
            }
            if detail["credential_configuration_id"].is_string() == detail["format"].is_string() {
                return invalid("exactly one of credential_configuration_id and format has to be there");
            }
            if !detail["locations"][0].is_string() {
                return invalid("Cannot find locations in authorization_details_element");
            }
            json!(details)
        }
        None if fields.get("scope").is_some() && fields.get("resource").is_none() => {
            return invalid("Cannot find resource in input");
        }
        None => json!([{"type": "openid_credential"}]),
    };
    let client = fields.get("client_id").unwrap_or_default();
    if didroom.registered(client).is_none() {
        return denied(format!("Fetch to url https://did.dyne.org/dids/{client} failed with error status: 404"));
    }
    let known = |id: &Value| id == SD_JWT || id == LDP_VC;
    if fields.get("authorization_details").is_none() {
        let Some(scope) = fields.get("scope") else {
            return denied("Neither authorization_details, nor scope parameter found in request".to_owned());
        };
        if fields.get("resource").map(|resource| resource.trim_end_matches('/')) != Some(&issuer.id) {
            return denied("Fetch to url of the resource failed".to_owned());
        }
        if !known(&json!(scope)) {
            return denied("Insufficient scope: authorized scope is insufficient".to_owned());
        }
        return Ok(details);
    }
    let detail = &details[0];
    if detail["locations"][0].as_str().map(|location| location.trim_end_matches('/')) != Some(&issuer.id) {
        return denied("Fetch to url of the location failed".to_owned());
    }
    let id = if detail["format"].is_string() { &detail["vct"] } else { &detail["credential_configuration_id"] };
    if known(id) {
        Ok(details)
    } else {
        denied(format!("Invalid authorization_details: {id} is not a valid credential_id"))
    }
}

/// A token or a code, which are made the same way.
fn signed(didroom: &Didroom, issuer: &Issuer, client: &str) -> String {
    let key = &didroom.server.key;
    let random = random_bytes::<20>().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let claims = json!({
        "sub": random,
        "iat": issuer.now(),
        "iss": issuer.servers[0].id,
        "aud": client,
        "exp": issuer.now() + TOKEN_LIFETIME,
    });
    jwt::sign(key, &json!({"alg": "ES256", "jwk": key.public().to_jwk()}), &claims)
}

/// The page. The real one asks for what the pushed request was about and fills itself in; this one is the
/// same form at once.
pub(super) fn authorize(didroom: &Didroom, issuer: &Issuer, query: &Fields) -> Response {
    let uri = query.get("request_uri").unwrap_or_default();
    let book = didroom.book();
    let pushed = book.pushed.get(uri).filter(|pushed| pushed.expires > issuer.now());
    // Without a location there is nothing that the page could be filled in with.
    let located = pushed.filter(|pushed| pushed.details[0]["locations"][0].is_string());
    if located.is_none() || query.get("client_id") != located.map(|pushed| pushed.client_id.as_str()) {
        return noted(page(200, "<pre id=\"error\">the page stays empty</pre>"), "empty_page", "");
    }
    page(
        200,
        &format!(
            "<form id=\"params\" action=\"{SERVER_PATH}/authorize_backend\" method=\"post\">\n\
             <input type=\"hidden\" name=\"request_uri\" value=\"{}\">\n\
             <input type=\"hidden\" name=\"client_id\" value=\"{}\">\n\
             <input name=\"username\">\n<input name=\"password\" type=\"password\">\n\
             <button>AUTHENTICATE</button>\n</form>",
            escape(uri),
            escape(query.get("client_id").unwrap_or_default()),
        ),
    )
}

pub(super) fn sign_in(didroom: &Didroom, issuer: &Issuer, asked: &Asked) -> Response {
    let fields = match form(asked) {
        Ok(fields) => fields,
        Err(response) => return *response,
    };
    let uri = fields.get("request_uri").unwrap_or_default();
    let mut book = didroom.book();
    let Some(mut pushed) = book.pushed.get(uri).cloned() else {
        return stopped(302, "Failed to get Authorization Code: given request_uri is not valid");
    };
    let login = &issuer.options.login;
    let typed = |name| fields.get(name).map(|text| text.replace('+', " "));
    let right =
        typed("username").as_deref() == Some(&login.user) && typed("password").as_deref() == Some(&login.password);
    if !right || issuer.faults.strikes(Fault::DenyLogin) {
        let reason = "the custom code stopped";
        return redirect(&pushed.redirect_uri, &[("error", "server_error"), ("error_description", reason)]);
    }
    book.pushed.remove(uri);
    pushed.details[0]["claims"] = json!({"id": login.user});
    // The code, and nothing else that was asked for.
    let mut parameters = vec![("code", pushed.code.as_str())];
    if issuer.faults.strikes(Fault::WrongState) {
        parameters.push(("state", "not-the-state-that-was-sent"));
    }
    let response = redirect(&pushed.redirect_uri, &parameters);
    book.codes.insert(pushed.code.clone(), pushed);
    response
}

pub(super) fn token(didroom: &Didroom, issuer: &Issuer, asked: &Asked) -> Response {
    let fields = match form(asked) {
        Ok(fields) => fields,
        Err(response) => return *response,
    };
    let required = ["grant_type", "client_id", "code_verifier", "redirect_uri", "code"];
    if let Some(response) = missing(&fields, &required) {
        return response;
    }
    let Some(dpop) = asked.header("dpop") else {
        return plain(422, "REQUIRED must have required property 'dpop'");
    };
    if let Err(reason) = check_dpop(issuer, dpop) {
        return stopped(500, &reason);
    }
    if fields.get("grant_type") != Some("authorization_code") {
        return stopped(500, "Unsupported grant type: `grant_type` is invalid");
    }
    let mut book = didroom.book();
    // The code is taken away before it is looked at.
    let Some(pushed) = book.codes.remove(fields.get("code").unwrap_or_default()) else {
        return stopped(500, "Invalid grant: authorization code is invalid");
    };
    if fields.get("client_id") != Some(&pushed.client_id) {
        return stopped(500, "Invalid client: client credentials are invalid");
    }
    if pushed.code_expires <= issuer.now() || issuer.faults.strikes(Fault::ExpiredCode) {
        return stopped(500, "Invalid grant: authorization code has expired");
    }
    if fields.get("redirect_uri") != Some(&pushed.redirect_uri) {
        return stopped(500, "Invalid request: `redirect_uri` is invalid");
    }
    if sha256_b64(fields.get("code_verifier").unwrap_or_default()) != pushed.challenge {
        return stopped(500, "Invalid grant: code verifier is invalid");
    }
    let access = signed(didroom, issuer, &pushed.client_id);
    let expires = issuer.now() + TOKEN_LIFETIME;
    book.tokens.insert(access.clone(), (pushed.details.clone(), expires));
    answer(
        200,
        &json!({
            "access_token": access,
            "authorization_details": pushed.details,
            // The moment, not how long until then.
            "expires_in": expires,
            "token_type": "bearer",
        }),
    )
}

/// Its check of a DPoP proof: for five minutes the number of milliseconds was taken for seconds, and `htu`
/// is not compared.
fn check_dpop(issuer: &Issuer, text: &str) -> Result<(), String> {
    let jwt = Jwt::parse(text)?;
    jwt.check_header(Some("dpop+jwt"), &["ES256"]).map_err(|reason| format!("Invalid DPoP: {reason}"))?;
    let jwk = jwt.header.get("jwk").ok_or("Invalid DPoP: missing jwk header parameter")?;
    jwt.verify(&PublicKey::from_jwk(jwk)?)?;
    for name in ["jti", "htm", "htu"] {
        jwt.text(name).map_err(|_| format!("Invalid DPoP: missing {name} payload parameter"))?;
    }
    let iat = jwt.time("iat").map_err(|_| "Invalid DPoP: missing iat payload parameter".to_owned())?;
    if iat < issuer.now() - 300_000 {
        return Err("Invalid DPoP: expired".to_owned());
    }
    if jwt.text("htm")? != "POST" {
        return Err("Invalid DPoP: htm does not match request method".to_owned());
    }
    Ok(())
}
