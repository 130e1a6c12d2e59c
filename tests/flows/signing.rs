//! Somebody in front of the issuer who signs its metadata, rightly or wrongly.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use billfold::platform::http::{HttpLimits, HttpRequest, HttpResponse, HttpTransport, TransportError};
use billfold::platform::reqwest::ReqwestTransport;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};

type Change = dyn Fn(usize, &mut Value, &mut Value) -> Form + Send + Sync;

/// How a changed answer leaves.
pub(crate) enum Form {
    Signed,
    Unsigned,
}

/// A root, and a signer under it.
pub(crate) struct Authority {
    pub(crate) root_pem: String,
    pub(crate) root: Vec<u8>,
    pub(crate) signer: Vec<u8>,
    key: KeyPair,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let params = |name: &str, usage| {
            let mut params = CertificateParams::default();
            params.distinguished_name.push(DnType::CommonName, name);
            params.key_usages = vec![usage];
            params
        };
        let mut root_params = params("Metadata Root", KeyUsagePurpose::KeyCertSign);
        root_params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let (root_key, key) = (KeyPair::generate().expect("a key"), KeyPair::generate().expect("a key"));
        let root = root_params.self_signed(&root_key).expect("a root");
        let signer = params("Metadata Signer", KeyUsagePurpose::DigitalSignature);
        let signer = signer.signed_by(&key, &Issuer::new(root_params, root_key)).expect("a certificate");
        Self { root_pem: root.pem(), root: root.der().to_vec(), signer: signer.der().to_vec(), key }
    }

    /// A certificate of the signer's own making, as PEM and DER.
    pub(crate) fn self_signed(&self) -> (String, Vec<u8>) {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Myself");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let certificate = params.self_signed(&self.key).expect("a certificate");
        (certificate.pem(), certificate.der().to_vec())
    }

    fn jws(&self, header: &Value, claims: &Value) -> String {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &self.key.serialize_der(), &random);
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", part(header), part(claims));
        let signature = key.expect("a key").sign(&random, input.as_bytes()).expect("a signature");
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

pub(crate) fn x5c(certificates: &[&[u8]]) -> Value {
    certificates.iter().map(|certificate| json!(STANDARD.encode(certificate))).collect()
}

/// Signs the answers of one path. The test may change header and claims; it is told how many answers
/// went before.
pub(crate) struct Signing {
    inner: ReqwestTransport,
    path: &'static str,
    authority: Authority,
    change: Box<Change>,
    count: AtomicUsize,
}

impl Signing {
    pub(crate) fn new(
        path: &'static str,
        authority: Authority,
        change: impl Fn(usize, &mut Value, &mut Value) -> Form + Send + Sync + 'static,
    ) -> Self {
        let (inner, change, count) = (ReqwestTransport::new(), Box::new(change), AtomicUsize::new(0));
        Self { inner, path, authority, change, count }
    }
}

#[async_trait]
impl HttpTransport for Signing {
    async fn send(&self, request: HttpRequest, limits: HttpLimits) -> Result<HttpResponse, TransportError> {
        let meant = request.uri().path() == self.path;
        let answer = self.inner.send(request, limits).await?;
        if !meant || !answer.status().is_success() {
            return Ok(answer);
        }
        let mut claims: Value = serde_json::from_slice(answer.body()).expect("JSON");
        claims["sub"] = claims["credential_issuer"].clone();
        claims["iat"] = json!(jiff::Timestamp::now().as_second());
        let mut header = json!({
            "alg": "ES256", "typ": "openidvci-issuer-metadata+jwt", "x5c": x5c(&[&self.authority.signer]),
        });
        let nth = self.count.fetch_add(1, Ordering::SeqCst);
        let form = (self.change)(nth, &mut header, &mut claims);
        let (media_type, body) = match form {
            Form::Signed => ("application/jwt", self.authority.jws(&header, &claims)),
            Form::Unsigned => ("application/json", claims.to_string()),
        };
        let mut signed = HttpResponse::new(body.into_bytes());
        signed.headers_mut().insert("content-type", media_type.parse().expect("a value"));
        Ok(signed)
    }
}
