//! What vercre and its heir credibil have in common: offers, the sign-in of their sample servers, proofs by an
//! Ed25519 `did:key`, an issuer that signs as a `did:web`, and the refusals of the framework under them.

use std::collections::HashMap;

use axum::body::Body;
use axum::response::Response;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::{Value, json};

use super::{Asked, Fields, answer, link, made, noted, page, redirect};
use crate::encoding::{b64, random_bytes, random_digits};
use crate::issuer::Issuer;
use crate::jwt::Jwt;
use crate::keys::{Curve, PrivateKey, PublicKey};
use crate::oauth::Grant;
use crate::offers::{By, MadeOffer, OfferSpec, TxCode};

/// Seconds that offers and codes live.
pub(super) const OFFER_LIFETIME: i64 = 300;

/// Offers by reference, each with its end.
pub(super) type Offers = HashMap<String, (Value, i64)>;

/// An offer, and what its code stands for.
pub(super) struct Drawn {
    /// The pre-authorized code, or the issuer's state.
    pub(super) code: String,
    pub(super) tx_code: Option<String>,
    pub(super) expires: i64,
    pub(super) made: MadeOffer,
}

/// Draws an offer up; one by reference is put where it will be fetched from.
pub(super) fn draw_up(
    issuer: &Issuer,
    spec: &OfferSpec,
    configuration: &str,
    client: &str,
    offers: &mut Offers,
) -> Drawn {
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
        "credential_configuration_ids": [configuration],
        "grants": {spec.grant.wire_name(): grant},
    });
    let expires = issuer.now() + spec.expires_in.unwrap_or(OFFER_LIFETIME);
    let (link, id) = match spec.by {
        By::Value => (link("credential_offer", &offer.to_string()), None),
        By::Reference => {
            let id = random();
            offers.insert(id.clone(), (offer.clone(), expires));
            (link("credential_offer_uri", &format!("{}/credential_offer/{id}", issuer.origin)), Some(id))
        }
    };
    let mut made = made(spec, configuration, link, offer);
    if tx_code.is_some() {
        made.name.push_str(" with tx_code");
    }
    made.tx_code.clone_from(&tx_code);
    made.id = id;
    // Pre-authorized wallets may keep their name to themselves, but not use another one.
    made.args = vec!["--client-id".to_owned(), client.to_owned()];
    if spec.grant == Grant::Code {
        let subject = format!("subject_id={}", issuer.options.login.user);
        made.args.extend(["--authorization-parameter".to_owned(), subject]);
    }
    Drawn { code, tx_code, expires, made }
}

/// Both grants by value and by reference, with and without a transaction code, good for a day.
pub(super) fn both_grants(format: &str) -> Vec<OfferSpec> {
    let mut specs = Vec::new();
    for by in [By::Value, By::Reference] {
        let spec = |grant| OfferSpec { by, expires_in: Some(24 * 3600), ..OfferSpec::new(grant, format) };
        specs.extend([
            spec(Grant::PreAuthorized),
            spec(Grant::PreAuthorized).tx_code(TxCode::default()),
            spec(Grant::Code),
        ]);
    }
    specs
}

/// Requests that wait for a sign-in by their token, and users who have signed in by their name.
#[derive(Default)]
pub(super) struct SignIns {
    waiting: HashMap<String, Fields>,
    signed_in: Vec<String>,
}

impl SignIns {
    /// Whether the subject of a request has signed in; otherwise what the browser gets.
    pub(super) fn subject(&mut self, query: &Fields) -> Result<String, Box<Response>> {
        let Some(subject) = query.get("subject_id") else {
            let response = answer(401, &json!({"error": "no subject_id"}));
            return Err(noted(response, "no subject_id", "").into());
        };
        // Once and for all: who has signed in is never asked again.
        if self.signed_in.iter().any(|known| known == subject) {
            return Ok(subject.to_owned());
        }
        let token = random();
        self.waiting.insert(token.clone(), query.clone());
        let login = page(
            401,
            &format!(
                "<form method=\"post\" action=\"/login\">\n\
                 <input type=\"text\" name=\"username\" placeholder=\"username\" value=\"\" />\n\
                 <input type=\"password\" name=\"password\" placeholder=\"password\" value=\"\" />\n\
                 <input type=\"hidden\" name=\"csrf_token\" value=\"{token}\" />\n\
                 <input type=\"submit\" value=\"Login\" />\n</form>"
            ),
        );
        Err(login.into())
    }

    /// Takes the form, and sends the browser back to where it came from.
    pub(super) fn login(&mut self, issuer: &Issuer, asked: &Asked) -> Response {
        let refused = |error: &str| noted(answer(401, &json!({"error": error})), error, "");
        let form = asked.form().unwrap_or_default();
        let login = &issuer.options.login;
        if form.get("username") != Some(&login.user) {
            return refused("invalid username");
        }
        if form.get("password") != Some(&login.password) {
            return refused("invalid password");
        }
        let Some(request) = self.waiting.remove(form.get("csrf_token").unwrap_or_default()) else {
            return refused("invalid csrf_token");
        };
        self.signed_in.push(login.user.clone());
        let fields: Vec<(&str, &str)> = request.0.iter().map(|(name, value)| (&**name, &**value)).collect();
        redirect(&format!("{}/auth", issuer.origin), &fields)
    }
}

/// A random value as these systems make them.
pub(super) fn random() -> String {
    b64(b64(random_bytes::<24>()))
}

/// A refusal in the framework's own words, before the library is asked.
pub(super) fn rejected(status: u16, text: &str) -> Response {
    let mut response = answer(status, &Value::Null);
    *response.body_mut() = Body::from(text.to_owned());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    noted(response, "rejected", text)
}

/// Every answer says that it is not to be kept.
pub(super) fn uncached(mut response: Response) -> Response {
    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache, no-store"));
    response
}

/// The body of a POST, which the framework reads before anything else is looked at.
pub(super) fn json_body(asked: &Asked) -> Result<Value, Box<Response>> {
    if crate::oauth::media_type(&asked.headers).as_deref() != Some("application/json") {
        return Err(rejected(415, "Expected request with `Content-Type: application/json`").into());
    }
    serde_json::from_slice(&asked.body)
        .map_err(|error| rejected(400, &format!("Failed to parse the request body as JSON: {error}")).into())
}

/// The access token, which the framework wants to be there.
pub(super) fn bearer(asked: &Asked) -> Result<&str, Box<Response>> {
    asked
        .credentials("bearer")
        .filter(|token| !token.is_empty())
        .ok_or_else(|| rejected(400, "Header of type `authorization` was missing").into())
}

/// The issuer's identity.
pub(super) struct Identity {
    pub(super) key: PrivateKey,
    pub(super) did: String,
}

impl Identity {
    pub(super) fn new(origin: &str) -> Self {
        let host = origin.split_once("://").map_or(origin, |(_, host)| host);
        Self { key: PrivateKey::on(Curve::Ed25519), did: format!("did:web:{}", host.replace(':', "%3A")) }
    }

    pub(super) fn kid(&self) -> String {
        format!("{}#key-0", self.did)
    }

    /// The DID document.
    pub(super) fn document(&self) -> Value {
        let (did, kid) = (&self.did, self.kid());
        let jwk = self.key.public().to_jwk();
        json!({
            "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/suites/jws-2020/v1"],
            "id": did,
            "verificationMethod": [
                {"id": kid, "type": "JsonWebKey2020", "controller": did, "publicKeyJwk": jwk},
            ],
            "authentication": [kid],
            "assertionMethod": [kid],
        })
    }
}

/// A proof whose signature is right.
pub(super) struct Proof {
    pub(super) jwt: Jwt,
    pub(super) did: String,
}

/// Checks the signature of a proof by the key that its `kid` names.
pub(super) fn proof(text: &str) -> Result<Proof, String> {
    let jwt = Jwt::parse(text).map_err(|reason| format!("issue decoding JWT: {reason}"))?;
    let kid = jwt.header.get("kid").and_then(Value::as_str).ok_or("issue decoding JWT: no verification key")?;
    let did = kid.split('#').next().unwrap_or_default().to_owned();
    // Their resolver of did:key knows one kind of key.
    let multikey = did.strip_prefix("did:key:").ok_or("issue decoding JWT: unsupported DID method")?;
    let key = PublicKey::from_did_url(&format!("{did}#{multikey}"))
        .map_err(|reason| format!("issue decoding JWT: {reason}"))?;
    if !matches!(key, PublicKey::Ed25519(_)) {
        return Err("issue decoding JWT: key is not an Ed25519 key".to_owned());
    }
    jwt.verify(&key).map_err(|reason| format!("issue decoding JWT: {reason}"))?;
    Ok(Proof { jwt, did })
}
