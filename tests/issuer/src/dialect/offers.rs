//! The shapes of an offer.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Offered, PendingToken, Pin, types};
use crate::issuer::Issuer;
use crate::oauth::Grant;
use crate::offers::TxCode;

/// Seconds between two token requests, for wallets that have to wait.
const INTERVAL: u32 = 5;
/// Most digits of a user PIN.
const LONGEST_PIN: usize = 8;

/// A form of offers that is older than the dialect of the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum OldForm {
    /// Draft 8: every member is a parameter of the link.
    Draft8,
    /// Draft 9: an object with `issuer`, and the grant's members beside it.
    Draft9,
}

/// Writes down in the members of a grant that the user has to type something.
pub(crate) fn ask_for_code(issuer: &Issuer, code: &TxCode, grant: &mut Map<String, Value>) -> Result<(), String> {
    match issuer.dialect.pin {
        Pin::TxCode => {
            grant.insert("tx_code".into(), json!(code));
        }
        Pin::UserPin => {
            let legal = |value: &String| value.len() <= LONGEST_PIN && value.bytes().all(|b| b.is_ascii_digit());
            let too_long = code.length.is_some_and(|length| length > LONGEST_PIN);
            if code.input_mode.as_deref() == Some("text") || too_long || !code.value.iter().all(legal) {
                return Err(format!("a user PIN is at most {LONGEST_PIN} digits in this dialect"));
            }
            grant.insert("user_pin_required".into(), json!(true));
        }
    }
    Ok(())
}

/// The object of an offer.
pub(crate) fn object(
    issuer: &Issuer,
    configurations: &[String],
    grant: Grant,
    mut members: Map<String, Value>,
    inline: bool,
) -> Result<Value, String> {
    let dialect = &issuer.dialect;
    if grant == Grant::PreAuthorized && dialect.pending_token == PendingToken::IntervalInOffer {
        members.insert("interval".into(), json!(INTERVAL));
    }
    let name = match dialect.offered {
        Offered::ConfigurationIds => "credential_configuration_ids",
        Offered::Ids | Offered::IdsOrObjects => "credentials",
    };
    Ok(json!({
        "credential_issuer": issuer.id,
        name: credentials(issuer, configurations, inline)?,
        "grants": {grant.wire_name(): members},
    }))
}

fn credentials(issuer: &Issuer, configurations: &[String], inline: bool) -> Result<Value, String> {
    if !inline {
        return Ok(json!(configurations));
    }
    if issuer.dialect.offered != Offered::IdsOrObjects {
        return Err("offers of this dialect name credentials by id only".to_owned());
    }
    let described = configurations.iter().filter_map(|id| issuer.configuration(id));
    Ok(described.map(|configuration| types::of(issuer, configuration)).collect())
}

/// An offer of an older form, and its link.
pub(crate) fn older(
    issuer: &Issuer,
    form: OldForm,
    configurations: &[String],
    members: Map<String, Value>,
    inline: bool,
) -> Result<(Value, String), String> {
    if issuer.dialect.offered != Offered::IdsOrObjects {
        return Err("offers of that form need a profile of the same age, which is draft11".to_owned());
    }
    let mut offer = json!({"issuer": issuer.id});
    for (name, value) in members {
        offer[if name == "issuer_state" { "op_state" } else { name.as_str() }] = value;
    }
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    match form {
        OldForm::Draft9 => {
            offer["credentials"] = credentials(issuer, configurations, inline)?;
            query.append_pair("credential_offer", &offer.to_string());
        }
        OldForm::Draft8 if inline => return Err("that form names credentials by id only".to_owned()),
        OldForm::Draft8 => {
            offer["credential_type"] = json!(configurations);
            query.append_pair("issuer", &issuer.id);
            query.extend_pairs(configurations.iter().map(|id| ("credential_type", id)));
            for name in ["pre-authorized_code", "op_state"] {
                query.extend_pairs(offer[name].as_str().map(|value| (name, value)));
            }
            if offer["user_pin_required"] == true {
                query.append_pair("user_pin_required", "true");
            }
        }
    }
    Ok((offer, format!("openid-initiate-issuance://?{}", query.finish().replace('+', "%20"))))
}
