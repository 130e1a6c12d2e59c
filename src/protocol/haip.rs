//! What `OpenID4VC` High Assurance Interoperability Profile 1.0 demands of an issuance, beyond what its
//! messages are checked for when they come.

use crate::dialect::WellKnown;
use crate::error::{Error, ErrorCode, Operation};
use crate::model::format::Format;
use crate::model::ids::ConfigurationId;
use crate::model::metadata::{AuthorizationServerMetadata, CredentialConfiguration, IssuerMetadata};
use crate::model::offer::GrantType;

fn violated(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::ProfileViolated, detail).at(Operation::IssuerMetadata)
}

/// Whether the issuer and its server can issue by the profile at all.
pub(crate) fn check_servers(
    issuer: &IssuerMetadata,
    server: &AuthorizationServerMetadata,
    well_known: WellKnown,
    grant: GrantType,
) -> Result<(), Error> {
    let fail = |detail: &str| Err(violated(detail));
    if well_known != WellKnown::Inserted {
        return fail("the issuer's metadata is not where OpenID4VCI section 12.2.2 has it");
    }
    if grant == GrantType::AuthorizationCode && server.pushed_authorization_request_endpoint.is_none() {
        return fail("the authorization server takes no pushed authorization requests");
    }
    let bound = issuer.credential_configurations_supported.values().any(is_bound);
    if bound && issuer.nonce_endpoint.is_none() {
        return fail("the issuer binds credentials to keys and has no nonce endpoint");
    }
    Ok(())
}

/// Whether a configuration can be asked for by the profile.
pub(crate) fn check_configuration(id: &ConfigurationId, configuration: &CredentialConfiguration) -> Result<(), Error> {
    if configuration.scope.is_none() {
        return Err(violated(format!("`{id}` has no scope")));
    }
    if !matches!(configuration.format, Format::SdJwtVc | Format::MsoMdoc) {
        return Err(violated(format!("`{id}` has the format {}, which HAIP does not know", configuration.format)));
    }
    Ok(())
}

fn is_bound(configuration: &CredentialConfiguration) -> bool {
    !configuration.cryptographic_binding_methods_supported.is_empty() || !configuration.proof_types_supported.is_empty()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::dialect::read;

    fn issuer() -> Value {
        json!({
            "credential_issuer": "https://issuer.example",
            "credential_endpoint": "https://issuer.example/credential",
            "nonce_endpoint": "https://issuer.example/nonce",
            "credential_configurations_supported": {
                "Card": { "format": "dc+sd-jwt", "vct": "card", "scope": "card",
                    "cryptographic_binding_methods_supported": ["jwk"],
                    "proof_types_supported": { "jwt": { "proof_signing_alg_values_supported": ["ES256"] } } },
                "License": { "format": "mso_mdoc", "doctype": "org.iso.18013.5.1.mDL", "scope": "license" },
                "Unscoped": { "format": "dc+sd-jwt", "vct": "card" },
                "Degree": { "format": "jwt_vc_json", "scope": "degree",
                    "credential_definition": { "type": ["VerifiableCredential"] } }
            }
        })
    }

    fn server(par: bool) -> AuthorizationServerMetadata {
        let mut document = json!({ "issuer": "https://as.example", "token_endpoint": "https://as.example/token" });
        if par {
            document["pushed_authorization_request_endpoint"] = json!("https://as.example/par");
        }
        read::authorization_server_metadata(&document).expect("metadata")
    }

    fn refusal(result: Result<(), Error>) -> String {
        let error = result.expect_err("a violation");
        assert_eq!(error.code(), ErrorCode::ProfileViolated);
        error.detail().to_owned()
    }

    // covers: HAIP-04, HAIP-16, HAIP-17
    #[test]
    fn servers_that_fall_short_are_refused() {
        let read = |document: &Value| read::issuer_metadata(document).expect("metadata");
        let (good, code) = (read(&issuer()), GrantType::AuthorizationCode);
        let inserted = WellKnown::Inserted;
        assert!(check_servers(&good, &server(true), inserted, code).is_ok());
        assert!(check_servers(&good, &server(false), inserted, GrantType::PreAuthorizedCode).is_ok());
        assert!(refusal(check_servers(&good, &server(false), inserted, code)).contains("pushed"));
        let appended = WellKnown::Appended;
        assert!(refusal(check_servers(&good, &server(true), appended, code)).contains("12.2.2"));
        let mut without = issuer();
        without["nonce_endpoint"] = Value::Null;
        assert!(refusal(check_servers(&read(&without), &server(true), inserted, code)).contains("nonce endpoint"));
        without["credential_configurations_supported"]
            .as_object_mut()
            .expect("an object")
            .retain(|id, _| id == "License");
        assert!(check_servers(&read(&without), &server(true), inserted, code).is_ok(), "nothing is bound");
    }

    // covers: HAIP-02, HAIP-13
    #[test]
    fn configurations_have_a_scope_and_a_format_of_the_profile() {
        let issuer = read::issuer_metadata(&issuer()).expect("metadata");
        let check = |id: &str| {
            let id = ConfigurationId::from(id);
            check_configuration(&id, &issuer.credential_configurations_supported[&id])
        };
        assert!(check("Card").is_ok());
        assert!(check("License").is_ok());
        assert!(refusal(check("Unscoped")).contains("scope"));
        assert!(refusal(check("Degree")).contains("jwt_vc_json"));
    }
}
