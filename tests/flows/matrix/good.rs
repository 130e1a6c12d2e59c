//! What good credentials say, and that nothing of it is lost.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use billfold::{CheckKind, Credential, Outcome};
use serde_json::{Value, json};

use super::cells::Column;

/// What is missing or different in a good credential.
pub(super) fn lacks(column: &Column, credential: &Credential) -> Vec<String> {
    let mut lacks = Vec::new();
    let said = if column.is_mdoc() { licence() } else { degree() };
    let found = credential.claims.pointer(column.subject()).unwrap_or(&Value::Null);
    for (name, value) in said.as_object().expect("an object") {
        if found.get(name) != Some(value) {
            lacks.push(format!("{name}: {value} instead of {:?}", found.get(name)));
        }
    }
    let bound = credential.report.check(CheckKind::HolderBinding).map(|check| check.outcome);
    if bound != Some(Outcome::Passed) || credential.instances.iter().any(|instance| instance.key.is_none()) {
        lacks.push("a key".to_owned());
    }
    if credential.expires_at.is_none() {
        lacks.push("an end".to_owned());
    }
    lacks
}

fn degree() -> Value {
    json!({
        "given_name": "Erika",
        "family_name": "Mustermann",
        "birthdate": "1984-01-26",
        "degree": {"type": "BachelorDegree", "name": "Bachelor of Science", "date": "2009-07-31"},
        "address": {"street_address": "Heidestraße 17", "locality": "Köln", "country": "DE"},
        "nationalities": ["DE", "FR"],
    })
}

fn licence() -> Value {
    let portrait = STANDARD.encode(include_bytes!("../../issuer/images/portrait.jpg"));
    json!({
        "org.iso.18013.5.1": {
            "family_name": "Mustermann",
            "given_name": "Erika",
            "birth_date": "1984-01-26",
            "issue_date": "2024-03-01",
            "expiry_date": "2039-02-28",
            "issuing_country": "DE",
            "issuing_authority": "Stadt Köln",
            "document_number": "B072RRE2I55",
            "portrait": format!("data:image/jpeg;base64,{portrait}"),
            "portrait_capture_date": "2024-02-20T10:30:00Z",
            "driving_privileges": [
                {"vehicle_category_code": "B", "issue_date": "2002-02-01", "expiry_date": "2039-02-28"},
                {"vehicle_category_code": "L", "issue_date": "2002-02-01", "codes": [{"code": "174"}]},
            ],
            "un_distinguishing_sign": "D",
            "age_over_18": true,
            "height": 170,
        },
        "org.iso.18013.5.1.DE": {"remarks": "none", "offset": -7},
    })
}
