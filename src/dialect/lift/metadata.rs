//! Credential issuer metadata.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::Spelling;
use super::super::tolerance::Tolerated;
use crate::model::ids::{ConfigurationId, IssuerId};

/// Metadata in the words of 1.0.
pub(crate) struct LiftedIssuer {
    pub(crate) document: Value,
    pub(crate) spellings: BTreeMap<ConfigurationId, Spelling>,
    pub(crate) tolerated: Tolerated,
    /// Server metadata that stands in the issuer's.
    pub(crate) server: Option<Value>,
}

/// Lifts issuer metadata that was asked for as `asked`.
pub(crate) fn lift(document: &Value, _asked: &IssuerId) -> LiftedIssuer {
    LiftedIssuer { document: document.clone(), spellings: BTreeMap::new(), tolerated: Tolerated::new(), server: None }
}
