//! The answers of the credential and deferred endpoints, and what can be wrong about them.

use serde_json::{Value, json};

use crate::claims;
use crate::credential::Issued;
use crate::dialect::{Answer, Deferral};
use crate::encoding::random_text;
use crate::faults::Fault;
use crate::formats::{self, Mistakes};
use crate::issuer::Issuer;
use crate::proof::Holder;
use crate::requests::Asked;
use crate::wishes::Wishes;

/// The answer with credentials: one for each key, or a single one bound to none.
pub(crate) fn finish(issuer: &Issuer, family: &str, asked: &Asked<'_>, wishes: &Wishes) -> Value {
    let (configuration, holders) = (asked.configuration, &asked.shown.holders);
    let subject = claims::select(configuration, asked.wanted.as_ref());
    let strikes = |fault| issuer.faults.strikes(fault);
    let mistakes = Mistakes::draw(issuer);
    let mut keys: Vec<Option<&Holder>> =
        if holders.is_empty() { vec![None] } else { holders.iter().map(Some).collect() };
    if strikes(Fault::FewerCredentials) && keys.len() > 1 {
        keys.pop();
    }
    if strikes(Fault::ShuffledCredentials) {
        keys.rotate_left(1);
    }
    if strikes(Fault::SameKeyTwice) {
        match &mut keys[..] {
            [first, .., last] => *last = *first,
            _ => keys.push(keys[0]),
        }
    }
    if strikes(Fault::EmptyCredentials) {
        keys.clear();
    }
    let (bare, more) = (strikes(Fault::BareCredentials), strikes(Fault::UnknownMembers));
    let credentials: Vec<Value> = keys
        .into_iter()
        .map(|holder| {
            let credential = formats::make(issuer, configuration, subject.clone(), holder, wishes, &mistakes);
            if bare {
                return json!(credential);
            }
            let mut entry = json!({"credential": credential});
            if more {
                entry["something_new"] = json!({"a": [1]});
            }
            entry
        })
        .collect();
    let mut answer = json!({});
    if !strikes(Fault::NeitherAnswer) {
        answer["credentials"] = json!(credentials);
    }
    if strikes(Fault::BothAnswer) {
        let id = random_text();
        match issuer.dialect.deferral {
            Deferral::AcceptanceToken => answer["acceptance_token"] = json!(id),
            Deferral::TransactionId => answer["transaction_id"] = json!(id),
            Deferral::TransactionIdAndInterval => {
                answer["transaction_id"] = json!(id);
                answer["interval"] = json!(issuer.options.deferred_interval);
            }
        }
    }
    if more {
        answer["something_new"] = json!("x");
    }
    if wishes.response_metadata {
        answer["credential_metadata"] = configuration.response_metadata(&issuer.id);
    }
    if issuer.options.notification_endpoint && issuer.dialect.notifications {
        let id = random_text();
        answer["notification_id"] = json!(id);
        issuer.book().issued.insert(id, Issued { family: family.to_owned() });
    }
    reshape(issuer, asked, answer)
}

/// The answer as the dialect has it.
fn reshape(issuer: &Issuer, asked: &Asked<'_>, mut answer: Value) -> Value {
    let dialect = &issuer.dialect;
    let object = answer.as_object_mut().expect("made as an object");
    if dialect.answer == Answer::Credentials {
        return answer;
    }
    let bare = |entry: Value| if entry["credential"].is_null() { entry } else { entry["credential"].clone() };
    let Some(Value::Array(credentials)) = object.remove("credentials") else { return answer };
    let mut credentials = credentials.into_iter().map(bare);
    if dialect.answer == Answer::BareCredentials && asked.shown.plural {
        object.insert("credentials".into(), credentials.collect());
        // It goes with a single credential only.
        object.remove("notification_id");
        return answer;
    }
    object.extend(credentials.next().map(|credential| ("credential".to_owned(), credential)));
    if dialect.answer == Answer::FormatAndCredential {
        object.insert("format".into(), json!(asked.configuration.format.id()));
    }
    answer
}

/// The answer of 1.0 that says to ask again later; it has to be sent with status 202.
pub(crate) fn pending(issuer: &Issuer, id: &str) -> Value {
    let strikes = |fault| issuer.faults.strikes(fault);
    let interval = if strikes(Fault::IntervalZero) { 0 } else { issuer.options.deferred_interval };
    let mut answer = json!({"transaction_id": id, "interval": interval});
    if strikes(Fault::MissingInterval) {
        answer.as_object_mut().expect("made as an object").remove("interval");
    }
    answer
}
