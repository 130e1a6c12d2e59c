//! The certificate chains behind `x5c`: root, intermediate, signer, all P-256.

use std::net::Ipv4Addr;
use std::str::FromStr as _;
use std::time::Duration;

use p256::ecdsa::{DerSignature, SigningKey};
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{Builder as _, CertificateBuilder, Result};
use x509_cert::certificate::{Certificate, TbsCertificate};
use x509_cert::der::asn1::{Ia5String, OctetString};
use x509_cert::der::pem::LineEnding;
use x509_cert::der::{Encode as _, EncodePem as _};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, KeyUsage, KeyUsages, SubjectAltName, SubjectKeyIdentifier,
};
use x509_cert::ext::{Extension, ToExtension as _};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{SubjectPublicKeyInfo, SubjectPublicKeyInfoRef};
use x509_cert::time::Validity;

use crate::encoding::{b64_standard, random_bytes};
use crate::keys::{PrivateKey, new_p256};

/// A signer with the chain that leads to its root.
#[derive(Clone)]
pub(crate) struct Chain {
    /// The key that signs credentials.
    pub(crate) key: PrivateKey,
    /// `x5c`: signer first, then the intermediate; the root is left out, as it should be.
    pub(crate) x5c: Vec<String>,
}

/// A small certification authority.
pub(crate) struct Authority {
    intermediate: SigningKey,
    intermediate_cert: Certificate,
    intermediate_name: Name,
    label: String,
    /// The root certificate in PEM.
    pub(crate) root_pem: String,
    /// The same as an entry of `x5c`, where it has no place.
    pub(crate) root_entry: String,
}

impl Authority {
    /// A new root and a new intermediate under it.
    pub(crate) fn new(label: &str) -> Self {
        let root = new_p256();
        let root_name = name(&format!("{label} Root"));
        let root_cert = issue(Ca { subject: root_name.clone(), issuer: root_name.clone(), below: 1 }, &root, &root);
        let intermediate = new_p256();
        let intermediate_name = name(&format!("{label} Intermediate"));
        let intermediate_cert =
            issue(Ca { subject: intermediate_name.clone(), issuer: root_name, below: 0 }, &intermediate, &root);
        let root_entry = b64_standard(root_cert.to_der().expect("a certificate has a DER form"));
        let root_pem = root_cert.to_pem(LineEnding::LF).expect("a certificate has a PEM form");
        Self { intermediate, intermediate_cert, intermediate_name, label: label.to_owned(), root_pem, root_entry }
    }

    /// A signer whose certificate names the given issuer identifier.
    pub(crate) fn signer(&self, issuer: &str) -> Chain {
        let key = new_p256();
        let profile = Signer {
            subject: name(&format!("{} Signer", self.label)),
            issuer: self.intermediate_name.clone(),
            uri: issuer.to_owned(),
        };
        let cert = issue(profile, &key, &self.intermediate);
        let x5c = [&cert, &self.intermediate_cert]
            .map(|cert| b64_standard(cert.to_der().expect("a certificate has a DER form")))
            .to_vec();
        Chain { key: PrivateKey::P256(key), x5c }
    }
}

/// A signer whose certificate nobody else vouches for.
pub(crate) fn self_signed(issuer: &str) -> Chain {
    let key = new_p256();
    let subject = name("Test Issuer Self-Signed Signer");
    let profile = Signer { subject: subject.clone(), issuer: subject, uri: issuer.to_owned() };
    let cert = issue(profile, &key, &key);
    let x5c = vec![b64_standard(cert.to_der().expect("a certificate has a DER form"))];
    Chain { key: PrivateKey::P256(key), x5c }
}

fn name(common: &str) -> Name {
    Name::from_str(&format!("CN={common},O=Test Issuer,C=DE")).expect("a plain name parses")
}

fn issue<P: BuilderProfile>(profile: P, key: &SigningKey, signer: &SigningKey) -> Certificate {
    let mut serial = random_bytes::<16>();
    serial[0] = serial[0] & 0x7f | 0x40;
    let build = || -> Result<Certificate> {
        let validity = Validity::new(start_of_validity(), end_of_validity());
        CertificateBuilder::new(
            profile,
            SerialNumber::new(&serial)?,
            validity,
            SubjectPublicKeyInfo::from_key(key.verifying_key())?,
        )?
        .build::<_, DerSignature>(signer)
    };
    build().expect("a certificate from legal parts")
}

fn at(since_epoch: Duration) -> x509_cert::time::Time {
    x509_cert::der::asn1::GeneralizedTime::from_unix_duration(since_epoch).expect("a date of our time").into()
}

fn start_of_validity() -> x509_cert::time::Time {
    at(crate::clock::system_now().saturating_sub(Duration::from_secs(3600 * 24)))
}

fn end_of_validity() -> x509_cert::time::Time {
    at(crate::clock::system_now() + Duration::from_secs(3600 * 24 * 3650))
}

struct Ca {
    subject: Name,
    issuer: Name,
    below: u8,
}

impl BuilderProfile for Ca {
    fn get_issuer(&self, _subject: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        key: SubjectPublicKeyInfoRef<'_>,
        issuer_key: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> Result<Vec<Extension>> {
        let subject = tbs.subject();
        Ok(vec![
            SubjectKeyIdentifier::try_from(key)?.to_extension(subject, &[])?,
            AuthorityKeyIdentifier::try_from(issuer_key)?.to_extension(subject, &[])?,
            BasicConstraints { ca: true, path_len_constraint: Some(self.below) }.to_extension(subject, &[])?,
            KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign).to_extension(subject, &[])?,
        ])
    }
}

struct Signer {
    subject: Name,
    issuer: Name,
    uri: String,
}

impl BuilderProfile for Signer {
    fn get_issuer(&self, _subject: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        key: SubjectPublicKeyInfoRef<'_>,
        issuer_key: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> Result<Vec<Extension>> {
        let subject = tbs.subject();
        let names = SubjectAltName(vec![
            GeneralName::UniformResourceIdentifier(Ia5String::new(&self.uri)?),
            GeneralName::DnsName(Ia5String::new("localhost")?),
            GeneralName::IpAddress(OctetString::new(Ipv4Addr::LOCALHOST.octets())?),
        ]);
        Ok(vec![
            SubjectKeyIdentifier::try_from(key)?.to_extension(subject, &[])?,
            AuthorityKeyIdentifier::try_from(issuer_key)?.to_extension(subject, &[])?,
            BasicConstraints { ca: false, path_len_constraint: None }.to_extension(subject, &[])?,
            KeyUsage(KeyUsages::DigitalSignature.into()).to_extension(subject, &[])?,
            names.to_extension(subject, &[])?,
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::unb64_standard;
    use p256::ecdsa::signature::Verifier as _;
    use x509_cert::der::{Decode as _, DecodePem as _};

    fn verifies(child: &Certificate, parent: &Certificate) -> bool {
        use p256::pkcs8::DecodePublicKey as _;
        let spki = parent.tbs_certificate().subject_public_key_info().to_der().expect("key");
        let key = p256::ecdsa::VerifyingKey::from_public_key_der(&spki).expect("P-256");
        let signature = DerSignature::from_bytes(child.signature().raw_bytes()).expect("signature");
        let message = child.tbs_certificate().to_der().expect("body");
        key.verify(&message, &signature).is_ok()
    }

    #[test]
    fn the_chain_holds_from_signer_to_root() {
        let authority = Authority::new("Test");
        let chain = authority.signer("http://127.0.0.1:1/tenant");
        let [signer, intermediate] = [0, 1].map(|index: usize| {
            let der = unb64_standard(&chain.x5c[index]).expect("base64");
            Certificate::from_der(&der).expect("certificate")
        });
        let root = Certificate::from_pem(authority.root_pem.as_bytes()).expect("root");
        assert!(verifies(&signer, &intermediate));
        assert!(verifies(&intermediate, &root));
        assert!(!verifies(&signer, &root));
    }
}
