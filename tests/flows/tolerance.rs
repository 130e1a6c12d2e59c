//! What an issuer may not gain by the ways of speaking that are put up with.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use billfold::platform::http::{HttpLimits, HttpRequest, HttpResponse, HttpTransport, TransportError};
use billfold::platform::memory::MemoryStore;
use billfold::platform::software_keys::SoftwareKeys;
use billfold::{AcceptOptions, Dialects, ErrorCode, Profile, Step, TypeMetadataUse, Wallet, WalletBuilder};
use serde_json::{Value, json};

use crate::meddling::answer;
use crate::world::{Moved, REDIRECT, failure};

const ISSUER: &str = "https://issuer.example";
const SERVER: &str = "https://server.example";

type Answers = dyn Fn(&HttpRequest) -> Option<(u16, Value)> + Send + Sync;

/// An issuer that says what a test wants it to say, and 404 to anything else.
#[derive(Clone)]
struct Scripted {
    answers: Arc<Answers>,
    sent: Arc<Mutex<Vec<HttpRequest>>>,
}

impl Scripted {
    fn new(answers: impl Fn(&HttpRequest) -> Option<(u16, Value)> + Send + Sync + 'static) -> Self {
        Self { answers: Arc::new(answers), sent: Arc::default() }
    }

    /// One with these documents, by their addresses.
    fn documents(documents: Vec<(String, Value)>) -> Self {
        Self::new(move |request| {
            let found = documents.iter().find(|(url, _)| *url == request.uri().to_string());
            found.map(|(_, document)| (200, document.clone()))
        })
    }

    /// The requests to an endpoint: `Authorization` and body.
    fn to(&self, url: &str) -> Vec<(String, String)> {
        let sent = self.sent.lock().expect("no panic");
        let text = |request: &HttpRequest| {
            let authorization = request.headers().get("authorization").and_then(|value| value.to_str().ok());
            let body = String::from_utf8_lossy(request.body()).into_owned();
            (authorization.unwrap_or_default().to_owned(), body)
        };
        sent.iter().filter(|request| *request.uri() == *url).map(text).collect()
    }

    fn wallet(&self) -> Wallet {
        self.builder().build().expect("a wallet")
    }

    fn builder(&self) -> WalletBuilder {
        Wallet::builder("com.example.wallet")
            .redirect_uri(REDIRECT)
            .http(self.clone())
            .keys(SoftwareKeys::new())
            .store(MemoryStore::new())
            .type_metadata(TypeMetadataUse::Off)
            .notify_in_background(false)
    }
}

#[async_trait]
impl HttpTransport for Scripted {
    async fn send(&self, request: HttpRequest, _: HttpLimits) -> Result<HttpResponse, TransportError> {
        self.sent.lock().expect("no panic").push(request.clone());
        let found = (self.answers)(&request);
        Ok(found.map_or_else(|| answer(404, &Value::Null), |(status, body)| answer(status, &body)))
    }
}

fn issuer_at() -> String {
    format!("{ISSUER}/.well-known/openid-credential-issuer")
}

fn server_at(server: &str) -> String {
    format!("{server}/.well-known/oauth-authorization-server")
}

fn link(grants: &Value) -> String {
    json!({ "credential_issuer": ISSUER, "credential_configuration_ids": ["Card"], "grants": grants }).to_string()
}

fn by_code() -> Value {
    json!({ "authorization_code": {} })
}

fn by_offer() -> Value {
    json!({ "urn:ietf:params:oauth:grant-type:pre-authorized_code": { "pre-authorized_code": "the-code" } })
}

/// An issuer of which nothing but its endpoints is known, and that issues what asks for no proof.
fn lean() -> Value {
    let card =
        |name: &str| json!({ "format": "jwt_vc_json", "scope": "card", "credential_definition": { "type": [name] } });
    json!({
        "credential_issuer": ISSUER,
        "credential_endpoint": "https://issuer.example/credential",
        "credential_configurations_supported": { "Card": card("Card"), "Pass": card("Pass") },
    })
}

/// A server that checks PKCE and says nothing of `iss`.
fn server(at: &str) -> Value {
    json!({
        "issuer": at,
        "authorization_endpoint": format!("{at}/authorize"),
        "token_endpoint": format!("{at}/token"),
        "code_challenge_methods_supported": ["S256"],
    })
}

fn token() -> Value {
    json!({ "access_token": "the-token", "token_type": "Bearer" })
}

#[tokio::test]
async fn endpoints_in_the_issuers_metadata_are_held_to_the_same_rules() {
    for (name, endpoint) in [
        ("authorization_endpoint", "http://issuer.example/authorize"),
        ("authorization_endpoint", "another-app://issuer.example/authorize"),
        ("token_endpoint", "http://issuer.example/token"),
        ("pushed_authorization_request_endpoint", "http://issuer.example/par"),
    ] {
        let mut metadata = json!({
            "credential_issuer": ISSUER,
            "credential_endpoint": "https://issuer.example/credential",
            "authorization_endpoint": "https://issuer.example/authorize",
            "token_endpoint": "https://issuer.example/token",
            "credentials_supported": [{ "id": "Card", "format": "jwt_vc_json", "types": ["Card"], "scope": "card" }],
        });
        let good = Scripted::documents(vec![(issuer_at(), metadata.clone())]);
        assert!(good.wallet().open_offer(&link(&by_code())).await.is_ok());
        metadata[name] = json!(endpoint);
        let bad = Scripted::documents(vec![(issuer_at(), metadata)]);
        let error = failure(bad.wallet().open_offer(&link(&by_code())).await);
        assert_eq!(error.code(), ErrorCode::InsecureUrl, "{endpoint}");
    }
}

#[tokio::test]
async fn an_issuer_cannot_switch_off_state_at_a_server_of_somebody_else() {
    let without_state = format!("{REDIRECT}?code=somebody-elses");
    for (at, code) in [(ISSUER, ErrorCode::ServerRefused), (SERVER, ErrorCode::StateMismatch)] {
        let mut metadata = lean();
        metadata["display"] = json!({ "name": "Of the kind that forgets" });
        metadata["authorization_servers"] = json!([at]);
        let network = Scripted::documents(vec![(issuer_at(), metadata), (server_at(at), server(at))]);
        let issuance = network.wallet().open_offer(&link(&by_code())).await.expect("it opens");
        assert!(matches!(issuance.accept().await, Ok(Step::SignIn { .. })));
        // Where it is taken, it is the token endpoint, which is not there, that refuses.
        assert_eq!(failure(issuance.submit_redirect(&without_state).await).code(), code, "{at}");
    }
}

#[tokio::test]
async fn nobody_else_can_end_a_sign_in_whose_state_may_be_missing() {
    let mut metadata = lean();
    metadata["display"] = json!({ "name": "Of the kind that forgets" });
    let network = Scripted::documents(vec![(issuer_at(), metadata), (server_at(ISSUER), server(ISSUER))]);
    let store = Arc::new(MemoryStore::new());
    let wallet = network.builder().store(store.clone()).build().expect("a wallet");
    let issuance = wallet.open_offer(&link(&by_code())).await.expect("it opens");
    issuance.accept().await.expect("a page to sign in at");
    let refusal = format!("{REDIRECT}?error=access_denied");
    assert_eq!(failure(issuance.submit_redirect(&refusal).await).code(), ErrorCode::AccessDenied);
    assert!(matches!(issuance.step().await, Ok(Step::SignIn { .. })), "the right redirect may still come");
    let redirect = format!("{REDIRECT}?code=a-code");
    // Whoever is strict from now on is so in what has begun already.
    let strict = network.builder().store(store).dialects(Dialects::Strict).build().expect("a wallet");
    assert_eq!(failure(strict.resume_redirect(&redirect).await).code(), ErrorCode::StateMismatch);
    let same = strict.resume(issuance.id()).await.expect("the same");
    assert_eq!(failure(same.submit_redirect(&redirect).await).code(), ErrorCode::StateMismatch);
    assert!(network.to("https://issuer.example/token").is_empty());
    assert!(wallet.resume_redirect(&redirect).await.is_ok());
}

#[tokio::test]
async fn haip_asks_for_encrypted_answers_in_encrypted_requests_only() {
    let mut metadata = lean();
    metadata["nonce_endpoint"] = json!("https://issuer.example/nonce");
    metadata["credential_response_encryption"] = json!({
        "alg_values_supported": ["ECDH-ES"], "enc_values_supported": ["A128GCM"], "encryption_required": true });
    let network = Scripted::documents(vec![(issuer_at(), metadata), (server_at(ISSUER), server(ISSUER))]);
    let issuance = network.wallet().open_offer(&link(&by_code())).await.expect("it opens");
    assert!(issuance.terms(&AcceptOptions::default()).await.is_ok());
    let haip = AcceptOptions { profile: Some(Profile::Haip), ..AcceptOptions::default() };
    assert_eq!(failure(issuance.terms(&haip).await).code(), ErrorCode::EncryptionUnavailable);
}

#[tokio::test]
async fn credentials_put_off_in_two_ways_are_picked_up_in_two_ways() {
    let mut metadata = lean();
    metadata["deferred_credential_endpoint"] = json!("https://issuer.example/deferred");
    let network = Scripted::new(move |request| {
        let said = String::from_utf8_lossy(request.body()).into_owned();
        Some(match request.uri().path() {
            "/.well-known/openid-credential-issuer" => (200, metadata.clone()),
            "/.well-known/oauth-authorization-server" => (200, server(ISSUER)),
            "/token" => (200, token()),
            "/credential" if said.contains("Card") => (200, json!({ "acceptance_token": "for-the-card" })),
            "/credential" => (200, json!({ "transaction_id": "the-pass", "interval": 5 })),
            "/deferred" => (400, json!({ "error": "issuance_pending", "interval": 5 })),
            _ => return None,
        })
    });
    let clock = Moved::default();
    let wallet = network.builder().clock(clock.clone()).build().expect("a wallet");
    let offer = json!({ "credential_issuer": ISSUER, "credential_configuration_ids": ["Card", "Pass"],
        "grants": by_offer() });
    let issuance = wallet.open_offer(&offer.to_string()).await.expect("it opens");
    assert!(matches!(issuance.accept().await, Ok(Step::Wait { .. })));
    clock.pass(60);
    assert!(matches!(issuance.poll().await, Ok(Step::Wait { .. })));
    let by_token = ("BEARER for-the-card".to_owned(), String::new());
    let by_id = ("Bearer the-token".to_owned(), json!({ "transaction_id": "the-pass" }).to_string());
    assert_eq!(network.to("https://issuer.example/deferred"), [by_token, by_id]);
}

#[tokio::test]
async fn after_a_second_look_the_request_is_as_if_it_was_the_first() {
    const TENANT: &str = "https://issuer.example/tenant";
    let moved = Arc::new(AtomicBool::new(false));
    let network = Scripted::new(move |request| {
        // It calls itself with a slash, and is to be found without.
        let mut metadata = lean();
        metadata["credential_issuer"] = json!(format!("{TENANT}/"));
        if moved.load(Ordering::SeqCst) {
            metadata["credential_endpoint"] = json!("https://issuer.example/newer");
        }
        Some(match request.uri().path() {
            "/.well-known/openid-credential-issuer/tenant" => (200, metadata),
            "/.well-known/oauth-authorization-server/tenant" => {
                (200, json!({ "issuer": TENANT, "token_endpoint": "https://issuer.example/token" }))
            }
            "/token" => (200, token()),
            "/credential" => {
                moved.store(true, Ordering::SeqCst);
                (400, json!({ "error": "unknown_credential_configuration" }))
            }
            "/newer" => (400, json!({ "error": "credential_request_denied" })),
            _ => return None,
        })
    });
    let offer = json!({ "credential_issuer": TENANT, "credential_configuration_ids": ["Card"], "grants": by_offer() });
    let issuance = network.wallet().open_offer(&offer.to_string()).await.expect("it opens");
    assert_eq!(failure(issuance.accept().await).code(), ErrorCode::CredentialDenied);
    let asked = network.to("https://issuer.example/newer");
    assert_eq!(asked, [("Bearer the-token".to_owned(), json!({ "credential_configuration_id": "Card" }).to_string())]);
}
