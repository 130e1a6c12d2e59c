//! The app's back end: a wallet provider that the issuer trusts.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use billfold::platform::keys::{HolderKeys, KeyPurpose, KeySpec, SignRequest};
use billfold::platform::provider::{
    ClientAssertionKey, ClientAssertionRequest, ClientAttestationRequest, KeyAttestationRequest, ProviderCapabilities,
    ProviderError, ProviderErrorKind, WalletProvider,
};
use billfold::platform::software_keys::SoftwareKeys;
use billfold::{Algorithm, HolderKey};
use billfold_test_issuer::{Attester, KeyAttestationSpec};

use crate::world::World;

/// Vouches for whatever it is asked to, and remembers what that was.
pub(crate) struct Provider {
    attester: Attester,
    capabilities: ProviderCapabilities,
    /// The client's own key, for assertions.
    client: SoftwareKeys,
    client_key: HolderKey,
    /// Seconds that a client attestation is good for.
    pub(crate) lifetime: AtomicI64,
    /// How many requests fail before one works.
    pub(crate) outages: AtomicUsize,
    /// Every client attestation that it was asked for.
    pub(crate) asked: Mutex<Vec<ClientAttestationRequest>>,
    /// Every key attestation that it was asked for.
    pub(crate) keys: Mutex<Vec<KeyAttestationRequest>>,
}

impl Provider {
    /// One that gives client attestations and key attestations.
    pub(crate) async fn new(world: &World) -> Arc<Self> {
        let capabilities =
            ProviderCapabilities { client_attestation: true, client_assertion: None, key_attestation: true };
        let client = SoftwareKeys::new();
        Arc::new(Self::with(world.issuer.attester().clone(), capabilities, key(&client).await, client))
    }

    /// One that signs client assertions, and the public key for the server to know.
    pub(crate) async fn asserting() -> (impl FnOnce(&World) -> Arc<Self>, serde_json::Value) {
        let client = SoftwareKeys::new();
        let client_key = key(&client).await;
        let mut public = client_key.public_jwk.to_value();
        public["kid"] = "the client".into();
        let make = move |world: &World| {
            let assertion = ClientAssertionKey { algorithm: Algorithm::Es256, key_id: Some("the client".to_owned()) };
            let capabilities =
                ProviderCapabilities { client_assertion: Some(assertion), ..ProviderCapabilities::default() };
            Arc::new(Self::with(world.issuer.attester().clone(), capabilities, client_key, client))
        };
        (make, public)
    }

    fn with(
        attester: Attester,
        capabilities: ProviderCapabilities,
        client_key: HolderKey,
        client: SoftwareKeys,
    ) -> Self {
        Self {
            attester,
            capabilities,
            client,
            client_key,
            lifetime: AtomicI64::new(3600),
            outages: AtomicUsize::new(0),
            asked: Mutex::default(),
            keys: Mutex::default(),
        }
    }

    fn outage(&self) -> Result<(), ProviderError> {
        let left = self.outages.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        match left {
            Ok(_) => Err(ProviderError::new(ProviderErrorKind::Unavailable, "the back end is down")),
            Err(_) => Ok(()),
        }
    }
}

async fn key(keys: &SoftwareKeys) -> HolderKey {
    let spec = KeySpec::new(Algorithm::Es256).purpose(KeyPurpose::ClientInstance);
    keys.create(spec, 1).await.expect("a key").remove(0)
}

#[async_trait]
impl WalletProvider for Provider {
    fn capabilities(&self) -> ProviderCapabilities {
        self.capabilities.clone()
    }

    async fn client_attestation(&self, request: ClientAttestationRequest) -> Result<String, ProviderError> {
        self.outage()?;
        let (client_id, key) = (request.client_id.as_str(), request.key.public_jwk.to_value());
        let lifetime = self.lifetime.load(Ordering::SeqCst);
        let attestation = self.attester.client_attestation_for(client_id, &key, lifetime);
        self.asked.lock().expect("not poisoned").push(request);
        Ok(attestation)
    }

    async fn sign_client_assertion(&self, request: ClientAssertionRequest) -> Result<Vec<u8>, ProviderError> {
        self.outage()?;
        let handle = self.client_key.handle.clone();
        let request = SignRequest { handle, algorithm: request.key.algorithm, payload: request.payload };
        Ok(self.client.sign(vec![request]).await.expect("a signature").remove(0))
    }

    async fn key_attestation(&self, request: KeyAttestationRequest) -> Result<String, ProviderError> {
        self.outage()?;
        let spec = KeyAttestationSpec {
            keys: request.keys.iter().map(|key| key.public_jwk.to_value()).collect(),
            nonce: request.nonce.clone(),
            key_storage: request.key_storage.clone(),
            user_authentication: request.user_authentication.clone(),
        };
        let attestation = self.attester.key_attestation(&spec);
        self.keys.lock().expect("not poisoned").push(request);
        Ok(attestation)
    }
}
