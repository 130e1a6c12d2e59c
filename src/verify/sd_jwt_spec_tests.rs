//! The test cases of other implementations: claims of which parts are marked, a choice of what to show, and what
//! is known afterwards. Salts are random there, so a small issuer of our own stands between.

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::*;

/// Claims, and which of them are selectively disclosable.
enum Marked {
    Plain(Value),
    Object(Vec<(String, bool, Marked)>),
    Array(Vec<(bool, Marked)>),
}

/// A disclosure, and where it belongs.
type Placed = (Vec<String>, String);

/// Claims with digests in the place of what is marked, and the disclosures of that.
fn issue(marked: &Marked, path: &[String], disclosures: &mut Vec<Placed>) -> Value {
    let at = |step: String| [path, &[step]].concat();
    match marked {
        Marked::Plain(value) => value.clone(),
        Marked::Object(members) => {
            let (mut object, mut digests) = (Map::new(), Vec::new());
            for (name, hidden, member) in members {
                let value = issue(member, &at(name.clone()), disclosures);
                if *hidden {
                    let text = disclosure(&json!([format!("salt {path:?}"), name, value]));
                    digests.push(json!(digest_of(&text)));
                    disclosures.push((at(name.clone()), text));
                } else {
                    object.insert(name.clone(), value);
                }
            }
            if !digests.is_empty() {
                object.insert("_sd".to_owned(), Value::Array(digests));
            }
            Value::Object(object)
        }
        Marked::Array(elements) => {
            let issued = elements.iter().enumerate().map(|(index, (hidden, element))| {
                let at = at(index.to_string());
                let value = issue(element, &at, disclosures);
                if !hidden {
                    return value;
                }
                let text = disclosure(&json!([format!("salt {at:?}"), value]));
                let digest = digest_of(&text);
                disclosures.push((at, text));
                json!({"...": digest})
            });
            Value::Array(issued.collect())
        }
    }
}

/// Whether a choice, a tree of yes and no, has a place in it.
fn is_chosen(choice: &Value, path: &[String]) -> bool {
    let place = path.iter().try_fold(choice, |choice, step| match choice {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        other => other.get(step),
    });
    place.is_some_and(|place| *place == true || place.is_object() || place.is_array())
}

/// What is known once the chosen disclosures are shown; checks that all of them give back all claims.
fn shown(marked: &Marked, choice: &Value, all: &Value) -> Value {
    let mut placed = Vec::new();
    let payload = issue(marked, &[], &mut placed);
    let every: Vec<&str> = placed.iter().map(|(_, text)| text.as_str()).collect();
    let whole = disclose(payload.as_object().unwrap(), &every).unwrap();
    assert_eq!(whole.claims, *all);
    let place = |path: &[PathStep]| {
        let step = |step: &PathStep| match step {
            PathStep::Key(name) => name.clone(),
            PathStep::Index(index) => index.to_string(),
            PathStep::All => panic!("a place is one"),
        };
        path.iter().map(step).collect::<Vec<_>>()
    };
    let mut places: Vec<_> = whole.disclosable.iter().map(|path| place(path)).collect();
    let mut expected: Vec<_> = placed.iter().map(|(path, _)| path.clone()).collect();
    places.sort();
    expected.sort();
    assert_eq!(places, expected);
    let chosen: Vec<&str> =
        placed.iter().filter(|(path, _)| is_chosen(choice, path)).map(|(_, text)| text.as_str()).collect();
    disclosed(&payload, &chosen).unwrap()
}

/// Claims marked by a frame: `_sd` lists names or indexes, other members are the frames of members.
fn framed(claims: &Value, frame: Option<&Value>) -> Marked {
    let listed = frame.and_then(|frame| frame.get("_sd")).and_then(Value::as_array);
    let is_listed = |name: &str| {
        let is_it = |entry: &Value| entry.as_str().map_or_else(|| entry.to_string(), str::to_owned) == name;
        listed.is_some_and(|listed| listed.iter().any(is_it))
    };
    let of = |name: &str| frame.and_then(|frame| frame.get(name));
    match claims {
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), is_listed(name), framed(value, of(name))));
            Marked::Object(members.collect())
        }
        Value::Array(items) => {
            let items = items.iter().enumerate().map(|(index, item)| {
                let name = index.to_string();
                (is_listed(&name), framed(item, of(&name)))
            });
            Marked::Array(items.collect())
        }
        plain => Marked::Plain(plain.clone()),
    }
}

#[test]
fn frames_of_sd_jwt_js() {
    let Some(folder) = vectors("sd-jwt/sd-jwt-js") else { return };
    let mut seen = 0;
    for (file, vector) in vector_files(&folder) {
        let marked = framed(&vector["claims"], vector.get("disclosureFrame"));
        let found = shown(&marked, &vector["presentationFrames"], &vector["claims"]);
        if file == "array_none_disclosed.json" {
            // An object of which nothing is shown is still there, as the reference implementation has it in its
            // case of the same name; this file leaves it out.
            assert_eq!((found, &vector["presentedClaims"]), (json!({"is_over": {}}), &json!({})));
        } else {
            assert_eq!(found, vector["presentedClaims"], "{file}");
        }
        seen += 1;
    }
    assert_eq!(seen, 13);
}

/// A YAML document in which `!sd` marks claims.
struct Yaml<'a>(std::iter::Peekable<std::vec::IntoIter<Event<'a>>>);

impl<'a> Yaml<'a> {
    fn parse(text: &'a str) -> Marked {
        let events: Vec<_> = Parser::new_from_str(text).map(|event| event.unwrap().0).collect();
        let skipped = |event: &Event<'_>| matches!(event, Event::StreamStart | Event::DocumentStart(_));
        let events: Vec<_> = events.into_iter().skip_while(skipped).collect();
        Self(events.into_iter().peekable()).node().1
    }

    /// A node, and whether it is marked.
    fn node(&mut self) -> (bool, Marked) {
        match self.0.next().unwrap() {
            Event::Scalar(text, style, _, tag) => {
                let plain = match (style, &*text) {
                    (ScalarStyle::Plain, "null" | "~" | "") => Value::Null,
                    (ScalarStyle::Plain, "true" | "True") => json!(true),
                    (ScalarStyle::Plain, "false" | "False") => json!(false),
                    (ScalarStyle::Plain, text) => match serde_json::from_str::<serde_json::Number>(text) {
                        Ok(number) => Value::Number(number),
                        Err(_) => json!(text),
                    },
                    (_, text) => json!(text),
                };
                (tag.is_some(), Marked::Plain(plain))
            }
            Event::SequenceStart(_, tag) => {
                let mut elements = Vec::new();
                while !matches!(self.0.peek(), Some(Event::SequenceEnd)) {
                    elements.push(self.node());
                }
                self.0.next();
                (tag.is_some(), Marked::Array(elements))
            }
            Event::MappingStart(_, tag) => {
                let mut members = Vec::new();
                while !matches!(self.0.peek(), Some(Event::MappingEnd)) {
                    let Some(Event::Scalar(name, _, _, mark)) = self.0.next() else { panic!("a key is a scalar") };
                    let (_, member) = self.node();
                    members.push((name.into_owned(), mark.is_some(), member));
                }
                self.0.next();
                (tag.is_some(), Marked::Object(members))
            }
            other => panic!("{other:?}"),
        }
    }
}

/// The claims without the marks.
fn unmarked(marked: &Marked) -> Value {
    match marked {
        Marked::Plain(value) => value.clone(),
        Marked::Object(members) => members.iter().map(|(name, _, value)| (name.clone(), unmarked(value))).collect(),
        Marked::Array(elements) => elements.iter().map(|(_, value)| unmarked(value)).collect(),
    }
}

#[test]
fn specifications_of_the_reference_implementation() {
    let Some(folder) = vectors("sd-jwt/sd-jwt-python") else { return };
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut seen = 0;
    for path in files {
        // The settings hold the keys that the others are signed with, and random salts' seed.
        if path.file_name().unwrap() == "settings.yml" {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let Marked::Object(members) = Yaml::parse(&text) else { panic!("{}", path.display()) };
        let member = |name: &str| &members.iter().find(|(member, _, _)| member == name).unwrap().2;
        let claims = member("user_claims");
        let choice = unmarked(member("holder_disclosed_claims"));
        let found = shown(claims, &choice, &unmarked(claims));
        assert_eq!(found, unmarked(member("expect_verified_user_claims")), "{}", path.display());
        seen += 1;
    }
    assert_eq!(seen, 13);
}
