//! JSON that no JSON library writes, for credentials and payloads that are wrong on purpose.

use serde_json::{Map, Value, json};

/// In front of a member's name: the name is there a second time.
const AGAIN: char = '\u{e000}';
/// In place of a value: arrays in arrays.
const DEEP: char = '\u{e001}';
/// How many of them.
pub(crate) const DEPTH: usize = 5000;

/// Adds a member that is there already.
pub(crate) fn repeat(object: &mut Map<String, Value>, name: &str) {
    let value = object.get(name).cloned().unwrap_or(Value::Null);
    object.insert(format!("{AGAIN}{name}"), value);
}

/// A value that is nested too deep.
pub(crate) fn deep() -> Value {
    json!(DEEP.to_string())
}

/// The text of a value, with the above carried out.
pub(crate) fn text(value: &Value) -> String {
    let mut text = value.to_string();
    if text.contains(AGAIN) {
        text = text.replace(AGAIN, "");
    }
    if text.contains(DEEP) {
        text = text.replace(&format!("\"{DEEP}\""), &format!("{}{}", "[".repeat(DEPTH), "]".repeat(DEPTH)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_in_the_text_only() {
        let mut object = Map::from_iter([("a".to_owned(), json!(1))]);
        assert_eq!(text(&json!(object)), r#"{"a":1}"#);
        repeat(&mut object, "a");
        assert_eq!(text(&json!(object)), r#"{"a":1,"a":1}"#);
        assert_eq!(text(&json!({"b": deep()})).len(), 6 + 2 * DEPTH);
    }
}
