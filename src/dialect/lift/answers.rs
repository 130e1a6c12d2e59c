//! Answers to the token and credential requests.

use serde_json::{Value, json};

use super::super::Deferral;
use super::super::tolerance::{Tolerance, Tolerated};
use super::is_there;
use crate::model::secret::Secret;
use crate::model::time::Timestamp;

/// More seconds than any token lives: ten years. What is more is a point in time.
const LONGEST_EXPIRY: i64 = 10 * 365 * 24 * 3600;

/// How long to wait where the issuer does not say (up to draft 15).
const INTERVAL_SECONDS: u64 = 5;

/// Lifts a token answer that arrived at `now`.
pub(crate) fn token(answer: &Value, now: Timestamp, tolerated: &mut Tolerated) -> Value {
    let mut answer = answer.clone();
    let Some(members) = answer.as_object_mut() else { return answer };
    let seconds = members.get("expires_in").and_then(super::super::read::whole);
    if seconds.is_some() && members.get("expires_in").is_some_and(Value::is_string) {
        tolerated.insert(Tolerance::ValueType);
    }
    if let Some(at) = seconds.filter(|seconds| *seconds > LONGEST_EXPIRY) {
        let left = (Timestamp::from_seconds(at) - now).clamp(0, LONGEST_EXPIRY);
        members.insert("expires_in".to_owned(), json!(left));
        tolerated.insert(Tolerance::AbsoluteExpiry);
    }
    // Up to draft 13 an entry may name its configuration by format and type. The credential is then asked for by
    // these, too.
    if let Some(Value::Array(entries)) = members.get_mut("authorization_details") {
        let nameless = |entry: &Value| entry.is_object() && entry.get("credential_configuration_id").is_none();
        let before = entries.len();
        entries.retain(|entry| !nameless(entry) || entry.get("type").is_none_or(|kind| kind != "openid_credential"));
        if entries.len() < before {
            tolerated.insert(Tolerance::DetailsByFormat);
        }
    }
    answer
}

/// The nonce in an answer, which drafts up to 14 put into token answers, credential answers and errors alike.
pub(crate) fn nonce(answer: &Value) -> Option<Secret> {
    answer.get("c_nonce").and_then(Value::as_str).filter(|nonce| !nonce.is_empty()).map(Secret::from)
}

/// Lifts a credential answer, and says how a deferred one is picked up.
pub(crate) fn credential(answer: &Value, tolerated: &mut Tolerated) -> (Value, Deferral) {
    let mut answer = answer.clone();
    let mut deferral = Deferral::TransactionId;
    let Some(members) = answer.as_object_mut() else { return (answer, deferral) };
    if let Some(credential) = members.remove("credential").filter(|credential| !credential.is_null()) {
        // In half a migration both are there, and are the same.
        if !is_there(members, "credentials") {
            members.insert("credentials".to_owned(), json!([{ "credential": credential }]));
        }
        tolerated.insert(Tolerance::SingleCredential);
    }
    if let Some(Value::Array(entries)) = members.get_mut("credentials") {
        for entry in entries {
            let wrapped = entry.as_object().is_some_and(|entry| entry.contains_key("credential"));
            let is_credential =
                entry.is_string() || entry.as_object().is_some_and(|entry| entry.contains_key("@context"));
            if !wrapped && is_credential {
                *entry = json!({ "credential": entry.take() });
                tolerated.insert(Tolerance::BareCredentials);
            }
        }
    }
    if is_there(members, "credentials") {
        return (answer, deferral);
    }
    if !is_there(members, "transaction_id")
        && let Some(token) = members.remove("acceptance_token").filter(is_token)
    {
        members.insert("transaction_id".to_owned(), token);
        deferral = Deferral::AcceptanceToken;
        tolerated.insert(Tolerance::AcceptanceToken);
    }
    if is_there(members, "transaction_id") && !is_there(members, "interval") {
        members.insert("interval".to_owned(), json!(INTERVAL_SECONDS));
        if deferral == Deferral::TransactionId {
            tolerated.insert(Tolerance::DeferredWithoutInterval);
        }
    }
    (answer, deferral)
}

/// Whether something can be shown as a token (RFC 6750 section 2.1).
fn is_token(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_graphic()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::read;
    use crate::model::credential::CredentialResponse;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn lifted(answer: &Value) -> (CredentialResponse, Deferral, Vec<&'static str>) {
        let mut tolerated = Tolerated::new();
        let (value, deferral) = credential(answer, &mut tolerated);
        let response = read::credential_response(&value).unwrap_or_else(|error| panic!("{answer}: {error}"));
        (response, deferral, tolerated.into_iter().map(Tolerance::as_str).collect())
    }

    #[test]
    fn credentials_come_in_every_wrapping() {
        let document = json!({ "@context": ["https://www.w3.org/2018/credentials/v1"], "type": [] });
        for (answer, expected, tolerated) in [
            (json!({ "credentials": [{ "credential": "a" }] }), vec![json!("a")], vec![]),
            (
                json!({ "credential": "a", "format": "jwt_vc_json", "c_nonce": "n" }),
                vec![json!("a")],
                vec!["single_credential"],
            ),
            (json!({ "credential": document }), vec![document.clone()], vec!["single_credential"]),
            (json!({ "credentials": ["a", "b"] }), vec![json!("a"), json!("b")], vec!["bare_credentials"]),
            (json!({ "credentials": [document] }), vec![document.clone()], vec!["bare_credentials"]),
            (
                json!({ "credential": "a", "credentials": [{ "credential": "b" }] }),
                vec![json!("b")],
                vec!["single_credential"],
            ),
        ] {
            let (response, _, names) = lifted(&answer);
            let CredentialResponse::Issued { credentials, .. } = response else { panic!("{answer}") };
            assert_eq!((credentials, names), (expected, tolerated), "{answer}");
        }
    }

    #[test]
    fn deferrals_come_with_any_token_and_without_a_time() {
        for (answer, id, seconds, by, tolerated) in [
            (json!({ "transaction_id": "t", "interval": 9 }), "t", 9, Deferral::TransactionId, vec![]),
            (json!({ "transaction_id": "t" }), "t", 5, Deferral::TransactionId, vec!["deferred_without_interval"]),
            (
                json!({ "acceptance_token": "t", "c_nonce": "n" }),
                "t",
                5,
                Deferral::AcceptanceToken,
                vec!["acceptance_token"],
            ),
        ] {
            let (response, deferral, names) = lifted(&answer);
            let CredentialResponse::Deferred { transaction_id, interval } = response else { panic!("{answer}") };
            assert_eq!((transaction_id.as_str(), interval, deferral, names), (id, seconds, by, tolerated), "{answer}");
        }
    }

    #[test]
    fn what_fits_in_no_header_is_no_acceptance_token() {
        for token in ["", "two words", "line\nbreak", "\u{e9}"] {
            let (lifted, by) = credential(&json!({ "acceptance_token": token }), &mut Tolerated::new());
            assert_eq!(by, Deferral::TransactionId, "{token}");
            assert!(read::credential_response(&lifted).is_err(), "{token}");
        }
    }

    #[test]
    fn a_point_in_time_is_not_taken_for_a_number_of_seconds() {
        let expires = |expires_in: Value| {
            let mut tolerated = Tolerated::new();
            let answer = json!({ "access_token": "t", "token_type": "bearer", "expires_in": expires_in });
            let token = read::token(&token(&answer, NOW, &mut tolerated), NOW).expect("a token");
            (token.expires_at.map(|at| at - NOW), !tolerated.is_empty())
        };
        assert_eq!(expires(json!(300)), (Some(300), false));
        assert_eq!(expires(json!("300")), (Some(300), true));
        assert_eq!(expires(json!(1_800_000_600)), (Some(600), true));
        assert_eq!(expires(json!("1800000600")), (Some(600), true));
        assert_eq!(expires(json!(1_799_999_999)), (Some(0), true));
        assert_eq!(expires(json!(9_000_000_000_000_000_i64)), (Some(LONGEST_EXPIRY), true));
        assert_eq!(expires(json!(LONGEST_EXPIRY)), (Some(LONGEST_EXPIRY), false));
    }

    #[test]
    fn details_that_name_no_configuration_authorize_by_type() {
        let mut tolerated = Tolerated::new();
        let answer = json!({ "access_token": "t", "token_type": "Bearer", "authorization_details": [
            { "type": "openid_credential", "format": "jwt_vc_json", "credential_identifiers": ["x"] },
            { "type": "openid_credential", "credential_configuration_id": "A", "credential_identifiers": ["y"] },
            { "type": "other" },
        ] });
        let token = read::token(&token(&answer, NOW, &mut tolerated), NOW).expect("a token");
        assert_eq!(token.authorized.len(), 1);
        assert_eq!(tolerated.into_iter().collect::<Vec<_>>(), [Tolerance::DetailsByFormat]);
    }
}
