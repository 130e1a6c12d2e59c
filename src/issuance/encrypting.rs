//! What of the credential requests is encrypted, and what becomes of it when the issuer does not like it.

use super::Live;
use super::requesting::may_repeat;
use crate::dialect::{Dialects, EncryptionForm, Tolerance};
use crate::error::{Advice, Error, ErrorCode, Result};
use crate::protocol::encryption::{self, Encryption, EncryptionPlan};
use crate::session::{Event, Stage};

impl Live<'_> {
    pub(super) fn wanted_encryption(&self) -> Encryption {
        match &self.session.stage {
            Stage::Credentials { encryption, .. } => *encryption,
            _ => Encryption::Auto,
        }
    }

    /// How an encrypted answer is asked for: where nothing is put up with, as 1.0 has it.
    pub(super) fn encryption_form(&self) -> EncryptionForm {
        match self.dialects() {
            Dialects::Strict => EncryptionForm::InKey,
            Dialects::Any => self.session.quirks.encryption,
        }
    }

    /// What of the next request and its answer is encrypted.
    pub(super) fn encryption(&self) -> Result<EncryptionPlan> {
        encryption::plan(&self.session.issuer, self.wanted_encryption(), self.encryption_form())
    }

    /// Notes what asking for an encrypted answer puts up with.
    pub(super) fn note_encryption(&mut self, plan: &EncryptionPlan) {
        if plan.encrypts_answers() && self.encryption_form() != EncryptionForm::InKey {
            self.session.tolerated.extend([Tolerance::AlgBesideKey, Tolerance::PlainEncryptionRequest]);
        }
    }

    /// The issuer did not accept how a request was encrypted, or that it was not: a fresh look at what it
    /// says of encryption. An error if another try makes no sense.
    pub(super) async fn renew_encryption(&mut self, refusal: Error) -> Result<()> {
        let wanted = self.wanted_encryption();
        if wanted == Encryption::Never {
            return Err(refusal.advise(Advice::FixSetup));
        }
        let was_encrypted = self.encryption()?.encrypts();
        match self.refetch_metadata().await {
            Ok(_) => {}
            // Without the metadata nothing is settled yet.
            Err(error) if may_repeat(&error) => return Err(error),
            Err(problem) => {
                tracing::warn!(target: "billfold::issuance", "the issuer's metadata could not be read again: {problem}");
                return Err(refusal);
            }
        }
        // What did not do as a plain request is encrypted, also where the metadata does not ask for it.
        let encryption = if was_encrypted { wanted } else { Encryption::Always };
        match encryption::plan(&self.session.issuer, encryption, self.encryption_form()) {
            Ok(_) => self.record(Event::EncryptionRenewed { encryption }).await,
            Err(_) => Err(refusal),
        }
    }
}

/// Whether it was encryption that stood between the request and a usable answer, and nothing was said about
/// the credential itself: it can still be had, once the issuer has mended what was wrong.
pub(super) fn stays_open(error: &Error) -> bool {
    match error.code() {
        ErrorCode::ResponseNotEncrypted | ErrorCode::DecryptionFailed => true,
        // Not where the app's own wish is in the way, which nobody can change any more.
        ErrorCode::EncryptionRefused => error.advice() == Advice::TellIssuer,
        _ => false,
    }
}
