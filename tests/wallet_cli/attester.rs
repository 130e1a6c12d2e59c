//! Keys and certificates in a user's home, as the command's options name them.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

use crate::support::User;

/// An attester: a root that issuers are to trust, and files with a key, its certificate and all above it.
pub(crate) struct Attester {
    pub(crate) trust_pem: String,
    key: String,
    certificates: String,
}

impl Attester {
    pub(crate) fn of(user: &User) -> Self {
        let params = |name: &str, usage| {
            let mut params = CertificateParams::default();
            params.distinguished_name.push(DnType::CommonName, name);
            params.key_usages = vec![usage];
            params
        };
        let authority = |name: &str| {
            let mut params = params(name, KeyUsagePurpose::KeyCertSign);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            (params, KeyPair::generate().unwrap())
        };
        let (root_params, root_key) = authority("Wallet Provider Root");
        let root = root_params.self_signed(&root_key).unwrap();
        let (between_params, between_key) = authority("Wallet Provider Intermediate");
        let between = between_params.signed_by(&between_key, &Issuer::new(root_params, root_key)).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf = params("Wallet Provider", KeyUsagePurpose::DigitalSignature);
        let leaf = leaf.signed_by(&key, &Issuer::new(between_params, between_key)).unwrap();
        let attester =
            Self { trust_pem: root.pem(), key: user.path("attester.key"), certificates: user.path("attester.pem") };
        std::fs::write(&attester.key, key.serialize_pem()).unwrap();
        // With the root: the command knows that it has no place in `x5c`.
        std::fs::write(&attester.certificates, [leaf.pem(), between.pem(), root.pem()].concat()).unwrap();
        attester
    }

    /// Its options.
    pub(crate) fn files(&self) -> [&str; 4] {
        ["--attester-key", &self.key, "--attester-cert", &self.certificates]
    }

    /// The options of a wallet that authenticates with attestations.
    pub(crate) fn attesting(&self) -> Vec<&str> {
        ["--client-auth", "attestation"].into_iter().chain(self.files()).collect()
    }
}
