//! The token endpoint.

use std::collections::BTreeMap;

use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::codes::{self, Place};
use crate::dpop;
use crate::encoding::{random_text, sha256_b64};
use crate::faults::Fault;
use crate::issuer::Issuer;
use crate::oauth::{Form, Grant, Wanted, check_client, refuse_client_authentication};
use crate::refusal::{Refusal, Scheme, no_store};

/// Wrong transaction codes that a pre-authorized code survives, less one.
const GUESSES: u32 = 3;

/// A pre-authorized code that was handed out.
#[derive(Clone, Debug)]
pub(crate) struct PreAuthorized {
    pub(crate) server: usize,
    pub(crate) configurations: Vec<String>,
    pub(crate) tx_code: Option<String>,
    pub(crate) wrong_guesses: u32,
    pub(crate) expires: i64,
    pub(crate) used: bool,
}

/// An access token that was handed out.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    /// Absent if the token was got anonymously.
    pub(crate) client_id: Option<String>,
    /// What it is good for.
    pub(crate) configurations: Vec<String>,
    /// Credential identifiers with their configuration; if there are any, they have to be used.
    pub(crate) identifiers: BTreeMap<String, String>,
    /// Thumbprint of the DPoP key that it is bound to.
    pub(crate) dpop_key: Option<String>,
    /// The grant that it comes from, shared by every token got with it.
    pub(crate) family: String,
    pub(crate) expires: i64,
}

impl Token {
    /// How it has to be presented.
    pub(crate) fn scheme(&self) -> Scheme {
        if self.dpop_key.is_some() { Scheme::Dpop } else { Scheme::Bearer }
    }
}

/// Who sends a token request, as far as was proven.
struct Sender {
    /// Thumbprint of the DPoP key.
    dpop_key: Option<String>,
}

impl Sender {
    fn scheme(&self) -> Scheme {
        if self.dpop_key.is_some() { Scheme::Dpop } else { Scheme::Bearer }
    }
}

/// Takes a token request.
pub(crate) fn token(issuer: &Issuer, server: usize, headers: &HeaderMap, body: &[u8]) -> Response {
    let result = Form::from_body(headers, body).and_then(|form| {
        refuse_client_authentication(headers, &form)?;
        let sender = Sender { dpop_key: dpop::at_server(issuer, server, "/token", headers, true)? };
        if let Some(refusal) = codes::forced(issuer, Place::Token, server, sender.scheme()) {
            return Err(refusal);
        }
        let grant = form.require("grant_type")?;
        let served = issuer.servers[server].grants.iter().find(|served| served.wire_name() == grant);
        match served {
            Some(Grant::Code) => redeem_code(issuer, server, &form, sender),
            Some(Grant::PreAuthorized) => redeem_pre_authorized(issuer, server, &form, sender),
            None => Err(Refusal::new("unsupported_grant_type", "This server does not know the grant_type")),
        }
    });
    match result {
        Ok(answer) => no_store(StatusCode::OK, &answer),
        Err(refusal) => refusal.into_response(),
    }
}

fn redeem_code(issuer: &Issuer, server: usize, form: &Form, sender: Sender) -> Result<Value, Refusal> {
    let client_id = form.require("client_id")?;
    check_client(issuer, client_id, None)?;
    let value = form.require("code")?;
    let redirect_uri = form.require("redirect_uri")?;
    let verifier = form.require("code_verifier")?;
    if form.get("tx_code").is_some() {
        return Err(Refusal::new("invalid_request", "tx_code belongs to the pre-authorized grant"));
    }
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(legal) {
        return Err(Refusal::new("invalid_request", "code_verifier is not 43 to 128 unreserved characters"));
    }
    let narrowed = Wanted::read(issuer, form)?;
    let bad = |reason| Refusal::new("invalid_grant", reason);

    let mut book = issuer.book();
    let code = book.codes.get_mut(value).ok_or_else(|| bad("The code is unknown"))?;
    if code.request.server != server || code.request.client_id != client_id {
        return Err(bad("The code was given to another client or by another server"));
    }
    if code.used {
        // RFC 6749 section 4.1.2: what was got with the code before is revoked.
        if let Some(family) = code.family.take() {
            book.revoke(&family);
        }
        return Err(bad("The code was used before"));
    }
    code.used = true;
    if code.expires <= issuer.now() || issuer.faults.strikes(Fault::ExpiredCode) {
        return Err(bad("The code has expired"));
    }
    if code.request.redirect_uri != redirect_uri {
        return Err(bad("redirect_uri is not the one of the authorization request"));
    }
    if code.request.challenge != sha256_b64(verifier) {
        return Err(bad("code_verifier does not fit the code_challenge"));
    }
    if code.request.dpop_key.is_some() && code.request.dpop_key != sender.dpop_key {
        return Err(bad("The code is bound to another DPoP key"));
    }
    let granted = code.request.wanted.clone();
    let all = granted.all();
    let (configurations, with_identifiers) = if narrowed.details.is_empty() {
        (all, !granted.details.is_empty())
    } else {
        (within(&narrowed.details, &all)?, true)
    };
    let (answer, token, issued) =
        grant(issuer, sender, Some(client_id), configurations, with_identifiers, granted.scope.as_deref());
    if let Some(code) = book.codes.get_mut(value) {
        code.family = Some(issued.family.clone());
    }
    book.tokens.insert(token, issued);
    Ok(answer)
}

fn redeem_pre_authorized(issuer: &Issuer, server: usize, form: &Form, sender: Sender) -> Result<Value, Refusal> {
    let client_id = form.get("client_id");
    match client_id {
        Some(id) => check_client(issuer, id, None)?,
        None if !issuer.options.anonymous_pre_authorized => {
            return Err(Refusal::new("invalid_client", "client_id is missing, anonymous access is not served"));
        }
        None => {}
    }
    let value = form.require("pre-authorized_code")?;
    let tx_code = form.get("tx_code");
    let narrowed = Wanted::read(issuer, form)?;
    let bad = |reason| Refusal::new("invalid_grant", reason);

    let mut book = issuer.book();
    let code = book.pre_authorized.get_mut(value).ok_or_else(|| bad("The pre-authorized code is unknown"))?;
    if code.server != server {
        return Err(bad("The pre-authorized code was given by another server"));
    }
    if code.used {
        return Err(bad("The pre-authorized code was used before"));
    }
    if code.expires <= issuer.now() || issuer.faults.strikes(Fault::ExpiredCode) {
        return Err(bad("The pre-authorized code has expired"));
    }
    match (&code.tx_code, tx_code) {
        (None, Some(_)) => {
            return Err(Refusal::new("invalid_request", "tx_code was sent, but this offer has none"));
        }
        (Some(_), None) => {
            return Err(Refusal::new("invalid_request", "tx_code is missing, this offer asks for one"));
        }
        (Some(_), Some(_)) if code.wrong_guesses >= GUESSES => {
            return Err(bad("Too many wrong transaction codes, the offer is dead"));
        }
        (Some(right), Some(guess)) if right != guess => {
            code.wrong_guesses += 1;
            return Err(if code.wrong_guesses >= GUESSES {
                bad("The transaction code is wrong, the offer is dead now")
            } else {
                bad("The transaction code is wrong, try again")
            });
        }
        _ => {}
    }
    let (configurations, with_identifiers) = if narrowed.details.is_empty() {
        (code.configurations.clone(), false)
    } else {
        (within(&narrowed.details, &code.configurations)?, true)
    };
    code.used = true;
    let (answer, token, issued) = grant(issuer, sender, client_id, configurations, with_identifiers, None);
    book.tokens.insert(token, issued);
    Ok(answer)
}

/// `asked`, if all of it was granted before.
fn within(asked: &[String], granted: &[String]) -> Result<Vec<String>, Refusal> {
    match asked.iter().find(|id| !granted.contains(id)) {
        None => Ok(asked.to_vec()),
        Some(id) => {
            let message = format!("The credential configuration '{id}' was not granted");
            Err(Refusal::new("invalid_authorization_details", message))
        }
    }
}

fn grant(
    issuer: &Issuer,
    sender: Sender,
    client_id: Option<&str>,
    configurations: Vec<String>,
    with_identifiers: bool,
    scope: Option<&str>,
) -> (Value, String, Token) {
    let dpop_key = sender.dpop_key.filter(|_| !issuer.faults.strikes(Fault::DpopBearer));
    let mut issued = Token {
        client_id: client_id.map(str::to_owned),
        configurations,
        identifiers: BTreeMap::new(),
        dpop_key,
        family: random_text(),
        expires: issuer.now() + issuer.options.token_lifetime,
    };
    let token = random_text();
    let mut answer = json!({
        "access_token": token,
        "token_type": issued.scheme().name(),
        "expires_in": issuer.options.token_lifetime,
    });
    if issuer.faults.strikes(Fault::MissingTokenType) {
        answer.as_object_mut().expect("made as an object").remove("token_type");
    }
    if let Some(scope) = scope {
        answer["scope"] = json!(scope);
    }
    if with_identifiers || issuer.options.credential_identifiers {
        let details: Vec<Value> = issued
            .configurations
            .iter()
            .map(|id| {
                let names: Vec<String> =
                    (1..=issuer.options.identifiers_per_configuration).map(|number| format!("{id}-{number}")).collect();
                issued.identifiers.extend(names.iter().map(|name| (name.clone(), id.clone())));
                json!({
                    "type": "openid_credential",
                    "credential_configuration_id": id,
                    "credential_identifiers": names,
                })
            })
            .collect();
        answer["authorization_details"] = json!(details);
    }
    (answer, token, issued)
}
