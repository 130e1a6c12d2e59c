//! Claims that a wallet wants in a credential (`OpenID4VCI` appendix B.1).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::catalogue::Configuration;
use crate::subjects::{mandatory_paths, subject_claims};

/// A claims path pointer (appendix C).
pub(crate) type Path = Vec<Value>;

/// What is wanted, by configuration; all claims of those that are not in it.
pub(crate) type Selection = BTreeMap<String, Vec<Path>>;

/// Reads `claims` of an authorization detail.
pub(crate) fn read(configuration: &Configuration, claims: &Value) -> Result<Vec<Path>, String> {
    let claims = claims.as_array().filter(|claims| !claims.is_empty()).ok_or("claims is not a filled array")?;
    let all = Value::Object(subject_claims(configuration.kind));
    let mut paths: Vec<Path> = Vec::new();
    for claim in claims {
        let legal = |part: &Value| part.is_string() || part.is_null() || part.is_u64();
        let path = claim
            .get("path")
            .and_then(Value::as_array)
            .filter(|path| !path.is_empty() && path.iter().all(legal))
            .ok_or("a claim has no legal path")?;
        let mandatory = match claim.get("mandatory") {
            None => false,
            Some(Value::Bool(mandatory)) => *mandatory,
            Some(_) => return Err("mandatory is neither true nor false".to_owned()),
        };
        if paths.iter().any(|known| contradict(known, path)) {
            return Err("two claims repeat or contradict each other".to_owned());
        }
        let found = within_subject(configuration, path).and_then(|path| keep(&all, &[path]));
        if mandatory && found.is_none() {
            return Err(format!("the claim {} is mandatory, but no credential here has it", json!(path)));
        }
        paths.push(path.clone());
    }
    Ok(paths)
}

/// Whether two paths are the same or see one node as different things (appendix B.3).
fn contradict(one: &[Value], other: &[Value]) -> bool {
    match one.iter().zip(other).find(|(one, other)| one != other) {
        None => one.len() == other.len(),
        // Two members of an object or two elements of an array are just two claims.
        Some((one, other)) => !(one.is_string() && other.is_string() || one.is_u64() && other.is_u64()),
    }
}

/// The part of a path that lies in what the credential says of its subject.
fn within_subject<'a>(configuration: &Configuration, path: &'a [Value]) -> Option<&'a [Value]> {
    let prefix = configuration.format.claims_prefix();
    path.split_at_checked(prefix.len()).filter(|(first, _)| *first == prefix).map(|(_, rest)| rest)
}

/// The claims about the subject that go into a credential: the wanted ones, and those that the
/// metadata calls mandatory.
pub(crate) fn select(configuration: &Configuration, wanted: Option<&Vec<Path>>) -> Map<String, Value> {
    let all = subject_claims(configuration.kind);
    let Some(wanted) = wanted else { return all };
    let always = mandatory_paths(configuration.kind);
    let paths: Vec<&[Value]> = wanted
        .iter()
        .filter_map(|path| within_subject(configuration, path))
        .chain(always.iter().map(Vec::as_slice))
        .collect();
    match keep(&Value::Object(all), &paths) {
        Some(Value::Object(kept)) => kept,
        _ => Map::new(),
    }
}

/// What the paths lead to, with everything above it; none if that is nothing.
fn keep(value: &Value, paths: &[&[Value]]) -> Option<Value> {
    if paths.iter().any(|path| path.is_empty()) {
        return Some(value.clone());
    }
    let below = |leads: &dyn Fn(&Value) -> bool| -> Vec<&[Value]> {
        paths.iter().filter(|path| leads(&path[0])).map(|path| &path[1..]).collect()
    };
    match value {
        Value::Object(members) => {
            let kept: Map<String, Value> = members
                .iter()
                .filter_map(|(name, member)| Some((name.clone(), keep(member, &below(&|part| part == name))?)))
                .collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        Value::Array(elements) => {
            let leads = |index: usize| move |part: &Value| part.is_null() || part.as_u64() == Some(index as u64);
            let kept: Vec<Value> = elements
                .iter()
                .enumerate()
                .filter_map(|(index, element)| keep(element, &below(&leads(index))))
                .collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(paths: &Value) -> Option<Value> {
        let value = json!({"a": {"b": 1, "c": [{"d": 2}, {"d": 3, "e": 4}]}, "f": [5, 6]});
        let paths: Vec<Path> = serde_json::from_value(paths.clone()).expect("paths");
        keep(&value, &paths.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    #[test]
    fn paths_lead_to_parts() {
        for (paths, expected) in [
            (json!([["a", "b"]]), json!({"a": {"b": 1}})),
            (json!([["a", "c", null, "d"]]), json!({"a": {"c": [{"d": 2}, {"d": 3}]}})),
            (json!([["a", "c", 1]]), json!({"a": {"c": [{"d": 3, "e": 4}]}})),
            (json!([["a", "c", null, "e"], ["f"]]), json!({"a": {"c": [{"e": 4}]}, "f": [5, 6]})),
            (json!([["f", 1], ["x"]]), json!({"f": [6]})),
        ] {
            assert_eq!(kept(&paths), Some(expected), "{paths}");
        }
        for paths in [json!([]), json!([["x"]]), json!([["a", "b", "c"]]), json!([["f", "a"]]), json!([["f", 2]])] {
            assert_eq!(kept(&paths), None, "{paths}");
        }
    }

    #[test]
    fn contradictions_of_appendix_b_3() {
        let contradict = |one: Value, other: Value| {
            super::contradict(one.as_array().expect("a path"), other.as_array().expect("a path"))
        };
        assert!(contradict(json!(["a"]), json!(["a"])));
        assert!(contradict(json!(["a", null]), json!(["a", 0])));
        assert!(contradict(json!(["a", 0, "b"]), json!(["a", "b"])));
        assert!(!contradict(json!(["a", 0]), json!(["a", 1])));
        assert!(!contradict(json!(["a"]), json!(["a", "b"])));
        assert!(!contradict(json!(["a", "b"]), json!(["a", "c"])));
    }
}
