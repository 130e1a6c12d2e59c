//! Sets a wallet up.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use url::Url;

use crate::cache::Cache;
use crate::card::Unreached;
use crate::changes::{Feed, ObservedStore};
use crate::channel::Attestations;
use crate::dialect::Dialects;
use crate::documents::DocumentCache;
use crate::error::{Error, ErrorCode, Result};
use crate::metadata_cache::MetadataCache;
use crate::model::ids::ClientId;
use crate::model::policies::Policies;
use crate::model::profile::Profile;
use crate::model::report::VerificationPolicy;
use crate::model::type_metadata::TypeMetadataUse;
use crate::outbox::Background;
use crate::platform::clock::{Clock, SystemClock};
use crate::platform::did_resolver::{DidResolver, Resolver};
use crate::platform::http::HttpTransport;
use crate::platform::keys::HolderKeys;
use crate::platform::provider::WalletProvider;
use crate::platform::store::CredentialStore;
use crate::protocol::client_auth::AttestationVersion;
use crate::protocol::metadata::{MetadataRules, SignedMetadata};
use crate::protocol::proof::Binding;
use crate::setup::{FetchedOffers, Gates, Setup, Unwritten};
use crate::verify::issuer_key::issuer_identifiers;
use crate::verify::status::StatusLists;
use crate::verify::x509::TrustAnchors;
use crate::wallet::Wallet;
use crate::wire::Wire;

/// Sets a wallet up.
#[must_use]
pub struct WalletBuilder {
    client_id: ClientId,
    redirect_uri: Option<String>,
    transport: Option<Arc<dyn HttpTransport>>,
    keys: Option<Arc<dyn HolderKeys>>,
    store: Option<Arc<dyn CredentialStore>>,
    clock: Arc<dyn Clock>,
    provider: Option<Arc<dyn WalletProvider>>,
    dialects: Dialects,
    profile: Profile,
    attestation_version: AttestationVersion,
    root_certificates: Vec<Vec<u8>>,
    trust_anchors: Vec<Vec<u8>>,
    #[cfg(feature = "ldp-vc")]
    contexts: Vec<(String, serde_json::Value)>,
    signed_metadata: SignedMetadata,
    metadata_anchors: Vec<Vec<u8>>,
    policies: Policies,
    trusted_issuers: Vec<String>,
    resolver: Option<Arc<dyn DidResolver>>,
    skew: u32,
    locale: Option<String>,
    binding: Binding,
    assume_jwt_proofs: bool,
    type_metadata: Option<TypeMetadataUse>,
    allow_loopback_http: bool,
    notify_in_background: bool,
}

impl WalletBuilder {
    pub(crate) fn new(client_id: ClientId) -> Self {
        Self {
            client_id,
            redirect_uri: None,
            transport: None,
            keys: None,
            store: None,
            clock: Arc::new(SystemClock),
            provider: None,
            dialects: Dialects::default(),
            profile: Profile::Base,
            attestation_version: AttestationVersion::default(),
            root_certificates: Vec::new(),
            trust_anchors: Vec::new(),
            #[cfg(feature = "ldp-vc")]
            contexts: Vec::new(),
            signed_metadata: SignedMetadata::default(),
            metadata_anchors: Vec::new(),
            policies: Policies::default(),
            trusted_issuers: Vec::new(),
            resolver: None,
            skew: 60,
            locale: None,
            binding: Binding::Auto,
            assume_jwt_proofs: false,
            type_metadata: None,
            allow_loopback_http: false,
            notify_in_background: true,
        }
    }

    /// Where the authorization server sends the user back to. Needed for the authorization code
    /// grant: a custom scheme, a claimed https link, or a loopback address.
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uri = Some(uri.into());
        self
    }

    /// How requests are sent. Default: [`ReqwestTransport`](crate::platform::reqwest::ReqwestTransport),
    /// where the feature `reqwest` is on.
    pub fn http(mut self, transport: impl HttpTransport + 'static) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Where keys are made. Required.
    pub fn keys(mut self, keys: impl HolderKeys + 'static) -> Self {
        self.keys = Some(Arc::new(keys));
        self
    }

    /// Where sessions and credentials are kept. Required.
    pub fn store(mut self, store: impl CredentialStore + 'static) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Who vouches for the wallet and its keys, where servers and issuers ask for that. Default: nobody.
    pub fn wallet_provider(mut self, provider: impl WalletProvider + 'static) -> Self {
        self.provider = Some(Arc::new(provider));
        self
    }

    /// Whose ways of speaking the wallet puts up with. Default: [`Dialects::Any`].
    pub fn dialects(mut self, dialects: Dialects) -> Self {
        self.dialects = dialects;
        self
    }

    /// The rules that issuances are held to, unless
    /// [`AcceptOptions::profile`](crate::AcceptOptions::profile) says otherwise. Default:
    /// [`Profile::Base`].
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Which text on attestations authorization servers follow. Default:
    /// [`AttestationVersion::V07`].
    pub fn attestation_version(mut self, version: AttestationVersion) -> Self {
        self.attestation_version = version;
        self
    }

    /// What time it is. Default: the machine's clock.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// One more TLS root certificate (PEM), for the default transport. No switch anywhere accepts
    /// every certificate.
    pub fn root_certificate(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.root_certificates.push(pem.as_ref().to_vec());
        self
    }

    /// Certificates under which credential issuers are trusted: PEM, one or several, or DER, one. Each call adds
    /// to them. Once there is one, a credential from anybody else is rejected, unless it is of one of the
    /// [`trusted_issuers`](Self::trusted_issuers) or the policy says otherwise.
    pub fn trust_anchors(mut self, pem_or_der: impl AsRef<[u8]>) -> Self {
        self.trust_anchors.push(pem_or_der.as_ref().to_vec());
        self
    }

    /// The credential issuers that are trusted, by the identifiers that their credentials name: DIDs and https
    /// URLs, compared octet by octet. Each call adds to them. Once there is one, a credential from anybody else is
    /// rejected, unless one of the [`trust_anchors`](Self::trust_anchors) vouches for its issuer or the policy says
    /// otherwise. An identifier counts only if it leads to the key that signed
    /// ([`CheckKind::IssuerKey`](crate::CheckKind::IssuerKey)).
    pub fn trusted_issuers(mut self, identifiers: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.trusted_issuers.extend(identifiers.into_iter().map(Into::into));
        self
    }

    /// Who resolves DIDs of methods that billfold does not know; on a server, an
    /// [`HttpDidResolver`](crate::platform::http_did_resolver::HttpDidResolver). Default: a credential of such an
    /// issuer can't be verified.
    pub fn did_resolver(mut self, resolver: impl DidResolver + 'static) -> Self {
        self.resolver = Some(Arc::new(resolver));
        self
    }

    /// Adds a JSON-LD context that `ldp_vc` credentials may refer to, as the document at its address: an object with
    /// a `@context`. Contexts are never fetched; those of the W3C that credentials commonly use are there already. A
    /// credential with a context that nobody added is put aside and can be checked again once it is there.
    ///
    /// Without a `@context` in the document, or with the address of a context of the library,
    /// [`build`](Self::build) fails.
    #[cfg(feature = "ldp-vc")]
    pub fn json_ld_context(mut self, address: impl Into<String>, document: serde_json::Value) -> Self {
        self.contexts.push((address.into(), document));
        self
    }

    /// What to do about issuers that sign their metadata (OpenID4VCI section 12.2.3). Default:
    /// [`SignedMetadata::Ignore`]. The others need [`metadata_anchors`](Self::metadata_anchors) or
    /// [`trust_anchors`](Self::trust_anchors).
    pub fn signed_metadata(mut self, policy: SignedMetadata) -> Self {
        self.signed_metadata = policy;
        self
    }

    /// Certificates (PEM, one or several, or DER, one) under which, or by which, issuers' metadata may be signed.
    /// Default: the [`trust_anchors`](Self::trust_anchors).
    pub fn metadata_anchors(mut self, pem_or_der: impl AsRef<[u8]>) -> Self {
        self.metadata_anchors.push(pem_or_der.as_ref().to_vec());
        self
    }

    /// Which checks a credential has to pass.
    pub fn policy(mut self, policy: VerificationPolicy) -> Self {
        self.policies.default = policy;
        self
    }

    /// Which checks credentials of one type have to pass, instead of [`policy`](Self::policy): of a `vct`, a doctype
    /// or a W3C type, as the issuer's metadata names it. Where several types of a W3C credential have a policy, the
    /// last one that the credential lists decides.
    pub fn policy_for(mut self, type_name: impl Into<String>, policy: VerificationPolicy) -> Self {
        self.policies.set(type_name.into(), policy);
        self
    }

    /// How many seconds clocks may differ. Default: 60.
    pub fn clock_skew(mut self, seconds: u32) -> Self {
        self.skew = seconds;
        self
    }

    /// The user's language (BCP 47), for names of issuers and credentials.
    pub fn locale(mut self, tag: impl Into<String>) -> Self {
        self.locale = Some(tag.into());
        self
    }

    /// How proofs name their key. Default: [`Binding::Auto`].
    pub fn binding(mut self, binding: Binding) -> Self {
        self.binding = binding;
        self
    }

    /// Whether to send a `jwt` proof to issuers that bind a credential to keys and do not list which proofs
    /// they take (`cryptographic_binding_methods_supported` without `proof_types_supported`, OpenID4VCI
    /// section 12.2.4). Default: false, no proof is sent to them.
    pub fn assume_jwt_proofs(mut self, yes: bool) -> Self {
        self.assume_jwt_proofs = yes;
        self
    }

    /// Whether to look up what publishers say about the types of SD-JWT VCs: names, colours, pictures and labels
    /// of claims ([`Credential::type_metadata`](crate::Credential::type_metadata)). That tells them that somebody
    /// receives such a credential. Default: [`TypeMetadataUse::Fetch`], but [`TypeMetadataUse::Off`] for
    /// issuances that are held to [`Profile::Haip`].
    ///
    /// That it can't be had keeps no credential back; the report's check of the type says so.
    pub fn type_metadata(mut self, usage: TypeMetadataUse) -> Self {
        self.type_metadata = Some(usage);
        self
    }

    /// Development switch: allows http to loopback addresses, and references that lead there.
    pub fn allow_loopback_http(mut self, allow: bool) -> Self {
        self.allow_loopback_http = allow;
        self
    }

    /// Whether issuers are told by themselves what became of their credentials: after each issuance,
    /// and what is left when the next one begins, on the tokio runtime that the call runs on.
    /// Default: true. A program that ends right after a call says false and awaits
    /// [`Wallet::flush`].
    pub fn notify_in_background(mut self, yes: bool) -> Self {
        self.notify_in_background = yes;
        self
    }

    /// The wallet, or [`ErrorCode::SetupInvalid`] with what is missing or wrong.
    pub fn build(self) -> Result<Wallet> {
        let invalid = |detail: String| Error::new(ErrorCode::SetupInvalid, detail);
        let transport = match self.transport {
            Some(transport) => transport,
            None => default_transport(&self.root_certificates)?,
        };
        if let Some(uri) = &self.redirect_uri {
            let url = Url::parse(uri)
                .map_err(|error| invalid("the redirect URI is no absolute URI".to_owned()).caused_by(error))?;
            if url.fragment().is_some() {
                return Err(invalid("the redirect URI has a fragment".to_owned()));
            }
        }
        if let Some(locale) = &self.locale
            && (locale.is_empty() || !locale.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')))
        {
            return Err(invalid(format!("`{locale}` is no language tag")));
        }
        let anchors = |files: &[Vec<u8>]| {
            let mut all = TrustAnchors::default();
            for file in files {
                let some = TrustAnchors::parse(file)
                    .map_err(|error| invalid("a trust anchor can't be read".to_owned()).caused_by(error))?;
                all.extend(some);
            }
            Ok::<_, Error>(all)
        };
        let trust = anchors(&self.trust_anchors)?;
        #[cfg(feature = "ldp-vc")]
        let contexts = {
            let mut contexts = crate::verify::data_integrity::Contexts::default();
            for (address, document) in self.contexts {
                contexts.add(&address, document).map_err(|why| invalid(format!("JSON-LD context {address}: {why}")))?;
            }
            contexts
        };
        let metadata_trust = match anchors(&self.metadata_anchors)? {
            none if none.is_empty() => trust.clone(),
            some => some,
        };
        if self.signed_metadata != SignedMetadata::Ignore && metadata_trust.is_empty() {
            return Err(invalid(
                "signed metadata needs metadata anchors or trust anchors to be held against".to_owned(),
            ));
        }
        let feed = Arc::<Feed>::default();
        let setup = Setup {
            client_id: self.client_id,
            redirect_uri: self.redirect_uri,
            wire: Wire::new(transport, self.allow_loopback_http),
            keys: self.keys.ok_or_else(|| invalid("a wallet needs keys".to_owned()))?,
            store: Arc::new(ObservedStore::new(
                self.store.ok_or_else(|| invalid("a wallet needs a store".to_owned()))?,
                feed.clone(),
            )),
            feed,
            cache: Cache::default(),
            type_metadata: self.type_metadata,
            unreached: Unreached::default(),
            clock: self.clock,
            capabilities: self.provider.as_ref().map(WalletProvider::capabilities).unwrap_or_default(),
            provider: self.provider,
            profile: self.profile,
            dialects: self.dialects,
            attestation_version: self.attestation_version,
            attestations: Attestations::default(),
            policies: self.policies,
            trust,
            trusted_issuers: issuer_identifiers(self.trusted_issuers.into_iter())?,
            resolver: self.resolver.map(Resolver::new),
            #[cfg(feature = "ldp-vc")]
            contexts,
            metadata_rules: MetadataRules { policy: self.signed_metadata, trust: metadata_trust },
            skew: i64::from(self.skew),
            locale: self.locale.map(|locale| locale.replace('_', "-")),
            binding: self.binding,
            assume_jwt_proofs: self.assume_jwt_proofs,
            documents: DocumentCache::default(),
            status_lists: StatusLists::default(),
            metadata: MetadataCache::default(),
            fetched_offers: FetchedOffers::default(),
            // The last process may have ended before it looked.
            sweep_wanted: AtomicBool::new(true),
            notify_in_background: self.notify_in_background,
            background: Background::default(),
            flushing: futures_util::lock::Mutex::default(),
            gates: Gates::default(),
            unwritten: Unwritten::default(),
        };
        Ok(Wallet::over(setup))
    }
}

#[cfg(feature = "reqwest")]
fn default_transport(roots: &[Vec<u8>]) -> Result<Arc<dyn HttpTransport>> {
    let mut builder = crate::platform::reqwest::ReqwestTransport::builder();
    for pem in roots {
        builder = builder.root_certificate(pem);
    }
    match builder.build() {
        Ok(transport) => Ok(Arc::new(transport)),
        Err(error) => Err(Error::new(ErrorCode::SetupInvalid, "the HTTP transport can't be set up").caused_by(error)),
    }
}

#[cfg(not(feature = "reqwest"))]
fn default_transport(_roots: &[Vec<u8>]) -> Result<Arc<dyn HttpTransport>> {
    Err(Error::new(ErrorCode::SetupInvalid, "without the feature `reqwest`, a wallet needs an HttpTransport"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::memory::MemoryStore;
    use crate::platform::software_keys::SoftwareKeys;

    #[test]
    fn what_cannot_work_is_said_when_the_wallet_is_built() {
        let builder = || Wallet::builder("me").keys(SoftwareKeys::new()).store(MemoryStore::new());
        for (builder, said) in [
            (Wallet::builder("me").store(MemoryStore::new()), "keys"),
            (Wallet::builder("me").keys(SoftwareKeys::new()), "store"),
            (builder().redirect_uri("callback"), "redirect URI"),
            (builder().redirect_uri("app:/cb#x"), "redirect URI"),
            (builder().locale("de CH\r\nX: y"), "language tag"),
            (builder().trust_anchors("no pem"), "trust anchor"),
            (builder().trust_anchors([0x30, 0x03, 0x02, 0x01, 0x00]), "trust anchor"),
            (builder().trusted_issuers(["issuer.example"]), "trusted issuer"),
            (builder().trusted_issuers(["https://issuer.example", "did:"]), "trusted issuer"),
            (builder().trusted_issuers(["did:web:issuer.example#key-1"]), "trusted issuer"),
            (builder().metadata_anchors("no pem"), "trust anchor"),
            (builder().signed_metadata(SignedMetadata::Prefer), "metadata anchors"),
            (builder().signed_metadata(SignedMetadata::Require), "metadata anchors"),
            (builder().root_certificate("no pem"), "transport"),
        ] {
            let error = builder.build().err().expect("it is refused");
            assert_eq!(error.code(), ErrorCode::SetupInvalid);
            assert!(error.detail().contains(said), "{error}");
        }
    }
}
