//! The wallet: where everything begins.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use billfold::model::report::VerificationPolicy;
use billfold::platform::memory::{MemorySecrets, MemoryStore};
use billfold::platform::sealed::SealedStore;
use billfold::platform::secret::{FileSecrets, SecretStore as CoreSecretStore};
use billfold::platform::software_keys::SoftwareKeys;
use billfold::platform::sqlite::SqliteStore;
use billfold::{Error, ErrorCode};

use crate::credential::{Credential, PolicyRule};
use crate::error::WalletError;
use crate::foreign::{HolderKeys, HttpTransport, KeysAdapter, SecretStore, SecretsAdapter, TransportAdapter};
use crate::issuance::Issuance;
use crate::provider::{ProviderAdapter, WalletProvider};
use crate::records::{PendingIssuance, StoreLocation, WalletConfig};
use crate::runtime;
use crate::store::{CredentialStore, StoreAdapter};

/// The version of the library.
#[uniffi::export]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// A wallet: its store, its keys, its way to the network.
#[derive(uniffi::Object)]
pub struct Wallet {
    wallet: billfold::Wallet,
    locale: Option<String>,
}

impl Wallet {
    async fn run<T, F>(&self, work: impl FnOnce(billfold::Wallet) -> F) -> Result<T, WalletError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        runtime::run(None, work(self.wallet.clone())).await
    }
}

#[uniffi::export]
impl Wallet {
    /// Opens a wallet.
    ///
    /// Without `secrets`, they rest in the configured file, or in memory for a wallet in memory;
    /// without `keys`, software keys rest among the secrets; without `http`, the built-in transport
    /// is used; without `provider`, nobody vouches for the wallet and its keys; without `store`, records
    /// rest where the configuration says. What a `store` of the app's own is given is sealed with a key
    /// among the secrets.
    #[uniffi::constructor(default(secrets = None, keys = None, http = None, provider = None, store = None))]
    pub async fn open(
        config: WalletConfig,
        secrets: Option<Arc<dyn SecretStore>>,
        keys: Option<Arc<dyn HolderKeys>>,
        http: Option<Arc<dyn HttpTransport>>,
        provider: Option<Arc<dyn WalletProvider>>,
        store: Option<Arc<dyn CredentialStore>>,
    ) -> Result<Self, WalletError> {
        runtime::run(None, open(config, secrets, keys, http, provider, store)).await
    }

    /// Reads an offer link, of any scheme or https, and what its issuer says about itself.
    pub async fn open_offer(&self, link: String) -> Result<Issuance, WalletError> {
        self.run(|wallet| async move { wallet.open_offer(&link).await.map(Into::into) }).await
    }

    /// Begins an issuance without an offer.
    pub async fn start(&self, credential_issuer: String, configurations: Vec<String>) -> Result<Issuance, WalletError> {
        self.run(|wallet| async move {
            let configurations: Vec<_> = configurations.into_iter().map(Into::into).collect();
            wallet.start(&credential_issuer, &configurations).await.map(Into::into)
        })
        .await
    }

    /// Takes up a stored issuance again.
    pub async fn resume(&self, id: String) -> Result<Issuance, WalletError> {
        self.run(|wallet| async move { wallet.resume(&id.into()).await.map(Into::into) }).await
    }

    /// Takes up the issuance that a redirect belongs to; `submit_redirect` with the same address next.
    pub async fn resume_redirect(&self, redirect_url: String) -> Result<Issuance, WalletError> {
        self.run(|wallet| async move { wallet.resume_redirect(&redirect_url).await.map(Into::into) }).await
    }

    /// The issuances that have not ended.
    pub async fn pending(&self) -> Result<Vec<PendingIssuance>, WalletError> {
        self.run(|wallet| async move { Ok(wallet.pending().await?.into_iter().map(Into::into).collect()) }).await
    }

    /// All stored credentials, the quarantined ones among them.
    pub async fn credentials(&self) -> Result<Vec<Credential>, WalletError> {
        let locale = self.locale.clone();
        self.run(|wallet| async move {
            let credentials = wallet.credentials().await?.into_iter();
            Ok(credentials.map(|credential| Credential::localised(credential, locale.as_deref())).collect())
        })
        .await
    }

    /// One stored credential.
    pub async fn credential(&self, id: String) -> Result<Credential, WalletError> {
        let locale = self.locale.clone();
        self.run(
            |wallet| async move { Ok(Credential::localised(wallet.credential(&id.into()).await?, locale.as_deref())) },
        )
        .await
    }

    /// Verifies a stored credential again; it may move out of quarantine, or into it.
    pub async fn recheck(&self, id: String) -> Result<Credential, WalletError> {
        let locale = self.locale.clone();
        self.run(
            |wallet| async move { Ok(Credential::localised(wallet.recheck(&id.into()).await?, locale.as_deref())) },
        )
        .await
    }

    /// Asks for a credential once more, to put the new one in the place of the old one. `proceed` next
    /// where the issuance is `Interrupted`, and `accept` where it is in `Review`: then the user has to
    /// agree again. The old one stays until the new one is verified.
    pub async fn refresh(&self, id: String) -> Result<Issuance, WalletError> {
        self.run(|wallet| async move { wallet.refresh(&id.into()).await.map(Into::into) }).await
    }

    /// Deletes a credential and its keys.
    pub async fn forget(&self, id: String) -> Result<(), WalletError> {
        self.run(|wallet| async move { wallet.forget(&id.into()).await }).await
    }
}

async fn open(
    config: WalletConfig,
    secrets: Option<Arc<dyn SecretStore>>,
    keys: Option<Arc<dyn HolderKeys>>,
    http: Option<Arc<dyn HttpTransport>>,
    provider: Option<Arc<dyn WalletProvider>>,
    own_store: Option<Arc<dyn CredentialStore>>,
) -> Result<Wallet, Error> {
    let WalletConfig {
        client_id,
        redirect_uri,
        store,
        secrets_file,
        locale,
        allow_loopback_http,
        clock_skew_seconds,
        trust_anchors_pem,
        root_certificates_pem,
        policy,
        binding,
        profile,
        attestation_version,
        signed_metadata,
        metadata_anchors_pem,
    } = config;

    let secrets: Arc<dyn CoreSecretStore> = match (secrets, secrets_file, &store) {
        (Some(_), Some(_), _) => return Err(setup("secrets go to a store or to a file, not to both")),
        (Some(secrets), None, _) => Arc::new(SecretsAdapter(secrets)),
        (None, Some(file), _) => Arc::new(FileSecrets::open(Path::new(&file)).await?),
        (None, None, StoreLocation::Memory) => Arc::new(MemorySecrets::new()),
        (None, None, StoreLocation::Directory { .. }) => {
            return Err(setup("a wallet in a folder needs a secret store, or a file for its secrets"));
        }
    };

    let mut builder =
        billfold::Wallet::builder(client_id).policy(policy_from(policy)?).allow_loopback_http(allow_loopback_http);
    builder = match (own_store, store) {
        (Some(store), _) => builder.store(SealedStore::open(StoreAdapter(store), &*secrets, "app").await?),
        (None, StoreLocation::Memory) => builder.store(MemoryStore::new()),
        (None, StoreLocation::Directory { path }) => {
            builder.store(SqliteStore::open(Path::new(&path), Arc::clone(&secrets)).await?)
        }
    };
    builder = match keys {
        Some(keys) => builder.keys(KeysAdapter::new(keys)?),
        None => builder.keys(SoftwareKeys::in_secrets(secrets)),
    };
    if let Some(http) = http {
        builder = builder.http(TransportAdapter(http));
    }
    if let Some(provider) = provider {
        builder = builder.wallet_provider(ProviderAdapter::new(provider)?);
    }
    if let Some(uri) = redirect_uri {
        builder = builder.redirect_uri(uri);
    }
    if let Some(tag) = &locale {
        builder = builder.locale(tag.as_str());
    }
    if let Some(seconds) = clock_skew_seconds {
        builder = builder.clock_skew(seconds);
    }
    if let Some(binding) = binding {
        builder = builder.binding(binding.into());
    }
    if let Some(profile) = profile {
        builder = builder.profile(profile.into());
    }
    if let Some(version) = attestation_version {
        builder = builder.attestation_version(version.into());
    }
    if let Some(policy) = signed_metadata {
        builder = builder.signed_metadata(policy.into());
    }
    for pem in metadata_anchors_pem {
        builder = builder.metadata_anchors(pem);
    }
    for pem in trust_anchors_pem {
        builder = builder.trust_anchors(pem);
    }
    for pem in root_certificates_pem {
        builder = builder.root_certificate(pem);
    }
    Ok(Wallet { wallet: builder.build()?, locale })
}

fn policy_from(rules: Vec<PolicyRule>) -> Result<VerificationPolicy, Error> {
    rules.into_iter().try_fold(VerificationPolicy::default(), |policy, PolicyRule { kind, requirement }| {
        let kind = kind.to_core().ok_or_else(|| setup("the policy names a check that there is not"))?;
        Ok(policy.with(kind, requirement.into()))
    })
}

fn setup(detail: &str) -> Error {
    Error::new(ErrorCode::SetupInvalid, detail)
}

#[cfg(test)]
mod tests;
