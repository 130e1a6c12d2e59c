//! credibil's issuer, which vercre's became, as of June 2025.
//!
//! From the source of credibil/vc (`1308e92`) and of credibil/core, which turns results into answers: routes,
//! the order of checks, and 400 with an OAuth body for whatever goes wrong.

mod credential;

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};

use axum::response::Response;
use http::Method;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::family::{Identity, SignIns, bearer, json_body, random, rejected, uncached};
use super::vercre::both_grants;
use super::{Asked, Fields, Side, System, answer, link, made, redirect, refused};
use crate::encoding::{random_digits, sha256_b64};
use crate::faults::{Fault, Target};
use crate::issuer::Issuer;
use crate::oauth::{Grant, check_client};
use crate::offers::{By, MadeOffer, OfferSpec};

/// The client that is registered.
const CLIENT: &str = "http://localhost:8082";
/// Seconds that offers and codes live, and access tokens.
const OFFER_LIFETIME: i64 = 300;
const ACCESS: i64 = 900;

/// A configuration: its id and scope, the format, and the subject's dataset for it.
struct Known {
    id: &'static str,
    scope: &'static str,
    format: &'static str,
    dataset: &'static str,
}

const EMPLOYEE: Known =
    Known { id: "EmployeeID_W3C_VC", scope: "EmployeeID", format: "jwt_vc_json", dataset: "PHLEmployeeID" };
const IDENTITY: Known = Known { id: "Identity_SD_JWT", scope: "Identity", format: "dc+sd-jwt", dataset: "Identity" };
const KNOWN: [Known; 2] = [EMPLOYEE, IDENTITY];

/// The issuer.
pub(crate) struct Credibil {
    book: Mutex<Book>,
    identity: Identity,
    /// Whether what keeps every conforming wallet out is left as it is.
    as_is: bool,
}

#[derive(Default)]
struct Book {
    offers: HashMap<String, (Value, i64)>,
    offered: HashMap<String, Offered>,
    sign_ins: SignIns,
    authorized: HashMap<String, Authorized>,
    tokens: HashMap<String, Token>,
    /// They do not end by themselves.
    nonces: HashSet<String>,
    deferred: HashMap<String, Value>,
    notifications: Vec<String>,
}

struct Offered {
    pre_authorized: bool,
    configuration: &'static Known,
    tx_code: Option<String>,
    expires: i64,
}

struct Authorized {
    client_id: String,
    redirect_uri: String,
    challenge: String,
    configurations: Vec<&'static Known>,
    expires: i64,
}

#[derive(Clone)]
struct Token {
    configurations: Vec<&'static Known>,
    expires: i64,
    /// How often pending data were asked for.
    pending: u32,
}

type Refusal = (&'static str, String);

fn refusal(code: &'static str, text: &str) -> Refusal {
    (code, text.to_owned())
}

/// Everything that goes wrong in the library.
fn failed((code, description): Refusal) -> Response {
    refused(400, code, &description)
}

impl Credibil {
    pub(crate) fn new(origin: &str, as_is: bool) -> Self {
        Self { book: Mutex::default(), identity: Identity::new(origin), as_is }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("no panic while the book is locked")
    }

    fn route(&self, issuer: &Issuer, asked: &Asked) -> Response {
        let get = asked.method == Method::GET;
        match asked.path.as_str() {
            "/.well-known/openid-credential-issuer" if get => answer(200, &metadata(issuer)),
            "/.well-known/oauth-authorization-server" if get => answer(200, &server(issuer)),
            "/.well-known/did.json" if get => answer(200, &self.identity.document()),
            "/statuslists/1" if get => self.status_list(issuer),
            "/auth" if get => self.authorize(issuer, &asked.query),
            "/login" if asked.is_post() => self.book().sign_ins.login(issuer, asked),
            "/token" if asked.is_post() => self.token(issuer, asked),
            "/nonce" if asked.is_post() => {
                let nonce = random();
                self.book().nonces.insert(nonce.clone());
                answer(200, &json!({"c_nonce": nonce}))
            }
            "/credential" if asked.is_post() => credential::credential(self, issuer, asked),
            "/deferred_credential" if asked.is_post() => credential::deferred(self, issuer, asked),
            "/notification" if asked.is_post() => self.notification(issuer, asked),
            path => match path.strip_prefix("/credential_offer/") {
                Some(id) if get => self.offer(issuer, id),
                _ => rejected(404, ""),
            },
        }
    }

    fn offer(&self, issuer: &Issuer, id: &str) -> Response {
        // Fetching it takes it away.
        match self.book().offers.remove(id) {
            None => failed(refusal("server_error", "credential offer not found in state: ")),
            Some((_, expires)) if expires <= issuer.now() => failed(refusal("invalid_request", "state expired")),
            Some((offer, _)) => {
                issuer.log.offer_fetched(id);
                answer(200, &offer)
            }
        }
    }

    fn authorize(&self, issuer: &Issuer, query: &Fields) -> Response {
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

    fn token(&self, issuer: &Issuer, asked: &Asked) -> Response {
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

    fn notification(&self, issuer: &Issuer, asked: &Asked) -> Response {
        let (token, body) = match bearer(asked).and_then(|token| Ok((token, json_body(asked)?))) {
            Ok(read) => read,
            Err(response) => return *response,
        };
        let (Some(id), true) = (body["notification_id"].as_str(), body["event"].is_string()) else {
            let text = "Failed to deserialize the JSON body into the target type: missing field";
            return rejected(422, text);
        };
        let book = self.book();
        if !book.tokens.contains_key(token) {
            return failed(refusal("access_denied", "invalid access token"));
        }
        if !book.notifications.iter().any(|known| known == id) {
            return failed(refusal("access_denied", "invalid notification id"));
        }
        issuer.log.notified(body);
        answer(200, &Value::Null)
    }

    /// The list with its only entry. As it is, the entry is set for whoever gets a credential, and the token
    /// is a text in JSON.
    fn status_list(&self, issuer: &Issuer) -> Response {
        let token = credential::status_list(self, issuer);
        let mut response = answer(200, &json!(token));
        if !self.as_is {
            *response.body_mut() = axum::body::Body::from(token);
            let kind = http::HeaderValue::from_static("application/statuslist+jwt");
            response.headers_mut().insert(CONTENT_TYPE, kind);
        }
        response
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

impl System for Credibil {
    fn answer(&self, issuer: &Issuer, _: Side, asked: &Asked) -> Response {
        uncached(self.route(issuer, asked))
    }

    fn target(&self, path: &str) -> Option<Target> {
        Some(match path {
            "/.well-known/openid-credential-issuer" => Target::Metadata,
            "/.well-known/oauth-authorization-server" => Target::AsMetadata,
            "/.well-known/did.json" => Target::IssuerKey,
            "/statuslists/1" => Target::Status,
            "/token" => Target::Token,
            "/nonce" => Target::Nonce,
            "/credential" => Target::Credential,
            "/deferred_credential" => Target::Deferred,
            "/notification" => Target::Notification,
            path if path.starts_with("/credential_offer/") => Target::Offer,
            _ => return None,
        })
    }

    fn make(&self, issuer: &Issuer, spec: &OfferSpec) -> Result<MadeOffer, String> {
        let configuration = KNOWN.iter().find(|known| known.format == spec.format).ok_or_else(|| {
            "credibil makes jwt_vc_json and dc+sd-jwt: its mso_mdoc names its key by a DID, without a certificate"
                .to_owned()
        })?;
        let code = random();
        let mut grant = json!({});
        let mut tx_code = None;
        if spec.grant == Grant::Code {
            grant["issuer_state"] = json!(code);
        } else {
            grant["pre-authorized_code"] = json!(code);
            if let Some(wanted) = &spec.tx_code {
                grant["tx_code"] = json!({
                    "input_mode": "numeric",
                    "length": 6,
                    "description": "Please provide the one-time code received",
                });
                tx_code = Some(wanted.value.clone().unwrap_or_else(|| random_digits(6)));
            }
        }
        let offer = json!({
            "credential_issuer": issuer.id,
            "credential_configuration_ids": [configuration.id],
            "grants": {spec.grant.wire_name(): grant},
        });
        let expires = issuer.now() + spec.expires_in.unwrap_or(OFFER_LIFETIME);
        let pre_authorized = spec.grant == Grant::PreAuthorized;
        let mut book = self.book();
        let offered = Offered { pre_authorized, configuration, tx_code: tx_code.clone(), expires };
        book.offered.insert(code, offered);
        let (link, id) = match spec.by {
            By::Value => (link("credential_offer", &offer.to_string()), None),
            By::Reference => {
                let id = random();
                book.offers.insert(id.clone(), (offer.clone(), expires));
                (link("credential_offer_uri", &format!("{}/credential_offer/{id}", issuer.origin)), Some(id))
            }
        };
        let mut made = made(spec, configuration.id, link, offer);
        if tx_code.is_some() {
            made.name.push_str(" with tx_code");
        }
        made.tx_code = tx_code;
        made.id = id;
        if spec.grant == Grant::Code {
            let subject = format!("subject_id={}", issuer.options.login.user);
            made.args = ["--client-id", CLIENT, "--authorization-parameter", &subject].map(str::to_owned).to_vec();
        }
        Ok(made)
    }

    fn announced(&self) -> Vec<OfferSpec> {
        KNOWN.iter().flat_map(|known| both_grants(known.format)).collect()
    }
}

fn metadata(issuer: &Issuer) -> Value {
    let id = &issuer.id;
    let wrong = format!("{id}/someone-else");
    let algs = json!(["ES256K", "EdDSA"]);
    let entry = |known: &Known, name: &str, prefix: &[&str]| {
        let claim = |claim: &str, name: &str| {
            let path: Vec<&str> = prefix.iter().copied().chain([claim]).collect();
            json!({"path": path, "mandatory": true, "display": [{"name": name, "locale": "en-NZ"}]})
        };
        json!({
            "format": known.format,
            "scope": known.scope,
            "cryptographic_binding_methods_supported": ["did:key", "did:web"],
            "credential_signing_alg_values_supported": algs,
            "proof_types_supported": {"jwt": {"proof_signing_alg_values_supported": algs}},
            "display": [{"name": name, "locale": "en-NZ", "text_color": "#ffffff", "background_color": "#323ed2"}],
            "claims": [claim("given_name", "Given name"), claim("family_name", "Family name"), {
                "path": prefix.iter().copied().chain(["address", "locality"]).collect::<Vec<_>>(),
                "display": [{"name": "Locality", "locale": "en-NZ"}],
            }],
        })
    };
    let mut employee = entry(&EMPLOYEE, "Employee ID", &["credentialSubject"]);
    employee["credential_definition"] = json!({"type": ["VerifiableCredential", "EmployeeIDCredential"]});
    let mut identity = entry(&IDENTITY, "Identity Credential", &[]);
    identity["vct"] = json!(IDENTITY.id);
    json!({
        "credential_issuer": issuer.fault_or(Fault::WrongIssuer, &wrong, id),
        "nonce_endpoint": format!("{id}/nonce"),
        "credential_endpoint": format!("{id}/credential"),
        "deferred_credential_endpoint": format!("{id}/deferred_credential"),
        "notification_endpoint": format!("{id}/notification"),
        "status_list_aggregation_endpoint": format!("{id}/statuslists"),
        "display": {"name": "Credibil", "locale": "en-NZ"},
        "credential_configurations_supported": {EMPLOYEE.id: employee, IDENTITY.id: identity},
    })
}

fn server(issuer: &Issuer) -> Value {
    let id = &issuer.id;
    let wrong = format!("{id}/someone-else");
    json!({
        "issuer": issuer.fault_or(Fault::WrongAsIssuer, &wrong, id),
        "authorization_endpoint": format!("{id}/auth"),
        "token_endpoint": format!("{id}/token"),
        "scopes_supported": ["openid", "credential"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "urn:ietf:params:oauth:grant-type:pre-authorized_code"],
        "code_challenge_methods_supported": ["S256"],
        "pre-authorized_grant_anonymous_access_supported": true,
    })
}
