//! Keys with certificates, for proofs that name their key by `x5c`: the attester issues one for each key
//! as it is made.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use billfold::model::jwk::Curve;
use billfold::platform::keys::{HolderKeys, KeyError, KeyErrorKind, KeyPurpose, KeySpec, SignRequest};
use billfold::{Algorithm, HolderKey, Jwk, KeyHandle};
use p256::ecdsa::{DerSignature, SigningKey};
use x509_cert::TbsCertificate;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{self, Builder as _, CertificateBuilder};
use x509_cert::der::asn1::{Any, BitString, ObjectIdentifier};
use x509_cert::der::{DateTime, Encode as _};
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, BasicConstraints, KeyUsage, KeyUsages};
use x509_cert::ext::{Extension, ToExtension as _};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{AlgorithmIdentifier, SubjectPublicKeyInfo, SubjectPublicKeyInfoRef};
use x509_cert::time::{Time, Validity};

use crate::attester::Attester;

/// How long a certificate is good for.
const LIFETIME: Duration = Duration::from_secs(365 * 24 * 3600);
/// How far it begins in the past: others' clocks may be behind.
const SKEW: Duration = Duration::from_secs(300);

/// Keys of which those for credentials have certificates.
pub(crate) struct CertifiedKeys {
    pub(crate) keys: Arc<dyn HolderKeys>,
    pub(crate) attester: Arc<Attester>,
}

#[async_trait]
impl HolderKeys for CertifiedKeys {
    fn algorithms(&self) -> Vec<Algorithm> {
        self.keys.algorithms()
    }

    async fn create(&self, spec: KeySpec, count: usize) -> Result<Vec<HolderKey>, KeyError> {
        let purpose = spec.purpose;
        let mut keys = self.keys.create(spec, count).await?;
        if purpose == KeyPurpose::Credential {
            for at in 0..keys.len() {
                match self.attester.certify(&keys[at].public_jwk) {
                    Ok(certificates) => keys[at].certificates = certificates,
                    Err(error) => {
                        // Nobody will ever hear of these.
                        self.keys.delete(keys.into_iter().map(|key| key.handle).collect()).await?;
                        return Err(KeyError::new(KeyErrorKind::Failed, format!("a key got no certificate: {error}")));
                    }
                }
            }
        }
        Ok(keys)
    }

    async fn sign(&self, requests: Vec<SignRequest>) -> Result<Vec<Vec<u8>>, KeyError> {
        self.keys.sign(requests).await
    }

    async fn delete(&self, handles: Vec<KeyHandle>) -> Result<(), KeyError> {
        self.keys.delete(handles).await
    }
}

/// What a holder's certificate says: whose signature it bears, and nothing about the holder.
struct Holder {
    issuer: Name,
}

impl BuilderProfile for Holder {
    fn get_issuer(&self, _subject: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        "CN=Wallet key".parse().expect("it is a name")
    }

    fn build_extensions(
        &self,
        _key: SubjectPublicKeyInfoRef<'_>,
        issuer_key: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        let subject = tbs.subject();
        Ok(vec![
            AuthorityKeyIdentifier::try_from(issuer_key)?.to_extension(subject, &[])?,
            BasicConstraints { ca: false, path_len_constraint: None }.to_extension(subject, &[])?,
            KeyUsage(KeyUsages::DigitalSignature.into()).to_extension(subject, &[])?,
        ])
    }
}

/// A certificate (DER) for a key, signed by whom `issuer` names.
pub(crate) fn issue(key: &Jwk, issuer: &Name, signer: &SigningKey) -> builder::Result<Vec<u8>> {
    let mut serial = [0; 16];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut serial)
        .map_err(|_| x509_cert::der::Error::from(x509_cert::der::ErrorKind::Failed))?;
    // Positive, and never shorter.
    serial[0] = serial[0] & 0x7f | 0x40;
    let now = SystemTime::now();
    let time = |at: SystemTime| DateTime::from_system_time(at).map(|at| Time::GeneralTime(at.into()));
    let validity = Validity::new(time(now - SKEW)?, time(now + LIFETIME)?);
    let profile = Holder { issuer: issuer.clone() };
    let builder = CertificateBuilder::new(profile, SerialNumber::new(&serial)?, validity, key_info(key)?)?;
    Ok(builder.build::<_, DerSignature>(signer)?.to_der()?)
}

/// The key as X.509 has it (RFC 5480, RFC 8410).
fn key_info(key: &Jwk) -> builder::Result<SubjectPublicKeyInfo<Any, BitString>> {
    let id = ObjectIdentifier::new_unwrap;
    let (oid, curve) = match key.curve() {
        Curve::P256 => (id("1.2.840.10045.2.1"), Some(id("1.2.840.10045.3.1.7"))),
        Curve::P384 => (id("1.2.840.10045.2.1"), Some(id("1.3.132.0.34"))),
        Curve::Secp256k1 => (id("1.2.840.10045.2.1"), Some(id("1.3.132.0.10"))),
        Curve::Ed25519 => (id("1.3.101.112"), None),
    };
    Ok(SubjectPublicKeyInfo {
        algorithm: AlgorithmIdentifier { oid, parameters: curve.map(Any::from) },
        subject_public_key: BitString::from_bytes(&key.to_point())?,
    })
}

#[cfg(test)]
mod tests {
    use p256::ecdsa::signature::Verifier as _;
    use x509_cert::Certificate;
    use x509_cert::der::Decode as _;

    use super::*;

    #[test]
    fn certificates_are_for_the_key_and_signed_by_the_attester() {
        let signer = SigningKey::from_slice(&[7; 32]).expect("a key");
        let issuer: Name = "CN=Attester,O=Example".parse().expect("a name");
        let mut serials = Vec::new();
        for algorithm in Algorithm::ALL {
            let length = algorithm.curve().coordinate_length();
            let y = if algorithm == Algorithm::EdDsa { Vec::new() } else { vec![2; length] };
            let key = Jwk::from_coordinates(algorithm.curve(), &vec![1; length], &y).expect("a key");
            let certificate = Certificate::from_der(&issue(&key, &issuer, &signer).expect("issued")).expect("DER");
            let body = certificate.tbs_certificate();
            assert_eq!(body.issuer(), &issuer);
            assert_eq!(body.subject_public_key_info().subject_public_key.raw_bytes(), key.to_point(), "{algorithm}");
            let signature = DerSignature::from_bytes(certificate.signature().raw_bytes()).expect("a signature");
            let signed = body.to_der().expect("DER");
            assert!(signer.verifying_key().verify(&signed, &signature).is_ok(), "{algorithm}");
            serials.push(body.serial_number().clone());
        }
        serials.dedup();
        assert_eq!(serials.len(), Algorithm::ALL.len());
    }
}
