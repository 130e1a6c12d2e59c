//! One entry of the catalogue.

use serde_json::Value;

use super::super::tolerance::Tolerated;
use super::super::{Spelling, TypesPlace};
use crate::model::ids::ConfigurationId;

/// A configuration in the words of 1.0.
pub(crate) struct LiftedConfiguration {
    pub(crate) entry: Value,
    /// How the issuer spells it, where it is not as in 1.0.
    pub(crate) spelling: Option<Spelling>,
    pub(crate) tolerated: Tolerated,
}

/// Lifts an entry of a catalogue, or what an offer describes in line.
pub(crate) fn lift(entry: &Value) -> LiftedConfiguration {
    LiftedConfiguration { entry: entry.clone(), spelling: None, tolerated: Tolerated::new() }
}

/// A name for a configuration that has none: the format and the last of the types. The same description gives the
/// same name.
pub(crate) fn made_up_id(entry: &Value) -> Option<ConfigurationId> {
    let definition = entry.get("credential_definition").unwrap_or(entry);
    let last = |value: &Value| value.as_array()?.last()?.as_str().map(str::to_owned);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let kind = ["types", "type", "vct", "doctype"].into_iter().find_map(|name| {
        let found = definition.get(name).or_else(|| entry.get(name))?;
        text(found).or_else(|| last(found))
    })?;
    let format = entry.get("format").and_then(Value::as_str)?;
    Some(ConfigurationId::new(format!("{kind}_{format}")))
}

const _: TypesPlace = TypesPlace::Types;
