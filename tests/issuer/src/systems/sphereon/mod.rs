//! Sphereon's issuer server, in the two releases that were run: pre-authorized codes only.
//!
//! From the source of OID4VC (`0475d6f`, release 0.19) and from transcripts of 0.14.0 and 0.20.1. What a
//! credential holds and how it is signed is up to whoever runs the server; here they are this issuer's.

mod credential;
mod token;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use axum::body::Body;
use axum::response::Response;
use http::Method;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value, json};

use super::{Asked, Side, System, answer, link, made, noted, refused};
use crate::catalogue::{Configuration, Format};
use crate::encoding::{random_digits, random_text};
use crate::faults::{Fault, Target};
use crate::formats::ldp;
use crate::issuer::Issuer;
use crate::keys::PrivateKey;
use crate::oauth::Grant;
use crate::offers::{By, MadeOffer, OfferSpec, TxCode};
use crate::options::SphereonRelease;
use crate::subjects::LICENCE_DOCTYPE;

const PRE_AUTHORIZED: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
/// Seconds that pre-authorized codes and nonces live.
const LIFETIME: i64 = 300;

/// The issuer.
pub(crate) struct Sphereon {
    release: SphereonRelease,
    book: Mutex<Book>,
    /// What signs access tokens.
    key: PrivateKey,
}

#[derive(Default)]
struct Book {
    /// One session for each pre-authorized code.
    sessions: HashMap<String, Session>,
    /// When each nonce was made.
    nonces: HashMap<String, i64>,
    /// The code that each access token was got with, and when it ends.
    tokens: HashMap<String, (String, i64)>,
}

struct Session {
    offer: Value,
    configuration: String,
    /// Under which an offer by reference is fetched.
    id: String,
    tx_code: Option<String>,
    expires: i64,
    /// Whether nobody came with the code yet.
    fresh: bool,
    notification_id: String,
}

impl Sphereon {
    pub(crate) fn new(release: SphereonRelease) -> Self {
        Self { release, book: Mutex::default(), key: PrivateKey::p256() }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("no panic while the book is locked")
    }

    fn is_old(&self) -> bool {
        self.release == SphereonRelease::V0_14
    }

    fn formats(&self) -> [Format; 4] {
        let sd_jwt = if self.is_old() { Format::VcSdJwt } else { Format::SdJwtVc };
        [sd_jwt, Format::JwtVc, Format::LdpVc, Format::Mdoc]
    }

    /// The configuration of each format.
    fn configurations<'a>(&self, issuer: &'a Issuer) -> Vec<&'a Configuration> {
        let first = |format| issuer.configurations.iter().find(move |known| known.format == format);
        self.formats().into_iter().filter_map(first).collect()
    }

    fn metadata(&self, issuer: &Issuer) -> Value {
        let id = &issuer.id;
        let wrong = format!("{id}/someone-else");
        let configurations: Map<String, Value> = self
            .configurations(issuer)
            .into_iter()
            .map(|configuration| (configuration.id.clone(), self.entry(issuer, configuration)))
            .collect();
        let mut metadata = json!({
            "credential_endpoint": format!("{id}/credentials"),
            "token_endpoint": format!("{id}/token"),
            "notification_endpoint": format!("{id}/notification"),
            "credential_issuer": issuer.fault_or(Fault::WrongIssuer, &wrong, id),
            "display": [{"name": "Test University", "locale": "en-US"}],
            "credential_configurations_supported": configurations,
        });
        if !self.is_old() {
            metadata["authorization_servers"] = json!([id]);
            metadata["nonce_endpoint"] = json!(format!("{id}/nonce"));
        }
        metadata
    }

    fn entry(&self, issuer: &Issuer, configuration: &Configuration) -> Value {
        let mut entry = json!({
            "format": configuration.format.id(),
            "cryptographic_binding_methods_supported": configuration.binding,
            "credential_signing_alg_values_supported": ["ES256"],
            "proof_types_supported": {"jwt": {"proof_signing_alg_values_supported": ["ES256"]}},
            "display": [{"name": configuration.kind.names()[0].1, "locale": "en-US"}],
        });
        if !self.is_old() {
            entry["scope"] = json!(configuration.id);
        }
        let types = json!(["VerifiableCredential", configuration.kind.type_name()]);
        match configuration.format {
            Format::VcSdJwt | Format::SdJwtVc => entry["vct"] = json!(configuration.vct(&issuer.id)),
            Format::Mdoc => entry["doctype"] = json!(LICENCE_DOCTYPE),
            Format::LdpVc => {
                entry["credential_definition"] = json!({"@context": ldp::contexts(configuration), "type": types});
            }
            _ => entry["credential_definition"] = json!({"type": types}),
        }
        entry
    }

    fn route(&self, issuer: &Issuer, asked: &Asked) -> Response {
        let get = asked.method == Method::GET;
        match asked.path.as_str() {
            "/.well-known/openid-credential-issuer" if get => answer(200, &self.metadata(issuer)),
            "/.well-known/oauth-authorization-server" if get && !self.is_old() => answer(200, &server(issuer)),
            "/token" if asked.is_post() => token::token(self, issuer, asked),
            "/nonce" if asked.is_post() && !self.is_old() => self.nonce(issuer),
            "/credentials" if asked.is_post() => credential::credential(self, issuer, asked),
            "/notification" if asked.is_post() => self.notification(asked),
            path => match path.strip_prefix("/credential-offers/") {
                Some(id) if get => self.offer(issuer, id),
                _ => not_found(asked),
            },
        }
    }

    /// An offer by reference is there until somebody comes with its code.
    fn offer(&self, issuer: &Issuer, id: &str) -> Response {
        let book = self.book();
        match book.sessions.values().find(|session| session.id == id && session.fresh) {
            Some(session) => {
                issuer.log.offer_fetched(id);
                answer(200, &session.offer)
            }
            None => refused(404, "invalid_request", &format!("Credential offer {id} not found")),
        }
    }

    fn nonce(&self, issuer: &Issuer) -> Response {
        answer(200, &json!({"c_nonce": self.new_nonce(issuer), "c_nonce_expires_in": LIFETIME}))
    }

    fn new_nonce(&self, issuer: &Issuer) -> String {
        let nonce = random_text();
        self.book().nonces.insert(nonce.clone(), issuer.now());
        nonce
    }

    /// The session is looked for under a claim that the tokens made here do not have.
    fn notification(&self, asked: &Asked) -> Response {
        let known = asked.credentials("bearer").is_some_and(|token| self.book().tokens.contains_key(token));
        let code = if known { "invalid_notification_request" } else { "invalid_token" };
        noted(answer(400, &json!({"error": code})), code, "")
    }
}

impl System for Sphereon {
    fn answer(&self, issuer: &Issuer, _: Side, asked: &Asked) -> Response {
        self.route(issuer, asked)
    }

    fn target(&self, path: &str) -> Option<Target> {
        Some(match path {
            "/.well-known/openid-credential-issuer" => Target::Metadata,
            "/.well-known/oauth-authorization-server" => Target::AsMetadata,
            "/token" => Target::Token,
            "/nonce" => Target::Nonce,
            "/credentials" => Target::Credential,
            "/notification" => Target::Notification,
            path if path.starts_with("/credential-offers/") => Target::Offer,
            _ => return None,
        })
    }

    fn make(&self, issuer: &Issuer, spec: &OfferSpec) -> Result<MadeOffer, String> {
        if spec.grant != Grant::PreAuthorized {
            return Err("sphereon's own token endpoint takes pre-authorized codes only".to_owned());
        }
        let configurations = self.configurations(issuer);
        let configuration = configurations.iter().find(|known| known.format.id() == spec.format).ok_or_else(|| {
            let known: Vec<_> = self.formats().map(Format::id).to_vec();
            format!("'{}' is not a format of this release; known: {}", spec.format, known.join(", "))
        })?;
        let code = random_text();
        let mut grant = json!({"pre-authorized_code": code});
        let mut tx_code = None;
        if let Some(wanted) = &spec.tx_code {
            let length = wanted.length.unwrap_or(4);
            let mut shown = json!({"length": length});
            if let Some(mode) = &wanted.input_mode {
                shown["input_mode"] = json!(mode);
            }
            grant["tx_code"] = shown;
            tx_code = Some(wanted.value.clone().unwrap_or_else(|| random_digits(length)));
        }
        let offer = json!({
            "credential_issuer": issuer.id,
            "credential_configuration_ids": [configuration.id],
            "grants": {PRE_AUTHORIZED: grant},
        });
        let id = random_text();
        let session = Session {
            offer: offer.clone(),
            configuration: configuration.id.clone(),
            id: id.clone(),
            tx_code: tx_code.clone(),
            expires: issuer.now() + spec.expires_in.unwrap_or(LIFETIME),
            fresh: true,
            notification_id: random_text(),
        };
        self.book().sessions.insert(code, session);
        let (link, id) = match spec.by {
            By::Value => (link("credential_offer", &offer.to_string()), None),
            By::Reference => (link("credential_offer_uri", &format!("{}/credential-offers/{id}", issuer.id)), Some(id)),
        };
        let mut made = made(spec, &configuration.id, self.with_host(issuer, link), offer);
        if tx_code.is_some() {
            made.name.push_str(" with tx_code");
        }
        made.tx_code = tx_code;
        made.id = id;
        Ok(made)
    }

    fn announced(&self) -> Vec<OfferSpec> {
        let mut specs = Vec::new();
        for format in self.formats() {
            for by in [By::Value, By::Reference] {
                let spec = OfferSpec::new(Grant::PreAuthorized, format.id());
                let spec = OfferSpec { by, expires_in: Some(24 * 3600), ..spec };
                specs.push(spec.clone());
                // The old release compares what was typed with the object of the offer: no code is right.
                if !self.is_old() {
                    let tx_code = TxCode { input_mode: Some("numeric".into()), length: Some(4), ..TxCode::default() };
                    specs.push(spec.tx_code(tx_code));
                }
            }
        }
        specs
    }
}

impl Sphereon {
    /// The old release puts its host where the scheme has none.
    fn with_host(&self, issuer: &Issuer, link: String) -> String {
        let host = issuer.origin.trim_start_matches("http://");
        if self.is_old() { link.replacen("://?", &format!("://{host}?"), 1) } else { link }
    }
}

fn server(issuer: &Issuer) -> Value {
    let id = &issuer.id;
    let wrong = format!("{id}/someone-else");
    json!({
        "issuer": issuer.fault_or(Fault::WrongAsIssuer, &wrong, id),
        "token_endpoint": format!("{id}/token"),
        // Listed, but nothing is there.
        "authorization_endpoint": format!("{id}/authorize"),
        "credential_endpoint": format!("{id}/credentials"),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", PRE_AUTHORIZED],
        "pre-authorized_grant_anonymous_access_supported": true,
    })
}

/// The framework's page for everything else.
fn not_found(asked: &Asked) -> Response {
    let mut response = answer(404, &Value::Null);
    let text = format!("<pre>Cannot {} {}</pre>", asked.method, super::escape(&asked.path));
    *response.body_mut() =
        Body::from(format!("<!DOCTYPE html>\n<html lang=\"en\">\n<body>\n{text}\n</body>\n</html>\n"));
    let html = http::HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, html);
    noted(response, "not_found", "")
}
