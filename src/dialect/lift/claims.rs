//! Claims as a tree (drafts up to 14), as the list of paths that 1.0 has.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::single_display;
use crate::dialect::tolerance::{Tolerance, Tolerated};

/// How many levels of a tree are looked at. What is deeper is described as a whole.
const DEEPEST: usize = 16;
/// How many descriptions are made of one tree: more than any form asks for.
const MOST: usize = 1000;
/// How many octets their paths have in all. A long name near the root is in every path below it.
const MOST_TEXT: usize = 256 * 1024;

/// A tree, and where it hangs.
pub(super) struct Tree<'a> {
    /// The steps that lead to its root.
    pub(super) root: &'a [&'a str],
    pub(super) claims: &'a Value,
    /// How many levels below the root there are only groups: the namespaces of an mdoc.
    pub(super) groups: usize,
}

/// The claims of a tree, in the order that the issuer asks for; otherwise in that of their names.
pub(super) fn list(tree: &Tree<'_>, order: Option<&Value>, tolerated: &mut Tolerated) -> Value {
    let mut found = Found { claims: Vec::new(), paths: BTreeSet::new(), room: MOST_TEXT, tolerated };
    let mut path: Vec<Value> = tree.root.iter().map(|step| json!(step)).collect();
    let root = path.len();
    if let Value::Object(members) = tree.claims {
        found.members(members, &mut path, tree.groups);
    }
    let mut claims = found.claims;
    let ranks = ranks(order);
    if !ranks.is_empty() {
        claims.sort_by_key(|claim| rank(claim, root, &ranks));
    }
    Value::Array(claims)
}

struct Found<'a> {
    claims: Vec<Value>,
    /// As text: what is said twice contradicts itself for a reader.
    paths: BTreeSet<String>,
    /// How many more octets of paths fit.
    room: usize,
    tolerated: &'a mut Tolerated,
}

impl Found<'_> {
    fn members(&mut self, members: &Map<String, Value>, path: &mut Vec<Value>, groups: usize) {
        for (name, value) in members {
            if self.claims.len() >= MOST {
                return;
            }
            path.push(json!(name));
            self.node(value, path, groups);
            path.pop();
        }
    }

    fn node(&mut self, node: &Value, path: &mut Vec<Value>, groups: usize) {
        match node {
            Value::Object(members) if groups > 0 => self.members(members, path, groups - 1),
            // A namespace without elements is nothing that could be described.
            _ if groups > 0 => {}
            Value::Object(members) if path.len() < DEEPEST && !members.is_empty() && !describes(members) => {
                self.members(members, path, 0);
            }
            // An array of such objects stands for any number of them.
            Value::Array(items) if path.len() < DEEPEST && items.iter().any(Value::is_object) => {
                path.push(Value::Null);
                for item in items.iter().filter(|item| item.is_object()) {
                    if self.claims.len() >= MOST {
                        break;
                    }
                    self.node(item, path, 0);
                }
                path.pop();
            }
            Value::Object(members) => {
                self.claim(Some(members), path);
                self.inside(members, path);
            }
            _ => self.claim(None, path),
        }
    }

    /// Claims beside what is said of the one that they are in, which drafts did not mean to be.
    fn inside(&mut self, members: &Map<String, Value>, path: &mut Vec<Value>) {
        for (name, value) in members {
            let is_said = matches!(name.as_str(), "mandatory" | "value_type" | "display");
            if is_said || !value.is_object() || path.len() >= DEEPEST || self.claims.len() >= MOST {
                continue;
            }
            path.push(json!(name));
            self.node(value, path, 0);
            path.pop();
        }
    }

    fn claim(&mut self, said: Option<&Map<String, Value>>, path: &[Value]) {
        let length = path.iter().filter_map(Value::as_str).map(str::len).sum();
        let Some(room) = self.room.checked_sub(length) else { return };
        self.room = room;
        let path = Value::Array(path.to_vec());
        if !self.paths.insert(path.to_string()) {
            return;
        }
        let mut claim = Map::new();
        claim.insert("path".to_owned(), path);
        let said = |name: &str| said.and_then(|said| said.get(name));
        match said("mandatory") {
            Some(Value::Bool(mandatory)) => drop(claim.insert("mandatory".to_owned(), json!(mandatory))),
            Some(Value::String(text)) if text == "true" || text == "false" => {
                claim.insert("mandatory".to_owned(), json!(text == "true"));
                self.tolerated.insert(Tolerance::ValueType);
            }
            _ => {}
        }
        if let Some(display) = said("display") {
            claim.insert("display".to_owned(), display.clone());
            single_display(&mut claim, self.tolerated);
        }
        self.claims.push(Value::Object(claim));
    }
}

/// Whether an object says something about a claim, instead of holding claims. A claim may be called as what is
/// said of claims; its value is another one then.
fn describes(members: &Map<String, Value>) -> bool {
    members.iter().any(|(name, value)| match name.as_str() {
        "mandatory" => value.is_boolean() || value.is_string(),
        "value_type" => value.is_string(),
        "display" => value.is_array() || value.get("name").is_some_and(Value::is_string),
        _ => false,
    })
}

/// The places of names in `order`.
fn ranks(order: Option<&Value>) -> BTreeMap<&str, usize> {
    let names = order.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut ranks = BTreeMap::new();
    for (rank, name) in names.iter().filter_map(Value::as_str).enumerate() {
        ranks.entry(name).or_insert(rank);
    }
    ranks
}

/// Where a claim comes: by its name, which may have the namespace of an mdoc before it, or (draft 11) by a name in
/// its display. What is not named comes last.
fn rank(claim: &Value, root: usize, ranks: &BTreeMap<&str, usize>) -> usize {
    let steps: Vec<&str> =
        claim["path"].as_array().into_iter().flatten().skip(root).filter_map(Value::as_str).collect();
    let mut names: Vec<String> = steps.first().into_iter().map(|name| (*name).to_owned()).collect();
    if let [namespace, element, ..] = steps.as_slice() {
        names.push(format!("{namespace}~{element}"));
        names.push((*element).to_owned());
    }
    names.extend(steps.last().map(|name| (*name).to_owned()));
    let shown = claim.get("display").and_then(Value::as_array).into_iter().flatten();
    names.extend(shown.filter_map(|display| display.get("name")?.as_str()).map(str::to_owned));
    names.iter().find_map(|name| ranks.get(name.as_str()).copied()).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(claims: &Value, groups: usize, order: Option<&Value>) -> Vec<Value> {
        let mut tolerated = Tolerated::new();
        let listed = list(&Tree { root: &[], claims, groups }, order, &mut tolerated);
        listed.as_array().expect("a list").iter().map(|claim| claim["path"].clone()).collect()
    }

    #[test]
    fn a_tree_becomes_paths_with_what_is_said_of_each() {
        let tree = json!({
            "name": { "mandatory": true, "value_type": "string", "display": [{ "name": "Name", "locale": "en" }] },
            "born": {},
            "address": { "city": { "display": { "name": "City" } }, "street": "string" },
            "degrees": [{ "type": {}, "year": { "mandatory": "true" } }],
            "tags": ["text"],
        });
        let mut tolerated = Tolerated::new();
        let listed = list(&Tree { root: &["credentialSubject"], claims: &tree, groups: 0 }, None, &mut tolerated);
        let at = |steps: Value| {
            let mut path = vec![json!("credentialSubject")];
            path.extend(steps.as_array().expect("steps").clone());
            Value::Array(path)
        };
        let expected = json!([
            { "path": at(json!(["address", "city"])), "display": [{ "name": "City" }] },
            { "path": at(json!(["address", "street"])) },
            { "path": at(json!(["born"])) },
            { "path": at(json!(["degrees", null, "type"])) },
            { "path": at(json!(["degrees", null, "year"])), "mandatory": true },
            { "path": at(json!(["name"])), "mandatory": true, "display": [{ "name": "Name", "locale": "en" }] },
            { "path": at(json!(["tags"])) },
        ]);
        assert_eq!(listed, expected);
        assert_eq!(tolerated.into_iter().collect::<Vec<_>>(), [Tolerance::SingleDisplay, Tolerance::ValueType]);
    }

    #[test]
    fn claims_may_be_called_as_what_is_said_of_claims() {
        let tree = json!({ "display": { "mandatory": { "mandatory": true } }, "mandatory": { "display": { "x": {} } },
            "value_type": {} });
        let expected = json!([["display", "mandatory"], ["mandatory", "display", "x"], ["value_type"]]);
        assert_eq!(Value::Array(paths(&tree, 0, None)), expected);
    }

    #[test]
    fn a_group_may_have_a_name_of_its_own() {
        let tree =
            json!({ "address": { "display": [{ "name": "Address" }], "city": { "mandatory": true }, "note": 5 } });
        assert_eq!(paths(&tree, 0, None), [json!(["address"]), json!(["address", "city"])]);
    }

    #[test]
    fn namespaces_are_groups_whatever_they_hold() {
        let tree = json!({ "org.iso": { "given_name": {}, "display": [] }, "empty": {}, "text": "x" });
        assert_eq!(paths(&tree, 1, None), [json!(["org.iso", "display"]), json!(["org.iso", "given_name"])]);
    }

    #[test]
    fn the_issuers_order_is_kept() {
        let tree = json!({ "a": {}, "b": { "x": {}, "y": {} }, "c": { "display": [{ "name": "First" }] } });
        let order = json!(["First", "b", 7, "b", "nothing"]);
        let expected = [json!(["c"]), json!(["b", "x"]), json!(["b", "y"]), json!(["a"])];
        assert_eq!(paths(&tree, 0, Some(&order)), expected);
        let mdoc = json!({ "n": { "a": {}, "b": {} }, "o": { "a": {} } });
        let expected = [json!(["o", "a"]), json!(["n", "b"]), json!(["n", "a"])];
        assert_eq!(paths(&mdoc, 1, Some(&json!(["o~a", "n~b"]))), expected);
        for none in [json!({}), json!("a"), json!([]), json!(null)] {
            assert_eq!(paths(&tree, 0, Some(&none))[0], json!(["a"]));
        }
    }

    #[test]
    fn depth_and_number_are_bounded() {
        // JSON that is deeper than 64 levels is not read.
        let deep = (0..60).fold(json!({}), |deep, _| json!({ "x": deep }));
        let found = paths(&deep, 0, None);
        assert_eq!(found[0].as_array().expect("steps").len(), DEEPEST);
        assert_eq!(found.len(), 1);
        let wide: Map<String, Value> = (0..5000).map(|at| (format!("c{at}"), json!({}))).collect();
        assert_eq!(paths(&Value::Object(wide), 0, None).len(), MOST);
        let long = json!({ "n".repeat(MOST_TEXT / 10): (0..100).map(|at| (format!("c{at}"), json!({}))).collect::<Map<_, _>>() });
        assert_eq!(paths(&long, 0, None).len(), 9);
        let repeated = Value::Array(vec![json!({ "x": {} }); 5000]);
        assert_eq!(paths(&json!({ "a": repeated }), 0, None), [json!(["a", null, "x"])]);
    }
}
