//! Puts a wallet together from the command line's settings.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use billfold::model::credential::HolderKey;
use billfold::model::ids::KeyHandle;
use billfold::model::jwk::Algorithm;
use billfold::platform::http_did_resolver::HttpDidResolver;
use billfold::platform::keys::{HolderKeys, KeyError, KeySpec, SignRequest};
use billfold::platform::memory::MemoryStore;
use billfold::platform::reqwest::ReqwestTransport;
use billfold::platform::secret::{self, FileSecrets, SecretStore};
use billfold::platform::software_keys::SoftwareKeys;
use billfold::platform::sqlite::SqliteStore;
use billfold::{Binding, Error, Wallet, WalletBuilder};
use url::Url;

use crate::attester::Attester;
use crate::certificates::CertifiedKeys;
use crate::output::Output;
use crate::settings::Global;
use crate::trouble::{Result, Trouble};

/// The name under which the platform's secret store keeps the wallet's secrets.
const SERVICE: &str = "billfold-wallet";

/// The user's wallet, or the one in `--store`.
pub(crate) async fn wallet(global: &Global, output: &Output, redirect_uri: Option<&Url>) -> Result<Wallet> {
    let folder = folder(global)?;
    create(&folder)?;
    let (secrets, where_they_are) = secret::best_available(SERVICE, &folder).await?;
    output.note(where_they_are);
    let store = SqliteStore::open(&folder, Arc::clone(&secrets)).await?;
    build(settings(global, output, redirect_uri)?.store(store), global, SoftwareKeys::in_secrets(secrets))
}

/// A wallet in a folder that will be thrown away with everything in it.
pub(crate) async fn wallet_in(
    folder: &Path,
    global: &Global,
    output: &Output,
    redirect_uri: Option<&Url>,
) -> Result<Wallet> {
    let secrets: Arc<dyn SecretStore> = Arc::new(FileSecrets::open(&folder.join("secrets")).await?);
    let store = SqliteStore::open(folder, Arc::clone(&secrets)).await?;
    build(settings(global, output, redirect_uri)?.store(store), global, SoftwareKeys::in_secrets(secrets))
}

/// A wallet that leaves no trace, for looking at offers.
pub(crate) fn wallet_in_memory(global: &Global, output: &Output) -> Result<Wallet> {
    build(settings(global, output, None)?.store(MemoryStore::new()), global, SoftwareKeys::new())
}

fn settings(global: &Global, output: &Output, redirect_uri: Option<&Url>) -> Result<WalletBuilder> {
    let mut builder = Wallet::builder(global.client_id.as_str())
        .binding(global.binding)
        .assume_jwt_proofs(global.assume_jwt_proofs)
        .policy(global.policy.clone())
        .dialects(global.dialects)
        .profile(global.profile)
        .attestation_version(global.vouching.version)
        .signed_metadata(global.signed_metadata)
        .allow_loopback_http(global.dev)
        .notify_in_background(false);
    if let Some(uri) = redirect_uri {
        builder = builder.redirect_uri(uri.as_str());
    }
    if let Some(locale) = output.locale() {
        builder = builder.locale(locale);
    }
    if let Some(file) = &global.ca {
        builder = builder.root_certificate(read(file)?);
    }
    if let Some(file) = &global.trust {
        builder = builder.trust_anchors(read(file)?);
    }
    if let Some(file) = &global.metadata_trust {
        builder = builder.metadata_anchors(read(file)?);
    }
    if let Some(resolver) = did_resolver(global)? {
        builder = builder.did_resolver(resolver);
    }
    Ok(builder)
}

/// How requests leave that are not the wallet's own.
pub(crate) fn transport(global: &Global) -> Result<ReqwestTransport> {
    let mut transport = ReqwestTransport::builder();
    if let Some(file) = &global.ca {
        transport = transport.root_certificate(read(file)?);
    }
    transport.build().map_err(|error| Trouble::command("file_unreadable", format!("--ca does not serve: {error}")))
}

/// The server of `--did-resolver`.
pub(crate) fn did_resolver(global: &Global) -> Result<Option<HttpDidResolver>> {
    let Some(url) = &global.did_resolver else { return Ok(None) };
    let make = if global.dev { HttpDidResolver::for_development } else { HttpDidResolver::new };
    Ok(Some(make(url.as_str(), transport(global)?).map_err(with_causes)?))
}

fn build(builder: WalletBuilder, global: &Global, keys: SoftwareKeys) -> Result<Wallet> {
    let mut keys: Arc<dyn HolderKeys> = match global.key {
        Some(algorithm) => Arc::new(OnlyKeysOf { algorithm, keys }),
        None => Arc::new(keys),
    };
    let mut builder = builder;
    if let Some(attester) = Attester::of(&global.vouching)? {
        let attester = Arc::new(attester);
        if global.binding == Binding::X5c {
            keys = Arc::new(CertifiedKeys { keys, attester: Arc::clone(&attester) });
        }
        builder = builder.wallet_provider(attester);
    }
    Ok(builder.keys(keys).build().map_err(with_causes)?)
}

/// What is wrong with a setting often stands in the cause only.
fn with_causes(error: Error) -> Error {
    let mut detail = error.detail().to_owned();
    let mut cause = std::error::Error::source(&error);
    while let Some(deeper) = cause {
        detail.push_str(": ");
        detail.push_str(&deeper.to_string());
        cause = deeper.source();
    }
    Error::new(error.code(), detail).caused_by(error)
}

/// Reads a file that the command line names.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file)
        .map_err(|error| Trouble::command("file_unreadable", format!("cannot read {}: {error}", file.display())))
}

fn create(folder: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(folder)
        .map_err(|error| Trouble::command("file_unwritable", format!("cannot make {}: {error}", folder.display())))
}

/// Where the user's wallet lies.
fn folder(global: &Global) -> Result<PathBuf> {
    if let Some(folder) = &global.store {
        return Ok(folder.clone());
    }
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let data = if cfg!(windows) {
        set("APPDATA")
    } else if cfg!(target_os = "macos") {
        set("HOME").map(|home| home.join("Library").join("Application Support"))
    } else {
        set("XDG_DATA_HOME").or_else(|| set("HOME").map(|home| home.join(".local").join("share")))
    };
    data.map(|data| data.join("billfold"))
        .ok_or_else(|| Trouble::usage("there is no folder for your data; name one with --store DIR"))
}

/// Keys of one algorithm only.
struct OnlyKeysOf {
    algorithm: Algorithm,
    keys: SoftwareKeys,
}

#[async_trait]
impl HolderKeys for OnlyKeysOf {
    fn algorithms(&self) -> Vec<Algorithm> {
        vec![self.algorithm]
    }

    async fn create(&self, spec: KeySpec, count: usize) -> Result<Vec<HolderKey>, KeyError> {
        self.keys.create(spec, count).await
    }

    async fn sign(&self, requests: Vec<SignRequest>) -> Result<Vec<Vec<u8>>, KeyError> {
        self.keys.sign(requests).await
    }

    async fn delete(&self, handles: Vec<KeyHandle>) -> Result<(), KeyError> {
        self.keys.delete(handles).await
    }
}
