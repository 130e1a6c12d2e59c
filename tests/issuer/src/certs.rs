//! The certificates of this issuer: chains of root, intermediate and signer behind `x5c`, and the
//! IACA with its document signers behind `x5chain` of mdocs (ISO/IEC 18013-5 annex B), on any curve.

use std::net::Ipv4Addr;
use std::str::FromStr as _;
use std::time::Duration;

use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{Builder as _, CertificateBuilder, Result};
use x509_cert::certificate::{Certificate, TbsCertificate};
use x509_cert::der::asn1::{Ia5String, OctetString, UtcTime};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::pem::LineEnding;
use x509_cert::der::{Encode as _, EncodePem as _};
use x509_cert::ext::pkix::crl::CrlDistributionPoints;
use x509_cert::ext::pkix::crl::dp::DistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, IssuerAltName, KeyUsage, KeyUsages, SubjectAltName,
    SubjectKeyIdentifier,
};
use x509_cert::ext::{Extension, ToExtension as _};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::SubjectPublicKeyInfoRef;
use x509_cert::time::Validity;

use crate::encoding::{b64_standard, random_bytes};
use crate::keys::{Curve, PrivateKey};

/// id-mdl-kp-mdlDS, the purpose of a document signer.
const DOCUMENT_SIGNER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.0.18013.5.1.2");

const DAY: u64 = 24 * 3600;

/// A signer with the chain that leads to its root.
#[derive(Clone)]
pub(crate) struct Chain {
    /// The key that signs credentials.
    pub(crate) key: PrivateKey,
    /// Signer first, then what stands above it; the root is left out, as it should be.
    pub(crate) certificates: Vec<Vec<u8>>,
}

impl Chain {
    /// The chain as `x5c` has it.
    pub(crate) fn x5c(&self) -> Vec<String> {
        self.certificates.iter().map(b64_standard).collect()
    }
}

/// What may be wrong about a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// A certificate in it expired yesterday: the intermediate where there is one, else the signer's.
    Expired,
    /// Its certificates do not stand in the order in which they vouch for each other.
    Disordered,
}

/// A small certification authority.
pub(crate) struct Authority {
    root: PrivateKey,
    root_name: Name,
    root_der: Vec<u8>,
    intermediate: PrivateKey,
    label: String,
    /// The root certificate in PEM.
    pub(crate) root_pem: String,
}

impl Authority {
    /// A new root on P-256.
    pub(crate) fn new(label: &str) -> Self {
        Self::on(Curve::P256, label)
    }

    /// A new root on any curve.
    pub(crate) fn on(curve: Curve, label: &str) -> Self {
        let root = PrivateKey::on(curve);
        let root_name = name(&format!("{label} Root"));
        let profile = Profile::new(Role::Authority { below: 1 }, &root_name, &root_name);
        let certificate = issue(profile, &root, &root, years(10));
        Self {
            root_pem: pem(&certificate),
            root_der: der(&certificate),
            root,
            root_name,
            intermediate: PrivateKey::on(curve),
            label: label.to_owned(),
        }
    }

    /// The root as an entry of `x5c`, where it has no place.
    pub(crate) fn root_entry(&self) -> String {
        b64_standard(&self.root_der)
    }

    /// A signer whose certificate names the given issuer identifier.
    pub(crate) fn signer(&self, issuer: &str) -> Chain {
        self.flawed_signer(issuer, None)
    }

    /// The same with a chain that something is wrong about.
    pub(crate) fn flawed_signer(&self, issuer: &str, flaw: Option<Flaw>) -> Chain {
        let intermediate_name = name(&format!("{} Intermediate", self.label));
        let profile = Profile::new(Role::Authority { below: 0 }, &intermediate_name, &self.root_name);
        let validity = if flaw == Some(Flaw::Expired) { until_yesterday() } else { years(10) };
        let intermediate = issue(profile, &self.intermediate, &self.root, validity);
        let subject = name(&format!("{} Signer", self.label));
        let profile = Profile::new(Role::Signer { uri: issuer.to_owned() }, &subject, &intermediate_name);
        let key = PrivateKey::on(self.intermediate.curve());
        let signer = issue(profile, &key, &self.intermediate, years(10));
        let mut certificates = vec![der(&signer), der(&intermediate)];
        if flaw == Some(Flaw::Disordered) {
            certificates.insert(1, self.root_der.clone());
        }
        Chain { key, certificates }
    }
}

/// An issuing authority for mdocs: its root signs the document signers itself.
pub(crate) struct Iaca {
    root: PrivateKey,
    name: Name,
    uri: String,
    root_der: Vec<u8>,
    /// The root certificate in PEM.
    pub(crate) root_pem: String,
}

impl Iaca {
    /// A new root; `uri` is where its owner is found.
    pub(crate) fn on(curve: Curve, label: &str, uri: &str) -> Self {
        let root = PrivateKey::on(curve);
        let name = name(&format!("{label} IACA"));
        let profile = Profile::new(Role::Iaca { uri: uri.to_owned() }, &name, &name);
        let certificate = issue(profile, &root, &root, years(9));
        let (root_pem, root_der) = (pem(&certificate), der(&certificate));
        Self { root, name, uri: uri.to_owned(), root_der, root_pem }
    }

    /// A document signer whose certificate names the given issuer identifier.
    pub(crate) fn signer(&self, issuer: &str, flaw: Option<Flaw>) -> Chain {
        let role = Role::DocumentSigner { uri: issuer.to_owned(), authority: self.uri.clone() };
        let profile = Profile::new(role, &name("Test Document Signer"), &self.name);
        let key = PrivateKey::on(self.root.curve());
        let validity = if flaw == Some(Flaw::Expired) { until_yesterday() } else { days(450) };
        let mut certificates = vec![der(&issue(profile, &key, &self.root, validity))];
        if flaw == Some(Flaw::Disordered) {
            // Somebody else stands between the signer and the root, which has no place there either.
            certificates.extend([self_signed(issuer).certificates.remove(0), self.root_der.clone()]);
        }
        Chain { key, certificates }
    }
}

/// A signer whose certificate nobody else vouches for.
pub(crate) fn self_signed(issuer: &str) -> Chain {
    let key = PrivateKey::p256();
    let subject = name("Test Issuer Self-Signed Signer");
    let profile = Profile::new(Role::Signer { uri: issuer.to_owned() }, &subject, &subject);
    let certificates = vec![der(&issue(profile, &key, &key, years(10)))];
    Chain { key, certificates }
}

fn name(common: &str) -> Name {
    Name::from_str(&format!("CN={common},O=Test Issuer,C=DE")).expect("a plain name parses")
}

fn der(certificate: &Certificate) -> Vec<u8> {
    certificate.to_der().expect("a certificate has a DER form")
}

fn pem(certificate: &Certificate) -> String {
    certificate.to_pem(LineEnding::LF).expect("a certificate has a PEM form")
}

fn issue(profile: Profile, key: &PrivateKey, signer: &PrivateKey, validity: Validity) -> Certificate {
    let mut serial = random_bytes::<16>();
    serial[0] = serial[0] & 0x7f | 0x40;
    let build = || -> Result<Certificate> {
        let builder = CertificateBuilder::new(profile, SerialNumber::new(&serial)?, validity, key.public().spki())?;
        match signer {
            PrivateKey::P256(signer) => builder.build::<_, p256::ecdsa::DerSignature>(signer),
            PrivateKey::P384(signer) => builder.build::<_, p384::ecdsa::DerSignature>(signer),
            PrivateKey::K256(signer) => builder.build::<_, k256::ecdsa::DerSignature>(signer),
            PrivateKey::Ed25519(signer) => builder.build::<_, ed25519_dalek::Signature>(&**signer),
        }
    };
    build().expect("a certificate from legal parts")
}

/// From yesterday on.
fn days(days: u64) -> Validity {
    let now = crate::clock::system_now();
    let day = Duration::from_secs(DAY);
    Validity::new(at(now.saturating_sub(day)), at(now + day * u32::try_from(days).expect("a short time")))
}

fn years(years: u64) -> Validity {
    days(365 * years)
}

fn until_yesterday() -> Validity {
    let now = crate::clock::system_now();
    let day = Duration::from_secs(DAY);
    Validity::new(at(now.saturating_sub(day * 30)), at(now.saturating_sub(day)))
}

fn at(since_epoch: Duration) -> x509_cert::time::Time {
    // RFC 5280 section 4.1.2.5: up to 2049 dates are UTCTime, in whole seconds.
    UtcTime::from_unix_duration(Duration::from_secs(since_epoch.as_secs())).expect("a date of our time").into()
}

/// What a certificate is for.
enum Role {
    Authority { below: u8 },
    Signer { uri: String },
    Iaca { uri: String },
    DocumentSigner { uri: String, authority: String },
}

struct Profile {
    role: Role,
    subject: Name,
    issuer: Name,
}

impl Profile {
    fn new(role: Role, subject: &Name, issuer: &Name) -> Self {
        Self { role, subject: subject.clone(), issuer: issuer.clone() }
    }
}

impl BuilderProfile for Profile {
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
        let own = SubjectKeyIdentifier::try_from(key)?.to_extension(subject, &[])?;
        let above = AuthorityKeyIdentifier::try_from(issuer_key)?.to_extension(subject, &[])?;
        let authority = |below| -> Result<[Extension; 2]> {
            Ok([
                BasicConstraints { ca: true, path_len_constraint: Some(below) }.to_extension(subject, &[])?,
                KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign).to_extension(subject, &[])?,
            ])
        };
        let signatures = || KeyUsage(KeyUsages::DigitalSignature.into()).to_extension(subject, &[]);
        let mut extensions = vec![own];
        match &self.role {
            Role::Authority { below } => {
                extensions.push(above);
                extensions.extend(authority(*below)?);
            }
            Role::Signer { uri } => {
                extensions.push(above);
                extensions.push(BasicConstraints { ca: false, path_len_constraint: None }.to_extension(subject, &[])?);
                extensions.extend([signatures()?, names(uri)?.to_extension(subject, &[])?]);
            }
            Role::Iaca { uri } => {
                extensions.extend(authority(0)?);
                extensions
                    .extend([IssuerAltName(vec![uri_name(uri)?]).to_extension(subject, &[])?, crl(uri, subject)?]);
            }
            Role::DocumentSigner { uri, authority } => {
                let mut purpose = ExtendedKeyUsage(vec![DOCUMENT_SIGNER]).to_extension(subject, &[])?;
                purpose.critical = true;
                extensions.extend([above, signatures()?, purpose]);
                extensions.push(IssuerAltName(vec![uri_name(authority)?]).to_extension(subject, &[])?);
                extensions.push(names(uri)?.to_extension(subject, &[])?);
                extensions.push(crl(authority, subject)?);
            }
        }
        Ok(extensions)
    }
}

fn uri_name(uri: &str) -> Result<GeneralName> {
    Ok(GeneralName::UniformResourceIdentifier(Ia5String::new(uri)?))
}

/// The issuer by its identifier and by the host that it has here.
fn names(uri: &str) -> Result<SubjectAltName> {
    Ok(SubjectAltName(vec![
        uri_name(uri)?,
        GeneralName::DnsName(Ia5String::new("localhost")?),
        GeneralName::IpAddress(OctetString::new(Ipv4Addr::LOCALHOST.octets())?),
    ]))
}

fn crl(authority: &str, subject: &Name) -> Result<Extension> {
    let place = DistributionPointName::FullName(vec![uri_name(&format!("{authority}/crl"))?]);
    let point = DistributionPoint { distribution_point: Some(place), reasons: None, crl_issuer: None };
    Ok(CrlDistributionPoints(vec![point]).to_extension(subject, &[])?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use p256::ecdsa::signature::Verifier as _;
    use x509_cert::der::{Decode as _, DecodePem as _};

    fn verifies(child: &Certificate, parent: &Certificate) -> bool {
        use p256::pkcs8::DecodePublicKey as _;
        let spki = parent.tbs_certificate().subject_public_key_info().to_der().expect("key");
        let key = p256::ecdsa::VerifyingKey::from_public_key_der(&spki).expect("P-256");
        let signature = p256::ecdsa::DerSignature::from_bytes(child.signature().raw_bytes()).expect("signature");
        let message = child.tbs_certificate().to_der().expect("body");
        key.verify(&message, &signature).is_ok()
    }

    #[test]
    fn the_chain_holds_from_signer_to_root() {
        let authority = Authority::new("Test");
        let chain = authority.signer("http://127.0.0.1:1/tenant");
        let [signer, intermediate] =
            [0, 1].map(|index: usize| Certificate::from_der(&chain.certificates[index]).expect("certificate"));
        let root = Certificate::from_pem(authority.root_pem.as_bytes()).expect("root");
        assert!(verifies(&signer, &intermediate));
        assert!(verifies(&intermediate, &root));
        assert!(!verifies(&signer, &root));
    }

    #[test]
    fn chains_are_made_on_every_curve() {
        for curve in [Curve::P256, Curve::P384, Curve::Ed25519, Curve::Secp256k1] {
            let chain = Authority::on(curve, "Test").signer("http://127.0.0.1:1");
            let mdoc = Iaca::on(curve, "Test", "http://127.0.0.1:1").signer("http://127.0.0.1:1", None);
            for chain in [&chain, &mdoc] {
                let signer = Certificate::from_der(&chain.certificates[0]).expect("certificate");
                assert_eq!(*signer.tbs_certificate().subject_public_key_info(), chain.key.public().spki());
                assert_eq!(chain.key.curve(), curve);
            }
        }
    }
}
