//! credibil's documents.

use serde_json::{Value, json};

use super::{EMPLOYEE, IDENTITY, Known};
use crate::faults::Fault;
use crate::issuer::Issuer;

pub(super) fn metadata(issuer: &Issuer) -> Value {
    let id = &issuer.id;
    let wrong = format!("{id}/someone-else");
    let algs = json!(["ES256K", "EdDSA"]);
    let entry = |known: &Known, name: &str, prefix: &[&str]| {
        let claim = |claim: &str, name: &str| {
            let path: Vec<&str> = prefix.iter().copied().chain([claim]).collect();
            json!({"path": path, "mandatory": true, "display": [{"name": name, "locale": "en-NZ"}]})
        };
        json!({
            "format": known.format,
            "scope": known.scope,
            "cryptographic_binding_methods_supported": ["did:key", "did:web"],
            "credential_signing_alg_values_supported": algs,
            "proof_types_supported": {"jwt": {"proof_signing_alg_values_supported": algs}},
            "display": [{"name": name, "locale": "en-NZ", "text_color": "#ffffff", "background_color": "#323ed2"}],
            "claims": [claim("given_name", "Given name"), claim("family_name", "Family name"), {
                "path": prefix.iter().copied().chain(["address", "locality"]).collect::<Vec<_>>(),
                "display": [{"name": "Locality", "locale": "en-NZ"}],
            }],
        })
    };
    let mut employee = entry(&EMPLOYEE, "Employee ID", &["credentialSubject"]);
    employee["credential_definition"] = json!({"type": ["VerifiableCredential", "EmployeeIDCredential"]});
    let mut identity = entry(&IDENTITY, "Identity Credential", &[]);
    identity["vct"] = json!(IDENTITY.id);
    json!({
        "credential_issuer": issuer.fault_or(Fault::WrongIssuer, &wrong, id),
        "nonce_endpoint": format!("{id}/nonce"),
        "credential_endpoint": format!("{id}/credential"),
        "deferred_credential_endpoint": format!("{id}/deferred_credential"),
        "notification_endpoint": format!("{id}/notification"),
        "status_list_aggregation_endpoint": format!("{id}/statuslists"),
        "display": {"name": "Credibil", "locale": "en-NZ"},
        "credential_configurations_supported": {EMPLOYEE.id: employee, IDENTITY.id: identity},
    })
}

pub(super) fn server(issuer: &Issuer) -> Value {
    let id = &issuer.id;
    let wrong = format!("{id}/someone-else");
    json!({
        "issuer": issuer.fault_or(Fault::WrongAsIssuer, &wrong, id),
        "authorization_endpoint": format!("{id}/auth"),
        "token_endpoint": format!("{id}/token"),
        "scopes_supported": ["openid", "credential"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "urn:ietf:params:oauth:grant-type:pre-authorized_code"],
        "code_challenge_methods_supported": ["S256"],
        "pre-authorized_grant_anonymous_access_supported": true,
    })
}
