//! Claim paths: which part of a credential is meant (OpenID4VCI appendices B.3 and C).

use serde_json::Value;

use super::display::PathStep;

/// What a path is applied to. Claims of an mdoc are held as an object of namespaces, each an object of
/// data elements; the integer keys that CBOR maps may have are written out there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClaimModel {
    /// A credential made of JSON.
    Json,
    /// An ISO mdoc.
    Mdoc,
}

/// Why a path leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PathError {
    /// An empty path, or one into an mdoc that does not name a namespace and an element.
    #[error("it is too short")]
    TooShort,
    /// A key where there is no object, an index or `null` where there is no array.
    #[error("a step does not fit what it is applied to")]
    Misfit,
    /// There is nothing at its end.
    #[error("it selects nothing")]
    Nothing,
}

/// A claim with the path of its own, in which every `null` has become an index.
pub(crate) type Selected<'a> = (Vec<PathStep>, &'a Value);

/// All claims that a path selects (OpenID4VCI appendices C.1 and C.2).
pub(crate) fn select<'a>(
    claims: &'a Value,
    path: &[PathStep],
    model: ClaimModel,
) -> Result<Vec<Selected<'a>>, PathError> {
    fits(path, model)?;
    let mut selected: Vec<Selected<'a>> = vec![(Vec::new(), claims)];
    for step in path {
        let all_objects = selected.iter().all(|(_, value)| value.is_object());
        if !all_objects && !selected.iter().all(|(_, value)| value.is_array()) {
            return Err(PathError::Misfit);
        }
        let mut next = Vec::new();
        for (walked, value) in selected {
            let mut take = |value: &'a Value, step: PathStep| {
                let mut walked = walked.clone();
                walked.push(step);
                next.push((walked, value));
            };
            match (step, value) {
                (PathStep::Key(key), Value::Object(members)) => {
                    if let Some(member) = members.get(key) {
                        take(member, step.clone());
                    }
                }
                (PathStep::Index(key), Value::Object(members)) if model == ClaimModel::Mdoc => {
                    if let Some(member) = members.get(&key.to_string()) {
                        take(member, step.clone());
                    }
                }
                (PathStep::Index(index), Value::Array(items)) => {
                    if let Some(item) = usize::try_from(*index).ok().and_then(|index| items.get(index)) {
                        take(item, step.clone());
                    }
                }
                (PathStep::All, Value::Array(items)) => {
                    (0_u64..).zip(items).for_each(|(index, item)| take(item, PathStep::Index(index)));
                }
                _ => return Err(PathError::Misfit),
            }
        }
        selected = next;
    }
    if selected.is_empty() { Err(PathError::Nothing) } else { Ok(selected) }
}

/// Whether a path can be one into such a credential at all.
pub(crate) fn fits(path: &[PathStep], model: ClaimModel) -> Result<(), PathError> {
    match (model, path) {
        (ClaimModel::Json, [_, ..]) | (ClaimModel::Mdoc, [PathStep::Key(_), PathStep::Key(_), ..]) => Ok(()),
        _ => Err(PathError::TooShort),
    }
}

/// Whether paths repeat or contradict each other: one of them twice, or the same place taken for an
/// object and an array, or for an array as a whole and by its elements (OpenID4VCI appendix B.3).
pub(crate) fn contradict(paths: &[&[PathStep]], model: ClaimModel) -> bool {
    paths.iter().enumerate().any(|(at, one)| paths[..at].iter().any(|other| contradicts(one, other, model)))
}

fn contradicts(one: &[PathStep], other: &[PathStep], model: ClaimModel) -> bool {
    let fork = one.iter().zip(other).find(|(one, other)| one != other);
    match fork {
        None => one.len() == other.len(),
        // The paths differ here, so the other step is none that says the same.
        Some((PathStep::All, _) | (_, PathStep::All)) => true,
        // The keys of a map in an mdoc may be numbers.
        Some((PathStep::Key(_), PathStep::Index(_)) | (PathStep::Index(_), PathStep::Key(_))) => {
            model == ClaimModel::Json
        }
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A path as it stands in JSON.
    fn path(value: Value) -> Vec<PathStep> {
        serde_json::from_value(value).expect("a path")
    }

    fn found(claims: &Value, at: Value, model: ClaimModel) -> Result<Vec<Value>, PathError> {
        select(claims, &path(at), model).map(|found| found.into_iter().map(|(_, value)| value.clone()).collect())
    }

    // covers: CLAIM-06
    #[test]
    fn json_paths_select_or_fail() {
        let claims = json!({
            "name": "Mira", "address": { "city": "Bern" }, "nationalities": ["CH", "FR"],
            "cards": [{ "kind": "a", "tags": ["x", "y"] }, { "kind": "b" }, { "tags": ["z"] }],
            "mixed": [{ "kind": "a" }, "text"], "empty": [], "7": "seven"
        });
        let good = [
            (json!(["name"]), vec![json!("Mira")]),
            (json!(["address"]), vec![json!({ "city": "Bern" })]),
            (json!(["address", "city"]), vec![json!("Bern")]),
            (json!(["nationalities"]), vec![json!(["CH", "FR"])]),
            (json!(["nationalities", 1]), vec![json!("FR")]),
            (json!(["nationalities", null]), vec![json!("CH"), json!("FR")]),
            // An element without the key is dropped, and so is an array without the index.
            (json!(["cards", null, "kind"]), vec![json!("a"), json!("b")]),
            (json!(["cards", null, "tags", 1]), vec![json!("y")]),
            (json!(["cards", null, "tags", null]), vec![json!("x"), json!("y"), json!("z")]),
        ];
        for (at, expected) in good {
            assert_eq!(found(&claims, at.clone(), ClaimModel::Json), Ok(expected), "{at}");
        }
        for (at, expected) in [
            (json!([]), PathError::TooShort),
            (json!(["name", "first"]), PathError::Misfit),
            (json!(["name", null]), PathError::Misfit),
            (json!(["name", 0]), PathError::Misfit),
            (json!(["address", null]), PathError::Misfit),
            (json!(["address", 0]), PathError::Misfit),
            (json!([7]), PathError::Misfit),
            (json!([null]), PathError::Misfit),
            (json!(["nationalities", "0"]), PathError::Misfit),
            (json!(["mixed", null, "kind"]), PathError::Misfit),
            (json!(["absent"]), PathError::Nothing),
            (json!(["nationalities", 2]), PathError::Nothing),
            (json!(["cards", 1, "tags"]), PathError::Nothing),
            (json!(["empty", null]), PathError::Nothing),
            (json!(["absent", "deeper", 3]), PathError::Nothing),
        ] {
            assert_eq!(found(&claims, at.clone(), ClaimModel::Json), Err(expected), "{at}");
        }
    }

    #[test]
    fn what_was_selected_knows_its_own_place() {
        let claims = json!({ "cards": [{ "kind": "a" }, {}, { "kind": "c" }] });
        let at = path(json!(["cards", null, "kind"]));
        let places: Vec<_> = select(&claims, &at, ClaimModel::Json).expect("two").into_iter().map(|at| at.0).collect();
        assert_eq!(places, [path(json!(["cards", 0, "kind"])), path(json!(["cards", 2, "kind"]))]);
    }

    // covers: CLAIM-07
    #[test]
    fn mdoc_paths_name_a_namespace_and_an_element() {
        let claims = json!({ "org.iso.18013.5.1": {
            "given_name": "Mira",
            "driving_privileges": [{ "vehicle_category_code": "B" }, { "vehicle_category_code": "A", "1": "one" }],
            "codes": { "2": "two" }
        } });
        let at = |rest: Value| {
            let mut steps = vec![json!("org.iso.18013.5.1")];
            steps.extend(rest.as_array().expect("steps").clone());
            found(&claims, Value::Array(steps), ClaimModel::Mdoc)
        };
        assert_eq!(at(json!(["given_name"])), Ok(vec![json!("Mira")]));
        assert_eq!(at(json!(["driving_privileges", 0, "vehicle_category_code"])), Ok(vec![json!("B")]));
        assert_eq!(at(json!(["driving_privileges", null, "vehicle_category_code"])), Ok(vec![json!("B"), json!("A")]));
        // A number is an index in an array and a key in a map.
        assert_eq!(at(json!(["driving_privileges", 1, 1])), Ok(vec![json!("one")]));
        assert_eq!(at(json!(["codes", 2])), Ok(vec![json!("two")]));
        assert_eq!(at(json!(["driving_privileges", null, 1])), Ok(vec![json!("one")]));
        assert_eq!(at(json!([])), Err(PathError::TooShort));
        assert_eq!(at(json!([null])), Err(PathError::TooShort));
        assert_eq!(at(json!([0])), Err(PathError::TooShort));
        assert_eq!(at(json!(["given_name", "x"])), Err(PathError::Misfit));
        assert_eq!(at(json!(["codes", null])), Err(PathError::Misfit));
        assert_eq!(at(json!(["absent"])), Err(PathError::Nothing));
        assert_eq!(at(json!(["driving_privileges", 9])), Err(PathError::Nothing));
        assert_eq!(found(&claims, json!(["other", "given_name"]), ClaimModel::Mdoc), Err(PathError::Nothing));
        assert_eq!(found(&claims, json!([1, "given_name"]), ClaimModel::Mdoc), Err(PathError::TooShort));
    }

    // covers: CLAIM-05
    #[test]
    fn paths_may_not_repeat_or_contradict_each_other() {
        let table = |value: Value, model| {
            let paths: Vec<Vec<PathStep>> = serde_json::from_value(value).expect("paths");
            contradict(&paths.iter().map(Vec::as_slice).collect::<Vec<_>>(), model)
        };
        for bad in [
            json!([["a"], ["b"], ["a"]]),
            json!([["a", null], ["a", 0]]),
            json!([["a", null, "x"], ["b"], ["a", 1, "y"]]),
            json!([["a", null], ["a", "x"]]),
            json!([["a", 0], ["a", "x"]]),
            json!([["a", null, "x", 0], ["a", null, "x", "y"]]),
        ] {
            assert!(table(bad.clone(), ClaimModel::Json), "{bad}");
        }
        for good in [
            json!([]),
            json!([["a"]]),
            json!([["a"], ["a", "x"], ["a", "y"], ["b", null], ["c", 0], ["c", 1]]),
            json!([["a"], ["a", null], ["a", null, "x"], ["a", null, "y"]]),
        ] {
            assert!(!table(good.clone(), ClaimModel::Json), "{good}");
        }
        assert!(!table(json!([["n", "e", "x"], ["n", "e", 1]]), ClaimModel::Mdoc));
        assert!(table(json!([["n", "e", "x"], ["n", "e", null]]), ClaimModel::Mdoc));
    }
}
