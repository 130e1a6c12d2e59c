//! The Identus Cloud Agent behind its proxy, with Keycloak as the authorization server.
//!
//! From the source of cloud-agent and keycloak-plugins (2026): the routes and their refusals, the order
//! of the checks at the credential endpoint, the form of metadata, offers and credentials.

mod credential;
mod keycloak;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use axum::response::Response;
use http::Method;
use serde_json::{Value, json};

use super::prism::{Key, Prism, Usage};
use super::{Asked, Side, System, answer, empty, link, made, noted};
use crate::encoding::random_bytes;
use crate::faults::{Fault, Target};
use crate::issuer::Issuer;
use crate::keys::{Curve, PrivateKey};
use crate::oauth::Grant;
use crate::offers::{By, MadeOffer, OfferSpec};
use crate::options::Options;

/// Where the proxy hands requests to the agent.
pub(crate) const AGENT: &str = "/cloud-agent";
/// The path of the credential issuer.
pub(crate) const ISSUER_PATH: &str = "/cloud-agent/oid4vci/issuers/f47ac10b-58cc-4372-a567-0e02b2c3d479";
/// The path of the authorization server.
pub(crate) const REALM: &str = "/realms/students";
/// The only configuration: its id, which is its scope too.
const CONFIGURATION: &str = "UniversityDegreeCredential";
/// The client that is registered.
const CLIENT: &str = "alice-wallet";

/// The agent and its authorization server.
pub(crate) struct Identus {
    book: Mutex<Book>,
    did: Prism,
    key: PrivateKey,
    /// Whether credentials name the issuer by the short form, which says nothing by itself.
    published: bool,
}

#[derive(Default)]
struct Book {
    /// The issuance sessions, one for each offer.
    sessions: Vec<Session>,
    keycloak: keycloak::Book,
}

/// What the agent remembers of an offer.
struct Session {
    issuer_state: String,
    nonce: String,
    /// The holder, as soon as a proof was good. There is one credential for an offer.
    subject: Option<String>,
}

impl Identus {
    pub(crate) fn new(options: &Options) -> Self {
        let key = PrivateKey::on(Curve::Secp256k1);
        let named = |id: &str, usage, key: &PrivateKey| Key { id: id.to_owned(), usage, public: Some(key.public()) };
        let did = Prism::create(vec![
            named("iss", Usage::Issuing, &key),
            named("master0", Usage::Master, &PrivateKey::on(Curve::Secp256k1)),
        ]);
        Self { book: Mutex::default(), did, key, published: options.published_did }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("no panic while the book is locked")
    }

    /// The agent's own answers.
    fn agent(&self, issuer: &Issuer, asked: &Asked) -> Response {
        let get = asked.method == Method::GET;
        let path = asked.path.as_str();
        if let Some(rest) = path.strip_prefix(ISSUER_PATH) {
            return match rest {
                "/.well-known/openid-credential-issuer" if get => answer(200, &metadata(issuer)),
                "/credentials" if asked.is_post() => credential::issue(self, issuer, asked),
                _ => not_found(),
            };
        }
        match path.strip_prefix("/cloud-agent/dids/") {
            Some(did) if get => self.resolve(did, asked),
            _ => not_found(),
        }
    }

    /// The agent resolves any DID of its method that it can: its own one by either form, others by
    /// their long form.
    fn resolve(&self, did: &str, asked: &Asked) -> Response {
        let own = did == self.did.short || did == self.did.long;
        let prism = if own { Ok(self.did.clone()) } else { Prism::parse(did) };
        let context = "https://w3id.org/did-resolution/v1";
        match prism {
            Err(_) => answer(
                404,
                &json!({"@context": context, "didDocumentMetadata": {}, "didResolutionMetadata": {"error": "notFound"}}),
            ),
            Ok(prism) if asked.header("accept").is_some_and(|accept| accept.contains("application/did+ld+json")) => {
                answer(200, &prism.document(did))
            }
            Ok(prism) => answer(
                200,
                &json!({
                    "@context": context,
                    "didDocument": prism.document(did),
                    "didDocumentMetadata": {"canonicalId": prism.short},
                    "didResolutionMetadata": {"contentType": "application/did+ld+json"},
                }),
            ),
        }
    }
}

impl System for Identus {
    fn answer(&self, issuer: &Issuer, side: Side, asked: &Asked) -> Response {
        if side == Side::Server {
            return keycloak::answer(self, issuer, asked);
        }
        if asked.path == AGENT || asked.path.starts_with("/cloud-agent/") {
            return self.agent(issuer, asked);
        }
        // The proxy has no handler for anything else, and says so with an empty success.
        empty(200)
    }

    fn target(&self, path: &str) -> Option<Target> {
        match path.strip_prefix(REALM) {
            Some("/.well-known/openid-configuration") => return Some(Target::AsMetadata),
            Some("/protocol/openid-connect/token") => return Some(Target::Token),
            Some("/protocol/openid-connect/ext/par/request") => return Some(Target::Par),
            _ => {}
        }
        match path.strip_prefix(ISSUER_PATH) {
            Some("/.well-known/openid-credential-issuer") => Some(Target::Metadata),
            Some("/credentials") => Some(Target::Credential),
            _ => path.starts_with("/cloud-agent/dids/").then_some(Target::IssuerKey),
        }
    }

    fn make(&self, issuer: &Issuer, spec: &OfferSpec) -> Result<MadeOffer, String> {
        if spec.grant != Grant::Code || spec.by != By::Value || spec.format != "jwt_vc_json" {
            return Err("identus offers jwt_vc_json by value, for the code grant".to_owned());
        }
        let session = Session { issuer_state: uuid(), nonce: uuid(), subject: None };
        let offer = json!({
            "credential_issuer": issuer.id,
            "credential_configuration_ids": [CONFIGURATION],
            "grants": {"authorization_code": {"issuer_state": session.issuer_state}},
        });
        self.book().sessions.push(session);
        let mut made = made(spec, CONFIGURATION, link("credential_offer", &offer.to_string()), offer);
        made.args = vec!["--client-id".to_owned(), CLIENT.to_owned()];
        if self.published {
            made.args.extend(["--did-resolver".to_owned(), format!("{}{AGENT}/dids", issuer.origin)]);
        }
        Ok(made)
    }

    fn announced(&self) -> Vec<OfferSpec> {
        vec![OfferSpec::new(Grant::Code, "jwt_vc_json")]
    }
}

fn metadata(issuer: &Issuer) -> Value {
    let wrong = format!("{}/someone-else", issuer.origin);
    json!({
        "credential_issuer": issuer.fault_or(Fault::WrongIssuer, &wrong, &issuer.id),
        "authorization_servers": [issuer.servers[0].id],
        "credential_endpoint": format!("{}/credentials", issuer.id),
        "credential_configurations_supported": {CONFIGURATION: {
            "format": "jwt_vc_json",
            "scope": CONFIGURATION,
            "credential_definition": {
                "@context": ["https://www.w3.org/2018/credentials/v1"],
                "type": ["VerifiableCredential"],
            },
            "cryptographic_binding_methods_supported": ["did:prism"],
            "credential_signing_alg_values_supported": ["ES256K"],
            "proof_types_supported": {"jwt": {"proof_signing_alg_values_supported": ["ES256K"]}},
        }},
    })
}

/// A problem as the agent tells it (RFC 7807).
fn problem(status: u16, kind: &str, title: &str, detail: &str) -> Response {
    let body = json!({
        "status": status,
        "type": format!("error:{kind}"),
        "title": title,
        "detail": detail,
        "instance": format!("error:instance:{}", uuid()),
    });
    noted(answer(status, &body), kind, detail)
}

fn not_found() -> Response {
    let detail = "The requested resource path doesn't exist.";
    problem(404, "ResourcePathNotFound", "Resource Path Not Found", detail)
}

fn uuid() -> String {
    let hex = random_bytes::<16>().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}

/// What the agent's tokens of sessions are looked up by.
fn pending(sessions: &mut [Session], of: impl Fn(&Session) -> bool) -> Option<&mut Session> {
    sessions.iter_mut().find(|session| of(session) && session.subject.is_none())
}

/// Access tokens and when they end.
type Tokens = HashMap<String, i64>;
