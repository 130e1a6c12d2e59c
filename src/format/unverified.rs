//! Formats that this version reads and does not verify: they are kept as they came, out of use.

use async_trait::async_trait;
use serde_json::Value;

use super::checks::unknown;
use super::{CredentialFormat, Examined, w3c};
use crate::model::format::Format;
use crate::model::metadata::CredentialKind;
use crate::model::report::{CheckKind, Reason};
use crate::verify::VerifyContext;

/// What is known of a format without verifying it: where its type stands, and what its credentials look like.
#[derive(Debug)]
enum Unverified {
    /// `ldp_vc`: a JSON object.
    LdpVc,
    /// Any other.
    Foreign,
}

/// The reader of a format that is not verified.
pub(super) fn of(format: &Format) -> &'static dyn CredentialFormat {
    match format {
        Format::LdpVc => &Unverified::LdpVc,
        _ => &Unverified::Foreign,
    }
}

#[async_trait]
impl CredentialFormat for Unverified {
    fn format(&self) -> Format {
        match self {
            Self::LdpVc => Format::LdpVc,
            Self::Foreign => Format::Other(String::new()),
        }
    }

    fn read_kind(&self, configuration: &Value) -> Result<CredentialKind, String> {
        match self {
            Self::LdpVc => w3c::read_types_in_context(configuration),
            Self::Foreign => Ok(CredentialKind::Unknown),
        }
    }

    /// Says whether it looks like its format at all, and that nothing more is known. What does not was not
    /// what was asked for.
    async fn examine(&self, raw: &Value, _: &VerifyContext<'_>) -> Examined {
        let malformed = match (self, raw) {
            (Self::LdpVc, Value::Object(_)) | (Self::Foreign, _) => None,
            (Self::LdpVc, _) => Some("the credential is no JSON object".to_owned()),
        };
        if let Some(why) = malformed {
            return Examined::unreadable(why);
        }
        let detail = "this version does not verify the format";
        let checks = CheckKind::ALL.into_iter().map(|kind| unknown(kind, Reason::Unsupported, detail));
        Examined::of(checks.collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::report::{Outcome, Report, Verdict, VerificationPolicy};
    use crate::verify::testing::World;

    fn read_kind(format: &str, configuration: &Value) -> Result<CredentialKind, String> {
        of(&Format::from(format.to_owned())).read_kind(configuration)
    }

    async fn verdict(format: &str, raw: &Value) -> Verdict {
        let world = World::default();
        let examined = of(&Format::from(format.to_owned())).examine(raw, &world.context()).await;
        Report::judge(&examined.checks, &VerificationPolicy::default()).verdict
    }

    // covers: FMT-01, FMT-02
    #[test]
    fn kinds_are_read_from_metadata() {
        let definition = |value: Value| json!({ "credential_definition": value });
        let types = || Ok(CredentialKind::Types(vec!["VerifiableCredential".to_owned(), "Card".to_owned()]));
        let whole = json!({ "@context": ["https://c.example"], "type": ["VerifiableCredential", "Card"] });
        assert_eq!(read_kind("ldp_vc", &definition(whole)), types());
        for bad in [
            json!({ "type": ["VerifiableCredential", "Card"] }),
            json!({ "@context": [], "type": ["VerifiableCredential", "Card"] }),
            json!({ "@context": ["https://c.example"] }),
        ] {
            assert!(read_kind("ldp_vc", &definition(bad.clone())).is_err(), "{bad}");
        }
        assert_eq!(read_kind("anoncreds", &json!({})), Ok(CredentialKind::Unknown));
    }

    // covers: FMT-02
    #[tokio::test]
    async fn what_does_not_look_like_its_format_is_rejected_and_the_rest_is_not_verified() {
        for (format, raw, expected) in [
            ("ldp_vc", json!({ "@context": [] }), Verdict::Unverified),
            ("ldp_vc", json!("{\"@context\":[]}"), Verdict::Rejected),
            ("anoncreds", json!({ "any": "thing" }), Verdict::Unverified),
            ("anoncreds", json!("anything"), Verdict::Unverified),
        ] {
            assert_eq!(verdict(format, &raw).await, expected, "{format} {raw}");
        }
    }

    #[tokio::test]
    async fn nothing_is_said_to_hold() {
        let world = World::default();
        let ldp = of(&Format::LdpVc);
        let examined = ldp.examine(&json!({ "credentialSubject": {} }), &world.context()).await;
        assert!(examined.checks.iter().all(|check| check.outcome == Outcome::Unknown(Reason::Unsupported)));
        assert_eq!(examined.checks.len(), CheckKind::ALL.len());
        assert_eq!(examined.claims, Value::Null);
    }
}
