//! The notification endpoint (OpenID4VCI section 11).

use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;

use super::message;
use crate::error::{Error, ErrorCode, Operation};
use crate::model::ids::NotificationId;
use crate::platform::http::{HttpRequest, HttpResponse};

/// What became of the credentials of one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotificationEvent {
    /// They are stored, and usable.
    CredentialAccepted,
    /// The user deleted them.
    CredentialDeleted,
    /// At least one of them did not pass its checks.
    CredentialFailure,
}

impl NotificationEvent {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CredentialAccepted => "credential_accepted",
            Self::CredentialDeleted => "credential_deleted",
            Self::CredentialFailure => "credential_failure",
        }
    }
}

/// A notification request.
pub(crate) fn request(
    url: &Url,
    id: &NotificationId,
    event: NotificationEvent,
    description: Option<&str>,
) -> Result<HttpRequest, Error> {
    let mut body = json!({ "notification_id": id, "event": event.as_str() });
    if let Some(description) = description.map(plain_ascii).filter(|text| !text.is_empty()) {
        body["event_description"] = json!(description);
    }
    message::post_json(url, &body).map_err(|error| error.at(Operation::Notification))
}

/// Only what the specification allows in a description: printable ASCII without `"` and `\`.
fn plain_ascii(text: &str) -> String {
    text.chars().filter(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\')).take(200).collect()
}

/// Reads the answer: any status of 200 to 299 will do, whatever its body.
pub(crate) fn response(response: &HttpResponse) -> Result<(), Error> {
    if response.status().is_success() {
        return Ok(());
    }
    let refused = |error: &str| match error {
        "invalid_token" | "insufficient_scope" => ErrorCode::TokenRefused,
        "invalid_dpop_proof" | "use_dpop_nonce" => ErrorCode::DpopRefused,
        _ => ErrorCode::ServerRefused,
    };
    message::success(response, Operation::Notification, refused).map(|_| ())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    // covers: NOTIF-03, NOTIF-05
    #[test]
    fn the_body_is_exactly_that_of_the_specification() {
        let url = Url::parse("https://issuer.example/notification").expect("a URL");
        let sent = |event, description| -> Value {
            let request = request(&url, &"n".into(), event, description).expect("a request");
            serde_json::from_slice(request.body()).expect("json")
        };
        assert_eq!(
            sent(NotificationEvent::CredentialAccepted, None),
            json!({ "notification_id": "n", "event": "credential_accepted" })
        );
        assert_eq!(
            sent(NotificationEvent::CredentialFailure, Some("it \"said\" \\ n\u{f6}\n")),
            json!({ "notification_id": "n", "event": "credential_failure", "event_description": "it said  n" })
        );
        assert_eq!(sent(NotificationEvent::CredentialDeleted, Some("\u{f6}"))["event"], "credential_deleted");
    }
}
