//! The issuer of vercre behind its sample server, as of October 2024.
//!
//! From the source of vercre (`6909d68`): routes, wrapped bodies, the order of checks, and that every error
//! of the protocol is an internal server error with the body of OAuth.

mod credential;
mod token;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use axum::response::Response;
use http::Method;
use serde_json::{Value, json};

use super::family::{
    Drawn, Identity, OFFER_LIFETIME, Offers, SignIns, both_grants, draw_up, random, rejected, uncached,
};
use super::{Asked, Fields, Side, System, answer, redirect, refused};
use crate::faults::{Fault, Target};
use crate::issuer::Issuer;
use crate::oauth::{Grant, check_client};
use crate::offers::{MadeOffer, OfferSpec};

/// The credential that is made, and its scope, which is not its id.
const EMPLOYEE: &str = "EmployeeID_JWT";
const SCOPE: &str = "EmployeeIDCredential";
const LICENCE: &str = "org.iso.18013.5.1.mDL";
/// The dataset that a subject has for the credential: what a wallet asks for by its identifier.
const DATASET: &str = "PHLEmployeeID";
/// The client that is registered.
const CLIENT: &str = "96bfb9cb-0513-7d64-5532-bed74c48f9ab";

/// The issuer.
pub(crate) struct Vercre {
    book: Mutex<Book>,
    identity: Identity,
}

#[derive(Default)]
struct Book {
    /// Offers by reference.
    offers: Offers,
    /// What codes and issuer states stand for.
    offered: HashMap<String, Offered>,
    sign_ins: SignIns,
    authorized: HashMap<String, Authorized>,
    tokens: HashMap<String, Token>,
    /// Requests that were put off, by `transaction_id`.
    deferred: HashMap<String, Value>,
}

#[derive(Clone)]
struct Offered {
    /// Whether it can be redeemed without a sign-in.
    pre_authorized: bool,
    tx_code: Option<String>,
    expires: i64,
}

#[derive(Clone)]
struct Authorized {
    client_id: String,
    redirect_uri: String,
    challenge: String,
    expires: i64,
}

#[derive(Clone)]
struct Token {
    nonce: String,
    nonce_expires: i64,
    expires: i64,
    /// How often the data were asked for while they were pending.
    pending: u32,
}

impl Vercre {
    pub(crate) fn new(origin: &str) -> Self {
        Self { book: Mutex::default(), identity: Identity::new(origin) }
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
            "/auth" if get => self.authorize(issuer, &asked.query),
            "/login" if asked.is_post() => self.book().sign_ins.login(issuer, asked),
            "/token" if asked.is_post() => token::token(self, issuer, asked),
            "/credential" if asked.is_post() => credential::credential(self, issuer, asked),
            "/deferred_credential" if asked.is_post() => credential::deferred(self, issuer, asked),
            "/notification" if asked.is_post() => notification(asked),
            path => match path.strip_prefix("/credential_offer/") {
                Some(id) if get => self.offer(issuer, id),
                _ => rejected(404, ""),
            },
        }
    }

    fn offer(&self, issuer: &Issuer, id: &str) -> Response {
        // Fetching it takes it away.
        let Some((offer, expires)) = self.book().offers.remove(id) else {
            return failed("server_error", "issue fetching state: no matching state");
        };
        if expires <= issuer.now() {
            return failed("invalid_request", "state expired");
        }
        issuer.log.offer_fetched(id);
        answer(200, &json!({"credential_offer": offer}))
    }

    fn authorize(&self, issuer: &Issuer, query: &Fields) -> Response {
        let mut book = self.book();
        // Objects in a query are more than the framework reads.
        if query.get("authorization_details").is_some() {
            return rejected(400, "Failed to deserialize form: invalid type: string, expected a sequence");
        }
        if query.get("code_challenge_method").is_some_and(|method| method != "S256") {
            return rejected(400, "Failed to deserialize form: unknown variant, expected `S256`");
        }
        if query.get("response_type").is_some_and(|kind| kind != "code") {
            return rejected(400, "Failed to deserialize form: unknown variant, expected `code`");
        }
        let subject = match book.sign_ins.subject(query) {
            Ok(subject) => subject,
            Err(response) => return *response,
        };
        let Some(redirect_uri) = query.get("redirect_uri") else {
            return answer(401, &json!({"error": "no redirect_uri"}));
        };
        let checked = check(issuer, &book, query, &subject, redirect_uri);
        let checked = if issuer.faults.strikes(Fault::DenyLogin) {
            checked.and(Err(("access_denied", "issue authorizing holder".to_owned())))
        } else {
            checked
        };
        // Neither `state` nor `iss` comes back, whatever was sent.
        if let Err((error, description)) = checked {
            return redirect(redirect_uri, &[("error", error), ("error_description", &description)]);
        }
        if let Some(state) = query.get("issuer_state") {
            book.offered.remove(state);
        }
        let code = random();
        let authorized = Authorized {
            client_id: query.get("client_id").unwrap_or_default().to_owned(),
            redirect_uri: redirect_uri.to_owned(),
            challenge: query.get("code_challenge").unwrap_or_default().to_owned(),
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

/// The library's checks of an authorization request.
fn check(
    issuer: &Issuer,
    book: &Book,
    query: &Fields,
    subject: &str,
    redirect_uri: &str,
) -> Result<(), (&'static str, String)> {
    let bad = |reason: &str| Err(("invalid_request", reason.to_owned()));
    if query.get("client_id") != Some(CLIENT) {
        return Err(("invalid_client", "invalid `client_id`".to_owned()));
    }
    if let Some(state) = query.get("issuer_state") {
        match book.offered.get(state) {
            None => return Err(("server_error", "issue getting state: no matching state".to_owned())),
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
    // Only the first word counts.
    let first = scope.split_whitespace().next().unwrap_or_default();
    if first != SCOPE {
        return Err(("invalid_scope", format!("scope item {first} is unsupported")));
    }
    if check_client(issuer, CLIENT, Some(redirect_uri)).is_err() {
        return bad("`redirect_uri` is not registered");
    }
    if !(43..=128).contains(&query.get("code_challenge").unwrap_or_default().len()) {
        return bad("code_challenge must be between 43 and 128 characters");
    }
    Ok(())
}

/// An error of the protocol, whichever it is.
fn failed(error: &str, description: &str) -> Response {
    refused(500, error, description)
}

/// The endpoint is there, but what it looks for is never kept.
fn notification(asked: &Asked) -> Response {
    let body = match super::family::bearer(asked).and_then(|_| super::family::json_body(asked)) {
        Ok(body) => body,
        Err(response) => return *response,
    };
    match body["notification_id"].as_str() {
        None => {
            rejected(422, "Failed to deserialize the JSON body into the target type: missing field `notification_id`")
        }
        Some(_) => failed("server_error", "issued state not found"),
    }
}

impl System for Vercre {
    fn answer(&self, issuer: &Issuer, _: Side, asked: &Asked) -> Response {
        uncached(self.route(issuer, asked))
    }

    fn target(&self, path: &str) -> Option<Target> {
        Some(match path {
            "/.well-known/openid-credential-issuer" => Target::Metadata,
            "/.well-known/oauth-authorization-server" => Target::AsMetadata,
            "/.well-known/did.json" => Target::IssuerKey,
            "/token" => Target::Token,
            "/credential" => Target::Credential,
            "/deferred_credential" => Target::Deferred,
            "/notification" => Target::Notification,
            path if path.starts_with("/credential_offer/") => Target::Offer,
            _ => return None,
        })
    }

    fn make(&self, issuer: &Issuer, spec: &OfferSpec) -> Result<MadeOffer, String> {
        if spec.format != "jwt_vc_json" {
            return Err("vercre makes jwt_vc_json only: its mso_mdoc is signed in no way that anybody can check, and \
                        the other formats are not written"
                .to_owned());
        }
        let pre_authorized = spec.grant == Grant::PreAuthorized;
        let mut book = self.book();
        let Drawn { code, tx_code, expires, made } = draw_up(issuer, spec, EMPLOYEE, CLIENT, &mut book.offers);
        book.offered.insert(code, Offered { pre_authorized, tx_code, expires });
        Ok(made)
    }

    fn announced(&self) -> Vec<OfferSpec> {
        both_grants("jwt_vc_json")
    }
}

fn metadata(issuer: &Issuer) -> Value {
    let id = &issuer.id;
    let wrong = format!("{id}/someone-else");
    let algs = json!(["ES256K", "EdDSA"]);
    let entry = |scope: &str, name: &str| {
        json!({
            "scope": scope,
            "cryptographic_binding_methods_supported": ["did:key", "did:web"],
            "credential_signing_alg_values_supported": algs,
            "proof_types_supported": {"jwt": {"proof_signing_alg_values_supported": algs}},
            "display": [{"name": name, "locale": "en-NZ", "text_color": "#ffffff", "background_color": "#323ed2"}],
        })
    };
    let claim =
        |name: &str| json!({"mandatory": true, "value_type": "string", "display": [{"name": name, "locale": "en-NZ"}]});
    let mut employee = entry(SCOPE, "Employee ID");
    employee["format"] = json!("jwt_vc_json");
    employee["credential_definition"] = json!({
        "type": ["VerifiableCredential", SCOPE],
        "credentialSubject": {
            "email": claim("Email"),
            "family_name": claim("Family name"),
            "given_name": claim("Given name"),
            "address": {
                "street_address": {"value_type": "string", "display": [{"name": "Street Address", "locale": "en-NZ"}]},
                "locality": {"value_type": "string", "display": [{"name": "Locality", "locale": "en-NZ"}]},
            },
        },
    });
    let mut licence = entry("DriverLicence", "Driver Licence");
    licence["format"] = json!("mso_mdoc");
    licence["doctype"] = json!("org.iso.18013.5.1.mDL");
    licence["claims"] = json!({"org.iso.18013.5.1": {"family_name": claim("Family name")}});
    // The name that the library has for `ldp_vc`.
    let mut linked = entry("DeveloperCredential", "Developer");
    linked["format"] = json!("ldp-vc");
    linked["credential_definition"] = json!({"type": ["VerifiableCredential", "DeveloperCredential"]});
    json!({
        "credential_issuer": issuer.fault_or(Fault::WrongIssuer, &wrong, id),
        "credential_endpoint": format!("{id}/credential"),
        "deferred_credential_endpoint": format!("{id}/deferred_credential"),
        "display": {"name": "Vercre", "locale": "en-NZ"},
        "credential_configurations_supported": {EMPLOYEE: employee, LICENCE: licence, "Developer_LDP": linked},
    })
}

fn server(issuer: &Issuer) -> Value {
    let wrong = format!("{}/someone-else", issuer.origin);
    json!({"authorization_server": {
        "issuer": issuer.fault_or(Fault::WrongAsIssuer, &wrong, &issuer.origin),
        "authorization_endpoint": "/auth",
        "token_endpoint": "/token",
        "scopes_supported": ["openid", "credential"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "urn:ietf:params:oauth:grant-type:pre-authorized_code"],
        "code_challenge_methods_supported": ["S256"],
        "pre-authorized_grant_anonymous_access_supported": true,
    }})
}
