//! Credentials that the issuer has put off: when to ask for them again, and how.

use super::Live;
use super::encrypting::stays_open;
use super::requesting::{is_unfinished_renewal, may_repeat};
use crate::channel::Shows;
use crate::dialect::{Deferral, ReadCredential, Tolerance, Tolerated};
use crate::error::{Error, ErrorCode, Operation, RequestOutcome, Result};
use crate::model::credential::CredentialResponse;
use crate::model::ids::TransactionId;
use crate::model::token::Token;
use crate::protocol::credential;
use crate::protocol::encryption::AnswerKey;
use crate::session::{Event, Stage, TaskState};

impl Live<'_> {
    /// Asks again for a deferred credential; twice, if the issuer did not like how it was encrypted.
    pub(super) async fn request_deferred(&mut self, task: usize) -> Result<()> {
        let operation = Operation::DeferredCredential;
        let mut may_encrypt_anew = true;
        let mut may_renew = true;
        if self.has_ended_token() {
            may_renew = false;
            if let Err(error) = self.renew_token().await {
                return self.deferral_failed(task, error).await;
            }
        }
        loop {
            let error = match self.send_deferred_request(task).await {
                Ok(answer) => return self.take_answer(task, answer, operation).await,
                Err(error) => error,
            };
            let mended = match error.code() {
                ErrorCode::TokenRefused if may_renew && self.mends_by_renewal(&error) => {
                    may_renew = false;
                    self.renew_token().await
                }
                ErrorCode::EncryptionRefused if may_encrypt_anew => {
                    may_encrypt_anew = false;
                    self.renew_encryption(error).await
                }
                ErrorCode::TransactionRefused => self.ask_by_the_other_id(task).ok_or(error),
                _ => Err(error),
            };
            if let Err(error) = mended {
                return self.deferral_failed(task, error).await;
            }
        }
    }

    async fn deferral_failed(&mut self, task: usize, error: Error) -> Result<()> {
        if may_repeat(&error) {
            // Asking again for a deferred credential is what the endpoint is for, with growing pauses.
            let TaskState::Deferred { transaction_id, by, until, other, asked } = self.tasks()[task].state.clone()
            else {
                unreachable!("it is deferred")
            };
            let asked = asked.saturating_add(1);
            let until = if asked > PATIENT_ASKS {
                self.wallet.clock.now() + wait_after(asked, FAILED_PAUSE_SECONDS)
            } else {
                until
            };
            self.record(Event::CredentialDeferred { task, transaction_id, by, until, other, asked }).await?;
            return Err(error);
        }
        if stays_open(&error) || is_unfinished_renewal(&error) {
            return Err(error);
        }
        self.task_failed(task, error).await
    }

    /// Goes on with the id that the issuer named beside the first, if it did.
    fn ask_by_the_other_id(&mut self, task: usize) -> Option<()> {
        let TaskState::Deferred { by, other, until, asked, .. } = &self.tasks()[task].state else { return None };
        let (transaction_id, by, until, asked) = (other.clone()?, *by, *until, *asked);
        self.note(Event::CredentialDeferred { task, transaction_id, by, until, other: None, asked }).ok()
    }

    async fn send_deferred_request(&mut self, task: usize) -> Result<ReadCredential> {
        let encryption = self.encryption()?;
        let Stage::Credentials { token, tasks, .. } = &self.session.stage else { unreachable!("it has tasks") };
        let TaskState::Deferred { transaction_id, by, .. } = &tasks[task].state else { unreachable!("it is deferred") };
        let operation = Operation::DeferredCredential;
        let url = self.session.issuer.deferred_credential_endpoint.as_ref();
        let url = url.expect("an answer is taken for deferred only where there is an endpoint");
        let (transaction_id, deferral) = (transaction_id.clone(), *by);
        let acceptance;
        let (request, key, token) = match deferral {
            Deferral::TransactionId => {
                let (request, key) = credential::deferred_request(url, &transaction_id, &encryption)?;
                (request, key, token)
            }
            Deferral::AcceptanceToken => {
                acceptance = Token::standing_for(&transaction_id);
                (credential::acceptance_request(url)?, AnswerKey::none(), &acceptance)
            }
        };
        let answer = self.channel().send(operation, url, request, Shows::Token(token)).await?;
        if let Some(interval) = credential::still_pending(&answer, self.dialects()) {
            self.session.tolerated.insert(Tolerance::PendingError);
            let response = CredentialResponse::Deferred { transaction_id, interval };
            return Ok(ReadCredential { response, c_nonce: None, deferral, tolerated: Tolerated::new() });
        }
        self.read(&answer, key, operation)
    }

    /// Takes an answer that puts the credential off.
    pub(super) async fn put_off(
        &mut self,
        task: usize,
        transaction_id: TransactionId,
        interval: u64,
        deferral: Deferral,
        operation: Operation,
    ) -> Result<()> {
        if self.session.issuer.deferred_credential_endpoint.is_none() {
            let error = Error::new(
                ErrorCode::ResponseMalformed,
                "the issuer deferred the credential and has no endpoint to get it from",
            );
            let error = error.at(operation).outcome_is(RequestOutcome::Answered);
            return self.task_failed(task, error).await;
        }
        self.session.quirks.deferral = deferral;
        let asked = match &self.tasks()[task].state {
            TaskState::Deferred { asked, .. } => asked.saturating_add(1),
            _ => 0,
        };
        let interval = i64::try_from(interval).unwrap_or(i64::MAX).min(LONGEST_WAIT_SECONDS);
        let wait = wait_after(asked, interval);
        let until = self.wallet.clock.now() + wait;
        // The id stays the same (OpenID4VCI section 9.2). One that changed is kept beside the first.
        let (transaction_id, other) = match &self.tasks()[task].state {
            // A token is for one try, and is no id.
            _ if deferral == Deferral::AcceptanceToken => (transaction_id, None),
            TaskState::Deferred { by, .. } if *by != deferral => (transaction_id, None),
            TaskState::Deferred { transaction_id: first, .. } if *first != transaction_id => {
                let issuer = &self.session.issuer.credential_issuer;
                tracing::warn!(target: "billfold::issuance", %issuer, "the issuer changed a transaction id");
                (first.clone(), Some(transaction_id))
            }
            TaskState::Deferred { other, .. } => (transaction_id, other.clone()),
            _ => (transaction_id, None),
        };
        self.record(Event::CredentialDeferred { task, transaction_id, by: deferral, until, other, asked }).await
    }
}

/// How often a deferred credential is asked for in vain before the pauses grow.
const PATIENT_ASKS: u32 = 3;
/// The pause that grows where no answer says how long to wait.
const FAILED_PAUSE_SECONDS: i64 = 5;
/// The longest that a pause grows to, unless the issuer itself asks for more.
const LONGEST_PAUSE_SECONDS: i64 = 3600;

/// How many seconds to leave a deferred credential alone: what the issuer asks for, and twice as long each
/// time once it was asked for in vain often enough.
fn wait_after(asked: u32, interval: i64) -> i64 {
    let doublings = asked.saturating_sub(PATIENT_ASKS).min(20);
    interval.saturating_mul(1 << doublings).min(LONGEST_PAUSE_SECONDS.max(interval))
}

/// The longest that a deferred credential is left alone, whatever the issuer says: a year.
const LONGEST_WAIT_SECONDS: i64 = 365 * 24 * 3600;

#[cfg(test)]
mod tests {
    use super::*;

    // covers: DEFER-02
    #[test]
    fn pauses_grow_and_are_never_shorter_than_the_issuer_asks() {
        let waits: Vec<_> = (0..8).map(|asked| wait_after(asked, 5)).collect();
        assert_eq!(waits, [5, 5, 5, 5, 10, 20, 40, 80]);
        assert_eq!(wait_after(u32::MAX, 5), 3600);
        assert_eq!(wait_after(9, 86_400), 86_400);
        assert_eq!(wait_after(9, LONGEST_WAIT_SECONDS), LONGEST_WAIT_SECONDS);
    }
}
