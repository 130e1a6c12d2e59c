//! A small wallet provider for tests: it vouches for whatever it is asked to.
//!
//! A real one runs on a server, looks at the app's installation first, and keeps its key to itself.

use std::error::Error;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use billfold::platform::provider::{
    ClientAssertionKey, ClientAssertionRequest, ClientAttestationRequest, KeyAttestationRequest, ProviderCapabilities,
    ProviderError, ProviderErrorKind, WalletProvider,
};
use billfold::{Algorithm, AttestationVersion, Jwk};
use serde_json::{Value, json};
use x509_cert::Certificate;
use x509_cert::der::Encode as _;

use crate::certificates;
use crate::private_key::PrivateKey;
use crate::settings::{ClientAuth, Vouching};
use crate::setup::read;
use crate::trouble::{Result, Trouble};

/// As whom attestations are made, unless the command line says otherwise.
const ISSUER: &str = "https://wallet-provider.example";
/// How long an attestation is good for, in seconds.
const LIFETIME: u64 = 3600;

/// What the command line's files vouch with.
pub(crate) struct Attester {
    client_auth: ClientAuth,
    client_key: Option<PrivateKey>,
    chain: Option<Chain>,
    issuer: String,
    version: AttestationVersion,
}

/// The attester's key, and the certificates that say whose it is.
struct Chain {
    key: PrivateKey,
    /// The attester's own certificate first.
    certificates: Vec<Certificate>,
}

impl Attester {
    /// Who vouches by the command line's options; nobody if there are none.
    pub(crate) fn of(vouching: &Vouching) -> Result<Option<Self>> {
        let client_key = vouching.client_key.as_deref().map(key).transpose()?;
        let chain = match (&vouching.attester_key, &vouching.attester_cert) {
            (Some(key), Some(certificates)) => Some(Chain::read(key, certificates)?),
            _ => None,
        };
        let attester = Self {
            client_auth: vouching.client_auth,
            client_key,
            chain,
            issuer: vouching.attester_issuer.clone().unwrap_or_else(|| ISSUER.to_owned()),
            version: vouching.version,
        };
        Ok((attester.client_key.is_some() || attester.chain.is_some()).then_some(attester))
    }

    /// A certificate for a key and all above it, in DER.
    pub(crate) fn certify(&self, key: &Jwk) -> Result<Vec<Vec<u8>>, Box<dyn Error + Send + Sync>> {
        let chain = self.chain()?;
        let signer = chain.key.p256().ok_or("an attester signs with P-256")?;
        let issuer = chain.certificates.first().ok_or("the attester has no certificate")?;
        let own = certificates::issue(key, issuer.tbs_certificate().subject(), &signer)?;
        Ok(std::iter::once(own).chain(chain.der()?).collect())
    }

    fn chain(&self) -> Result<&Chain, ProviderError> {
        self.chain.as_ref().ok_or_else(|| {
            ProviderError::new(ProviderErrorKind::Unsupported, "attestations need --attester-key and --attester-cert")
        })
    }
}

fn unusable(file: &Path, why: impl std::fmt::Display) -> Trouble {
    Trouble::command("key_unusable", format!("cannot use {}: {why}", file.display()))
}

fn key(file: &Path) -> Result<PrivateKey> {
    PrivateKey::read(&read(file)?).map_err(|why| unusable(file, why))
}

impl Chain {
    fn read(key_file: &Path, certificates: &Path) -> Result<Self> {
        let key = key(key_file)?;
        if key.public().algorithm() != Algorithm::Es256 {
            return Err(unusable(key_file, "an attester signs with P-256"));
        }
        let chain = Certificate::load_pem_chain(&read(certificates)?)
            .map_err(|error| unusable(certificates, format!("it holds no certificates in PEM: {error}")))?;
        let Some((leaf, above)) = chain.split_first() else {
            return Err(unusable(certificates, "it is empty"));
        };
        let named = leaf.tbs_certificate().subject_public_key_info().subject_public_key.raw_bytes();
        if named != key.public().to_point() {
            return Err(unusable(certificates, "its first certificate is for another key"));
        }
        // Who checks the chain has the anchor already; in `x5c` it has no place.
        let is_anchor = |certificate: &Certificate| {
            certificate.tbs_certificate().issuer() == certificate.tbs_certificate().subject()
        };
        let entries = std::iter::once(leaf).chain(above.iter().filter(|certificate| !is_anchor(certificate)));
        Ok(Self { key, certificates: entries.cloned().collect() })
    }

    fn der(&self) -> Result<Vec<Vec<u8>>, x509_cert::der::Error> {
        self.certificates.iter().map(Certificate::to_der).collect()
    }

    /// A JWT that says this.
    fn sign(&self, typ: &str, claims: &Value) -> Result<String, ProviderError> {
        let der = self.der().map_err(|error| unsigned().caused_by(error))?;
        let x5c: Vec<_> = der.into_iter().map(|der| STANDARD.encode(der)).collect();
        let header = json!({"typ": typ, "alg": Algorithm::Es256.as_str(), "x5c": x5c});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", part(&header), part(claims));
        let signature = self.key.sign(input.as_bytes()).map_err(|_| unsigned())?;
        Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

fn unsigned() -> ProviderError {
    ProviderError::new(ProviderErrorKind::Unavailable, "signing failed")
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[async_trait]
impl WalletProvider for Attester {
    fn capabilities(&self) -> ProviderCapabilities {
        let client_assertion = self.client_key.as_ref().map(|key| ClientAssertionKey {
            algorithm: key.public().algorithm(),
            key_id: key.public().kid().map(str::to_owned),
        });
        ProviderCapabilities {
            client_attestation: self.client_auth == ClientAuth::Attestation,
            client_assertion,
            key_attestation: self.chain.is_some(),
        }
    }

    async fn client_attestation(&self, request: ClientAttestationRequest) -> Result<String, ProviderError> {
        let now = now();
        let mut claims = json!({
            "sub": request.client_id,
            "iat": now,
            "exp": now + LIFETIME,
            "cnf": {"jwk": request.key.public_jwk.to_value()},
        });
        if self.version == AttestationVersion::V07 {
            claims["iss"] = json!(self.issuer);
        }
        self.chain()?.sign("oauth-client-attestation+jwt", &claims)
    }

    async fn sign_client_assertion(&self, request: ClientAssertionRequest) -> Result<Vec<u8>, ProviderError> {
        let key = self
            .client_key
            .as_ref()
            .ok_or_else(|| ProviderError::new(ProviderErrorKind::Unsupported, "client assertions need --client-key"))?;
        key.sign(&request.payload).map_err(|_| unsigned())
    }

    async fn key_attestation(&self, request: KeyAttestationRequest) -> Result<String, ProviderError> {
        let ours = Algorithm::Es256.as_str();
        if !request.signing_algorithms.is_empty() && !request.signing_algorithms.iter().any(|name| name == ours) {
            return Err(ProviderError::new(
                ProviderErrorKind::Unsupported,
                "key attestations are signed with ES256 only",
            ));
        }
        let now = now();
        let keys: Vec<_> = request.keys.iter().map(|key| key.public_jwk.to_value()).collect();
        let mut claims = json!({"iat": now, "exp": now + LIFETIME, "attested_keys": keys});
        if let Some(nonce) = request.nonce {
            claims["nonce"] = json!(nonce);
        }
        let levels = [("key_storage", request.key_storage), ("user_authentication", request.user_authentication)];
        for (name, levels) in levels.into_iter().filter(|(_, levels)| !levels.is_empty()) {
            claims[name] = json!(levels);
        }
        self.chain()?.sign("key-attestation+jwt", &claims)
    }
}
