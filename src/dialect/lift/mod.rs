//! From the words of older drafts, and of systems with words of their own, to those of 1.0.
//!
//! What is in 1.0's words already comes out as it went in. Nothing here fails because of what it does not know:
//! that is for [`read`](super::read) to say. Values that protect the user (identifiers, addresses, codes) are
//! moved, never made up.

pub(crate) mod answers;
pub(super) mod catalogue;
mod claims;
pub(crate) mod configuration;
pub(crate) mod metadata;
pub(crate) mod offer;
pub(crate) mod server;

use serde_json::{Map, Value};
use url::Url;

use super::tolerance::{Tolerance, Tolerated};
use crate::model::ids::IssuerId;

/// Makes an endpoint absolute that is a path only, against the issuer that it is of. Anything else stays as it is,
/// for the reader to judge.
fn absolute(members: &mut Map<String, Value>, name: &str, of: &IssuerId, tolerated: &mut Tolerated) {
    let Some(Value::String(text)) = members.get(name) else { return };
    // `//host` names another host: that is no path.
    if !text.starts_with('/') || text.starts_with("//") || text.starts_with("/\\") {
        return;
    }
    let Ok(joined) = of.to_url().join(text) else { return };
    if same_origin(&joined, &of.to_url()) {
        members.insert(name.to_owned(), Value::String(joined.into()));
        tolerated.insert(Tolerance::RelativeEndpoint);
    }
}

/// Puts a single `display` into the list that it has to be in.
fn single_display(members: &mut Map<String, Value>, tolerated: &mut Tolerated) {
    if let Some(display) = members.get_mut("display").filter(|display| display.is_object()) {
        *display = Value::Array(vec![display.take()]);
        tolerated.insert(Tolerance::SingleDisplay);
    }
}

/// Puts a single text into the list that it has to be in.
fn single_text(members: &mut Map<String, Value>, name: &str, tolerated: &mut Tolerated) {
    if let Some(text) = members.get_mut(name).filter(|value| value.as_str().is_some_and(|text| !text.is_empty())) {
        *text = Value::Array(vec![text.take()]);
        tolerated.insert(Tolerance::ValueType);
    }
}

/// Reads `"true"` and `"false"` as what they say.
fn flag_from_text(members: &mut Map<String, Value>, name: &str, tolerated: &mut Tolerated) {
    let said = match members.get(name).and_then(Value::as_str) {
        Some("true") => true,
        Some("false") => false,
        _ => return,
    };
    members.insert(name.to_owned(), Value::Bool(said));
    tolerated.insert(Tolerance::ValueType);
}

fn is_there(members: &Map<String, Value>, name: &str) -> bool {
    members.get(name).is_some_and(|value| !value.is_null())
}

fn same_origin(one: &Url, other: &Url) -> bool {
    one.origin() == other.origin()
}

#[cfg(test)]
#[path = "bad_input_tests.rs"]
mod tests;
