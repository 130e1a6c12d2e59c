//! What a strict wallet minds, and others read as it was meant.

use serde_json::Value;

use super::read::ReadError;

/// An offer, whose numbers are numbers.
pub(super) fn offer(document: &Value) -> Result<(), ReadError> {
    let grant =
        document.get("grants").and_then(|grants| grants.get("urn:ietf:params:oauth:grant-type:pre-authorized_code"));
    let tx_code = grant.and_then(|grant| grant.get("tx_code"));
    tx_code.map_or(Ok(()), |tx_code| number(tx_code, "length", "grants.tx_code.length"))
}

/// Issuer metadata, whose numbers are numbers and whose names are a list.
pub(super) fn issuer_metadata(document: &Value) -> Result<(), ReadError> {
    if let Some(batch) = document.get("batch_credential_issuance") {
        number(batch, "batch_size", "batch_credential_issuance.batch_size")?;
    }
    match document.get("display") {
        Some(Value::Array(_) | Value::Null) | None => Ok(()),
        Some(_) => Err(ReadError { path: "display".to_owned(), problem: "is no array".to_owned() }),
    }
}

/// A token answer, whose numbers are numbers.
pub(super) fn token(answer: &Value) -> Result<(), ReadError> {
    number(answer, "expires_in", "expires_in")
}

/// A credential answer, whose numbers are numbers.
pub(super) fn credential(answer: &Value) -> Result<(), ReadError> {
    number(answer, "interval", "interval")
}

fn number(object: &Value, name: &str, path: &str) -> Result<(), ReadError> {
    match object.get(name) {
        None | Some(Value::Null | Value::Number(_)) => Ok(()),
        Some(_) => Err(ReadError { path: path.to_owned(), problem: "is no number".to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Dialects, credential, issuer_metadata, offer, token};
    use crate::model::ids::IssuerId;
    use crate::model::time::Timestamp;

    #[test]
    fn numbers_as_texts_and_one_name_for_a_list_are_for_others() {
        let asked = IssuerId::parse("https://i.example").expect("legal");
        let of_offer = |length| {
            json!({ "credential_issuer": "https://i.example", "credential_configuration_ids": ["A"], "grants": {
                "urn:ietf:params:oauth:grant-type:pre-authorized_code":
                    { "pre-authorized_code": "c", "tx_code": { "length": length } } } })
        };
        let metadata = |name: &str, value| {
            let mut metadata = json!({ "credential_issuer": "https://i.example",
                "credential_endpoint": "https://i.example/c", "credential_configurations_supported": {} });
            metadata[name] = value;
            metadata
        };
        let batch = |size| metadata("batch_credential_issuance", json!({ "batch_size": size }));
        let of_token = |seconds| json!({ "access_token": "t", "token_type": "Bearer", "expires_in": seconds });
        let late = |seconds| json!({ "transaction_id": "t", "interval": seconds });
        let now = Timestamp::from_seconds(0);
        for dialects in [Dialects::Any, Dialects::Strict] {
            let any = dialects == Dialects::Any;
            assert!(offer(&of_offer(json!(4)), dialects).is_ok());
            assert_eq!(offer(&of_offer(json!("4")), dialects).is_ok(), any);
            assert!(issuer_metadata(&batch(json!(4)), &asked, dialects).is_ok());
            assert_eq!(issuer_metadata(&batch(json!("4")), &asked, dialects).is_ok(), any);
            assert!(issuer_metadata(&metadata("display", json!([])), &asked, dialects).is_ok());
            assert_eq!(issuer_metadata(&metadata("display", json!({})), &asked, dialects).is_ok(), any);
            assert!(token(&of_token(json!(300)), now, false, dialects).is_ok());
            assert_eq!(token(&of_token(json!("300")), now, false, dialects).is_ok(), any);
            assert!(credential(&late(json!(5)), dialects).is_ok());
            assert_eq!(credential(&late(json!("5")), dialects).is_ok(), any);
        }
    }
}
