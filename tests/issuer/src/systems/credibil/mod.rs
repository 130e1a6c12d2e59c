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

use super::family::{
    Drawn, Identity, OFFER_LIFETIME, Offers, SignIns, bearer, both_grants, draw_up, json_body, random, rejected,
    uncached,
};
use super::{Asked, Side, System, answer, refused};
use crate::faults::Target;
use crate::issuer::Issuer;
use crate::oauth::Grant;
use crate::offers::{MadeOffer, OfferSpec};

/// The client that is registered.
const CLIENT: &str = "http://localhost:8082";
/// Seconds that access tokens live.
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
    offers: Offers,
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
        let pre_authorized = spec.grant == Grant::PreAuthorized;
        let mut book = self.book();
        let Drawn { code, tx_code, expires, made } = draw_up(issuer, spec, configuration.id, CLIENT, &mut book.offers);
        book.offered.insert(code, Offered { pre_authorized, configuration, tx_code, expires });
        Ok(made)
    }

    fn announced(&self) -> Vec<OfferSpec> {
        KNOWN.iter().flat_map(|known| both_grants(known.format)).collect()
    }
}
