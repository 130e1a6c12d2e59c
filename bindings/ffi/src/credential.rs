//! Credentials as they cross the border.

use billfold::model::credential as core_credential;
use billfold::model::display as core_display;
use billfold::model::metadata::CredentialKind;
use billfold::model::status as core_status;
use billfold::model::time::Timestamp;

use crate::card::Card;
use crate::report::Report;

/// The type of a credential, as its format says it.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum CredentialType {
    /// `vct` of an SD-JWT VC.
    Vct {
        /// Its value.
        vct: String,
    },
    /// `type` of a W3C credential.
    Types {
        /// Its values.
        types: Vec<String>,
    },
    /// `doctype` of an mdoc.
    Doctype {
        /// Its value.
        doctype: String,
    },
    /// A format that this version does not know.
    Unknown,
}

impl From<CredentialKind> for CredentialType {
    fn from(kind: CredentialKind) -> Self {
        match kind {
            CredentialKind::Vct(vct) => Self::Vct { vct },
            CredentialKind::Types(types) => Self::Types { types },
            CredentialKind::Doctype(doctype) => Self::Doctype { doctype },
            _ => Self::Unknown,
        }
    }
}

impl From<CredentialType> for CredentialKind {
    fn from(kind: CredentialType) -> Self {
        match kind {
            CredentialType::Vct { vct } => Self::Vct(vct),
            CredentialType::Types { types } => Self::Types(types),
            CredentialType::Doctype { doctype } => Self::Doctype(doctype),
            CredentialType::Unknown => Self::Unknown,
        }
    }
}

/// A stored credential.
#[derive(Clone, uniffi::Record)]
pub struct Credential {
    /// Its name in the wallet.
    pub id: String,
    /// Who issued it.
    pub credential_issuer: String,
    /// As what it was asked for.
    pub configuration: String,
    /// Its format identifier.
    pub format: String,
    /// Its type.
    pub credential_type: CredentialType,
    /// When it was received, in seconds since 1970.
    pub issued_at: i64,
    /// When it begins to be valid, in seconds since 1970, if it says so.
    pub valid_from: Option<i64>,
    /// When it stops being valid, in seconds since 1970, if it says so.
    pub expires_at: Option<i64>,
    /// The addresses of the lists that its status is kept in; empty if it says nothing of that.
    pub status_lists: Vec<String>,
    /// What was found there last.
    pub status_found: Option<StatusFound>,
    /// The copies; never empty.
    pub copies: Vec<CredentialCopy>,
    /// What was checked before it was stored.
    pub report: Report,
    /// Whether it is kept aside: received, but not to be used.
    pub quarantined: bool,
    /// What to show of it, in the wallet's language.
    pub card: Card,
}

impl Credential {
    /// Converts, with the card for a language.
    pub(crate) fn localised(credential: core_credential::Credential, locale: Option<&str>) -> Self {
        let card = credential.card(locale).into();
        let core_credential::Credential {
            id,
            credential_issuer,
            credential_configuration_id,
            format,
            kind,
            issued_at,
            valid_from,
            expires_at,
            status,
            status_found,
            instances,
            report,
            quarantined,
            // The card shows these, in one language.
            claims: _,
            disclosable: _,
            issuer_display: _,
            display: _,
            claim_descriptions: _,
            type_metadata: _,
            response_metadata: _,
            // The core's own: to check it again, to tell the issuer.
            contexts: _,
            issuer_jwks: _,
            ..
        } = credential;
        Self {
            id: id.to_string(),
            credential_issuer: credential_issuer.into(),
            configuration: credential_configuration_id.to_string(),
            format: format.to_string(),
            credential_type: kind.into(),
            issued_at: issued_at.seconds(),
            valid_from: valid_from.map(Timestamp::seconds),
            expires_at: expires_at.map(Timestamp::seconds),
            status_lists: status.as_ref().map(status_lists).unwrap_or_default(),
            status_found: status_found.map(Into::into),
            copies: instances.into_iter().map(Into::into).collect(),
            report: report.into(),
            quarantined,
            card,
        }
    }
}

/// One copy of a credential.
#[derive(Clone, uniffi::Record)]
pub struct CredentialCopy {
    /// The credential exactly as received, as text. It holds claims: not for logs.
    pub raw: String,
    /// The key it is bound to, by its name in the key store.
    pub key_handle: Option<String>,
    /// Whether it is bound to a key that is not on this device: it came out of a backup.
    pub key_missing: bool,
    /// How often it was taken for use.
    pub uses: u32,
    /// When it was taken last, in seconds since 1970.
    pub last_used_at: Option<i64>,
}

impl From<core_credential::Instance> for CredentialCopy {
    fn from(instance: core_credential::Instance) -> Self {
        let raw = instance.to_text();
        let core_credential::Instance { raw: _, key, missing_key, uses, last_used_at } = instance;
        Self {
            raw,
            key_handle: key.map(|key| key.handle.to_string()),
            key_missing: missing_key.is_some(),
            uses,
            last_used_at: last_used_at.map(Timestamp::seconds),
        }
    }
}

/// What a status list says of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum StatusValue {
    /// It is good.
    Valid,
    /// It was revoked for good.
    Invalid,
    /// It is out of use for a while.
    Suspended,
    /// Something that only the issuer's own rules give a meaning.
    Other {
        /// The number in the list.
        value: u8,
    },
}

impl From<core_status::StatusValue> for StatusValue {
    fn from(value: core_status::StatusValue) -> Self {
        match value {
            core_status::StatusValue::Valid => Self::Valid,
            core_status::StatusValue::Invalid => Self::Invalid,
            core_status::StatusValue::Suspended => Self::Suspended,
            core_status::StatusValue::Other(value) => Self::Other { value },
            // A value that has a name in a newer core only has none here, and no number.
            _ => Self::Other { value: u8::MAX },
        }
    }
}

/// What was found in a status list, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Record)]
pub struct StatusFound {
    /// What it says.
    pub value: StatusValue,
    /// When it was looked up, in seconds since 1970.
    pub checked_at: i64,
}

impl From<core_status::StatusFound> for StatusFound {
    fn from(found: core_status::StatusFound) -> Self {
        let core_status::StatusFound { value, checked_at } = found;
        Self { value: value.into(), checked_at: checked_at.seconds() }
    }
}

/// The lists that a status is kept in, each once.
pub(crate) fn status_lists(reference: &core_status::StatusReference) -> Vec<String> {
    let mut lists = match reference {
        core_status::StatusReference::TokenStatusList { uri, .. } => vec![uri.clone()],
        core_status::StatusReference::Bitstring(entries) => entries.iter().map(|entry| entry.list.clone()).collect(),
        _ => Vec::new(),
    };
    lists.dedup();
    lists
}

/// One step of a claim path.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum PathStep {
    /// A member of an object.
    Key {
        /// Its name.
        name: String,
    },
    /// An element of an array.
    Index {
        /// Which one, from 0.
        index: u64,
    },
    /// Every element of an array.
    All,
}

impl From<core_display::PathStep> for PathStep {
    fn from(step: core_display::PathStep) -> Self {
        match step {
            core_display::PathStep::Key(name) => Self::Key { name },
            core_display::PathStep::Index(index) => Self::Index { index },
            core_display::PathStep::All => Self::All,
        }
    }
}

impl From<PathStep> for core_display::PathStep {
    fn from(step: PathStep) -> Self {
        match step {
            PathStep::Key { name } => Self::Key(name),
            PathStep::Index { index } => Self::Index(index),
            PathStep::All => Self::All,
        }
    }
}
