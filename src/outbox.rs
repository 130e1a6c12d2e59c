//! What issuers are still to be told: kept in the store until they have heard it.
//!
//! A notice is written in the same transaction as what it is about. It is sent afterwards, as often
//! as it takes; hearing it twice does an issuer no harm (OpenID4VCI section 11.1).

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use futures_util::future::{Either, select};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::authorizations::{self, Authorization};
use crate::channel::Shows;
use crate::credentials;
use crate::error::{Error, ErrorCode, ErrorKind, Operation, Result};
use crate::model::credential::Credential;
use crate::model::ids::{AuthorizationId, CredentialId, IssuerId, NotificationId};
use crate::model::time::Timestamp;
use crate::model::token::Token;
use crate::platform::http::HttpLimits;
use crate::platform::store::{Change, Expected, Record, StoreErrorKind, Table};
use crate::protocol::message;
use crate::protocol::notification::{self, NotificationEvent};
use crate::setup::Setup;
use crate::wire::Log;

/// A notice that nobody took for so long is given up.
const KEPT_SECONDS: i64 = 7 * 24 * 3600;
/// The first pause after a try that failed; each further one is twice as long.
const FIRST_PAUSE_SECONDS: i64 = 30;
/// The longest pause.
const LONGEST_PAUSE_SECONDS: i64 = 24 * 3600;

/// How an issuer can be told about a credential.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Contact {
    pub(crate) notification_endpoint: Url,
    pub(crate) notification_id: NotificationId,
    /// Where the token for it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) authorization: Option<AuthorizationId>,
    /// The token itself, from times when it was kept here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<Token>,
}

/// One thing to tell.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Notice {
    credential: CredentialId,
    credential_issuer: IssuerId,
    contact: Contact,
    event: NotificationEvent,
    description: Option<String>,
    created_at: Timestamp,
    attempts: u32,
    not_before: Timestamp,
}

/// Something that an issuer was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notified {
    /// About which credential.
    pub credential: CredentialId,
    /// Which issuer.
    pub credential_issuer: IssuerId,
    /// What.
    pub event: NotificationEvent,
}

/// What a [flush](crate::Wallet::flush) did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flushed {
    /// What issuers were told.
    pub notified: Vec<Notified>,
    /// How many notices wait for another try.
    pub waiting: usize,
}

/// The change that queues a notice; none for a credential whose issuer does not want to hear.
pub(crate) fn tell(
    credential: &Credential,
    event: NotificationEvent,
    description: Option<String>,
    now: Timestamp,
) -> Option<Change> {
    let notice = Notice {
        credential: credential.id.clone(),
        credential_issuer: credential.credential_issuer.clone(),
        contact: credential.contact.clone()?,
        event,
        description,
        created_at: now,
        attempts: 0,
        not_before: now,
    };
    Some(put(&CredentialId::random().to_string(), &notice, Expected::Nothing))
}

fn put(id: &str, notice: &Notice, expected: Expected) -> Change {
    Change::Put {
        table: Table::Outbox,
        id: id.to_owned(),
        content: serde_json::to_vec(notice).expect("a notice has only text keys and numbers that JSON has"),
        expected,
    }
}

/// Tries everything that is due.
pub(crate) async fn flush(setup: &Setup) -> Result<Flushed> {
    let _one_at_a_time = setup.flushing.lock().await;
    let mut flushed = Flushed::default();
    let (records, _) = credentials::readable(&*setup.store, Table::Outbox).await?;
    for record in records {
        match flush_one(setup, record).await? {
            Flush::Told(notified) => flushed.notified.push(notified),
            Flush::Waiting => flushed.waiting += 1,
            Flush::Gone => {}
        }
    }
    if setup.sweep_wanted.swap(false, Ordering::Relaxed)
        && let Err(error) = authorizations::sweep(setup).await
    {
        tracing::warn!(target: "billfold::store", "what nobody needs any more could not be deleted: {error}");
    }
    Ok(flushed)
}

enum Flush {
    Told(Notified),
    Waiting,
    Gone,
}

async fn flush_one(setup: &Setup, record: Record) -> Result<Flush> {
    let now = setup.clock.now();
    let remove = || setup.store.commit(vec![Change::Remove { table: Table::Outbox, id: record.id.clone() }]);
    let Ok(mut notice) = serde_json::from_slice::<Notice>(&record.content) else {
        tracing::warn!(target: "billfold::outbox", "a notice can't be read and is given up");
        remove().await?;
        return Ok(Flush::Gone);
    };
    let token = token_for(setup, &notice.contact).await?;
    let usable = token.as_ref().is_some_and(|found| authorizations::is_alive(&found.token, now));
    if !usable || now - notice.created_at > KEPT_SECONDS {
        remove().await?;
        return Ok(Flush::Gone);
    }
    let Some(found) = token else { return Ok(Flush::Gone) };
    if notice.not_before > now {
        return Ok(Flush::Waiting);
    }
    // Written before it is sent: of two processes that find it, one sends it now.
    let pause = FIRST_PAUSE_SECONDS.saturating_mul(1 << notice.attempts.min(20)).min(LONGEST_PAUSE_SECONDS);
    notice.attempts += 1;
    notice.not_before = now + pause;
    match setup.store.commit(vec![put(&record.id, &notice, Expected::Revision(record.revision))]).await {
        Ok(()) => {}
        Err(error) if error.kind == StoreErrorKind::Conflict => return Ok(Flush::Waiting),
        Err(error) => return Err(error.into()),
    }
    match send(setup, &notice, found).await {
        Ok(()) => {
            remove().await?;
            setup.sweep_wanted.store(true, Ordering::Relaxed);
            let Notice { credential, credential_issuer, event, .. } = notice;
            Ok(Flush::Told(Notified { credential, credential_issuer, event }))
        }
        Err(error) if may_help_later(&error) => Ok(Flush::Waiting),
        Err(error) => {
            tracing::warn!(target: "billfold::outbox", "an issuer does not take a notice: {error}");
            remove().await?;
            Ok(Flush::Gone)
        }
    }
}

/// The token to tell with, and the authorization that it belongs to.
struct Found {
    token: Token,
    authorization: Option<(AuthorizationId, Authorization)>,
}

async fn token_for(setup: &Setup, contact: &Contact) -> Result<Option<Found>> {
    let Some(id) = &contact.authorization else {
        return Ok(contact.token.clone().map(|token| Found { token, authorization: None }));
    };
    let authorization = match Authorization::load(setup, id).await {
        // The notices that follow are not to suffer for it.
        Err(error) if error.code() == ErrorCode::RecordDamaged => {
            tracing::warn!(target: "billfold::outbox", "a notice is given up: {error}");
            return Ok(None);
        }
        loaded => loaded?,
    };
    Ok(authorization.map(|authorization| Found {
        token: authorization.token.clone(),
        authorization: Some((id.clone(), authorization)),
    }))
}

async fn send(setup: &Setup, notice: &Notice, found: Found) -> Result<()> {
    let (contact, log) = (&notice.contact, Log::default());
    let url = &contact.notification_endpoint;
    let description = notice.description.as_deref();
    let request = || notification::request(url, &contact.notification_id, notice.event, description);
    let operation = Operation::Notification;
    let Found { mut token, authorization } = found;
    let Some((id, authorization)) = authorization else {
        let mut request = request()?;
        message::authorize(&mut request, &token)?;
        let answer = setup.wire.send(operation, url, request, HttpLimits::default(), &log).await?;
        return notification::response(&answer).map_err(|error| error.endpoint(url));
    };
    let channel = authorization.channel(setup, &log);
    let mut renewed = false;
    loop {
        let ended = token.expires_at.is_some_and(|at| at <= setup.clock.now());
        let answer = if ended && !renewed {
            None
        } else {
            let answer = channel.send(operation, url, request()?, Shows::Token(&token)).await?;
            Some(notification::response(&answer).map_err(|error| error.endpoint(url)))
        };
        match answer {
            Some(Err(error)) if renewed || error.code() != ErrorCode::TokenRefused || error.is_about_scope() => {
                return Err(error);
            }
            Some(Ok(())) => return Ok(()),
            // It has ended, or the server says so.
            None | Some(Err(_)) => token = authorizations::renew(setup, &id, &token, &log).await?,
        }
        renewed = true;
    }
}

/// The authorizations that notices still need.
pub(crate) async fn authorizations(setup: &Setup) -> Result<Vec<AuthorizationId>> {
    let records = setup.store.list(Table::Outbox).await?;
    // One that can't be read is given up when it is due.
    let read = |record: &Record| serde_json::from_slice::<Notice>(&record.content).ok();
    Ok(records.iter().filter_map(read).filter_map(|notice| notice.contact.authorization).collect())
}

fn may_help_later(error: &Error) -> bool {
    // Where the store fails, or this process is set up with less than the one that got the token, nobody has
    // said anything about the notice.
    if error.kind() == ErrorKind::Store || error.code() == ErrorCode::ClientAuthenticationUnavailable {
        return true;
    }
    matches!(
        error.code(),
        ErrorCode::Unreachable
            | ErrorCode::TimedOut
            | ErrorCode::ConnectionLost
            | ErrorCode::TlsFailed
            | ErrorCode::ServerFailed
            | ErrorCode::TokenPending
            | ErrorCode::ProviderUnavailable
            | ErrorCode::KeyLocked
            | ErrorCode::DpopRefused
    )
}

/// Sends what is due while the caller goes on, where there is a runtime for it. What does not get
/// through stays for the next time.
pub(crate) fn flush_soon(setup: &Arc<Setup>) {
    if !setup.notify_in_background {
        return;
    }
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    // One task at a time; it looks again if something was queued while it was at work.
    if setup.background.ask() {
        let setup = setup.clone();
        runtime.spawn(async move {
            loop {
                let (flush, alone) = (pin!(flush(&setup)), pin!(alone_with(&setup)));
                match select(flush, alone).await {
                    Either::Left((Ok(_), _)) => {}
                    Either::Left((Err(error), _)) => {
                        tracing::warn!(target: "billfold::outbox", "issuers could not be told: {error}");
                    }
                    Either::Right(_) => return,
                }
                if !setup.background.go_on() {
                    return;
                }
            }
        });
    }
}

/// Whether a task sends notices in the background, and whether it was asked to look again.
#[derive(Debug, Default)]
pub(crate) struct Background(AtomicU8);

impl Background {
    const IDLE: u8 = 0;
    const BUSY: u8 = 1;
    const ASKED_AGAIN: u8 = 2;

    /// Whether the caller has to start the task.
    fn ask(&self) -> bool {
        let next = |state| Some(if state == Self::IDLE { Self::BUSY } else { Self::ASKED_AGAIN });
        self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next) == Ok(Self::IDLE)
    }

    /// Whether the task has to look again; if not, it is over.
    fn go_on(&self) -> bool {
        let next = |state| Some(if state == Self::ASKED_AGAIN { Self::BUSY } else { Self::IDLE });
        self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next) == Ok(Self::ASKED_AGAIN)
    }
}

/// Waits until nobody else has the wallet any more: a wallet that was closed must not keep its store from
/// the next one because some issuer is slow to answer. What was under way is sent again another time.
async fn alone_with(setup: &Arc<Setup>) {
    while Arc::strong_count(setup) > 1 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_task_at_a_time_and_no_wish_is_lost() {
        let background = Background::default();
        assert!(background.ask(), "the first one starts it");
        assert!(!background.ask());
        assert!(!background.ask());
        assert!(background.go_on(), "what was asked meanwhile is looked at");
        assert!(!background.go_on());
        assert!(background.ask(), "it is over, so the next one starts it again");
    }
}
