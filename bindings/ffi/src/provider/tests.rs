//! What the adapter makes of a wallet provider of the app, and how its errors come back.

use std::sync::Mutex;

use billfold::model::ids::{ClientId, IssuerId};
use billfold::model::jwk::{self, Jwk};
use billfold::platform::provider::WalletProvider as _;

use super::*;

/// The generator of P-256, by its coordinates.
const X: &str = "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY";
const Y: &str = "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU";

struct Provider {
    capabilities: Result<ProviderCapabilities, ProviderError>,
    answer: Result<String, ProviderError>,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl WalletProvider for Provider {
    fn capabilities(&self) -> Result<ProviderCapabilities, ProviderError> {
        self.capabilities.clone()
    }

    async fn client_attestation(&self, request: ClientAttestationRequest) -> Result<String, ProviderError> {
        self.asked.lock().expect("not poisoned").push(format!("{request:?}"));
        self.answer.clone()
    }

    async fn sign_client_assertion(&self, request: ClientAssertionRequest) -> Result<Vec<u8>, ProviderError> {
        let ClientAssertionRequest { authorization_server, key, payload } = request;
        self.asked.lock().expect("not poisoned").push(format!("{authorization_server} {key:?} {payload:?}"));
        self.answer.clone().map(String::into_bytes)
    }

    async fn key_attestation(&self, request: KeyAttestationRequest) -> Result<String, ProviderError> {
        self.asked.lock().expect("not poisoned").push(format!("{request:?}"));
        self.answer.clone()
    }
}

fn everything() -> ProviderCapabilities {
    let key = ClientAssertionKey { algorithm: Algorithm::Es384, key_id: Some(String::from("k")) };
    ProviderCapabilities { client_attestation: true, client_assertion: Some(key), key_attestation: true }
}

fn adapted(answer: Result<String, ProviderError>) -> (Arc<Provider>, ProviderAdapter) {
    let provider = Arc::new(Provider { capabilities: Ok(everything()), answer, asked: Mutex::default() });
    let adapter = ProviderAdapter::new(provider.clone()).expect("it says what it can do");
    (provider, adapter)
}

fn server() -> IssuerId {
    IssuerId::parse("https://as.example/one").expect("an identifier")
}

fn holder_key() -> core_credential::HolderKey {
    let value = format!(r#"{{"kty":"EC","crv":"P-256","x":"{X}","y":"{Y}"}}"#);
    let public_jwk = Jwk::from_value(&value.parse().expect("json")).expect("a key");
    core_credential::HolderKey { certificates: vec![vec![3, 4]], ..core_credential::HolderKey::new("h1", public_jwk) }
}

fn client_attestation() -> core_provider::ClientAttestationRequest {
    core_provider::ClientAttestationRequest {
        authorization_server: server(),
        client_id: ClientId::from("wallet.example"),
        key: holder_key(),
    }
}

fn key_attestation() -> core_provider::KeyAttestationRequest {
    core_provider::KeyAttestationRequest {
        credential_issuer: server(),
        keys: vec![holder_key(), holder_key()],
        nonce: Some(String::from("n1")),
        key_storage: vec![String::from("iso_18045_high")],
        user_authentication: vec![String::from("iso_18045_moderate")],
        signing_algorithms: vec![String::from("ES256")],
        inside_jwt_proof: true,
    }
}

fn client_assertion() -> core_provider::ClientAssertionRequest {
    core_provider::ClientAssertionRequest {
        authorization_server: server(),
        key: core_provider::ClientAssertionKey { algorithm: jwk::Algorithm::Es384, key_id: Some(String::from("k")) },
        payload: vec![1, 2],
    }
}

#[tokio::test]
async fn everything_a_provider_needs_crosses() {
    let (provider, adapter) = adapted(Ok(String::from("made")));
    let expected = core_provider::ProviderCapabilities {
        client_attestation: true,
        client_assertion: Some(client_assertion().key),
        key_attestation: true,
    };
    assert_eq!(adapter.capabilities(), expected);

    assert_eq!(adapter.client_attestation(client_attestation()).await.expect("made"), "made");
    assert_eq!(adapter.sign_client_assertion(client_assertion()).await.expect("made"), b"made");
    assert_eq!(adapter.key_attestation(key_attestation()).await.expect("made"), "made");

    let asked = provider.asked.lock().expect("not poisoned").clone();
    let jwk = format!(r#"{{"crv":"P-256","kty":"EC","x":"{X}","y":"{Y}"}}"#);
    let key =
        format!("KeyToAttest {{ handle: \"h1\", algorithm: Es256, public_jwk: {jwk:?}, certificates: [[3, 4]] }}");
    assert_eq!(
        asked,
        [
            format!(
                "ClientAttestationRequest {{ authorization_server: \"https://as.example/one\", \
                 client_id: \"wallet.example\", key: {key} }}"
            ),
            String::from("https://as.example/one ClientAssertionKey { algorithm: Es384, key_id: Some(\"k\") } [1, 2]"),
            format!(
                "KeyAttestationRequest {{ credential_issuer: \"https://as.example/one\", keys: [{key}, {key}], \
                 nonce: Some(\"n1\"), key_storage: [\"iso_18045_high\"], \
                 user_authentication: [\"iso_18045_moderate\"], signing_algorithms: [\"ES256\"], \
                 inside_jwt_proof: true }}"
            ),
        ]
    );
}

#[tokio::test]
async fn provider_errors_keep_their_kind() {
    for (kind, expected) in [
        (ProviderErrorKind::Unavailable, core_provider::ProviderErrorKind::Unavailable),
        (ProviderErrorKind::Refused, core_provider::ProviderErrorKind::Refused),
        (ProviderErrorKind::Unsupported, core_provider::ProviderErrorKind::Unsupported),
    ] {
        let (_, adapter) = adapted(Err(ProviderError::Failed { kind, detail: String::from("why") }));
        for error in [
            adapter.client_attestation(client_attestation()).await.expect_err("it failed"),
            adapter.sign_client_assertion(client_assertion()).await.expect_err("it failed"),
            adapter.key_attestation(key_attestation()).await.expect_err("it failed"),
        ] {
            assert_eq!((error.kind, error.detail.as_str()), (expected, "why"));
        }
    }
}

#[test]
fn a_provider_that_does_not_know_itself_is_a_setup_error() {
    let broken = ProviderError::Failed { kind: ProviderErrorKind::Unavailable, detail: String::from("not today") };
    let provider = Provider { capabilities: Err(broken), answer: Ok(String::new()), asked: Mutex::default() };
    let error = ProviderAdapter::new(Arc::new(provider)).err().expect("refused");
    assert_eq!((error.code(), error.detail()), (ErrorCode::SetupInvalid, "not today"));
}

/// What an app throws unexpectedly may quote a secret. Later it may work.
#[test]
fn unexpected_exceptions_leave_their_text_behind() {
    let error = ProviderError::from(uniffi::UnexpectedUniFFICallbackError::new("token=abc"));
    assert!(matches!(&error, ProviderError::Failed { kind: ProviderErrorKind::Unavailable, .. }));
    assert!(!error.to_string().contains("abc"));
}
