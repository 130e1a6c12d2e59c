//! credibil's authorization server.

use axum::response::Response;
use serde_json::{Value, json};

use super::{
    ACCESS, Authorized, Book, CLIENT, Credibil, KNOWN, Known, OFFER_LIFETIME, Refusal, Token, failed, refusal,
};
use crate::encoding::sha256_b64;
use crate::faults::Fault;
use crate::issuer::Issuer;
use crate::oauth::check_client;
use crate::systems::family::{random, rejected};
use crate::systems::{Asked, Fields, answer, redirect};

impl Credibil {
    pub(super) fn authorize(&self, issuer: &Issuer, query: &Fields) -> Response {
        if query.get("authorization_details").is_some() {
            return rejected(400, "Failed to deserialize form: invalid type: string, expected a sequence");
        }
        if query.get("code_challenge_method").is_some_and(|method| method != "S256") {
            return rejected(400, "Failed to deserialize form: unknown variant, expected `S256`");
        }
        let mut book = self.book();
        let subject = match book.sign_ins.subject(query) {
            Ok(subject) => subject,
            Err(response) => return *response,
        };
        let Some(redirect_uri) = query.get("redirect_uri") else {
            return answer(401, &json!({"error": "no redirect_uri"}));
        };
        match check(issuer, &book, query, &subject, redirect_uri) {
            // Neither `state` nor `iss` comes back.
            Err((error, description)) => {
                redirect(redirect_uri, &[("error", error), ("error_description", &description)])
            }
            Ok(configurations) => {
                if let Some(state) = query.get("issuer_state") {
                    book.offered.remove(state);
                }
                let code = random();
                let text = |name| query.get(name).unwrap_or_default().to_owned();
                let authorized = Authorized {
                    client_id: text("client_id"),
                    redirect_uri: redirect_uri.to_owned(),
                    challenge: text("code_challenge"),
                    configurations,
                    expires: issuer.now() + OFFER_LIFETIME,
                };
                let mut fields = vec![("code", code.as_str())];
                if issuer.faults.strikes(Fault::WrongState) {
                    fields.push(("state", "not-the-state-that-was-sent"));
                }
                let response = redirect(redirect_uri, &fields);
                book.authorized.insert(code, authorized);
                response
            }
        }
    }

    pub(super) fn token(&self, issuer: &Issuer, asked: &Asked) -> Response {
        let Some(form) = asked.form() else {
            return rejected(415, "Form requests must have `Content-Type: application/x-www-form-urlencoded`");
        };
        let code = match form.get("grant_type") {
            Some("authorization_code") => form.get("code"),
            Some("urn:ietf:params:oauth:grant-type:pre-authorized_code") => form.get("pre-authorized_code"),
            _ => None,
        };
        let Some(code) = code else {
            return answer(400, &json!({"error": "invalid request"}));
        };
        let by_code = form.get("grant_type") == Some("authorization_code");
        let configurations =
            if by_code { self.redeem(issuer, &form, code) } else { self.redeem_offer(issuer, &form, code) };
        match configurations {
            Err(refusal) => failed(refusal),
            Ok(configurations) => {
                let details: Vec<Value> = configurations
                    .iter()
                    .map(|known| {
                        json!({
                            "type": "openid_credential",
                            "credential_configuration_id": known.id,
                            "credential_identifiers": [known.dataset],
                        })
                    })
                    .collect();
                let access = random();
                let token = Token { configurations, expires: issuer.now() + ACCESS, pending: 0 };
                self.book().tokens.insert(access.clone(), token);
                answer(
                    200,
                    &json!({
                        "access_token": access,
                        "token_type": "Bearer",
                        "expires_in": ACCESS,
                        "authorization_details": details,
                    }),
                )
            }
        }
    }

    fn redeem(&self, issuer: &Issuer, form: &Fields, code: &str) -> Result<Vec<&'static Known>, Refusal> {
        let authorized = self.book().authorized.remove(code);
        let authorized = authorized.ok_or_else(|| refusal("invalid_grant", "invalid authorization code"))?;
        if authorized.expires <= issuer.now() || issuer.faults.strikes(Fault::ExpiredCode) {
            return Err(refusal("invalid_request", "authorization state expired"));
        }
        match form.get("client_id") {
            None => return Err(refusal("invalid_request", "`client_id` is missing")),
            Some(client) if client != authorized.client_id => {
                return Err(refusal("invalid_client", "`client_id` differs from authorized one"));
            }
            Some(_) => {}
        }
        if form.get("redirect_uri") != Some(&authorized.redirect_uri) {
            return Err(refusal("invalid_grant", "`redirect_uri` differs from authorized one"));
        }
        match form.get("code_verifier") {
            None => Err(refusal("access_denied", "`code_verifier` is missing")),
            Some(verifier) if sha256_b64(verifier) != authorized.challenge => {
                Err(refusal("access_denied", "`code_verifier` is invalid"))
            }
            Some(_) => Ok(authorized.configurations),
        }
    }

    fn redeem_offer(&self, issuer: &Issuer, form: &Fields, code: &str) -> Result<Vec<&'static Known>, Refusal> {
        let offered = self.book().offered.remove(code);
        let offered = offered.ok_or_else(|| refusal("invalid_grant", "invalid authorization code"))?;
        if offered.expires <= issuer.now() || issuer.faults.strikes(Fault::ExpiredCode) {
            return Err(refusal("invalid_request", "authorization state expired"));
        }
        if !offered.pre_authorized {
            return Err(refusal("server_error", "no authorized items"));
        }
        if form.get("tx_code") != offered.tx_code.as_deref() {
            return Err(refusal("invalid_grant", "invalid `tx_code` provided"));
        }
        // Nobody need say who they are, but whoever does has to be known.
        match form.get("client_id") {
            Some(client) if client != CLIENT => {
                Err(refusal("invalid_client", &format!("{client} is not a valid client_id")))
            }
            _ => Ok(vec![offered.configuration]),
        }
    }
}

fn check(
    issuer: &Issuer,
    book: &Book,
    query: &Fields,
    subject: &str,
    redirect_uri: &str,
) -> Result<Vec<&'static Known>, Refusal> {
    let bad = |reason| Err(refusal("invalid_request", reason));
    if query.get("client_id") != Some(CLIENT) {
        return Err(refusal("invalid_client", "invalid `client_id`"));
    }
    if let Some(state) = query.get("issuer_state") {
        match book.offered.get(state) {
            None => return Err(refusal("server_error", "retrieving state: ")),
            Some(offered) if offered.expires <= issuer.now() => return bad("issuer state expired"),
            Some(_) if subject != issuer.options.login.user => {
                return bad("request `subject_id` does not match offer");
            }
            Some(_) => {}
        }
    }
    let Some(scope) = query.get("scope") else {
        return bad("no credentials requested");
    };
    let mut configurations = Vec::new();
    for word in scope.split_whitespace() {
        let known = KNOWN.iter().find(|known| known.scope == word);
        configurations.push(known.ok_or_else(|| refusal("invalid_scope", "invalid scope"))?);
    }
    if check_client(issuer, CLIENT, Some(redirect_uri)).is_err() {
        return bad("`redirect_uri` is not registered");
    }
    if !(43..=128).contains(&query.get("code_challenge").unwrap_or_default().len()) {
        return bad("code_challenge must be between 43 and 128 characters");
    }
    if issuer.faults.strikes(Fault::DenyLogin) {
        return Err(refusal("access_denied", "authorizing holder"));
    }
    Ok(configurations)
}
