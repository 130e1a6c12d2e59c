//! The list of what an issuer offers, under either name and of either shape.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::super::Spelling;
use super::super::tolerance::{Tolerance, Tolerated};
use super::configuration::{self, Defaults};
use crate::model::ids::ConfigurationId;

/// The catalogue's name since draft 13.
pub(in crate::dialect) const CONFIGURATIONS: &str = "credential_configurations_supported";
/// Its name before.
pub(in crate::dialect) const SUPPORTED: &str = "credentials_supported";

/// Where an issuer has its catalogue.
#[derive(Clone, Copy, Debug)]
pub(in crate::dialect) struct Catalogue<'a> {
    pub(in crate::dialect) entries: &'a Value,
    /// Whether it has the older name.
    pub(in crate::dialect) is_older: bool,
}

impl<'a> Catalogue<'a> {
    /// The newer one, unless there is nothing in it and something in the older. Entries that only the older one has
    /// are not looked at: issuers that serve both have the same in them, spelled in two ways.
    pub(in crate::dialect) fn of(document: &'a Value) -> Option<Self> {
        let filled = |entries: &Value| match entries {
            Value::Object(map) => !map.is_empty(),
            Value::Array(list) => !list.is_empty(),
            _ => false,
        };
        let under = |name: &str| document.get(name).filter(|entries| !entries.is_null());
        match (under(CONFIGURATIONS), under(SUPPORTED)) {
            (Some(newer), older) if filled(newer) || !older.is_some_and(filled) => {
                Some(Self { entries: newer, is_older: false })
            }
            (_, Some(older)) => Some(Self { entries: older, is_older: true }),
            _ => None,
        }
    }

    /// The entries that are objects.
    pub(in crate::dialect) fn objects(&self) -> Vec<&'a Map<String, Value>> {
        match self.entries {
            Value::Object(map) => map.values().filter_map(Value::as_object).collect(),
            Value::Array(list) => list.iter().filter_map(Value::as_object).collect(),
            _ => Vec::new(),
        }
    }
}

/// A catalogue in the words of 1.0.
pub(super) struct LiftedCatalogue {
    pub(super) entries: Map<String, Value>,
    pub(super) spellings: BTreeMap<ConfigurationId, Spelling>,
}

/// Lifts a catalogue; `None` if it is neither map nor list.
pub(super) fn lift(catalogue: Catalogue<'_>, tolerated: &mut Tolerated) -> Option<LiftedCatalogue> {
    let named = match catalogue.entries {
        Value::Object(map) => map.iter().map(|(id, entry)| (id.clone(), entry)).collect(),
        Value::Array(list) => {
            tolerated.insert(Tolerance::CatalogueList);
            name_entries(list)
        }
        _ => return None,
    };
    if catalogue.is_older {
        tolerated.insert(Tolerance::CredentialsSupported);
    }
    // Only up to draft 12 did leaving out the proof types mean something.
    let is_older = catalogue.is_older || catalogue.entries.is_array();
    let defaults = if is_older { Defaults::JwtProofs } else { Defaults::None };
    let (mut entries, mut spellings) = (Map::new(), BTreeMap::new());
    for (id, entry) in named {
        let lifted = configuration::lift_with(entry, defaults);
        tolerated.extend(lifted.tolerated);
        if let Some(spelling) = lifted.spelling {
            spellings.insert(ConfigurationId::new(id.clone()), spelling);
        }
        entries.insert(id, lifted.entry);
    }
    Some(LiftedCatalogue { entries, spellings })
}

/// Names for the entries of a list: their `id`, or one that is made up of what they are. No two are the same, and
/// what an issuer named itself is called so: the first of that name.
fn name_entries(list: &[Value]) -> Vec<(String, &Value)> {
    let own = |entry: &Value| match entry.get("id")? {
        Value::String(id) if !id.is_empty() => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    };
    let mut taken: BTreeSet<String> = list.iter().filter_map(own).collect();
    let (mut given, mut counts) = (BTreeSet::new(), BTreeMap::<String, usize>::new());
    let mut named = Vec::with_capacity(list.len());
    for (index, entry) in list.iter().enumerate() {
        let id = match own(entry) {
            Some(id) if given.insert(id.clone()) => id,
            own => {
                let base = own
                    .or_else(|| configuration::made_up_id(entry).map(|id| id.as_str().to_owned()))
                    // Nothing that could be asked for; it is reported as what can't be read.
                    .unwrap_or_else(|| format!("configuration_{index}"));
                let count = counts.entry(base.clone()).or_insert(1);
                let mut id = base.clone();
                while taken.contains(&id) {
                    *count += 1;
                    id = format!("{base}_{count}");
                }
                taken.insert(id.clone());
                id
            }
        };
        named.push((id, entry));
    }
    named
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(list: &Value) -> Vec<String> {
        name_entries(list.as_array().expect("a list")).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn no_entry_of_a_list_takes_the_place_of_another() {
        let degree = json!({ "format": "jwt_vc_json", "types": ["VerifiableCredential", "Degree"] });
        let mut named = degree.clone();
        named["id"] = json!("Degree_jwt_vc_json");
        let list = json!([degree, named, degree, named, { "id": 7 }, {}, "text", { "id": "" }, null]);
        assert_eq!(
            names(&list),
            [
                "Degree_jwt_vc_json_2",
                "Degree_jwt_vc_json",
                "Degree_jwt_vc_json_3",
                "Degree_jwt_vc_json_4",
                "7",
                "configuration_5",
                "configuration_6",
                "configuration_7",
                "configuration_8",
            ]
        );
    }

    #[test]
    fn a_long_list_of_the_same_is_named_in_no_time() {
        let list = Value::Array(vec![json!({ "id": "A" }); 20_000]);
        let unique: BTreeSet<String> = names(&list).into_iter().collect();
        assert_eq!(unique.len(), 20_000);
    }

    #[test]
    fn the_newer_catalogue_is_the_one() {
        let which = |document: &Value| Catalogue::of(document).map(|found| (found.is_older, found.entries.clone()));
        let (new, old) = (json!({ "N": {} }), json!([{ "id": "O" }]));
        assert_eq!(which(&json!({ CONFIGURATIONS: new, SUPPORTED: old })), Some((false, new.clone())));
        assert_eq!(which(&json!({ CONFIGURATIONS: null, SUPPORTED: old })), Some((true, old.clone())));
        assert_eq!(which(&json!({ SUPPORTED: old })), Some((true, old.clone())));
        for nothing in [json!({}), json!([]), json!("text"), json!(5)] {
            assert_eq!(which(&json!({ CONFIGURATIONS: nothing, SUPPORTED: old })), Some((true, old.clone())));
            assert_eq!(which(&json!({ CONFIGURATIONS: nothing })), Some((false, nothing.clone())));
            assert_eq!(which(&json!({ CONFIGURATIONS: nothing, SUPPORTED: {} })), Some((false, nothing)));
        }
        assert_eq!(which(&json!({})), None);
        assert_eq!(which(&json!("text")), None);
    }
}
