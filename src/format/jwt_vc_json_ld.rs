//! `jwt_vc_json-ld`: a W3C credential as a JWT that is JSON-LD as well.
//!
//! The signature is over the text, so that nothing of JSON-LD is needed to check it, and everything is as with
//! [`jwt_vc_json`](super::jwt_vc_json). Besides, the contexts have to be there: the base context first, and those
//! that the issuer announces.

use async_trait::async_trait;
use serde_json::Value;

use super::{CredentialFormat, Examined, jwt_vc_json, w3c};
use crate::model::format::Format;
use crate::model::metadata::CredentialKind;
use crate::verify::VerifyContext;

/// W3C credential as a JWT, with contexts.
pub(crate) struct JwtVcJsonLd;

#[async_trait]
impl CredentialFormat for JwtVcJsonLd {
    fn format(&self) -> Format {
        Format::JwtVcJsonLd
    }

    fn read_kind(&self, configuration: &Value) -> Result<CredentialKind, String> {
        w3c::read_types_in_context(configuration)
    }

    async fn examine(&self, raw: &Value, context: &VerifyContext<'_>) -> Examined {
        jwt_vc_json::examine(raw, context, w3c::type_check_in_context).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::jwk::Algorithm;
    use crate::model::report::{CheckKind, Outcome, Reason};
    use crate::verify::did;
    use crate::verify::testing::{NOW, TestKey, World, outcome};

    const V1: &str = "https://www.w3.org/2018/credentials/v1";
    const V2: &str = "https://www.w3.org/ns/credentials/v2";
    const OWN: &str = "https://city.example/context";

    fn world(issuer: &TestKey, holder: &TestKey) -> World {
        World {
            issuer_jwks: Some(json!({ "keys": [issuer.published("1")] })),
            kind: Some(CredentialKind::Types(vec!["VerifiableCredential".into(), "LibraryCard".into()])),
            asked_contexts: vec![V1.to_owned(), OWN.to_owned()],
            holder_keys: vec![holder.jwk()],
            ..World::default()
        }
    }

    fn payload(context: &Value, holder: &TestKey) -> Value {
        json!({
            "iss": "https://city.example", "nbf": NOW - 10, "sub": did::did_key(&holder.jwk()),
            "vc": {
                "@context": context, "type": ["VerifiableCredential", "LibraryCard"],
                "credentialSubject": { "given_name": "Mira" },
            },
        })
    }

    // covers: FMT-01
    #[tokio::test]
    async fn contexts_have_to_be_there() {
        let (issuer, holder) = (TestKey::new(Algorithm::Es256), TestKey::new(Algorithm::Es256));
        let world = world(&issuer, &holder);
        for (context, expected) in [
            (json!([V1, OWN]), Outcome::Passed),
            (json!([V1, { "x": "urn:x" }, OWN]), Outcome::Passed),
            (json!([V2, OWN]), Outcome::Failed),
            (json!([OWN, V1]), Outcome::Failed),
            (json!([V1]), Outcome::Failed),
            (json!(V1), Outcome::Failed),
            (json!([]), Outcome::Failed),
            (json!([V1, OWN, 7]), Outcome::Failed),
            (Value::Null, Outcome::Failed),
        ] {
            let raw = json!(issuer.jws(&json!({ "typ": "JWT" }), &payload(&context, &holder)));
            let examined = JwtVcJsonLd.examine(&raw, &world.context()).await;
            for kind in CheckKind::ALL {
                let found = outcome(&examined.checks, kind);
                match kind {
                    CheckKind::Type => assert_eq!(found, expected, "{context}"),
                    _ => assert!(matches!(found, Outcome::Passed | Outcome::Skipped(_)), "{kind} {context}: {found:?}"),
                }
            }
            assert_eq!(examined.bound_key, Some(holder.jwk()));
        }
    }

    // covers: FMT-01
    #[tokio::test]
    async fn the_rest_is_that_of_the_jwt() {
        let (issuer, holder) = (TestKey::new(Algorithm::Es256), TestKey::new(Algorithm::Es256));
        let world = world(&issuer, &holder);
        let mut expired = payload(&json!([V1, OWN]), &holder);
        expired["exp"] = json!(NOW - 100);
        let stranger = TestKey::new(Algorithm::Es256);
        let header = json!({ "typ": "JWT" });
        for (raw, failed) in [
            (issuer.jws(&header, &expired), CheckKind::Validity),
            (stranger.jws(&header, &payload(&json!([V1, OWN]), &holder)), CheckKind::Signature),
            (issuer.jws(&header, &payload(&json!([V1, OWN]), &stranger)), CheckKind::HolderBinding),
        ] {
            let examined = JwtVcJsonLd.examine(&json!(raw), &world.context()).await;
            let wrong: Vec<_> =
                CheckKind::ALL.into_iter().filter(|kind| outcome(&examined.checks, *kind) == Outcome::Failed).collect();
            assert_eq!(wrong, [failed]);
        }
        let examined = JwtVcJsonLd.examine(&json!({ "@context": [V1] }), &world.context()).await;
        assert_eq!(outcome(&examined.checks, CheckKind::Signature), Outcome::Failed);
        assert_eq!(outcome(&examined.checks, CheckKind::Type), Outcome::Unknown(Reason::DependsOnFailed));
    }

    // covers: FMT-01
    #[test]
    fn kinds_are_read_from_metadata() {
        let read = |definition: Value| JwtVcJsonLd.read_kind(&json!({ "credential_definition": definition }));
        let types = ["VerifiableCredential", "Card"];
        let whole = json!({ "@context": [V1], "type": types });
        assert_eq!(read(whole), Ok(CredentialKind::Types(types.map(str::to_owned).to_vec())));
        for bad in [json!({ "type": types }), json!({ "@context": [], "type": types }), json!({ "@context": [V1] })] {
            assert!(read(bad.clone()).is_err(), "{bad}");
        }
    }
}
