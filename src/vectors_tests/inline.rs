//! The examples inside the text of 1.0, as they lie and with lines joined.

use std::collections::BTreeMap;

use super::*;
use crate::dialect::form::ProofMember;
use crate::dialect::read;
use crate::dialect::write::{self, Proofs, Selector};
use crate::dialect::{Dialects, PinParameter, StateEcho, WellKnown};
use crate::error::ErrorCode;
use crate::model::claim_path::{self, ClaimModel, PathError};
use crate::model::credential::HolderKey;
use crate::model::ids::{ConfigurationId, CredentialIdentifier, IssuerId, TransactionId};
use crate::model::jwk::{Algorithm, Jwk};
use crate::model::offer::{InputMode, TxCode};
use crate::model::token::TokenType;
use crate::protocol::authorization::{self, PendingAuthorization, Wanted};
use crate::protocol::metadata::{self, MetadataRules, SignedMetadata};
use crate::protocol::nonce;
use crate::protocol::notification::{self, NotificationEvent};
use crate::protocol::offer::{self, OfferSource};
use crate::protocol::proof::jwt::{self, ProofClaims};
use crate::protocol::proof::{Binding, ProofForm, ProofPlan};
use crate::protocol::token::{self, TokenGrant};
use crate::verify::x509::TrustAnchors;

const OFFER_BY_VALUE: &str = "4.1.2-01-sending-credential-offer-by-value-using";
const OFFER_BY_REFERENCE: &str = "4.1.3-02-sending-credential-offer-by-reference-us";

// covers: OFFER-06, META-05, AUTHZ-01, TOKRQ-07, AUTHZ-07, AUTHZ-11, AUTHZ-16, TOKRQ-01, NONCE-01, NOTIF-02, CERR-02
#[test]
fn examples_in_the_text() {
    every_file(
        "1.0-inline",
        &[
            ("11.1-01-notification-request.req.http", |text| {
                notice(&message(text).2, NotificationEvent::CredentialAccepted, None);
            }),
            ("11.1-02-notification-request.req.http", |text| {
                let description = "Could not store the Credential. Out of storage.";
                notice(&message(text).2, NotificationEvent::CredentialFailure, Some(description));
            }),
            ("11.2-01-successful-notification-response.resp.http", |text| {
                notification::response(&answer(text, None)).expect("it is a success");
            }),
            ("11.3-01-notification-error-response.resp.http", |text| {
                let error = notification::response(&answer(text, None)).expect_err("it is refused");
                assert_eq!(said(&error), "invalid_notification_id");
            }),
            ("12.2.2-01-credential-issuer-metadata-retrieval.req.http", |text| {
                let (first, headers, _) = message(text);
                let language = headers.iter().find(|(name, _)| *name == "Accept-Language").expect("a language").1;
                let issuer = IssuerId::parse("https://server.example.com").expect("legal");
                let (place, _) = &metadata::issuer_places(&issuer, WellKnown::Inserted, Dialects::Strict)[0];
                assert_eq!(first, format!("GET {} HTTP/1.1", place.path()));
                let rules = MetadataRules { policy: SignedMetadata::Ignore, trust: TrustAnchors::default() };
                let request = metadata::issuer_request(place, &rules, Some(language)).expect("a request");
                assert_eq!(request.method(), "GET");
                assert_eq!(request.headers()["accept-language"], language);
            }),
            ("4.1.2-01-sending-credential-offer-by-value-using.req.http", |text| by_value(&joined(text))),
            ("4.1.2-02-sending-credential-offer-by-value-using.uri.txt", |text| by_value_as_text(&joined(text))),
            ("4.1.3-01-sending-credential-offer-by-reference-us.req.http", |text| {
                let request = offer::request(&url("https://server.example.com/credential_offer")).expect("a request");
                let line = format!("{} {} HTTP/1.1", request.method(), request.uri().path());
                assert_eq!(message(text).0, line);
                assert!(request.body().is_empty());
            }),
            ("4.1.3-02-sending-credential-offer-by-reference-us.uri.txt", |text| by_reference(&joined(text))),
            ("5.1.1-01-using-authorization-details-parameter.req.http", |text| {
                let details = vec![ConfigurationId::from("UniversityDegreeCredential")];
                let details = write::authorization_details(&details, &BTreeMap::new(), None);
                authorization_request(text, Wanted::Details(details.to_string()), None);
            }),
            ("5.1.2-01-using-scope-parameter-to-request-issuanc.req.http", |text| {
                let resource = IssuerId::parse(ISSUER).expect("legal");
                let scope = "UniversityDegreeCredential".to_owned();
                authorization_request(text, Wanted::Scope(scope), Some(resource));
            }),
            ("5.1.4-01-pushed-authorization-request.req.http", |text| {
                let (_, headers, form) = message(text);
                let pending = pending(Wanted::Details("...".to_owned()), None);
                let par = url("https://server.example.com/par");
                let request = authorization::push_request(&par, &"CLIENT1234".into(), &pending).expect("a request");
                let sent = form_of(&request);
                for parameter in parameters(&form) {
                    assert!(sent.contains(&parameter), "{parameter:?} is not in {sent:?}");
                }
                assert!(headers.contains(&("Content-Type", "application/x-www-form-urlencoded")));
                assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded");
            }),
            ("5.1.4-02-pushed-authorization-request.resp.http", |text| {
                let (request_uri, until) = authorization::push_response(&answer(text, None), at(100)).expect("pushed");
                assert_eq!(request_uri, "urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c");
                assert_eq!(until, at(160));
            }),
            ("5.1.4-03-pushed-authorization-request.req.http", |text| {
                let head = text.split("\nHost:").next().expect("a head");
                let request_uri = "urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c";
                let endpoint = url("https://server.example.com/authorize");
                let browser = authorization::pushed_url(&endpoint, &"s6BhdRkqt3".into(), request_uri);
                let target = format!("GET {}?{}", browser.path(), browser.query().expect("a query"));
                assert_eq!(joined(head), target);
            }),
            ("5.2-01-successful-authorization-response.resp.http", |text| {
                let (plain, with_state, pending) = redirects(text);
                let code = authorization::read_redirect(&with_state, &pending, &server()).expect("a code");
                assert_eq!(code.expose(), "SplxlOBeZQQYbYS6WxSbIA");
                // The example has no state, and we always send one.
                let refused = authorization::read_redirect(&plain, &pending, &server()).expect_err("no state");
                assert_eq!(refused.code(), ErrorCode::StateMismatch);
            }),
            ("5.3-01-authorization-error-response.resp.http", |text| {
                let (_, with_state, pending) = redirects(text);
                let error = authorization::read_redirect(&with_state, &pending, &server()).expect_err("an error");
                assert_eq!(error.code(), ErrorCode::AuthorizationRefused);
                let told = error.server_error().expect("what was said");
                assert_eq!(told.error, "invalid_request");
                assert_eq!(told.error_description.as_deref(), Some("Unsupported response_type value"));
            }),
            ("6.1-01-token-request.req.http", |text| {
                let grant = TokenGrant::AuthorizationCode {
                    code: "SplxlOBeZQQYbYS6WxSbIA".into(),
                    code_verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into(),
                    redirect_uri: "https://wallet.example.org/cb".to_owned(),
                    resource: None,
                };
                token_request(text, &grant, &["client_assertion_type", "client_assertion"]);
            }),
            ("6.1.1-01-request-credential-issuance-using-author.req.http", |text| {
                let ids = [ConfigurationId::from("UniversityDegreeCredential")];
                let details = write::authorization_details(&ids, &BTreeMap::new(), None);
                let grant = TokenGrant::PreAuthorizedCode {
                    pre_authorized_code: "SplxlOBeZQQYbYS6WxSbIA".into(),
                    tx_code: Some("493536".into()),
                    pin: PinParameter::TxCode,
                    authorization_details: Some(details.to_string()),
                };
                token_request(text, &grant, &[]);
            }),
            ("6.2-01-successful-token-response.resp.http", |text| two_datasets(&message(text).2)),
            ("6.3-01-token-error-response.resp.http", |text| {
                let grant = TokenGrant::PreAuthorizedCode {
                    pre_authorized_code: "p".into(),
                    tx_code: None,
                    pin: PinParameter::TxCode,
                    authorization_details: None,
                };
                let error = token::response(&answer(text, None), &grant, at(0), false, Dialects::Any)
                    .expect_err("it is refused");
                assert_eq!(said(&error), "invalid_request");
            }),
            ("7.1-01-nonce-request.req.http", |text| {
                let (first, headers, body) = message(text);
                let request = nonce::request(&url("https://credential-issuer.example.com/nonce")).expect("a request");
                assert_eq!(first, format!("{} {} HTTP/1.1", request.method(), request.uri().path()));
                assert!(headers.contains(&("Content-Length", "0")) && body.is_empty());
                assert_eq!(request.headers()["content-length"], "0");
                assert!(request.body().is_empty() && !request.headers().contains_key("authorization"));
            }),
            ("7.2-01-nonce-response.resp.http", |text| {
                let response = answer(text, None);
                assert_eq!(nonce::response(&response).expect("a nonce").expose(), "wKI4LT17ac15ES9bw8ac4");
                assert_eq!(response.headers()["dpop-nonce"], "eyJ7S_zG.eyJH0-Z.HX4w-7v");
            }),
            ("8.2-01-credential-request.req.http", |text| no_json(&message(text).2)),
            ("8.2-02-credential-request.req.http", |text| no_json(&message(text).2)),
            ("8.2-03-credential-request.req.http", |text| no_json(&message(text).2)),
            ("8.3-01-credential-response.resp.http", |text| issued(&answer(text, None), 1, None)),
            ("8.3-02-credential-response.resp.http", |text| issued(&answer(text, None), 2, Some("3fwe98js"))),
            ("8.3-03-credential-response.resp.http", |text| deferred(&answer(text, None), 3600)),
            ("8.3.1.2-01-credential-request-errors.resp.http", |text| {
                let error = credentials(&answer(text, None), Operation::Credential).expect_err("it is refused");
                assert_eq!(error.code(), ErrorCode::ConfigurationRefused);
                assert_eq!(said(&error), "unknown_credential_configuration");
            }),
            ("9.1-01-deferred-credential-request.req.http", |text| deferred_request(&message(text).2)),
            ("9.2-01-deferred-credential-response.resp.http", |text| issued(&answer(text, None), 2, Some("3fwe98js"))),
            ("9.2-02-deferred-credential-response.resp.http", |text| {
                // The line says `202 OK`; only the number counts.
                assert!(text.starts_with("HTTP/1.1 202 OK"));
                deferred(&answer(text, None), 86400);
            }),
            ("9.3-01-deferred-credential-error-response.resp.http", |text| {
                let error = credentials(&answer(text, None), Operation::DeferredCredential).expect_err("it is refused");
                assert_eq!(said(&error), "invalid_transaction_id");
                assert!(!error.is_retryable());
            }),
            ("C.3-01-claims-path-pointer-example.json.txt", claim_paths),
            ("D.1-01-key-attestation-in-jwt-format.json.txt", |text| {
                let (header, payload) = decoded(text);
                assert_eq!(header["typ"], "key-attestation+jwt");
                assert!(payload["iat"].is_i64() && payload["exp"].is_i64());
                let keys = payload["attested_keys"].as_array().expect("keys");
                assert!(keys.iter().all(|key| Jwk::from_value(key).is_ok()) && keys.len() == 1);
            }),
            ("E-01-wallet-attestations-in-jwt-format.json.txt", |text| {
                let (header, payload) = decoded(text);
                assert_eq!(header["typ"], "oauth-client-attestation+jwt");
                assert!(Jwk::from_value(&payload["cnf"]["jwk"]).is_ok());
                assert_eq!(payload["sub"], "https://wallet.example.org");
            }),
            ("F.1-01-jwt-proof-type.json.txt", no_json),
            ("F.1-02-jwt-proof-type.json.txt", |text| {
                let (header, payload) = decoded(text);
                proof_is_made_as(&header, &payload);
            }),
            ("F.1-03-jwt-proof-type.json.txt", |text| {
                // A placeholder stands where the attestation would.
                no_json(text);
                assert!(text.contains(r#""kid": "0""#) && text.contains(r#""key_attestation": <"#));
            }),
            ("F.2-01-di-vp-proof-type.json.txt", no_json),
            ("F.3-01-attestation-proof-type.json.txt", one_attestation),
        ],
    );
}

// covers: OFFER-06, PROOF-18, CREQ-02, CREQ-03, CREQ-05, CREQ-07, CRES-01, CRES-02, DEFER-01, NOTIF-02, CERR-02, CLAIM-06
#[test]
fn derived_examples() {
    let inline: &[(&str, Expectation)] = &[
        ("1.0-inline__11.1-01-notification-request.req.body.json", |text| {
            notice(text, NotificationEvent::CredentialAccepted, None);
        }),
        ("1.0-inline__11.1-02-notification-request.req.body.json", |text| {
            let description = "Could not store the Credential. Out of storage.";
            notice(text, NotificationEvent::CredentialFailure, Some(description));
        }),
        ("1.0-inline__11.3-01-notification-error-response.resp.body.json", |text| {
            let error = notification::response(&body(400, text)).expect_err("it is refused");
            assert_eq!(said(&error), "invalid_notification_id");
        }),
        ("1.0-inline__4.1.2-01-sending-credential-offer-by-value-using.uri.txt", by_value),
        ("1.0-inline__4.1.2-02-sending-credential-offer-by-value-using.uri.txt", by_value_as_text),
        ("1.0-inline__4.1.3-02-sending-credential-offer-by-reference-us.uri.txt", by_reference),
        ("1.0-inline__5.1.4-02-pushed-authorization-request.resp.body.json", |text| {
            let (request_uri, seconds) = read::pushed_authorization(&value(text)).expect("pushed");
            assert!(request_uri.ends_with(":6esc_11ACC5bwc014ltc14eY22c") && seconds == 60);
        }),
        ("1.0-inline__6.2-01-successful-token-response.resp.body.json", two_datasets),
        ("1.0-inline__6.3-01-token-error-response.resp.body.json", |text| {
            let error = crate::protocol::message::issuer_error(&body(400, text)).expect("an error");
            assert_eq!((error.error.as_str(), error.error_description), ("invalid_request", None));
        }),
        ("1.0-inline__7.2-01-nonce-response.resp.body.json", |text| {
            assert_eq!(read::nonce(&value(text)).expect("a nonce").expose(), "wKI4LT17ac15ES9bw8ac4");
        }),
        ("1.0-inline__8.2-01-credential-request.req.body.json", |text| {
            let id = ConfigurationId::from("org.iso.18013.5.1.mDL");
            credential_request(text, Selector::Configuration(&id));
        }),
        ("1.0-inline__8.2-02-credential-request.req.body.json", |text| {
            let id = CredentialIdentifier::from("CivilEngineeringDegree-2023");
            credential_request(text, Selector::Identifier(&id));
        }),
        ("1.0-inline__8.2-03-credential-request.req.body.json", |text| {
            let request = value(text);
            assert_eq!(members(&request), ["credential_identifier", "proofs"]);
            presentation(&request["proofs"]);
        }),
        ("1.0-inline__8.3-01-credential-response.resp.body.json", |text| issued(&body(200, text), 1, None)),
        ("1.0-inline__8.3-02-credential-response.resp.body.json", |text| issued(&body(200, text), 2, Some("3fwe98js"))),
        ("1.0-inline__8.3-03-credential-response.resp.body.json", |text| deferred(&body(202, text), 3600)),
        ("1.0-inline__8.3.1.2-01-credential-request-errors.resp.body.json", |text| {
            let error = credentials(&body(400, text), Operation::Credential).expect_err("it is refused");
            assert_eq!(error.code(), ErrorCode::ConfigurationRefused);
        }),
        ("1.0-inline__9.1-01-deferred-credential-request.req.body.json", deferred_request),
        ("1.0-inline__9.2-01-deferred-credential-response.resp.body.json", |text| {
            issued(&body(200, text), 2, Some("3fwe98js"));
        }),
        ("1.0-inline__9.2-02-deferred-credential-response.resp.body.json", |text| deferred(&body(202, text), 86400)),
        ("1.0-inline__9.3-01-deferred-credential-error-response.resp.body.json", |text| {
            let error = credentials(&body(400, text), Operation::DeferredCredential).expect_err("it is refused");
            assert!(said(&error) == "invalid_transaction_id" && !error.is_retryable());
        }),
        ("1.0-inline__C.3-01-claims-path-pointer-example.body.json", claim_paths),
        ("1.0-inline__F.1-01-jwt-proof-type.body.json", |text| {
            let proofs = value(text);
            let [proof] = proofs["jwt"].as_array().expect("proofs").as_slice() else { panic!("{proofs}") };
            let jws = Jws::parse(proof.as_str().expect("text")).expect("a JWT");
            let header = Value::Object(jws.header.clone());
            let key = Jwk::from_value(&header["jwk"]).expect("a key");
            let message = jws.signing_input.as_bytes();
            crate::verify::jose::verify_signature(Algorithm::Es256, &key, message, &jws.signature)
                .expect("its signature holds");
            proof_is_made_as(&header, &json::parse(&jws.payload).expect("JSON"));
        }),
        ("1.0-inline__F.2-01-di-vp-proof-type.body.json", |text| presentation(&value(text))),
        ("1.0-inline__F.3-01-attestation-proof-type.body.json", one_attestation),
    ];
    every_file("1.0-derived", &[super::examples::DERIVED, inline].concat());
}

fn said(error: &Error) -> &str {
    error.server_error().map_or("", |said| &said.error)
}

fn members(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

fn form_of(request: &HttpRequest) -> Vec<(String, String)> {
    url::form_urlencoded::parse(request.body()).into_owned().collect()
}

fn notice(text: &str, event: NotificationEvent, description: Option<&str>) {
    let endpoint = url("https://credential-issuer.example.com/notification");
    let sent = notification::request(&endpoint, &"3fwe98js".into(), event, description);
    assert_eq!(json_body(&sent.expect("a request")), value(text));
}

/// An offer in a request to the wallet's own address; JSON's `:` and `,` stand there as they are.
fn by_value(text: &str) {
    let target = text.trim().strip_prefix("GET ").expect("a request");
    let offer = offer_in(&format!("https://wallet.example{target}"));
    let ids: Vec<_> = offer.credential_configuration_ids.iter().map(ConfigurationId::as_str).collect();
    assert_eq!(ids, ["UniversityDegree_JWT", "org.iso.18013.5.1.mDL"], "{OFFER_BY_VALUE}");
    assert_eq!(offer.grants.pre_authorized_code.and_then(|grant| grant.tx_code), Some(TxCode::default()));
}

fn by_value_as_text(text: &str) {
    let offer = offer_in(text.trim());
    let tx_code = offer.grants.pre_authorized_code.and_then(|grant| grant.tx_code).expect("a code is wanted");
    assert_eq!(tx_code.input_mode, InputMode::Text);
    let description = "Please enter the serial number of your physical drivers license";
    assert_eq!(tx_code.description.as_deref(), Some(description));
}

fn offer_in(link: &str) -> crate::model::offer::CredentialOffer {
    match offer::parse_link(link, Dialects::Strict).expect("an offer") {
        OfferSource::ByValue(read) => read.offer,
        OfferSource::ByReference(url) => panic!("{url}"),
    }
}

fn by_reference(text: &str) {
    let expected = "https://server.example.com/credential-offer/GkurKxf5T0Y-mnPFCHqWOMiZi4VS138cQO_V7PZHAdM";
    match offer::parse_link(text.trim(), Dialects::Strict).expect("a reference") {
        OfferSource::ByReference(url) => assert_eq!(url.as_str(), expected, "{OFFER_BY_REFERENCE}"),
        OfferSource::ByValue(offer) => panic!("{offer:?}"),
    }
}

/// A request with the verifier of RFC 7636 appendix B, which the examples use.
fn pending(wanted: Wanted, resource: Option<IssuerId>) -> PendingAuthorization {
    PendingAuthorization {
        state: "xyz".into(),
        code_verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into(),
        redirect_uri: "https://wallet.example.org/cb".to_owned(),
        resource,
        wanted,
        issuer_state: None,
        dpop_jkt: None,
        iss_required: false,
        state_echo: StateEcho::Required,
        added: Vec::new(),
    }
}

/// The address of the example and ours have the same parameters, our `state` aside.
fn authorization_request(text: &str, wanted: Wanted, resource: Option<IssuerId>) {
    let head = text.split("Host:").next().expect("a head");
    let query = joined(head).strip_prefix("GET /authorize?").expect("a query").to_owned();
    let endpoint = url("https://server.example.com/authorize");
    let ours = authorization::plain_url(&endpoint, &"s6BhdRkqt3".into(), &pending(wanted, resource)).expect("a URL");
    let mut ours: Vec<_> = ours.query_pairs().into_owned().collect();
    ours.retain(|(name, _)| name != "state");
    assert_eq!(understood(ours), understood(parameters(&query)));
}

/// Parameters in the order of their names; of JSON only what it says counts.
fn understood(parameters: Vec<(String, String)>) -> BTreeMap<String, Value> {
    let read = |(name, text): (String, String)| {
        let read = if name == "authorization_details" { value(&text) } else { Value::String(text) };
        (name, read)
    };
    parameters.into_iter().map(read).collect()
}

/// The redirect of an example, as it is and with our state in it.
fn redirects(text: &str) -> (String, String, PendingAuthorization) {
    let at = text.find("Location: ").expect("a place") + "Location: ".len();
    let plain = joined(&text[at..]);
    let with_state = format!("{plain}&state=xyz");
    (plain, with_state, pending(Wanted::Scope("x".to_owned()), None))
}

/// Our token request has the fields of the example, apart from those that are named.
fn token_request(text: &str, grant: &TokenGrant, apart: &[&str]) {
    let (first, headers, form) = message(text);
    assert_eq!(first, "POST /token HTTP/1.1");
    assert!(headers.contains(&("Content-Type", "application/x-www-form-urlencoded")));
    let request = token::request(&url("https://server.example.com/token"), grant, None).expect("a request");
    assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(request.method(), "POST");
    let mut theirs = parameters(&form);
    theirs.retain(|(name, _)| !apart.contains(&name.as_str()));
    assert_eq!(understood(form_of(&request)), understood(theirs));
}

fn two_datasets(text: &str) {
    let token = read::token(&value(text), at(0)).expect("a token");
    assert_eq!((token.token_type, token.expires_at), (TokenType::Bearer, Some(at(86400))));
    let [authorized] = token.authorized.as_slice() else { panic!("{:?}", token.authorized) };
    assert_eq!(authorized.credential_configuration_id.as_str(), "UniversityDegreeCredential");
    let identifiers: Vec<_> = authorized.credential_identifiers.iter().map(CredentialIdentifier::as_str).collect();
    assert_eq!(identifiers, ["CivilEngineeringDegree-2023", "ElectricalEngineeringDegree-2023"]);
}

fn credential_request(text: &str, selector: Selector<'_>) {
    let expected = value(text);
    let proofs: Vec<String> = serde_json::from_value(expected["proofs"]["jwt"].clone()).expect("proofs");
    assert_eq!(write::credential_request(selector, &Proofs::Jwt(proofs.clone()), ProofMember::Proofs), expected);
    // The proofs are headers only; nobody could take them for proofs.
    assert!(proofs.iter().all(|proof| Jws::parse(proof).is_err()));
}

fn issued(response: &HttpResponse, count: usize, notification: Option<&str>) {
    match credentials(response, Operation::Credential).expect("an answer") {
        CredentialResponse::Issued { credentials, notification_id, .. } => {
            assert_eq!(credentials.len(), count);
            assert!(credentials.iter().all(Value::is_string));
            assert_eq!(notification_id.map(|id| id.to_string()).as_deref(), notification);
        }
        deferred @ CredentialResponse::Deferred { .. } => panic!("{deferred:?}"),
    }
}

fn deferred(response: &HttpResponse, seconds: u64) {
    match credentials(response, Operation::DeferredCredential).expect("an answer") {
        CredentialResponse::Deferred { transaction_id, interval } => {
            assert_eq!((transaction_id.as_str(), interval), ("8xLOxBtZp8", seconds));
        }
        issued @ CredentialResponse::Issued { .. } => panic!("{issued:?}"),
    }
}

fn deferred_request(text: &str) {
    assert_eq!(write::deferred_credential_request(&TransactionId::from("8xLOxBtZp8")), value(text));
}

/// The results of appendix C.3, and paths that have to fail on the same credential.
fn claim_paths(text: &str) {
    let credential = value(text);
    let select = |path: Value| {
        let path: Vec<_> = serde_json::from_value(path).expect("a path");
        let found = claim_path::select(&credential, &path, ClaimModel::Json)?;
        Ok(found.into_iter().map(|(_, value)| value.clone()).collect::<Vec<_>>())
    };
    assert_eq!(select(json!(["name"])), Ok(vec![json!("Arthur Dent")]));
    assert_eq!(select(json!(["address"])), Ok(vec![credential["address"].clone()]));
    assert_eq!(select(json!(["address", "street_address"])), Ok(vec![json!("42 Market Street")]));
    let types = vec![json!("Bachelor of Science"), json!("Master of Science")];
    assert_eq!(select(json!(["degrees", null, "type"])), Ok(types));
    assert_eq!(select(json!(["nationalities", 1])), Ok(vec![json!("Betelgeusian")]));
    assert_eq!(select(json!(["name", null])), Err(PathError::Misfit));
    assert_eq!(select(json!(["nationalities", 9])), Err(PathError::Nothing));
    assert_eq!(select(json!(["degrees", 0, "foo"])), Err(PathError::Nothing));
    assert_eq!(select(json!([])), Err(PathError::TooShort));
    // An index below zero is no step at all.
    let steps: Result<Vec<crate::model::display::PathStep>, _> = serde_json::from_value(json!(["nationalities", -1]));
    assert!(steps.is_err());
}

/// A JWT in its decoded form: two objects, and a dot between them.
fn decoded(text: &str) -> (Value, Value) {
    let (header, payload) = text.split_once("}\n.\n{").or_else(|| text.split_once("}.{")).expect("two parts");
    (value(&format!("{header}}}")), value(&format!("{{{payload}")))
}

/// Ours, for the same key and nonce at the same time, says the same.
fn proof_is_made_as(header: &Value, payload: &Value) {
    let key = Jwk::from_value(&header["jwk"]).expect("a key");
    let audience = IssuerId::parse(payload["aud"].as_str().expect("text")).expect("legal");
    let nonce = payload["nonce"].as_str().expect("text").into();
    let issued_at = at(payload["iat"].as_i64().expect("a number"));
    let claims = ProofClaims {
        audience: &audience,
        client_id: None,
        nonce: Some(&nonce),
        issued_at,
        algorithm: "ES256",
        key_attestation: None,
    };
    let plan = ProofPlan { algorithm: Algorithm::Es256, binding: Binding::Jwk, form: ProofForm::Jwt };
    let input = jwt::signing_input(plan, &HolderKey::new("1", key), &claims).expect("a proof");
    let signed = jwt::attach_signature(&input, Algorithm::Es256, &[1; 64]).expect("a proof");
    let jws = Jws::parse(&signed).expect("a JWT");
    assert_eq!(&Value::Object(jws.header.clone()), header);
    assert_eq!(&json::parse(&jws.payload).expect("JSON"), payload);
}

/// Proofs that are one presentation with a Data Integrity proof.
fn presentation(proofs: &Value) {
    assert_eq!(members(proofs), ["di_vp"]);
    let [presentation] = proofs["di_vp"].as_array().expect("an array").as_slice() else { panic!("{proofs}") };
    assert_eq!(presentation["type"], json!(["VerifiablePresentation"]));
    let proof = &presentation["proof"][0];
    assert_eq!((&proof["type"], &proof["proofPurpose"]), (&json!("DataIntegrityProof"), &json!("authentication")));
    let holder = presentation["holder"].as_str().expect("text");
    assert!(proof["verificationMethod"].as_str().is_some_and(|method| method.starts_with(holder)));
    assert!(proof["challenge"].is_string() && proof["domain"].is_string());
    #[cfg(feature = "ldp-vc")]
    ours_is_made_as(presentation);
}

/// A presentation of ours has the members of the example, and so has its proof.
#[cfg(feature = "ldp-vc")]
fn ours_is_made_as(presentation: &Value) {
    use crate::protocol::proof::di_vp::{Cryptosuite, PresentationClaims, Unsigned};
    use crate::verify::testing::TestKey;

    let key = TestKey::new(Algorithm::EdDsa);
    let domain = IssuerId::parse(ISSUER).expect("legal");
    let challenge = "82d4cb36-11f6-4273-b9c6-df1ac0ff17e9".into();
    let claims = PresentationClaims { domain: &domain, challenge: Some(&challenge), created: at(0) };
    let unsigned = Unsigned::new(Cryptosuite::EddsaRdfc2022, Binding::DidKey, &key.jwk(), &claims);
    let signature = key.sign(&unsigned.payload());
    let ours = unsigned.signed(&signature).expect("a presentation");
    let sorted = |value: &Value| {
        let mut members = members(value).into_iter().map(str::to_owned).collect::<Vec<_>>();
        members.sort();
        members
    };
    assert_eq!(sorted(&ours), sorted(presentation));
    assert_eq!(sorted(&ours["proof"][0]), sorted(&presentation["proof"][0]));
    assert_eq!(ours["@context"][0], presentation["@context"][0]);
}

/// However many keys, one attestation.
fn one_attestation(text: &str) {
    let proofs = value(text);
    assert_eq!(members(&proofs), ["attestation"]);
    assert_eq!(proofs["attestation"].as_array().map(Vec::len), Some(1));
}
