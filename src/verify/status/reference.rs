//! Where a credential says that its status is kept.

use serde_json::{Map, Value};
use url::Url;

use crate::model::status::{StatusEntry, StatusReference};

/// The most places of one credential that are looked up: each may be a request.
const MAX_ENTRIES: usize = 8;
/// The most messages that are kept of an entry: as many as its values can be.
const MAX_MESSAGES: usize = 256;

/// What a credential says about its status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stated {
    /// The places that can be looked up.
    pub(crate) reference: Option<StatusReference>,
    /// What could not be understood of it.
    pub(crate) problem: Option<Problem>,
}

/// Why a statement about status is not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// It breaks the rules of its kind.
    Malformed(&'static str),
    /// Another way of keeping status.
    Unsupported(&'static str),
}

impl Stated {
    /// Reads the claim `status` (Token Status List section 6.2), of a JWT or, made JSON, of a CWT or an MSO.
    pub(crate) fn in_claim(status: Option<&Value>) -> Self {
        let Some(status) = status else { return Self::default() };
        match token_list(status) {
            Ok(reference) => Self { reference: Some(reference), problem: None },
            Err(problem) => Self { reference: None, problem: Some(problem) },
        }
    }

    /// Reads `credentialStatus` of a W3C credential (Bitstring Status List section 2.1), one or several. Where it
    /// names no list, the claim `status` of its JWT is read.
    pub(crate) fn in_w3c(credential: &Map<String, Value>, payload: Option<&Map<String, Value>>) -> Self {
        let claim = payload.and_then(|payload| payload.get("status")).filter(|status| status.is_object());
        let entries = match credential.get("credentialStatus") {
            None | Some(Value::Null) => return Self::in_claim(claim),
            Some(Value::Array(entries)) => entries.as_slice(),
            Some(entry) => std::slice::from_ref(entry),
        };
        // The words of Token Status List, where those of Bitstring Status List are due.
        if let [entry] = entries
            && entry.get("status_list").is_some_and(Value::is_object)
            && matches!(bitstring_entry(entry), Err(Problem::Unsupported(_)))
        {
            return Self::in_claim(Some(entry));
        }
        let mut stated = Self::default();
        let mut places = Vec::new();
        if entries.len() > MAX_ENTRIES {
            stated.problem = Some(Problem::Unsupported("it names more status lists than are looked up"));
        }
        for entry in entries.iter().take(MAX_ENTRIES) {
            match bitstring_entry(entry) {
                Ok(place) => places.push(place),
                // What is wrong outweighs what is merely unknown.
                Err(problem @ Problem::Malformed(_)) => stated.problem = Some(problem),
                Err(problem) => stated.problem = stated.problem.or(Some(problem)),
            }
        }
        if !places.is_empty() {
            stated.reference = Some(StatusReference::Bitstring(places));
        } else if let Some(claim) = claim {
            let in_claim = Self::in_claim(Some(claim));
            if in_claim.reference.is_some() {
                return Self { reference: in_claim.reference, problem: stated.problem };
            }
        }
        stated
    }
}

fn token_list(status: &Value) -> Result<StatusReference, Problem> {
    let status = status.as_object().ok_or(Problem::Malformed("`status` is not an object"))?;
    let list = status.get("status_list").ok_or(Problem::Unsupported("its status is not kept in a status list"))?;
    let index = list.get("idx").and_then(Value::as_u64);
    let index = index.ok_or(Problem::Malformed("`status_list.idx` is not a whole number from 0 on"))?;
    let uri = list.get("uri").and_then(Value::as_str).filter(|uri| is_address(uri));
    let uri = uri.ok_or(Problem::Malformed("`status_list.uri` is not a URL"))?;
    Ok(StatusReference::TokenStatusList { uri: uri.to_owned(), index })
}

fn bitstring_entry(entry: &Value) -> Result<StatusEntry, Problem> {
    let entry = entry.as_object().ok_or(Problem::Malformed("`credentialStatus` is not an object"))?;
    let is = |name: &str| match entry.get("type") {
        Some(Value::String(text)) => text == name,
        Some(Value::Array(names)) => names.iter().any(|other| other == name),
        _ => false,
    };
    let first_form = is("RevocationList2020Status");
    if !(is("BitstringStatusListEntry") || is("StatusList2021Entry") || first_form) {
        return Err(Problem::Unsupported("its `credentialStatus` is of an unknown type"));
    }
    // The first form had its own names for the same things, and issuers are seen to mix them.
    let member = |name: &str, older: &str| entry.get(name).or_else(|| entry.get(older).filter(|_| first_form));
    let index = member("statusListIndex", "revocationListIndex").and_then(whole_number);
    let index = index.ok_or(Problem::Malformed("`statusListIndex` is not a whole number from 0 on"))?;
    let list = member("statusListCredential", "revocationListCredential").and_then(Value::as_str);
    let list = list.filter(|list| is_address(list));
    let list = list.ok_or(Problem::Malformed("`statusListCredential` is not a URL"))?;
    let purpose = match entry.get("statusPurpose") {
        Some(Value::String(purpose)) if !purpose.is_empty() => purpose.clone(),
        None if first_form => "revocation".to_owned(),
        _ => return Err(Problem::Malformed("`statusPurpose` is missing or not text")),
    };
    let size = match entry.get("statusSize") {
        None => 1,
        Some(size) => match size.as_u64() {
            None | Some(0) => return Err(Problem::Malformed("`statusSize` is not a whole number from 1 on")),
            Some(size @ 1..=8) => u8::try_from(size).expect("it is at most 8"),
            Some(_) => return Err(Problem::Unsupported("`statusSize` is over 8 bits")),
        },
    };
    let messages = entry.get("statusMessage").or_else(|| entry.get("statusMessages")).and_then(Value::as_array);
    let messages = messages.into_iter().flatten().take(MAX_MESSAGES).filter_map(message).collect();
    Ok(StatusEntry { purpose, list: list.to_owned(), index, size, messages })
}

/// A number that the specification wants as text, and issuers are seen to write as a number.
fn whole_number(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) if text.bytes().all(|octet| octet.is_ascii_digit()) => text.parse().ok(),
        other => other.as_u64(),
    }
}

fn message(entry: &Value) -> Option<(u64, String)> {
    let value = entry.get("status")?.as_str()?.strip_prefix("0x")?;
    Some((u64::from_str_radix(value, 16).ok()?, entry.get("message")?.as_str()?.to_owned()))
}

/// Which addresses may be asked is for the transport's rules to say.
fn is_address(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.has_host())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LIST: &str = "https://status.example/1";

    #[test]
    fn a_place_in_a_token_status_list_is_read() {
        let stated = Stated::in_claim(Some(&json!({ "status_list": { "idx": 7, "uri": LIST } })));
        let reference = StatusReference::TokenStatusList { uri: LIST.to_owned(), index: 7 };
        assert_eq!(stated, Stated { reference: Some(reference), problem: None });
        assert_eq!(Stated::in_claim(None), Stated::default());
    }

    #[test]
    fn what_is_no_place_is_told() {
        let malformed = |status: &Value, what: &str| match Stated::in_claim(Some(status)) {
            Stated { reference: None, problem: Some(Problem::Malformed(why)) } => assert!(why.contains(what), "{why}"),
            other => panic!("{status}: {other:?}"),
        };
        for status in [json!("revoked"), json!(null), json!([]), json!(1)] {
            malformed(&status, "`status` is not");
        }
        let huge: Value = serde_json::from_str("18446744073709551616").unwrap();
        for idx in [json!(-1), json!(1.5), json!(1.0), json!("1"), json!(null), json!([1]), huge] {
            malformed(&json!({ "status_list": { "idx": idx, "uri": LIST } }), "idx");
        }
        malformed(&json!({ "status_list": { "uri": LIST } }), "idx");
        malformed(&json!({ "status_list": 3 }), "idx");
        for uri in [json!(""), json!("/list"), json!("urn:uuid:1"), json!("mailto:x@y"), json!(5), json!(null)] {
            malformed(&json!({ "status_list": { "idx": 0, "uri": uri } }), "uri");
        }
        let other = Stated::in_claim(Some(&json!({ "identifier_list": { "id": "AA", "uri": LIST } })));
        assert!(matches!(other.problem, Some(Problem::Unsupported(_))), "{other:?}");
    }

    fn w3c(status: &Value) -> Stated {
        Stated::in_w3c(json!({ "credentialStatus": status }).as_object().unwrap(), None)
    }

    fn places(stated: &Stated) -> &[StatusEntry] {
        match &stated.reference {
            Some(StatusReference::Bitstring(places)) => places,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn entries_of_all_three_generations_are_read() {
        let entry = json!({
            "id": "https://status.example/1#9", "type": "BitstringStatusListEntry", "statusPurpose": "message",
            "statusListIndex": "9", "statusListCredential": LIST, "statusSize": 2,
            "statusMessage": [{ "status": "0x0", "message": "fine" }, { "status": "0xa", "message": "odd" },
                { "status": "1" }, 5],
        });
        let messages = vec![(0, "fine".to_owned()), (10, "odd".to_owned())];
        let place = StatusEntry { purpose: "message".to_owned(), list: LIST.to_owned(), index: 9, size: 2, messages };
        assert_eq!(places(&w3c(&entry)), [place]);
        let older = json!({ "type": ["Other", "StatusList2021Entry"], "statusPurpose": "suspension",
            "statusListIndex": 4, "statusListCredential": LIST });
        let oldest = json!({ "type": "RevocationList2020Status", "revocationListIndex": "5",
            "revocationListCredential": LIST });
        let stated = w3c(&json!([older, oldest]));
        let found: Vec<_> = places(&stated).iter().map(|place| (place.purpose.as_str(), place.index)).collect();
        assert_eq!(found, [("suspension", 4), ("revocation", 5)]);
        assert_eq!(stated.problem, None);
        assert_eq!(Stated::in_w3c(&Map::new(), None), Stated::default());
        assert_eq!(w3c(&json!(null)), Stated::default());
        assert_eq!(w3c(&json!([])), Stated::default());
    }

    #[test]
    fn entries_that_break_the_rules_are_told() {
        let good = json!({ "type": "BitstringStatusListEntry", "statusPurpose": "revocation",
            "statusListIndex": "9", "statusListCredential": LIST });
        let with = |name: &str, value: Value| {
            let mut entry = good.clone();
            entry[name] = value;
            entry
        };
        for (entry, what) in [
            (json!("x"), "not an object"),
            (with("statusListIndex", json!("-1")), "statusListIndex"),
            (with("statusListIndex", json!("+1")), "statusListIndex"),
            (with("statusListIndex", json!("1e3")), "statusListIndex"),
            (with("statusListIndex", json!("")), "statusListIndex"),
            (with("statusListIndex", json!(1.5)), "statusListIndex"),
            (with("statusListIndex", json!("99999999999999999999999")), "statusListIndex"),
            (with("statusListCredential", json!("x")), "statusListCredential"),
            (with("statusListCredential", json!({})), "statusListCredential"),
            (with("statusPurpose", json!(["revocation"])), "statusPurpose"),
            (with("statusPurpose", json!("")), "statusPurpose"),
            (with("statusSize", json!(0)), "statusSize"),
            (with("statusSize", json!("2")), "statusSize"),
        ] {
            let stated = w3c(&json!([good, entry]));
            assert_eq!(places(&stated).len(), 1, "the good one is still looked up");
            assert!(matches!(stated.problem, Some(Problem::Malformed(why)) if why.contains(what)), "{stated:?}");
        }
        for entry in
            [with("type", json!("RevocationBitmap2022")), with("type", json!(null)), with("statusSize", json!(9))]
        {
            assert!(
                matches!(w3c(&entry), Stated { reference: None, problem: Some(Problem::Unsupported(_)) }),
                "{entry}"
            );
        }
        let many = Value::Array(vec![good; MAX_ENTRIES + 1]);
        let stated = w3c(&many);
        assert_eq!(places(&stated).len(), MAX_ENTRIES);
        assert!(matches!(stated.problem, Some(Problem::Unsupported(_))));
    }

    #[test]
    fn the_claim_of_the_jwt_counts_where_the_credential_names_no_list() {
        let payload = json!({ "status": { "status_list": { "idx": 1, "uri": LIST } } });
        let payload = payload.as_object();
        let token = |stated: &Stated| matches!(stated.reference, Some(StatusReference::TokenStatusList { .. }));
        assert!(token(&Stated::in_w3c(&Map::new(), payload)));
        let other = json!({ "credentialStatus": { "type": "Other" } });
        let stated = Stated::in_w3c(other.as_object().unwrap(), payload);
        assert!(token(&stated) && stated.problem.is_some());
        // The same words in the place of the other ones, as credibil's issuer has them.
        let mixed = |kind: &str| json!({ "type": kind, "status_list": { "idx": 0, "uri": LIST } });
        let stated = w3c(&mixed("tokenStatusListEntry"));
        assert!(token(&stated) && stated.problem.is_none());
        assert!(matches!(w3c(&mixed("BitstringStatusListEntry")).problem, Some(Problem::Malformed(_))));
        // A member of that name in a JWT that is no Token Status List's means nothing.
        let text = json!({ "status": "active" });
        assert_eq!(Stated::in_w3c(&Map::new(), text.as_object()), Stated::default());
    }
}
