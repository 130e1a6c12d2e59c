//! credibil's issuer, which vercre's became, as of June 2025.
//!
//! From the source of credibil/vc (`1308e92`) and of credibil/core, which turns results into answers: routes,
//! the order of checks, and 400 with an OAuth body for whatever goes wrong.

mod credential;
mod documents;
mod server;

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};

use axum::response::Response;
use http::Method;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::family::{Identity, SignIns, bearer, json_body, random, rejected, uncached};
use super::vercre::both_grants;
use super::{Asked, Side, System, answer, link, made, refused};
use crate::encoding::random_digits;
use crate::faults::Target;
use crate::issuer::Issuer;
use crate::oauth::Grant;
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
            "/.well-known/openid-credential-issuer" if get => answer(200, &documents::metadata(issuer)),
            "/.well-known/oauth-authorization-server" if get => answer(200, &documents::server(issuer)),
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
        // Pre-authorized wallets may keep their name to themselves, but not use another one.
        made.args = vec!["--client-id".to_owned(), CLIENT.to_owned()];
        if spec.grant == Grant::Code {
            let subject = format!("subject_id={}", issuer.options.login.user);
            made.args.extend(["--authorization-parameter".to_owned(), subject]);
        }
        Ok(made)
    }

    fn announced(&self) -> Vec<OfferSpec> {
        KNOWN.iter().flat_map(|known| both_grants(known.format)).collect()
    }
}
