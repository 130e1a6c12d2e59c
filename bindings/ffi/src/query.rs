//! Finding credentials, taking copies, backups, as they cross the border.

use billfold::model::ids::IssuerId;
use billfold::model::time::Timestamp;
use billfold::{Error, ErrorCode, Operation};

use crate::credential::{Credential, CredentialCopy};

/// Which credentials to find. What is empty or not set asks for nothing.
#[derive(Clone, Debug, uniffi::Record)]
pub struct CredentialQuery {
    /// In one of these formats.
    #[uniffi(default = [])]
    pub formats: Vec<String>,
    /// Of one of these types: a `vct`, a `doctype`, or one of the types of a W3C credential.
    #[uniffi(default = [])]
    pub types: Vec<String>,
    /// From one of these credential issuers.
    #[uniffi(default = [])]
    pub issuers: Vec<String>,
    /// That stop being valid before then, in seconds since 1970.
    #[uniffi(default = None)]
    pub expires_before: Option<i64>,
    /// That are still valid then, in seconds since 1970, or do not say when they stop.
    #[uniffi(default = None)]
    pub expires_after: Option<i64>,
    /// In quarantine, or not.
    #[uniffi(default = None)]
    pub quarantined: Option<bool>,
    /// Those that came after this one: `next` of the page before.
    #[uniffi(default = None)]
    pub after: Option<String>,
    /// At most so many, and at least one; 50 when not set.
    #[uniffi(default = None)]
    pub limit: Option<u32>,
}

impl TryFrom<CredentialQuery> for billfold::CredentialQuery {
    type Error = Error;

    fn try_from(query: CredentialQuery) -> Result<Self, Error> {
        let CredentialQuery { formats, types, issuers, expires_before, expires_after, quarantined, after, limit } =
            query;
        let issuer = |issuer: String| {
            IssuerId::parse(&issuer).map_err(|error| {
                let detail = format!("the query names an issuer by no issuer identifier: {error}");
                Error::new(ErrorCode::SetupInvalid, detail).at(Operation::Store).caused_by(error)
            })
        };
        Ok(Self {
            formats: formats.into_iter().map(Into::into).collect(),
            types,
            issuers: issuers.into_iter().map(issuer).collect::<Result<_, _>>()?,
            expires_before: expires_before.map(Timestamp::from_seconds),
            expires_after: expires_after.map(Timestamp::from_seconds),
            quarantined,
            after: after.map(Into::into),
            limit: limit.map_or(Self::default().limit, |limit| usize::try_from(limit).unwrap_or(usize::MAX)),
        })
    }
}

/// A part of the credentials that a query asks for.
#[derive(Clone, uniffi::Record)]
pub struct CredentialPage {
    /// The credentials, in the order in which they came.
    pub credentials: Vec<Credential>,
    /// Where to go on, if there are more.
    pub next: Option<String>,
    /// Those whose records can't be read; nobody knows whether they are among the ones asked for.
    pub unreadable: Vec<String>,
}

impl CredentialPage {
    /// Converts, with cards for a language.
    pub(crate) fn localised(page: billfold::Page, locale: Option<&str>) -> Self {
        let billfold::Page { credentials, next, unreadable } = page;
        Self {
            credentials: credentials.into_iter().map(|credential| Credential::localised(credential, locale)).collect(),
            next: next.map(|id| id.to_string()),
            unreadable: unreadable.iter().map(ToString::to_string).collect(),
        }
    }
}

/// A copy of a credential that was taken to be shown.
#[derive(Clone, uniffi::Record)]
pub struct TakenCopy {
    /// The copy, this use counted.
    pub copy: CredentialCopy,
    /// How many copies are left that were never used.
    pub unused: u32,
}

impl From<billfold::TakenInstance> for TakenCopy {
    fn from(taken: billfold::TakenInstance) -> Self {
        let billfold::TakenInstance { instance, unused } = taken;
        Self { copy: instance.into(), unused: u32::try_from(unused).unwrap_or(u32::MAX) }
    }
}

/// What the import of a backup did.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct ImportedBackup {
    /// Credentials that the wallet did not have.
    pub added: Vec<String>,
    /// Credentials that the wallet had, and could use or read less well than what the backup has.
    pub replaced: Vec<String>,
    /// Credentials that the wallet had. They stay as they are.
    pub known: Vec<String>,
    /// Those among the added and replaced ones whose keys are not on this device.
    pub without_key: Vec<String>,
}

impl From<billfold::Imported> for ImportedBackup {
    fn from(imported: billfold::Imported) -> Self {
        let billfold::Imported { added, replaced, known, without_key, .. } = imported;
        let names = |ids: Vec<billfold::CredentialId>| ids.iter().map(ToString::to_string).collect();
        Self { added: names(added), replaced: names(replaced), known: names(known), without_key: names(without_key) }
    }
}

/// What a change of the store's key did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Record)]
pub struct KeyChanged {
    /// How many records are sealed with the new key.
    pub records: u64,
    /// How many did not open with the old one. They are damaged, and stay as they are.
    pub unreadable: u64,
}

impl From<billfold::platform::sqlite::KeyChanged> for KeyChanged {
    fn from(changed: billfold::platform::sqlite::KeyChanged) -> Self {
        let billfold::platform::sqlite::KeyChanged { records, unreadable, .. } = changed;
        Self { records: records as u64, unreadable: unreadable as u64 }
    }
}
