//! From an access token to credentials: one request a task, one after another.

use super::authorizing::create_keys;
use super::encrypting::stays_open;
use super::forms::is_about_form;
use super::{Live, Step, step_of};
use crate::authorizations;
use crate::channel::Shows;
use crate::dialect::form::RequestForm;
use crate::dialect::write::Selector;
use crate::dialect::{Dialects, ReadCredential, Tolerance};
use crate::error::{Advice, Error, ErrorCode, ErrorKind, Operation, RequestOutcome, Result};
use crate::model::credential::CredentialResponse;
use crate::model::ids::ConfigurationId;
use crate::model::secret::Secret;
use crate::platform::http::HttpResponse;
use crate::protocol::client_auth::ClientState;
use crate::protocol::credential;
use crate::protocol::encryption::AnswerKey;
use crate::session::{Event, Stage, Task, TaskState};

impl Live<'_> {
    pub(super) fn tasks(&self) -> &[Task] {
        match &self.session.stage {
            Stage::Credentials { tasks, .. } => tasks,
            _ => &[],
        }
    }

    /// Moves the next task one step on; gives the step when all that is left has to wait.
    pub(super) async fn next_credential(&mut self) -> Result<Option<Step>> {
        let began = self.began;
        let is_next = |task: &Task| match &task.state {
            TaskState::Due | TaskState::InFlight | TaskState::Received { .. } => true,
            TaskState::Deferred { until, .. } => *until <= began,
            TaskState::Stored { .. } | TaskState::Failed { .. } => false,
        };
        let mut tasks = self.tasks().iter().enumerate();
        let next = tasks.find(|(at, task)| is_next(task) && !self.stuck.contains(at)).map(|(at, _)| at);
        let Some(task) = next else {
            return self.stuck_by.take().map_or_else(|| step_of(&self.session).map(Some), Err);
        };
        let deferred = |task: &Task| matches!(task.state, TaskState::Deferred { .. });
        let done = match &self.tasks()[task].state {
            TaskState::Received { .. } => self.store_received(task).await,
            TaskState::Deferred { .. } => self.request_deferred(task).await,
            _ => self.request_credential(task).await,
        };
        match done {
            Ok(()) => {}
            Err(error) if holds_up_one(&error) => {
                self.stuck.push(task);
                self.stuck_by.get_or_insert(error);
            }
            // What is not deferred is asked for somewhere else.
            Err(error) if error.kind() == ErrorKind::Network && deferred(&self.tasks()[task]) => {
                let those = self.tasks().iter().enumerate().filter(|(_, task)| deferred(task)).map(|(at, _)| at);
                let those: Vec<_> = those.collect();
                self.stuck.extend(those);
                self.stuck_by.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
        Ok(None)
    }

    /// Sends a credential request; once more with a fresh nonce, if the issuer did not like the
    /// first one's, once more with its newest keys, if it did not like how it was encrypted, and in another form,
    /// if it did not understand the first.
    async fn request_credential(&mut self, task: usize) -> Result<()> {
        self.make_missing_keys(task).await?;
        let mut may_retry = self.tasks()[task].plan.is_some();
        let mut form = self.first_form(task);
        let mut tried = vec![form];
        // Requests without a proof that there should have been.
        let mut spent = 0;
        // What the issuer said of the form that it should have understood.
        let mut first_refusal: Option<Error> = None;
        let mut may_refetch = true;
        let mut may_encrypt_anew = true;
        let mut may_renew = true;
        if self.has_ended_token() {
            may_renew = false;
            if let Err(error) = self.renew_token().await {
                return self.request_failed(task, error).await;
            }
        }
        loop {
            let before = self.kept_nonce();
            let error = match self.send_credential_request(task, form).await {
                Ok(answer) => {
                    self.form_taken(task, form, tried.len() + spent > 1);
                    self.take_answer(task, answer, Operation::Credential).await?;
                    self.remember_issuer().await;
                    return Ok(());
                }
                Err(error) => error,
            };
            if tried.len() == 1
                && spent == 0
                && let Some(plan) = self.assumed_proof(task, &error)
            {
                first_refusal.get_or_insert(error);
                self.note(Event::ProofPlanned { task, plan })?;
                self.note(Event::CredentialDue { task })?;
                self.make_missing_keys(task).await?;
                // Who forgets to list it may have forgotten more: the form that has it all comes first.
                (may_retry, form, spent) = (true, RequestForm::WHOLE, 1);
                tried = vec![form];
                continue;
            }
            if let Some(next) = self.next_form(task, &tried, spent, &error) {
                first_refusal.get_or_insert(error);
                tried.push(next);
                form = next;
                self.note(Event::CredentialDue { task })?;
                continue;
            }
            // Where no form would do, the first one's refusal says most.
            let about_form = is_about_form(&error);
            let error = first_refusal.take_if(|_| about_form).unwrap_or(error);
            match error {
                error
                    if may_retry
                        && matches!(error.code(), ErrorCode::NonceRefused | ErrorCode::ProofRefused)
                        && self.has_other_nonce(before.as_ref()) =>
                {
                    may_retry = false;
                    self.note(Event::CredentialDue { task })?;
                }
                error if may_refetch && error.code() == ErrorCode::ConfigurationRefused => {
                    may_refetch = false;
                    if let Some(error) = self.after_unknown(task, error).await {
                        return self.request_failed(task, error).await;
                    }
                    form = self.first_form(task);
                    self.note(Event::CredentialDue { task })?;
                }
                error if may_renew && self.mends_by_renewal(&error) => {
                    may_renew = false;
                    self.note(Event::CredentialDue { task })?;
                    if let Err(error) = self.renew_token().await {
                        return self.request_failed(task, error).await;
                    }
                }
                error if may_encrypt_anew && error.code() == ErrorCode::EncryptionRefused => {
                    may_encrypt_anew = false;
                    self.note(Event::CredentialDue { task })?;
                    if let Err(error) = self.renew_encryption(error).await {
                        return self.request_failed(task, error).await;
                    }
                }
                error => return self.request_failed(task, error).await,
            }
        }
    }

    /// Whether another proof would have another nonce than the one before.
    fn has_other_nonce(&self, before: Option<&Secret>) -> bool {
        let text = |nonce: &Secret| nonce.expose().to_owned();
        self.session.issuer.nonce_endpoint.is_some()
            || self.kept_nonce().is_some_and(|now| Some(text(&now)) != before.map(text))
    }

    /// Keys are made ahead, beside the token request; where that failed, or the token named more
    /// datasets than configurations, they are made now.
    async fn make_missing_keys(&mut self, task: usize) -> Result<()> {
        let wanted = &self.tasks()[task];
        let Some(plan) = wanted.plan.filter(|_| wanted.keys.is_empty()) else { return Ok(()) };
        let count = usize::try_from(wanted.copies).expect("copies fit in memory");
        let keys = create_keys(&*self.wallet.keys, plan.algorithm, count).await?;
        self.record(Event::KeysMade { task, keys }).await
    }

    async fn send_credential_request(&mut self, task: usize, form: RequestForm) -> Result<ReadCredential> {
        let encryption = self.encryption()?;
        let proofs = self.proofs(task).await?;
        self.note_form(task, form);
        self.note_encryption(&encryption);
        let keeps_nonce = self.session.issuer.nonce_endpoint.is_none();
        self.record(Event::CredentialSent { task, keeps_nonce }).await?;
        let Stage::Credentials { token, tasks, .. } = &self.session.stage else { unreachable!("it was sent") };
        let id = &tasks[task].configuration;
        let selector = if let Some(identifier) = &tasks[task].identifier {
            Selector::Identifier(identifier)
        } else {
            let spelling = self.session.quirks.spellings.get(id);
            Selector::of(form.selector, id, self.configuration(task), spelling)
        };
        let url = &self.session.issuer.credential_endpoint;
        let (request, key) = credential::request(url, selector, &proofs, form.proof, &encryption)?;
        let operation = Operation::Credential;
        self.fetch_type_ahead(task).await;
        let channel = self.channel();
        let answer = self.ahead.beside(channel.send(operation, url, request, Shows::Token(token))).await?;
        self.read(&answer, key, operation)
    }

    pub(super) fn read(
        &mut self,
        answer: &HttpResponse,
        key: AnswerKey,
        operation: Operation,
    ) -> Result<ReadCredential> {
        let dialects = self.dialects();
        let read = self.read_as(answer, key, operation, dialects);
        let failed_by_status = |error: &Error| error.http_status().is_some_and(|status| status >= 500);
        let mut nonce = None;
        match &read {
            Ok(read) => {
                self.session.tolerated.extend(&read.tolerated);
                nonce.clone_from(&read.c_nonce);
            }
            Err(error) => {
                if error.code() != ErrorCode::ServerFailed && failed_by_status(error) {
                    self.session.tolerated.insert(Tolerance::ErrorWithServerStatus);
                }
                if dialects == Dialects::Any {
                    nonce = credential::nonce(answer);
                }
            }
        }
        if let Some(nonce) = nonce.filter(|_| self.session.issuer.nonce_endpoint.is_none()) {
            self.session.tolerated.insert(Tolerance::NonceInAnswer);
            self.note(Event::NonceReceived { nonce })?;
        }
        read
    }

    fn read_as(
        &self,
        answer: &HttpResponse,
        key: AnswerKey,
        operation: Operation,
        dialects: Dialects,
    ) -> Result<ReadCredential> {
        let url = match operation {
            Operation::DeferredCredential => self.session.issuer.deferred_credential_endpoint.as_ref(),
            _ => Some(&self.session.issuer.credential_endpoint),
        };
        credential::response(answer, key, operation, dialects).map_err(|error| match url {
            Some(url) => error.endpoint(url),
            None => error,
        })
    }

    /// Whether the token has ended by its own word, and there is something to renew it with.
    pub(super) fn has_ended_token(&self) -> bool {
        let Stage::Credentials { token, .. } = &self.session.stage else { return false };
        self.can_renew() && token.expires_at.is_some_and(|at| at <= self.wallet.clock.now())
    }

    /// Whether a new token of the same grant may be taken where this one was not.
    pub(super) fn mends_by_renewal(&self, error: &Error) -> bool {
        error.code() == ErrorCode::TokenRefused && !error.is_about_scope() && self.can_renew()
    }

    fn can_renew(&self) -> bool {
        let Stage::Credentials { token, .. } = &self.session.stage else { return false };
        token.refresh_token.is_some() && self.session.authorization.is_some()
    }

    /// Gets a new token for the session.
    pub(super) async fn renew_token(&mut self) -> Result<()> {
        let Stage::Credentials { token, .. } = &self.session.stage else { unreachable!("it has a token") };
        let id = self.session.authorization.clone().expect("only a token that is kept is renewed");
        let token = authorizations::renew(self.wallet, &id, token, &self.log).await?;
        self.record(Event::TokenRenewed { token }).await
    }

    /// Writes an answer down before anything is done with it.
    pub(super) async fn take_answer(
        &mut self,
        task: usize,
        answer: ReadCredential,
        operation: Operation,
    ) -> Result<()> {
        let deferral = answer.deferral;
        match answer.response {
            CredentialResponse::Issued { credentials, notification_id, credential_metadata } => {
                let received = Event::CredentialsReceived { task, credentials, notification_id, credential_metadata };
                self.record(received).await
            }
            CredentialResponse::Deferred { transaction_id, interval } => {
                self.put_off(task, transaction_id, interval, deferral, operation).await
            }
        }
    }

    async fn request_failed(&mut self, task: usize, error: Error) -> Result<()> {
        // Keys and nonces that were not to be had are no verdict of the issuer's.
        let ours = matches!(error.operation(), Some(Operation::Proof | Operation::Nonce | Operation::Store));
        if ours {
            return Err(error);
        }
        let renews = self.session.replaces.is_some();
        if renews && matches!(error.code(), ErrorCode::ReauthorizationRequired | ErrorCode::TokenRefused) {
            return Err(self.authorization_ended(error).await?);
        }
        if may_repeat(&error) {
            // The protocol allows to repeat a credential request, with a fresh nonce; when, is for
            // the app to say.
            self.record(Event::CredentialDue { task }).await?;
            return Err(error);
        }
        if stays_open(&error) || is_unfinished_renewal(&error) {
            self.record(Event::CredentialDue { task }).await?;
            return Err(error);
        }
        self.task_failed(task, error).await
    }

    /// A credential can't be renewed with the tokens that are there: the user has to agree again.
    async fn authorization_ended(&mut self, cause: Error) -> Result<Error> {
        let keys = self.tasks().iter().flat_map(|task| &task.keys).map(|key| key.handle.clone()).collect();
        // What the next yes makes is kept as an authorization of its own.
        self.session.authorization = None;
        self.session.client = ClientState::default();
        self.record(Event::AuthorizationEnded).await?;
        self.wallet.delete_keys(keys).await;
        if cause.code() == ErrorCode::ReauthorizationRequired {
            return Ok(cause);
        }
        let error = Error::new(ErrorCode::ReauthorizationRequired, "the token is not accepted any more");
        Ok(error.at(Operation::Credential).caused_by(cause))
    }

    /// The token is not for these configurations: they are not asked for.
    pub(super) async fn not_authorized(&mut self, left_out: &[ConfigurationId]) -> Result<()> {
        let tasks = self.tasks().iter().enumerate();
        let due: Vec<_> = tasks
            .filter(|(_, task)| left_out.contains(&task.configuration) && !task.state.is_final())
            .map(|(at, task)| (at, task.configuration.clone()))
            .collect();
        for (task, id) in due {
            let detail = format!("the token is not for `{id}`: its scope leaves that out");
            let error = Error::new(ErrorCode::TokenRefused, detail).at(Operation::Token);
            self.task_failed(task, error.outcome_is(RequestOutcome::Answered)).await?;
        }
        Ok(())
    }

    /// A task came to nothing; the others go on.
    pub(super) async fn task_failed(&mut self, task: usize, error: Error) -> Result<()> {
        // An offer's code is spent by now.
        let error = if error.advice() == Advice::StartOver { error.advise(self.begin_again()) } else { error };
        let keys = self.tasks()[task].keys.iter().map(|key| key.handle.clone()).collect();
        let (code, detail, told) = (error.code(), error.detail().to_owned(), error.remember());
        self.record(Event::TaskFailed { task, code, detail, told, quarantined: None }).await?;
        self.failed.get_or_insert(error);
        self.wallet.delete_keys(keys).await;
        Ok(())
    }
}

/// Whether the others may well be had: the issuer answered, and what it has against this one may be about this
/// one only.
fn holds_up_one(error: &Error) -> bool {
    let failed = error.code() == ErrorCode::ServerFailed && error.http_status() != Some(429);
    let asked = matches!(error.operation(), Some(Operation::Credential | Operation::DeferredCredential));
    is_the_providers(error) || (asked && (failed || stays_open(error)))
}

/// Whether the wallet provider did not help with a proof.
fn is_the_providers(error: &Error) -> bool {
    use ErrorCode::{AttestationUnusable, ProviderRefused, ProviderUnavailable};
    error.operation() == Some(Operation::Proof)
        && matches!(error.code(), AttestationUnusable | ProviderRefused | ProviderUnavailable)
}

/// Whether the failure is one of the way, not of the request.
pub(super) fn may_repeat(error: &Error) -> bool {
    use ErrorCode::{DpopRefused, EncryptionRequired, EncryptionUnavailable, ReauthorizationRequired, ServerFailed};
    let settled = matches!(error.code(), ReauthorizationRequired | EncryptionRequired | EncryptionUnavailable);
    (matches!(error.outcome(), RequestOutcome::NotSent | RequestOutcome::Unknown) && !settled)
        || matches!(error.code(), ServerFailed | DpopRefused)
}

/// Whether a token could not be renewed, and the server did not say that it never will: the answer can't be
/// used, or it did not take the client.
pub(super) fn is_unfinished_renewal(error: &Error) -> bool {
    use ErrorCode::{
        AttestationRefused, ClientRefused, RedirectRefused, ResponseMalformed, ResponseTooLarge, TokenPending,
        TokenUnbound, WrongContentType,
    };
    matches!(error.operation(), Some(Operation::Token | Operation::ClientAttestation))
        && matches!(
            error.code(),
            AttestationRefused
                | ClientRefused
                | RedirectRefused
                | ResponseMalformed
                | ResponseTooLarge
                | TokenPending
                | TokenUnbound
                | WrongContentType
        )
}
