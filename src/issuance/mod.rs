//! A live issuance: takes the user's answers, drives the protocol as far as it can go, and says
//! what comes next.
//!
//! [`Issuance`] holds no state of its own. Every call loads the session from the store, and every
//! step is written back before the next request leaves, so that a process which dies anywhere can
//! be followed by another.

mod accepting;
mod authorizing;
pub(crate) mod client;
mod deferring;
pub(crate) mod discovery;
mod encrypting;
mod forms;
mod offer_summary;
mod proving;
mod refetching;
pub(crate) mod renewing;
mod requesting;
pub(crate) mod storing;
mod terms;
mod typing;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use url::Url;

pub use accepting::AcceptOptions;
pub use offer_summary::{OfferSummary, OfferedCredential};
pub use terms::{CredentialTerms, ProofTerms, Terms};

use crate::authorizations::Authorization;
use crate::dialect::explain::{self, DialectReport};
use crate::dialect::{Dialects, StateEcho, Tolerance};
use crate::error::{Error, ErrorCode, ErrorKind, Operation, Result};
use crate::model::credential::HolderKey;
use crate::model::ids::{ConfigurationId, CredentialId, KeyHandle, SessionId};
use crate::model::offer::TxCode;
use crate::model::time::Timestamp;
use crate::outbox;
use crate::platform::store::{Change, Expected, Table};
use crate::protocol::authorization;
use crate::protocol::token::TokenGrant;
use crate::session::{EndedTask, Ending, Event, MAX_TX_CODE_ATTEMPTS, Session, Stage, TaskState};
use crate::setup::{Gate, Setup};
use crate::transcript::Transcript;
use crate::wire::Log;

/// What an issuance waits for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Step {
    /// The user has to look at the offer: [`Issuance::accept`] or [`Issuance::decline`].
    Review,
    /// The user has to type the transaction code: [`Issuance::submit_code`].
    EnterCode(CodeHint),
    /// The user has to sign in: open the address in the system's browser, and hand the redirect to
    /// [`Issuance::submit_redirect`].
    SignIn {
        /// The address.
        url: Url,
    },
    /// The issuer needs time: [`Issuance::poll`], not before this.
    Wait {
        /// When to ask again.
        until: Timestamp,
    },
    /// A request failed or the process ended on the way: [`Issuance::proceed`].
    Interrupted,
    /// It is over, and at least one credential is usable.
    Done {
        /// The usable credentials.
        credentials: Vec<CredentialId>,
        /// What did not work out.
        failures: Vec<Failure>,
    },
}

impl Step {
    /// The name in JSON and logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Review => "review",
            Self::EnterCode(_) => "enter_code",
            Self::SignIn { .. } => "sign_in",
            Self::Wait { .. } => "wait",
            Self::Interrupted => "interrupted",
            Self::Done { .. } => "done",
        }
    }
}

/// What to tell the user who has to type a transaction code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeHint {
    /// What the issuer said about it.
    pub tx_code: TxCode,
    /// Whether one was refused already.
    pub refused: bool,
    /// How many more may be tried.
    pub attempts_left: u32,
}

/// A credential that was asked for and is not usable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// As what it was asked for.
    pub configuration: ConfigurationId,
    /// What went wrong.
    pub code: ErrorCode,
    /// In a sentence, for developers.
    pub detail: String,
    /// Where it is kept, if it was received and did not pass its checks.
    pub quarantined: Option<CredentialId>,
}

/// One issuance, from the offer to the stored credential.
///
/// Calls on one issuance run one after another, through whichever handle of the wallet. A call whose future
/// is dropped may leave the session [`Step::Interrupted`]; nothing that was received is lost.
pub struct Issuance {
    wallet: Arc<Setup>,
    id: SessionId,
    offer: OfferSummary,
    gate: Arc<Gate>,
}

/// A session with its place in the store, for the length of one call.
struct Live<'a> {
    wallet: &'a Setup,
    session: Session,
    revision: u64,
    log: Arc<Log>,
    /// When the call began. A credential that is deferred during a call is asked for in a later one.
    began: Timestamp,
    /// The first failure of a credential request in this call, whole: the session keeps only its
    /// code and detail.
    failed: Option<Error>,
    /// Tasks that this call can't go on with, for a reason that the others need not share.
    stuck: Vec<usize>,
    /// The first reason of these.
    stuck_by: Option<Error>,
    /// What is fetched about a type while its credential is asked for.
    ahead: typing::Ahead<'a>,
}

impl Live<'_> {
    /// Lets an event happen, and writes the session with it.
    async fn record(&mut self, event: Event) -> Result<()> {
        self.record_with(event, Vec::new()).await
    }

    /// The same, in one transaction with other changes.
    async fn record_with(&mut self, event: Event, mut changes: Vec<Change>) -> Result<()> {
        let received = event.is_received();
        let mut next = self.session.after(event, self.wallet.clock.now())?;
        next.transcript = self.log.transcript();
        changes.push(put_session(&next, Expected::Revision(self.revision)));
        if received {
            self.wallet.commit_received(next.id.as_str(), changes).await?;
        } else {
            self.wallet.store.commit(changes).await?;
        }
        self.session = next;
        self.revision += 1;
        Ok(())
    }

    /// Lets an event happen in memory; the next write takes it along.
    fn note(&mut self, event: Event) -> Result<()> {
        self.session = self.session.after(event, self.wallet.clock.now())?;
        Ok(())
    }
}

fn put_session(session: &Session, expected: Expected) -> Change {
    Change::Put { table: Table::Sessions, id: session.id.to_string(), content: session.to_bytes(), expected }
}

impl Issuance {
    /// Writes a new session and gives its handle.
    pub(crate) async fn create(wallet: Arc<Setup>, session: Session) -> Result<Self> {
        wallet.store.commit(vec![put_session(&session, Expected::Nothing)]).await?;
        Ok(Self::over(wallet, &session))
    }

    /// The handle of a stored session.
    pub(crate) async fn load(wallet: Arc<Setup>, id: &SessionId) -> Result<Self> {
        let (session, _) = read_session(&wallet, id).await?;
        Ok(Self::over(wallet, &session))
    }

    fn over(wallet: Arc<Setup>, session: &Session) -> Self {
        let offer = OfferSummary::of(session, wallet.locale.as_deref());
        let gate = wallet.gates.of(&session.id);
        Self { wallet, id: session.id.clone(), offer, gate }
    }

    /// Its name, for [`Wallet::resume`](crate::Wallet::resume).
    pub fn id(&self) -> &SessionId {
        &self.id
    }

    /// What is offered, for the user to look at.
    pub fn offer(&self) -> &OfferSummary {
        &self.offer
    }

    /// What it waits for.
    pub async fn step(&self) -> Result<Step> {
        let (session, _) = read_session(&self.wallet, &self.id).await?;
        step_of(&session)
    }

    /// In what the issuer departs from OpenID4VCI 1.0, as far as it showed; empty from one that is by the book. For
    /// integrators, who may want to know before the issuer mends its ways.
    pub async fn tolerated(&self) -> Result<Vec<Tolerance>> {
        Ok(read_session(&self.wallet, &self.id).await?.0.tolerated.into_iter().collect())
    }

    /// How the issuer is spoken to, and why: for integrators.
    pub async fn dialect(&self) -> Result<DialectReport> {
        let (session, _) = read_session(&self.wallet, &self.id).await?;
        Ok(explain::report(&session.quirks, session.issuer.nonce_endpoint.is_some(), &session.tolerated))
    }

    /// Every request and answer so far, without secrets.
    pub async fn transcript(&self) -> Result<Transcript> {
        Ok(read_session(&self.wallet, &self.id).await?.0.transcript)
    }

    /// The user said yes: asks for all that is offered.
    ///
    /// In [`Step::SignIn`] it begins the sign-in anew, for a user who lost it: an authorization
    /// server shows a page once. A redirect of the older sign-in is not accepted any more.
    pub async fn accept(&self) -> Result<Step> {
        self.accept_with(AcceptOptions::default()).await
    }

    /// The user said yes, with wishes.
    pub async fn accept_with(&self, options: AcceptOptions) -> Result<Step> {
        self.call(async |live| {
            live.accept(&options).await?;
            live.run().await
        })
        .await
    }

    /// The user typed the transaction code.
    ///
    /// [`ErrorCode::TxCodeRefused`]: ask again; [`ErrorCode::GrantRefused`]: the offer is dead.
    pub async fn submit_code(&self, tx_code: &str) -> Result<Step> {
        let tx_code = tx_code.trim();
        self.call(async |live| {
            let event = live.submit_code(tx_code)?;
            live.record(event).await?;
            live.run().await
        })
        .await
    }

    /// The user came back from the authorization server, to this address.
    ///
    /// A redirect that does not belong here (wrong `state`, wrong `iss`) changes nothing: the right
    /// one may still come.
    pub async fn submit_redirect(&self, redirect_url: &str) -> Result<Step> {
        self.call(async |live| {
            live.submit_redirect(redirect_url).await?;
            live.run().await
        })
        .await
    }

    /// Goes on after a retryable error, or after a restart. In a step that waits for the user it
    /// just gives that step.
    pub async fn proceed(&self) -> Result<Step> {
        self.call(async |live| live.run().await).await
    }

    /// Asks again for a deferred credential, if it is time.
    pub async fn poll(&self) -> Result<Step> {
        self.proceed().await
    }

    /// The user said no. Nothing was spent, and nothing is kept of it.
    pub async fn decline(&self) -> Result<()> {
        self.call(async |live| {
            if !matches!(live.session.stage, Stage::Review) {
                return Err(Error::new(
                    ErrorCode::WrongStep,
                    format!("`decline` does not fit the step `{}`: use `cancel`", live.session.stage.name()),
                ));
            }
            let change = Change::Remove { table: Table::Sessions, id: live.session.id.to_string() };
            live.wallet.store.commit(vec![change]).await?;
            live.wallet.delete_keys(live.unused_client_keys()).await;
            Ok(())
        })
        .await
    }

    /// Gives up, at any step before the end. Keys that were made for it are deleted; credentials
    /// that are stored stay.
    pub async fn cancel(&self) -> Result<()> {
        self.call(async |live| live.end().await).await
    }

    /// Runs a call on the stored session, and tells its errors which session they belong to.
    async fn call<T>(&self, run: impl AsyncFnOnce(&mut Live<'_>) -> Result<T>) -> Result<T> {
        let _one_at_a_time = self.gate.lock().await;
        self.wallet.write_the_rest(self.id.as_str()).await?;
        let (mut session, revision) = read_session(&self.wallet, &self.id).await?;
        adopt_newer_token(&self.wallet, &mut session).await?;
        let log = Arc::new(Log::new(session.transcript.clone()));
        let began = self.wallet.clock.now();
        let ended = matches!(session.stage, Stage::Ended(_));
        let mut live = Live {
            wallet: &self.wallet,
            session,
            revision,
            log,
            began,
            failed: None,
            stuck: Vec::new(),
            stuck_by: None,
            ahead: typing::Ahead::default(),
        };
        // On the heap: the whole protocol in one future is more than a caller wants on its stack.
        let result = Box::pin(run(&mut live)).await;
        if !ended && matches!(live.session.stage, Stage::Ended(_)) {
            self.wallet.delete_keys(live.unused_client_keys()).await;
        }
        if matches!(live.session.stage, Stage::Ended(_)) {
            self.wallet.sweep_wanted.store(true, Ordering::Relaxed);
            outbox::flush_soon(&self.wallet);
        }
        // What went wrong may be because of something that has changed at the issuer.
        let doubtful =
            |error: &Error| matches!(error.kind(), ErrorKind::Issuer | ErrorKind::Metadata | ErrorKind::Verification);
        if result.as_ref().is_err_and(doubtful) {
            live.forget_metadata();
        }
        result.map_err(|error| error.in_session(&self.id).with_transcript(&live.log.transcript()))
    }
}

impl Live<'_> {
    /// Drives the session until it waits for somebody, or ends.
    async fn run(&mut self) -> Result<Step> {
        loop {
            match &self.session.stage {
                Stage::SignIn { url, expires_at, .. } => {
                    let now = self.wallet.clock.now();
                    if url.is_some() && expires_at.is_none_or(|at| at > now) {
                        return step_of(&self.session);
                    }
                    self.make_sign_in().await?;
                }
                Stage::Token { in_flight: true, .. } => return Err(self.token_lost(None).await?),
                Stage::Token { .. } => self.request_token().await?,
                Stage::Credentials { .. } => {
                    if let Some(step) = self.next_credential().await? {
                        return Ok(step);
                    }
                }
                Stage::Ended(_) => {
                    return match self.failed.take() {
                        Some(error) => step_of(&self.session).map_err(|_| error),
                        None => step_of(&self.session),
                    };
                }
                Stage::Review | Stage::EnterCode { .. } => return step_of(&self.session),
            }
        }
    }

    async fn end(&mut self) -> Result<()> {
        let keys = unused_keys(&self.session.stage);
        self.record(Event::Cancelled).await?;
        self.wallet.delete_keys(keys).await;
        Ok(())
    }

    /// Takes a redirect in. A refusal by the server ends the sign-in, so that it can begin again.
    async fn submit_redirect(&mut self, redirect_url: &str) -> Result<()> {
        let Stage::SignIn { choice, pending, .. } = &self.session.stage else {
            return Err(self.misfit("submit_redirect").at(Operation::Authorization));
        };
        let mut pending = pending.clone();
        if self.dialects() == Dialects::Strict {
            // The sign-in may have begun before the wallet was set to this.
            pending.state_echo = StateEcho::Required;
        }
        let forgotten = authorization::fits_without_state(redirect_url, &pending);
        match authorization::read_redirect(redirect_url, &pending, &self.session.server) {
            Ok(code) => {
                let grant = TokenGrant::AuthorizationCode {
                    code,
                    code_verifier: pending.code_verifier,
                    redirect_uri: pending.redirect_uri,
                    resource: pending.resource,
                };
                let choice = choice.clone();
                if forgotten {
                    self.session.tolerated.insert(Tolerance::StateMissing);
                }
                self.record(Event::GrantReady { choice, grant }).await
            }
            Err(error) => {
                // Without `state` it may be anybody's word: the server's own redirect may still come.
                if error.server_error().is_some() && !forgotten {
                    self.record(Event::SignInDropped).await?;
                }
                Err(error)
            }
        }
    }

    /// What a call hears that does not fit where the session stands.
    fn misfit(&self, call: &str) -> Error {
        let stage = &self.session.stage;
        let code = if matches!(stage, Stage::Ended(_)) { ErrorCode::SessionEnded } else { ErrorCode::WrongStep };
        Error::new(code, format!("`{call}` does not fit the step `{}`", stage.name()))
    }
}

/// Takes over the token that another session of the same authorization got meanwhile.
async fn adopt_newer_token(wallet: &Setup, session: &mut Session) -> Result<()> {
    let (Some(id), Stage::Credentials { token, .. }) = (&session.authorization, &mut session.stage) else {
        return Ok(());
    };
    match Authorization::load(wallet, id).await {
        Ok(Some(authorization)) => *token = authorization.token,
        Ok(None) => {}
        // The session has a token of its own.
        Err(error) if error.code() == ErrorCode::RecordDamaged => {
            tracing::warn!(target: "billfold::store", session = %session.id, "{error}");
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

async fn read_session(wallet: &Setup, id: &SessionId) -> Result<(Session, u64)> {
    let record = wallet.store.get(Table::Sessions, id.as_str()).await?;
    let record = record.ok_or_else(|| {
        Error::new(ErrorCode::SessionUnknown, "there is no such session").at(Operation::Store).in_session(id)
    })?;
    Ok((Session::from_bytes(&record.content)?, record.revision))
}

/// What a session waits for; an error when it ended without a usable credential.
pub(crate) fn step_of(session: &Session) -> Result<Step> {
    Ok(match &session.stage {
        Stage::Review => Step::Review,
        Stage::EnterCode { refusals, .. } => Step::EnterCode(CodeHint {
            tx_code: tx_code(session).unwrap_or_default(),
            refused: *refusals > 0,
            attempts_left: MAX_TX_CODE_ATTEMPTS.saturating_sub(*refusals),
        }),
        Stage::SignIn { url: Some(url), .. } => Step::SignIn { url: url.clone() },
        Stage::SignIn { url: None, .. } | Stage::Token { .. } => Step::Interrupted,
        Stage::Credentials { tasks, .. } => {
            let mut until = None;
            for task in tasks.iter().filter(|task| !task.state.is_final()) {
                match &task.state {
                    TaskState::Deferred { until: at, .. } => {
                        until = Some(until.map_or(*at, |until: Timestamp| until.min(*at)));
                    }
                    _ => return Ok(Step::Interrupted),
                }
            }
            until.map_or(Step::Interrupted, |until| Step::Wait { until })
        }
        Stage::Ended(Ending::Done { tasks }) => return done(tasks).map_err(|error| error.in_session(&session.id)),
        Stage::Ended(Ending::Cancelled) => {
            return Err(Error::new(ErrorCode::SessionEnded, "the issuance was given up").in_session(&session.id));
        }
        Stage::Ended(Ending::Failed { code, detail, told }) => {
            return Err(Error::new(*code, detail.clone()).told_again(told).in_session(&session.id));
        }
    })
}

fn tx_code(session: &Session) -> Option<TxCode> {
    session.offer.grants.pre_authorized_code.as_ref()?.tx_code.clone()
}

fn done(tasks: &[EndedTask]) -> Result<Step> {
    let (mut credentials, mut failures, mut first) = (Vec::new(), Vec::new(), None);
    for task in tasks {
        match &task.state {
            TaskState::Stored { credential } => credentials.push(credential.clone()),
            TaskState::Failed { code, detail, told, quarantined } => {
                first.get_or_insert_with(|| Error::new(*code, detail.clone()).told_again(told));
                failures.push(Failure {
                    configuration: task.configuration.clone(),
                    code: *code,
                    detail: detail.clone(),
                    quarantined: quarantined.clone(),
                });
            }
            _ => {}
        }
    }
    match first {
        Some(error) if credentials.is_empty() => Err(error),
        _ => Ok(Step::Done { credentials, failures }),
    }
}

/// Keys that were made and that no credential is bound to.
pub(crate) fn unused_keys(stage: &Stage) -> Vec<KeyHandle> {
    let handles = |keys: &[HolderKey]| keys.iter().map(|key| key.handle.clone()).collect::<Vec<_>>();
    match stage {
        Stage::EnterCode { prepared, .. } | Stage::Token { prepared, .. } => {
            prepared.keys.values().flat_map(|keys| handles(keys)).collect()
        }
        Stage::Credentials { tasks, .. } => {
            tasks.iter().filter(|task| !task.state.is_final()).flat_map(|task| handles(&task.keys)).collect()
        }
        _ => Vec::new(),
    }
}
