//! The token endpoint.

use std::collections::BTreeMap;

use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::claims::Selection;
use crate::client_auth::{Authenticated, authenticate};
use crate::codes::{self, Place};
use crate::dialect::{Identifiers, Pin};
use crate::dpop;
use crate::encoding::{random_text, sha256_b64};
use crate::faults::Fault;
use crate::issuer::{Book, Issuer};
use crate::nonces;
use crate::oauth::{Form, Grant, Wanted, check_client, missing};
use crate::refresh::{self, Refresh};
use crate::refusal::{Refusal, Scheme, no_store};
use crate::wishes::Wishes;

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
    pub(crate) wishes: Wishes,
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
    /// The authorization details that the token answer repeats, by configuration.
    pub(crate) echoes: BTreeMap<String, Value>,
    /// The claims that its credentials shall have, where that was said.
    pub(crate) claims: Selection,
    /// What was wished with the offer.
    pub(crate) wishes: Wishes,
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
pub(crate) struct Sender {
    pub(crate) client: Authenticated,
    /// Thumbprint of the DPoP key.
    pub(crate) dpop_key: Option<String>,
}

impl Sender {
    /// The `client_id`, which an authenticated client need not repeat.
    pub(crate) fn client_id(&self, form: &Form) -> Option<String> {
        self.client.client_id.clone().or_else(|| form.get("client_id").map(str::to_owned))
    }

    fn scheme(&self) -> Scheme {
        if self.dpop_key.is_some() { Scheme::Dpop } else { Scheme::Bearer }
    }
}

/// Takes a token request.
pub(crate) fn token(issuer: &Issuer, server: usize, headers: &HeaderMap, body: &[u8]) -> Response {
    let result = Form::from_body(headers, body).and_then(|form| {
        let client = authenticate(issuer, server, headers, &form)?;
        let sender = Sender { client, dpop_key: dpop::at_server(issuer, server, "/token", headers, true)? };
        if let Some(refusal) = codes::forced(issuer, Place::Token, server, sender.scheme()) {
            return Err(refusal);
        }
        let grant = form.require("grant_type")?;
        if grant == "refresh_token" && issuer.options.refresh_tokens {
            return refresh::redeem(issuer, server, &form, sender);
        }
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
    let client_id = sender.client_id(form).ok_or_else(|| missing("client_id"))?;
    check_client(issuer, &client_id, None)?;
    let value = form.require("code")?;
    let redirect_uri = form.require("redirect_uri")?;
    let verifier = form.require("code_verifier")?;
    if let Some(name) = ["tx_code", "user_pin"].into_iter().find(|name| form.get(name).is_some()) {
        return Err(Refusal::new("invalid_request", format!("{name} belongs to the pre-authorized grant")));
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
    if code.request.instance_key.is_some() && code.request.instance_key != sender.client.instance_key {
        return Err(bad("The code is bound to another attested key"));
    }
    let mut granted = code.request.wanted.clone();
    granted.claims.extend(narrowed.claims.clone());
    let all = granted.all();
    granted.echoes.extend(narrowed.echoes.clone());
    let (configurations, by_details) = if narrowed.details.is_empty() {
        (all, !granted.details.is_empty())
    } else {
        (within(&narrowed.details, &all)?, true)
    };
    let claims = granted.claims;
    let extent = Extent { configurations, by_details, echoes: granted.echoes, scope: granted.scope };
    let wishes = code.request.wishes.clone();
    let mut granted = grant(issuer, server, sender, Some(client_id), extent);
    granted.token.claims = claims;
    granted.token.wishes = wishes;
    if let Some(code) = book.codes.get_mut(value) {
        code.family = Some(granted.token.family.clone());
    }
    Ok(hand_out(issuer, &mut book, granted, issuer.options.refresh_tokens))
}

fn redeem_pre_authorized(issuer: &Issuer, server: usize, form: &Form, sender: Sender) -> Result<Value, Refusal> {
    let client_id = sender.client_id(form);
    match &client_id {
        Some(id) => check_client(issuer, id, None)?,
        None if !issuer.options.anonymous() => {
            return Err(Refusal::new("invalid_client", "client_id is missing, anonymous access is not served"));
        }
        None => {}
    }
    let value = form.require("pre-authorized_code")?;
    let (typed, wrong) = match issuer.dialect.pin {
        Pin::TxCode => ("tx_code", "user_pin"),
        Pin::UserPin => ("user_pin", "tx_code"),
    };
    if form.get(wrong).is_some() {
        return Err(Refusal::new("invalid_request", format!("{wrong} is of another draft, here it is {typed}")));
    }
    let tx_code = form.get(typed);
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
            return Err(Refusal::new("invalid_request", format!("{typed} was sent, but this offer has none")));
        }
        (Some(_), None) => {
            return Err(Refusal::new("invalid_request", format!("{typed} is missing, this offer asks for one")));
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
    let (configurations, by_details) = if narrowed.details.is_empty() {
        (code.configurations.clone(), false)
    } else {
        (within(&narrowed.details, &code.configurations)?, true)
    };
    let extent = Extent { configurations, by_details, echoes: narrowed.echoes, scope: None };
    code.used = true;
    let wishes = code.wishes.clone();
    let mut granted = grant(issuer, server, sender, client_id, extent);
    granted.token.wishes = wishes;
    granted.token.claims = narrowed.claims;
    Ok(hand_out(issuer, &mut book, granted, issuer.options.refresh_tokens))
}

/// `asked`, if all of it was granted before.
pub(crate) fn within(asked: &[String], granted: &[String]) -> Result<Vec<String>, Refusal> {
    match asked.iter().find(|id| !granted.contains(id)) {
        None => Ok(asked.to_vec()),
        Some(id) => {
            let message = format!("The credential configuration '{id}' was not granted");
            Err(Refusal::new("invalid_authorization_details", message))
        }
    }
}

/// What a grant gives: the token as it will be, and what is remembered for the next one.
#[derive(Clone, Debug)]
pub(crate) struct Granted {
    pub(crate) server: usize,
    pub(crate) token: Token,
    pub(crate) scope: Option<String>,
    /// Thumbprint of the attested key that a refresh token is bound to.
    pub(crate) instance_key: Option<String>,
}

/// How far a grant reaches.
struct Extent {
    configurations: Vec<String>,
    /// Whether `authorization_details` asked for it.
    by_details: bool,
    echoes: BTreeMap<String, Value>,
    scope: Option<String>,
}

/// A grant, with credential identifiers where there have to be some.
fn grant(issuer: &Issuer, server: usize, sender: Sender, client_id: Option<String>, extent: Extent) -> Granted {
    let Extent { configurations, by_details, mut echoes, scope } = extent;
    let mut identifiers = BTreeMap::new();
    let chosen = issuer.options.credential_identifiers;
    let wanted = match issuer.dialect.identifiers {
        Identifiers::Never => false,
        Identifiers::MayFollowDetails => by_details && chosen,
        Identifiers::FollowDetails => by_details,
        Identifiers::Anyway => by_details || chosen,
    };
    if issuer.faults.strikes(Fault::MissingAuthorizationDetails) {
        echoes.clear();
    } else if wanted {
        for id in &configurations {
            for number in 1..=issuer.options.identifiers_per_configuration {
                identifiers.insert(format!("{id}-{number}"), id.clone());
            }
        }
    }
    let dpop_key = sender.dpop_key.filter(|_| !issuer.faults.strikes(Fault::DpopBearer));
    let claims = Selection::new();
    let wishes = Wishes::default();
    let family = random_text();
    let token = Token { client_id, configurations, identifiers, echoes, claims, wishes, dpop_key, family, expires: 0 };
    Granted { server, token, scope, instance_key: sender.client.instance_key }
}

/// Makes the tokens of a grant, and the answer that holds them.
pub(crate) fn hand_out(issuer: &Issuer, book: &mut Book, mut granted: Granted, renewable: bool) -> Value {
    let value = random_text();
    let mut answer = json!({
        "access_token": value,
        "token_type": match granted.token.scheme() {
            Scheme::Bearer => issuer.dialect.bearer,
            Scheme::Dpop => Scheme::Dpop.name(),
        },
        "expires_in": issuer.options.token_lifetime,
    });
    if issuer.faults.strikes(Fault::MissingTokenType) {
        answer.as_object_mut().expect("made as an object").remove("token_type");
    }
    if let Some(scope) = &granted.scope {
        answer["scope"] = json!(scope);
    }
    let details = details(&granted.token);
    if !details.is_empty() {
        answer["authorization_details"] = json!(details);
    }
    if issuer.options.nonce_endpoint {
        nonces::put_into(issuer, book, &granted.token.family, &mut answer);
    }
    granted.token.expires = issuer.now() + issuer.options.token_lifetime;
    book.tokens.insert(value, granted.token.clone());
    if renewable {
        let refresh = random_text();
        answer["refresh_token"] = json!(refresh);
        let expires = issuer.now() + issuer.options.refresh_token_lifetime;
        book.refresh_tokens.insert(refresh, Refresh { granted, expires, replaced: false });
    }
    answer
}

/// `authorization_details` of a token answer: those that are repeated, and those with identifiers.
fn details(token: &Token) -> Vec<Value> {
    let mut details = Vec::new();
    for id in &token.configurations {
        let names: Vec<_> = token.identifiers.iter().filter(|(_, of)| *of == id).map(|(name, _)| name).collect();
        let echo = token.echoes.get(id);
        if echo.is_none() && names.is_empty() {
            continue;
        }
        let plain = || json!({"type": "openid_credential", "credential_configuration_id": id});
        let mut detail = echo.cloned().unwrap_or_else(plain);
        if !names.is_empty() {
            detail["credential_identifiers"] = json!(names);
        }
        details.push(detail);
    }
    details
}
