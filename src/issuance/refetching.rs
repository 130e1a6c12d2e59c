//! Metadata read again on the way, because an answer suggests that it has changed.

use super::{Live, discovery};
use crate::dialect::Dialects;
use crate::error::{Advice, Error, ErrorCode, Operation, Result};
use crate::model::ids::ConfigurationId;
use crate::model::metadata::IssuerMetadata;
use crate::model::offer::GrantType;
use crate::protocol::{encryption, haip};

impl Live<'_> {
    /// Drops what the wallet remembers of the issuer and its server, for all issuances to come.
    pub(super) fn forget_metadata(&self) {
        self.wallet.metadata.forget(&self.session.offer.credential_issuer, &self.session.server.issuer);
    }

    /// Reads the issuer's metadata again. The session goes on with it; the next write takes it along.
    ///
    /// Metadata that less vouches for than for the first is not taken, nor one under which requests would go
    /// out in plain that were encrypted before: who can make a credential request fail must not be able to
    /// get rid of a signature or of encryption that way. Gives the configurations that were
    /// asked for and that the issuer does not describe any more.
    pub(super) async fn refetch_metadata(&mut self) -> Result<Vec<ConfigurationId>> {
        self.forget_metadata();
        // It may call itself a little differently; it was found by this name.
        let issuer = self.session.offer.credential_issuer.clone();
        let found = discovery::issuer_afresh(self.wallet, &issuer, &self.log).await?;
        let before = &self.session.provenance;
        let weaker = (before.signed_by.is_some() && found.provenance.signed_by.is_none())
            || (before.not_haip.is_none() && found.provenance.not_haip.is_some())
            || (self.dialects() == Dialects::Strict && !found.tolerated.is_empty());
        if weaker {
            return Err(Error::new(
                ErrorCode::MetadataUnsigned,
                "read again, the issuer's metadata has less to vouch for it than before",
            )
            .at(Operation::IssuerMetadata));
        }
        let encrypts = |issuer: &IssuerMetadata| {
            encryption::plan(issuer, self.wanted_encryption(), self.encryption_form()).is_ok_and(|plan| plan.encrypts())
        };
        if encrypts(&self.session.issuer) && !encrypts(&found.metadata) {
            return Err(Error::new(
                ErrorCode::EncryptionUnavailable,
                "read again, the issuer's metadata does not let requests be encrypted any more",
            )
            .at(Operation::IssuerMetadata));
        }
        if self.session.profile.is_haip() {
            // Nobody signs in any more: what is asked of a sign-in was asked before.
            haip::check_servers(
                &found.metadata,
                &self.session.server,
                found.quirks.well_known,
                GrantType::PreAuthorizedCode,
            )?;
        }
        let mut metadata = found.metadata;
        let gone = self.carry_over(&mut metadata);
        self.session.issuer = metadata;
        self.session.quirks = self.session.quirks.renewed(found.quirks);
        self.session.tolerated.extend(found.tolerated);
        self.session.provenance = found.provenance;
        Ok(gone)
    }

    /// Keeps what the requests that are under way need and the new metadata has not: an answer is read by what
    /// it was asked for with, and a deferred credential is got where it was deferred.
    fn carry_over(&self, metadata: &mut IssuerMetadata) -> Vec<ConfigurationId> {
        let before = &self.session.issuer;
        let mut gone = Vec::new();
        for task in self.tasks() {
            let id = &task.configuration;
            if metadata.credential_configurations_supported.contains_key(id) {
                continue;
            }
            if let Some(described) = before.credential_configurations_supported.get(id) {
                metadata.credential_configurations_supported.insert(id.clone(), described.clone());
            }
            gone.push(id.clone());
        }
        if metadata.deferred_credential_endpoint.is_none() {
            metadata.deferred_credential_endpoint.clone_from(&before.deferred_credential_endpoint);
        }
        gone
    }

    /// The issuer said that it does not know what was asked for: its metadata is read again, to see
    /// what has changed. Gives the error that the request ends with, or nothing where it is another
    /// request now that is worth to be sent.
    pub(super) async fn after_unknown(&mut self, task: usize, error: Error) -> Option<Error> {
        if error.server_error().is_some_and(|said| said.error == "unknown_credential_identifier") {
            // That name came with the token: only another token brings another one.
            self.forget_metadata();
            return Some(error.advise(self.begin_again()));
        }
        let asked = self.session.issuer.credential_endpoint.clone();
        let gone = match self.refetch_metadata().await {
            Ok(gone) => gone,
            Err(problem) => {
                tracing::warn!(target: "billfold::issuance", "the issuer's metadata could not be read again: {problem}");
                return Some(error);
            }
        };
        if gone.contains(&self.tasks()[task].configuration) {
            return Some(error.advise(Advice::GetNewOffer));
        }
        // The same request once more would have the same answer.
        (self.session.issuer.credential_endpoint == asked).then_some(error)
    }

    /// How a user comes to another token.
    pub(super) fn begin_again(&self) -> Advice {
        let grants = &self.session.offer.grants;
        if grants.authorization_code.is_none() && grants.pre_authorized_code.is_some() {
            Advice::GetNewOffer
        } else {
            Advice::StartOver
        }
    }
}
