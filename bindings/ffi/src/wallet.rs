//! The wallet: where everything begins.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use billfold::platform::http as core_http;
use billfold::platform::http_did_resolver::HttpDidResolver;
use billfold::platform::memory::{MemorySecrets, MemoryStore};
use billfold::platform::reqwest::ReqwestTransport;
use billfold::platform::sealed::SealedStore;
use billfold::platform::secret::{FileSecrets, SecretStore as CoreSecretStore};
use billfold::platform::software_keys::SoftwareKeys;
use billfold::platform::sqlite::SqliteStore;
use billfold::{Error, ErrorCode};

use crate::card::Card;
use crate::changes::Changes;
use crate::credential::Credential;
use crate::error::WalletError;
use crate::foreign::{HolderKeys, HttpTransport, KeysAdapter, SecretStore, SecretsAdapter, TransportAdapter};
use crate::issuance::Issuance;
use crate::provider::{ProviderAdapter, WalletProvider};
use crate::query::{CredentialPage, CredentialQuery, ImportedBackup, KeyChanged, TakenCopy};
use crate::records::{PendingIssuance, StoreLocation, WalletConfig};
use crate::report::policy_from;
use crate::resolver::{DidResolver, ResolverAdapter};
use crate::runtime;
use crate::store::{CredentialStore, StoreAdapter};
use crate::verifier::read_contexts;
#[cfg(not(feature = "ldp-vc"))]
use crate::verifier::refuse_contexts;

/// The version of the library.
#[uniffi::export]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// A wallet: its store, its keys, its way to the network.
#[derive(uniffi::Object)]
pub struct Wallet {
    core: billfold::Wallet,
    locale: Option<String>,
    /// The encrypted database, if the records rest there.
    sqlite: Option<SqliteStore>,
}

impl Wallet {
    async fn run<T, F>(&self, work: impl FnOnce(billfold::Wallet) -> F) -> Result<T, WalletError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        runtime::run(None, work(self.core.clone())).await
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
    /// among the secrets. Without `resolver` and a configured address of one, only did:key, did:jwk, did:web
    /// and the long form of did:prism are resolved.
    #[uniffi::constructor(default(secrets = None, keys = None, http = None, provider = None, store = None, resolver = None))]
    pub async fn open(
        config: WalletConfig,
        secrets: Option<Arc<dyn SecretStore>>,
        keys: Option<Arc<dyn HolderKeys>>,
        http: Option<Arc<dyn HttpTransport>>,
        provider: Option<Arc<dyn WalletProvider>>,
        store: Option<Arc<dyn CredentialStore>>,
        resolver: Option<Arc<dyn DidResolver>>,
    ) -> Result<Self, WalletError> {
        runtime::run(None, open(config, secrets, keys, http, provider, store, resolver)).await
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

    /// The card of a credential with its pictures, in the language that suits `locale` best; in the wallet's without
    /// one. Pictures that can't be had fail nothing.
    #[uniffi::method(default(locale = None))]
    pub async fn card(&self, id: String, locale: Option<String>) -> Result<Card, WalletError> {
        self.run(|wallet| async move { wallet.card(&id.into(), locale.as_deref()).await.map(Into::into) }).await
    }

    /// The credentials that a query asks for, a page of them, in the order in which they came.
    pub async fn find(&self, query: CredentialQuery) -> Result<CredentialPage, WalletError> {
        let locale = self.locale.clone();
        self.run(|wallet| async move {
            let page = wallet.find(&query.try_into()?).await?;
            Ok(CredentialPage::localised(page, locale.as_deref()))
        })
        .await
    }

    /// Takes a copy of a credential to be shown: the one that was used least. The use is counted before it is given.
    pub async fn take_copy(&self, id: String) -> Result<TakenCopy, WalletError> {
        self.run(|wallet| async move { wallet.take_instance(&id.into()).await.map(Into::into) }).await
    }

    /// All credentials as one sealed file. It holds no private key and no token.
    pub async fn export_backup(&self, passphrase: String) -> Result<Vec<u8>, WalletError> {
        self.run(|wallet| async move { wallet.export_backup(passphrase).await }).await
    }

    /// Takes the credentials out of a backup. Those that the wallet has already stay as they are.
    pub async fn import_backup(&self, backup: Vec<u8>, passphrase: String) -> Result<ImportedBackup, WalletError> {
        self.run(|wallet| async move { wallet.import_backup(backup, passphrase).await.map(Into::into) }).await
    }

    /// Seals all records of the encrypted database with a new key, and forgets the old one.
    pub async fn change_store_key(&self) -> Result<KeyChanged, WalletError> {
        let sqlite = self.sqlite.clone();
        self.run(|_| async move {
            let store = sqlite.ok_or_else(|| setup("only the encrypted database in a folder has a key to change"))?;
            Ok(store.change_key().await?.into())
        })
        .await
    }

    /// What becomes of credentials from now on. A credential is told of after it was written down.
    pub fn changes(&self) -> Arc<Changes> {
        Arc::new(self.core.changes().into())
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
    resolver: Option<Arc<dyn DidResolver>>,
) -> Result<Wallet, Error> {
    let WalletConfig {
        client_id,
        redirect_uri,
        store,
        secrets_file,
        locale,
        allow_loopback_http,
        clock_skew_seconds,
        trust_anchors,
        root_certificates_pem,
        policy,
        binding,
        profile,
        attestation_version,
        signed_metadata,
        metadata_anchors,
        trusted_issuers,
        policies,
        type_metadata,
        json_ld_contexts,
        dialects,
        did_resolver_url,
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
    let mut sqlite = None;
    builder = match (own_store, store) {
        (Some(store), _) => builder.store(SealedStore::open(StoreAdapter(store), &*secrets, "app").await?),
        (None, StoreLocation::Memory) => builder.store(MemoryStore::new()),
        (None, StoreLocation::Directory { path }) => {
            let store = SqliteStore::open(Path::new(&path), Arc::clone(&secrets)).await?;
            sqlite = Some(store.clone());
            builder.store(store)
        }
    };
    builder = match keys {
        Some(keys) => builder.keys(KeysAdapter::new(keys)?),
        None => builder.keys(SoftwareKeys::in_secrets(secrets)),
    };
    builder = match (resolver, did_resolver_url) {
        (Some(_), Some(_)) => return Err(setup("DIDs go to a resolver or to an address, not to both")),
        (Some(resolver), None) => builder.did_resolver(ResolverAdapter::new(resolver)?),
        (None, Some(url)) => {
            let transport: Arc<dyn core_http::HttpTransport> = match http.clone() {
                Some(http) => Arc::new(TransportAdapter(http)),
                None => Arc::new(built_in_transport(&root_certificates_pem)?),
            };
            let make = if allow_loopback_http { HttpDidResolver::for_development } else { HttpDidResolver::new };
            let resolver = make(url, transport);
            builder.did_resolver(resolver?)
        }
        (None, None) => builder,
    };
    if let Some(http) = http {
        builder = builder.http(TransportAdapter(http));
    }
    if let Some(provider) = provider {
        builder = builder.wallet_provider(ProviderAdapter::new(provider)?);
    }
    builder = builder.trusted_issuers(trusted_issuers);
    for (type_name, rules) in policies {
        builder = builder.policy_for(type_name, policy_from(rules)?);
    }
    if let Some(usage) = type_metadata {
        builder = builder.type_metadata(usage.into());
    }
    let contexts = read_contexts(json_ld_contexts)?;
    #[cfg(feature = "ldp-vc")]
    for (address, document) in contexts {
        builder = builder.json_ld_context(address, document);
    }
    #[cfg(not(feature = "ldp-vc"))]
    refuse_contexts(&contexts)?;
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
    if let Some(dialects) = dialects {
        builder = builder.dialects(dialects.into());
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
    for anchor in metadata_anchors {
        builder = builder.metadata_anchors(anchor);
    }
    for anchor in trust_anchors {
        builder = builder.trust_anchors(anchor);
    }
    for pem in root_certificates_pem {
        builder = builder.root_certificate(pem);
    }
    Ok(Wallet { core: builder.build()?, locale, sqlite })
}

/// The transport that a wallet has where the app brings none.
fn built_in_transport(roots: &[String]) -> Result<ReqwestTransport, Error> {
    let mut builder = ReqwestTransport::builder();
    for pem in roots {
        builder = builder.root_certificate(pem);
    }
    builder.build().map_err(|error| setup("a root certificate is none").caused_by(error))
}

fn setup(detail: &str) -> Error {
    Error::new(ErrorCode::SetupInvalid, detail)
}

#[cfg(test)]
mod tests;
