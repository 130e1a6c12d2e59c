//! Where a credential's status is kept, and what was found there.

use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// Where the status of a credential is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StatusReference {
    /// A place in a Token Status List (`status.status_list`).
    TokenStatusList {
        /// The address of the list.
        uri: String,
        /// The place, counted from 0.
        index: u64,
    },
    /// Places in W3C Bitstring Status Lists (`credentialStatus`), or in one of their forerunners.
    Bitstring(Vec<StatusEntry>),
}

/// A place in a W3C Bitstring Status List.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusEntry {
    /// What the place tells, such as `revocation`.
    pub purpose: String,
    /// The address of the list.
    pub list: String,
    /// The place, counted from 0.
    pub index: u64,
    /// How many bits a place has.
    pub size: u8,
    /// What each value means, where the issuer says so: value and message.
    pub messages: Vec<(u64, String)>,
}

/// What a status list says of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StatusValue {
    /// It is good.
    Valid,
    /// It was revoked for good.
    Invalid,
    /// It is out of use for a while.
    Suspended,
    /// Something that only the issuer's own rules give a meaning.
    Other(u8),
}

/// What was found in a status list, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusFound {
    /// What it says.
    pub value: StatusValue,
    /// When it was looked up.
    pub checked_at: Timestamp,
}
