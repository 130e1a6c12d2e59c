//! Options that a dialect has no words for.

use super::{Dialect, EncryptionForm, Identifiers, Servers, SignedForm};
use crate::options::{AttestationProof, AuthorizationServer, Encryption, KeyAttestation, Options, SignedMetadata};

impl Dialect {
    /// Refuses options that make no sense in this dialect.
    pub(crate) fn check(&self, options: &Options) -> Result<(), String> {
        let cases: [(bool, &str); 10] = [
            (
                options.encryption != Encryption::Off && self.encryption == EncryptionForm::None,
                "encryption of responses",
            ),
            (
                matches!(options.encryption, Encryption::RequestRequired | Encryption::Required)
                    && self.encryption != EncryptionForm::Object,
                "encryption of requests",
            ),
            (options.encryption_zip && self.encryption != EncryptionForm::Object, "compression of encrypted messages"),
            (
                (options.key_attestation != KeyAttestation::Off || options.attestation_proof != AttestationProof::Off)
                    && self.key_attestation_typ.is_none(),
                "key attestations",
            ),
            (options.di_vp_proof && self.presentation.is_none(), "proofs that are presentations"),
            (
                options.signed_metadata != SignedMetadata::Off && self.signed_metadata == SignedForm::Never,
                "signed metadata",
            ),
            (
                options.signed_metadata == SignedMetadata::Only && self.signed_metadata == SignedForm::Member,
                "metadata that is signed and nothing else",
            ),
            (
                options.authorization_server == AuthorizationServer::Two && self.servers == Servers::One,
                "two authorization servers",
            ),
            (
                options.credential_identifiers
                    && matches!(self.identifiers, Identifiers::Never | Identifiers::FollowDetails),
                "credential identifiers that nobody asked for",
            ),
            (
                !options.authorization_details && !self.scopes_listed,
                "a metadata member for scopes, so it needs authorization_details",
            ),
        ];
        match cases.iter().find(|(wanted, _)| *wanted) {
            Some((_, what)) => Err(format!("the dialect of the profile {} has no {what}", options.profile)),
            None => Ok(()),
        }
    }
}
