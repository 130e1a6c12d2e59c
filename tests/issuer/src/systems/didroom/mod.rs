//! `DIDroom`'s credential issuer and authorization server, each on its own port.
//!
//! From the source of `DIDroom_microservices` (`c22341d`), of ncr that serves it, of slangroom's OAuth plugin,
//! and of Zenroom that runs the scripts: which parameters are looked for, in which order, and what status and
//! body the framework has for a script that stops.

mod credential;
mod server;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use axum::body::Body;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use serde_json::{Value, json};

use super::{Asked, Fields, Side, System, answer, link, made, noted};
use crate::catalogue::{Configuration, Format};
use crate::encoding::random_bytes;
use crate::faults::{Fault, Target};
use crate::formats::ldp;
use crate::issuer::Issuer;
use crate::keys::{PrivateKey, PublicKey};
use crate::oauth::Grant;
use crate::offers::{By, MadeOffer, OfferSpec};

/// The paths of the two services.
pub(crate) const ISSUER_PATH: &str = "/credential_issuer";
pub(crate) const SERVER_PATH: &str = "/authz_server";
/// The configuration of SD-JWT VCs, which has the same name as its type.
const SD_JWT: &str = "university_degree";
const LDP_VC: &str = "UniversityDegree_LDP_VC";

/// Both services, and the registry of DIDs that they rely on.
pub(crate) struct Didroom {
    book: Mutex<Book>,
    issuer: Identity,
    server: Identity,
    /// A client whose DID is registered.
    client: Identity,
}

/// A DID of the registry with its ES256 key.
struct Identity {
    did: String,
    key: PrivateKey,
}

impl Identity {
    fn new(branch: &str) -> Self {
        let key = PrivateKey::p256();
        Self { did: format!("did:dyne:{branch}:{}", bs58::encode(random_bytes::<32>()).into_string()), key }
    }

    fn kid(&self) -> String {
        format!("{}#es256_public_key", self.did)
    }

    /// The key in metadata, as it is put there when the service starts; before that it is only named.
    fn jwks(&self, bare: bool) -> Value {
        let mut jwk = if bare { json!({"kty": "EC", "crv": "P-256"}) } else { self.key.public().to_jwk() };
        jwk["alg"] = json!("ES256");
        jwk["kid"] = json!(self.kid());
        json!({"keys": [jwk]})
    }

    /// What the registry answers: a key is both coordinates in base58, and no relationship is named.
    fn resolved(&self) -> Value {
        let PublicKey::P256(key) = self.key.public() else { unreachable!("made so") };
        let point = bs58::encode(&key.to_sec1_point(false).as_bytes()[1..]).into_string();
        json!({
            "@context": "https://w3id.org/did-resolution/v1",
            "didDocument": {
                "@context": [
                    "https://www.w3.org/ns/did/v1",
                    "https://dyne.github.io/W3C-DID/specs/EcdsaSecp256r1.json",
                ],
                "description": "test",
                "id": self.did,
                "verificationMethod": [{
                    "id": self.kid(),
                    "type": "EcdsaSecp256r1VerificationKey",
                    "controller": self.did,
                    "publicKeyBase58": point,
                }],
            },
            "didDocumentMetadata": {"created": "1700000000000", "deactivated": "false"},
        })
    }
}

#[derive(Default)]
struct Book {
    /// Pushed requests, by what is random in `request_uri`.
    pushed: HashMap<String, server::Pushed>,
    codes: HashMap<String, server::Pushed>,
    /// The authorization details of each token, with its end.
    tokens: HashMap<String, (Value, i64)>,
    /// When each nonce ends.
    nonces: HashMap<String, i64>,
}

impl Didroom {
    pub(crate) fn new() -> Self {
        Self {
            book: Mutex::default(),
            issuer: Identity::new("sandbox.genericissuer"),
            server: Identity::new("sandbox.genericissuer"),
            client: Identity::new("sandbox.signroom"),
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("no panic while the book is locked")
    }

    /// Who is registered under a DID.
    fn registered(&self, did: &str) -> Option<&Identity> {
        [&self.issuer, &self.server, &self.client].into_iter().find(|identity| identity.did == did)
    }

    fn route(&self, issuer: &Issuer, side: Side, asked: &Asked) -> Response {
        let get = asked.method == Method::GET;
        if let Some(did) = asked.path.strip_prefix("/dids/").filter(|_| get && side == Side::Issuer) {
            return match self.registered(did) {
                Some(identity) => answer(200, &identity.resolved()),
                None => plain(404, "Not Found"),
            };
        }
        match (side, asked.path.strip_prefix(ISSUER_PATH), asked.path.strip_prefix(SERVER_PATH)) {
            (Side::Issuer, Some("/.well-known/openid-credential-issuer"), _) if get => {
                answer(200, &self.metadata(issuer))
            }
            (Side::Issuer, Some("/nonce"), _) => self.nonce(issuer, asked),
            (Side::Issuer, Some("/credential"), _) => credential::credential(self, issuer, asked),
            (Side::Server, _, Some("/.well-known/oauth-authorization-server")) if get => {
                answer(200, &server::document(self, issuer))
            }
            (Side::Server, _, Some("/par")) => server::push(self, issuer, asked),
            (Side::Server, _, Some("/authorize")) if get => server::authorize(self, issuer, &asked.query),
            (Side::Server, _, Some("/authorize_backend")) => server::sign_in(self, issuer, asked),
            (Side::Server, _, Some("/token")) => server::token(self, issuer, asked),
            _ => plain(404, "Not Found"),
        }
    }

    fn metadata(&self, issuer: &Issuer) -> Value {
        let id = &issuer.id;
        let wrong = format!("{}/someone-else", issuer.origin);
        let display = |name: &str| {
            json!([{
                "name": name,
                "locale": "en-US",
                "logo": {"uri": "https://avatars.githubusercontent.com/u/1", "alt_text": "Test"},
                "description": "A degree",
                "background_color": "#12107c",
                "text_color": "#FFFFFF",
            }])
        };
        let claim = |path: &[&str], name: &str| json!({"path": path, "mandatory": true, "display": [{"name": name, "locale": "en-US"}]});
        let binding = json!(["jwk", "did:dyne:sandbox.signroom"]);
        let degree = ldp_configuration(issuer);
        json!({
            "credential_issuer": issuer.fault_or(Fault::WrongIssuer, &wrong, id),
            "credential_endpoint": format!("{id}/credential"),
            "nonce_endpoint": format!("{id}/nonce"),
            "authorization_servers": [issuer.servers[0].id],
            "display": [{"name": "DIDroom test issuer", "locale": "en-US"}],
            "jwks": self.issuer.jwks(issuer.options.bare_jwks),
            "credential_configurations_supported": {
                SD_JWT: {
                    "format": "dc+sd-jwt",
                    "cryptographic_binding_methods_supported": binding,
                    "credential_signing_alg_values_supported": ["ES256"],
                    "proof_types_supported": {"jwt": {"proof_signing_alg_values_supported": ["ES256"]}},
                    "display": display("University Degree"),
                    "vct": SD_JWT,
                    "claims": [claim(&["given_name"], "Given name"), claim(&["family_name"], "Family name")],
                },
                LDP_VC: {
                    "format": "ldp_vc",
                    "cryptographic_binding_methods_supported": binding,
                    "credential_signing_alg_values_supported": ["Ed25519Signature2018"],
                    "credential_definition": {
                        "@context": ldp::contexts(degree),
                        "type": ["VerifiableCredential", degree.kind.type_name()],
                    },
                    "claims": [
                        claim(&["credentialSubject", "given_name"], "Given name"),
                        claim(&["credentialSubject", "family_name"], "Family name"),
                    ],
                    "display": display("University Degree"),
                },
            },
        })
    }

    /// A nonce is good until it expires, as often as it is used.
    fn nonce(&self, issuer: &Issuer, asked: &Asked) -> Response {
        if !asked.is_post() {
            return plain(405, "Method Not Allowed");
        }
        if !asked.body.is_empty() && asked.header("content-type") != Some("application/json") {
            return plain(415, "Unsupported Media Type");
        }
        let nonce = crate::encoding::b64(random_bytes::<32>());
        self.book().nonces.insert(nonce.clone(), issuer.now() + 600);
        let mut response = answer(200, &json!({"c_nonce": nonce}));
        response.headers_mut().insert(http::header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// The configuration here that has the same contexts and type.
fn ldp_configuration(issuer: &Issuer) -> &Configuration {
    let data_integrity = |known: &&Configuration| known.format == Format::LdpVc && known.id.ends_with("_ecdsa_p256");
    issuer.configurations.iter().find(data_integrity).expect("it is there in every profile")
}

/// What the framework says before any script runs: text that is called JSON.
fn plain(status: u16, text: &str) -> Response {
    let mut response = answer(status, &Value::Null);
    *response.body_mut() = Body::from(text.to_owned());
    noted(response, "framework", text)
}

/// A script has stopped: what it said last, as it is.
fn stopped(status: u16, text: &str) -> Response {
    let mut response = plain(status, text);
    response.headers_mut().remove(CONTENT_TYPE);
    noted(response, "stopped", text)
}

/// A form as the framework reads it: decoded as a whole, and then taken apart. It needs its media type to
/// the letter.
fn form(asked: &Asked) -> Result<Fields, Box<Response>> {
    if !asked.is_post() {
        return Err(plain(405, "Method Not Allowed").into());
    }
    if asked.header("content-type") != Some("application/x-www-form-urlencoded") {
        return Err(plain(415, "Unsupported Media Type").into());
    }
    let decoded = percent_decoded(&asked.body);
    let pairs = decoded.split('&').map(|pair| {
        let mut parts = pair.split('=');
        (parts.next().unwrap_or_default().to_owned(), parts.next().unwrap_or_default().to_owned())
    });
    Ok(Fields(pairs.collect()))
}

/// Percent encoding undone; a plus stays what it is.
fn percent_decoded(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &behind[2..] } else { behind };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl System for Didroom {
    fn answer(&self, issuer: &Issuer, side: Side, asked: &Asked) -> Response {
        self.route(issuer, side, asked)
    }

    fn target(&self, path: &str) -> Option<Target> {
        match path.strip_prefix(SERVER_PATH) {
            Some("/.well-known/oauth-authorization-server") => return Some(Target::AsMetadata),
            Some("/par") => return Some(Target::Par),
            Some("/token") => return Some(Target::Token),
            _ => {}
        }
        match path.strip_prefix(ISSUER_PATH) {
            Some("/.well-known/openid-credential-issuer") => Some(Target::Metadata),
            Some("/nonce") => Some(Target::Nonce),
            Some("/credential") => Some(Target::Credential),
            _ => path.starts_with("/dids/").then_some(Target::IssuerKey),
        }
    }

    fn make(&self, issuer: &Issuer, spec: &OfferSpec) -> Result<MadeOffer, String> {
        let configuration = match spec.format.as_str() {
            "dc+sd-jwt" => SD_JWT,
            "ldp_vc" => LDP_VC,
            other => return Err(format!("didroom makes dc+sd-jwt and ldp_vc, not {other}")),
        };
        if spec.grant != Grant::Code || spec.by != By::Value {
            return Err("didroom offers by value, for the code grant".to_owned());
        }
        let offer = json!({
            "credential_configuration_ids": [configuration],
            "credential_issuer": issuer.id,
            "grants": {"authorization_code": {"authorization_server": issuer.servers[0].id}},
        });
        // Percent encoding: a space would not be a plus.
        let link = link("credential_offer", &offer.to_string()).replace('+', "%20");
        let mut made = made(spec, configuration, link, offer);
        made.args = vec![
            "--client-id".to_owned(),
            self.client.did.clone(),
            "--did-resolver".to_owned(),
            format!("{}/dids", issuer.origin),
        ];
        Ok(made)
    }

    fn announced(&self) -> Vec<OfferSpec> {
        ["dc+sd-jwt", "ldp_vc"].map(|format| OfferSpec::new(Grant::Code, format)).to_vec()
    }
}
