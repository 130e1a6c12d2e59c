//! Credentials that the wallet has: finding them, and taking a copy to be shown.

use serde::Deserialize;

use crate::error::{Error, ErrorCode, Operation, Result};
use crate::json;
use crate::model::credential::{Credential, Instance};
use crate::model::format::Format;
use crate::model::ids::{CredentialId, IssuerId, SessionId};
use crate::model::metadata::CredentialKind;
use crate::model::time::Timestamp;
use crate::platform::store::{CredentialStore, Expected, Record, StoreErrorKind, Table};
use crate::setup::{Setup, put_credential, read_credential};
use crate::wallet::Wallet;

/// How many records are looked at in one go.
const PAGE: usize = 128;
/// How often a copy is tried to be taken, when others write the credential at the same time.
const TRIES: usize = 16;

/// Which credentials to [find](Wallet::find). What is empty or not set asks for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialQuery {
    /// In one of these formats.
    pub formats: Vec<Format>,
    /// Of one of these types: a `vct`, a `doctype`, or one of the types of a W3C credential.
    pub types: Vec<String>,
    /// From one of these credential issuers.
    pub issuers: Vec<IssuerId>,
    /// That stop being valid before then. One that does not say when it stops is none of them.
    pub expires_before: Option<Timestamp>,
    /// That are still valid then, or do not say when they stop.
    pub expires_after: Option<Timestamp>,
    /// In quarantine, or not.
    pub quarantined: Option<bool>,
    /// Those that came after this one: [`Page::next`] of the page before.
    pub after: Option<CredentialId>,
    /// At most so many, and at least one. Default: 50.
    pub limit: usize,
}

impl Default for CredentialQuery {
    fn default() -> Self {
        Self {
            formats: Vec::new(),
            types: Vec::new(),
            issuers: Vec::new(),
            expires_before: None,
            expires_after: None,
            quarantined: None,
            after: None,
            limit: 50,
        }
    }
}

/// A part of the credentials that a query asks for.
#[derive(Clone, Debug)]
pub struct Page {
    /// The credentials, in the order in which they came.
    pub credentials: Vec<Credential>,
    /// Where to go on, if there are more.
    pub next: Option<CredentialId>,
    /// Those whose records can't be read; nobody knows whether they are among the ones asked for. They are kept,
    /// and can be [forgotten](Wallet::forget).
    pub unreadable: Vec<CredentialId>,
}

/// A copy of a credential that was taken to be shown.
#[derive(Clone, Debug)]
pub struct TakenInstance {
    /// The copy, this use counted: for one that was never used before, [`Instance::uses`] is 1.
    pub instance: Instance,
    /// How many copies are left that were never used. With none left, the next one taken was shown before, and
    /// who sees both can tell that it is the same holder: time to [renew](Wallet::refresh) the credential.
    pub unused: usize,
}

/// What a query looks at. The rest of a record is not taken apart.
#[derive(Deserialize)]
struct Facts {
    format: Format,
    kind: CredentialKind,
    credential_issuer: IssuerId,
    expires_at: Option<Timestamp>,
    quarantined: bool,
}

impl CredentialQuery {
    fn asks_nothing(&self) -> bool {
        let Self { formats, types, issuers, expires_before, expires_after, quarantined, after: _, limit: _ } = self;
        formats.is_empty()
            && types.is_empty()
            && issuers.is_empty()
            && expires_before.is_none()
            && expires_after.is_none()
            && quarantined.is_none()
    }

    fn fits(&self, found: &Facts) -> bool {
        fn is_one_of<T: PartialEq>(wanted: &[T], found: &T) -> bool {
            wanted.is_empty() || wanted.contains(found)
        }
        let types: &[String] = match &found.kind {
            CredentialKind::Vct(name) | CredentialKind::Doctype(name) => std::slice::from_ref(name),
            CredentialKind::Types(names) => names,
            _ => &[],
        };
        is_one_of(&self.formats, &found.format)
            && (self.types.is_empty() || types.iter().any(|name| self.types.contains(name)))
            && is_one_of(&self.issuers, &found.credential_issuer)
            && self.expires_before.is_none_or(|before| found.expires_at.is_some_and(|at| at < before))
            && self.expires_after.is_none_or(|after| found.expires_at.is_none_or(|at| at > after))
            && self.quarantined.is_none_or(|quarantined| quarantined == found.quarantined)
    }

    /// The credential of a record, if it is asked for.
    fn read(&self, record: &Record) -> Result<Option<Credential>> {
        if !self.asks_nothing() {
            let facts = serde_json::from_slice(&record.content).map_err(|error| {
                Error::new(ErrorCode::RecordDamaged, "a stored credential can't be read")
                    .at(Operation::Store)
                    .caused_by(json::without_values(&error))
            })?;
            if !self.fits(&facts) {
                return Ok(None);
            }
        }
        read_credential(&record.content).map(Some)
    }
}

/// Reads a drawer piece by piece, past records that do not open and records that are removed meanwhile.
struct Reader<'a> {
    store: &'a dyn CredentialStore,
    table: Table,
    /// Where to begin, if it is not the first record.
    after: Option<String>,
    /// What was read since and is still there, as far as is known: it goes on after the last one.
    seen: Vec<String>,
    /// What was read and is no place to go on from any more.
    gone: Vec<String>,
}

enum Piece {
    Records(Vec<Record>),
    Unreadable(String),
    End,
}

impl<'a> Reader<'a> {
    fn new(store: &'a dyn CredentialStore, table: Table, after: Option<String>) -> Self {
        Self { store, table, after, seen: Vec::new(), gone: Vec::new() }
    }

    async fn next(&mut self, limit: usize) -> Result<Piece> {
        loop {
            let after = self.seen.last().or(self.after.as_ref());
            match self.store.page(self.table, after.map(String::as_str), limit).await {
                Ok(records) if records.is_empty() => return Ok(Piece::End),
                Ok(records) => {
                    self.seen.extend(records.iter().map(|record| record.id.clone()));
                    return Ok(Piece::Records(records));
                }
                Err(mut error) if error.kind == StoreErrorKind::Damaged => match error.record.take() {
                    // Going on from where one is would never end.
                    Some(id) if after != Some(&id) && !self.gone.contains(&id) => {
                        tracing::warn!(target: "billfold::store", table = self.table.as_str(), record = %id, "{error}");
                        self.seen.push(id.clone());
                        return Ok(Piece::Unreadable(id));
                    }
                    _ => return Err(error.into()),
                },
                // Removed since it was read. What came before it was read, too.
                Err(error) if error.kind == StoreErrorKind::Conflict => match self.seen.pop() {
                    Some(gone) => self.gone.push(gone),
                    None => return Err(error.into()),
                },
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// All records of a drawer that open, in their order, and the names of the others.
pub(crate) async fn readable(store: &dyn CredentialStore, table: Table) -> Result<(Vec<Record>, Vec<String>)> {
    match store.list(table).await {
        Ok(records) => return Ok((records, Vec::new())),
        Err(error) if error.kind == StoreErrorKind::Damaged => {}
        Err(error) => return Err(error.into()),
    }
    let (mut records, mut unreadable) = (Vec::new(), Vec::new());
    let mut reader = Reader::new(store, table, None);
    loop {
        match reader.next(PAGE).await? {
            Piece::Records(more) => records.extend(more),
            Piece::Unreadable(id) => unreadable.push(id),
            Piece::End => return Ok((records, unreadable)),
        }
    }
}

/// All credentials that can be read, and the names of the others.
pub(crate) async fn all(wallet: &Setup) -> Result<(Vec<Credential>, Vec<CredentialId>)> {
    let (records, unreadable) = readable(&*wallet.store, Table::Credentials).await?;
    let mut unreadable: Vec<CredentialId> = unreadable.into_iter().map(Into::into).collect();
    let mut credentials = Vec::with_capacity(records.len());
    for record in records {
        match read_credential(&record.content) {
            Ok(credential) => credentials.push(credential),
            Err(error) => {
                tracing::warn!(target: "billfold::store", credential = %record.id, "{error}");
                unreadable.push(record.id.into());
            }
        }
    }
    Ok((credentials, unreadable))
}

/// Held while a credential is read to be written again, so that none of several writers loses.
pub(crate) fn gate_of(wallet: &Setup, id: &CredentialId) -> std::sync::Arc<crate::setup::Gate> {
    wallet.gates.of(&SessionId::new(format!("credential {id}")))
}

impl Wallet {
    /// All credentials, in the order in which they came: usable ones, and those in quarantine. One whose record
    /// can't be read hides no other; [`find`](Self::find) names it.
    pub async fn credentials(&self) -> Result<Vec<Credential>> {
        Ok(all(self.setup()).await?.0)
    }

    /// The credentials that a query asks for, a page of them, in the order in which they came.
    ///
    /// A page without conditions costs what its credentials cost, however many there are; one with conditions
    /// looks at each credential until the page is full. [`ErrorCode::CredentialUnknown`] when
    /// [`CredentialQuery::after`] was forgotten meanwhile.
    pub async fn find(&self, query: &CredentialQuery) -> Result<Page> {
        let limit = query.limit.max(1);
        let after = query.after.as_ref().map(ToString::to_string);
        let mut reader = Reader::new(&*self.setup().store, Table::Credentials, after);
        let mut page = Page { credentials: Vec::new(), next: None, unreadable: Vec::new() };
        // Found since the last credential of the page; on the next page, if there is one.
        let mut unreadable = Vec::new();
        let size = if query.asks_nothing() { limit.saturating_add(1).min(PAGE) } else { PAGE };
        loop {
            let records = match reader.next(size).await {
                Ok(Piece::End) => break,
                Ok(Piece::Unreadable(id)) => {
                    unreadable.push(id.into());
                    continue;
                }
                Ok(Piece::Records(records)) => records,
                Err(error) if error.code() == ErrorCode::StoreConflict => {
                    let detail = "the credential after which to go on is not there (any more)";
                    return Err(Error::new(ErrorCode::CredentialUnknown, detail).at(Operation::Store).caused_by(error));
                }
                Err(error) => return Err(error),
            };
            for record in records {
                match query.read(&record) {
                    Ok(None) => {}
                    Ok(Some(_)) if page.credentials.len() == limit => {
                        page.next = page.credentials.last().map(|last| last.id.clone());
                        return Ok(page);
                    }
                    Ok(Some(credential)) => {
                        page.unreadable.append(&mut unreadable);
                        page.credentials.push(credential);
                    }
                    Err(error) => {
                        tracing::warn!(target: "billfold::store", credential = %record.id, "{error}");
                        unreadable.push(record.id.into());
                    }
                }
            }
        }
        page.unreadable.append(&mut unreadable);
        Ok(page)
    }

    /// One credential.
    pub async fn credential(&self, id: &CredentialId) -> Result<Credential> {
        self.credential_record(id).await.map(|(credential, _)| credential)
    }

    pub(crate) async fn credential_record(&self, id: &CredentialId) -> Result<(Credential, u64)> {
        let record = self.setup().store.get(Table::Credentials, id.as_str()).await?;
        let record = record.ok_or_else(|| unknown(id))?;
        Ok((read_credential(&record.content)?, record.revision))
    }

    /// Takes a copy of a credential to be shown: the one that was used least, and of several the one that was not
    /// used for the longest time. The use is written down before the copy is handed out, so that calls at the same
    /// time, and calls after a crash, get another one as long as there are others.
    ///
    /// Each copy of a batch is bound to a key of its own, so that those who see different copies can't tell that
    /// they have the same holder. That holds as long as none is shown twice: see [`TakenInstance::unused`].
    ///
    /// [`ErrorCode::CredentialQuarantined`] for one that was put aside, [`ErrorCode::KeyMissing`] for one that came
    /// out of a backup and is bound to a key of another device.
    pub async fn take_instance(&self, id: &CredentialId) -> Result<TakenInstance> {
        let wallet = self.setup();
        let gate = gate_of(wallet, id);
        let _one_at_a_time = gate.lock().await;
        for _ in 0..TRIES {
            let (mut credential, revision) = self.credential_record(id).await?;
            if credential.quarantined {
                let detail = "the credential was put aside and is not to be used";
                return Err(Error::new(ErrorCode::CredentialQuarantined, detail).at(Operation::Store));
            }
            let now = wallet.clock.now();
            let usable = credential.instances.iter_mut().filter(|copy| copy.missing_key.is_none());
            let Some(copy) = usable.min_by_key(|copy| (copy.uses, copy.last_used_at)) else {
                let detail = "the credential is bound to a key that is not on this device; ask for it anew";
                return Err(Error::new(ErrorCode::KeyMissing, detail).at(Operation::Store));
            };
            copy.uses = copy.uses.saturating_add(1);
            copy.last_used_at = Some(now);
            let instance = copy.clone();
            match wallet.store.commit(vec![put_credential(&credential, Expected::Revision(revision))]).await {
                Ok(()) => {
                    let unused = |copy: &&Instance| copy.uses == 0 && copy.missing_key.is_none();
                    let unused = credential.instances.iter().filter(unused).count();
                    return Ok(TakenInstance { instance, unused });
                }
                Err(error) if error.kind == StoreErrorKind::Conflict => {}
                Err(error) => return Err(error.into()),
            }
        }
        let detail = "others write this credential all the time; no copy was taken";
        Err(Error::new(ErrorCode::StoreConflict, detail).at(Operation::Store))
    }
}

pub(crate) fn unknown(id: &CredentialId) -> Error {
    Error::new(ErrorCode::CredentialUnknown, format!("there is no credential {id}")).at(Operation::Store)
}

#[cfg(test)]
#[path = "credentials_tests.rs"]
mod tests;
