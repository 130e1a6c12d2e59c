//! The documents that anyone may read: metadata, keys, DID document, type metadata.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde_json::{Value, json};

use crate::catalogue::logo;
use crate::client_auth::{self, Method};
use crate::dialect::{self, Batch, Nonces};
use crate::display;
use crate::dpop;
use crate::encryption;
use crate::faults::Fault;
use crate::issuer::Issuer;
use crate::oauth::AuthServer;
use crate::options::{AuthorizationServer, Dpop, Par};
use crate::refusal::json_answer;
use crate::signed_metadata;

/// Credential issuer metadata.
pub(crate) async fn credential_issuer(State(issuer): State<Arc<Issuer>>, headers: HeaderMap) -> Response {
    signed_metadata::answer(&issuer, &headers, document(&issuer))
}

fn document(issuer: &Issuer) -> Value {
    let id = &issuer.id;
    let configurations: serde_json::Map<_, _> = issuer
        .configurations
        .iter()
        .map(|configuration| (configuration.id.clone(), configuration.metadata(id, &issuer.options, &issuer.dialect)))
        .collect();
    let mut document = json!({
        "credential_issuer": issuer.fault_or(Fault::WrongIssuer, &format!("{}/someone-else", issuer.origin), id),
        "credential_endpoint": format!("{id}/credential"),
        "display": [
            {"name": "Test University", "locale": "en-US", "logo": {"uri": logo(), "alt_text": "Logo"}},
            {"name": "Testhochschule", "locale": "de-DE", "logo": {"uri": logo(), "alt_text": "Logo"}},
        ],
        "credential_configurations_supported": configurations,
    });
    if issuer.options.nonce_endpoint && issuer.dialect.nonces == Nonces::Endpoint {
        document["nonce_endpoint"] = json!(format!("{id}/nonce"));
    }
    if issuer.options.notification_endpoint && issuer.dialect.notifications {
        document["notification_endpoint"] = json!(format!("{id}/notification"));
    }
    if issuer.options.deferred_waits.is_some() && !issuer.faults.strikes(Fault::HiddenDeferredEndpoint) {
        document["deferred_credential_endpoint"] = json!(format!("{id}/deferred"));
    }
    if issuer.options.batch_size >= 2 {
        match issuer.dialect.batch {
            Batch::Proofs => {
                document["batch_credential_issuance"] = json!({"batch_size": issuer.options.batch_size});
            }
            Batch::Endpoint => document["batch_credential_endpoint"] = json!(format!("{id}/batch")),
        }
    }
    display::dress(issuer, &mut document);
    encryption::announce(issuer, &mut document);
    if issuer.options.authorization_server != AuthorizationServer::Own {
        document["authorization_servers"] = issuer.servers.iter().map(|server| json!(server.id)).collect();
    }
    dialect::metadata::reshape(issuer, document)
}

/// Authorization server metadata (RFC 8414).
pub(crate) fn authorization_server(issuer: &Issuer, server: &AuthServer) -> Response {
    let id = &server.id;
    let wrong = format!("{}/someone-else", issuer.origin);
    let mut grants: Vec<_> = server.grants.iter().map(|grant| grant.wire_name()).collect();
    if issuer.options.refresh_tokens {
        grants.push("refresh_token");
    }
    let mut document = json!({
        "issuer": issuer.fault_or(Fault::WrongAsIssuer, &wrong, id),
        "token_endpoint": format!("{id}/token"),
        "grant_types_supported": grants,
    });
    if issuer.options.authorization_details {
        document["authorization_details_types_supported"] = json!(["openid_credential"]);
    }
    if issuer.options.pre_authorized {
        document["pre-authorized_grant_anonymous_access_supported"] = json!(issuer.options.anonymous());
    }
    if issuer.options.dpop != Dpop::Off {
        document["dpop_signing_alg_values_supported"] = json!(dpop::ALGS);
    }
    let methods = issuer.options.client_auth.methods();
    let names: Vec<_> = methods.iter().map(|method| method.name()).collect();
    document["token_endpoint_auth_methods_supported"] = if names.is_empty() { json!(["none"]) } else { json!(names) };
    if methods.contains(&Method::Attestation) {
        document["client_attestation_signing_alg_values_supported"] = json!(client_auth::ALGS);
        document["client_attestation_pop_signing_alg_values_supported"] = json!(client_auth::ALGS);
    }
    if methods.contains(&Method::PrivateKeyJwt) {
        document["token_endpoint_auth_signing_alg_values_supported"] = json!(client_auth::ALGS);
    }
    if issuer.options.challenge_endpoint {
        document["challenge_endpoint"] = json!(format!("{id}/challenge"));
    }
    if server.serves_code() {
        document["authorization_endpoint"] = json!(format!("{id}/authorize"));
        document["response_types_supported"] = json!(["code"]);
        document["response_modes_supported"] = json!(["query"]);
        document["code_challenge_methods_supported"] = json!(["S256"]);
        document["authorization_response_iss_parameter_supported"] = json!(issuer.options.iss_parameter);
        document["scopes_supported"] = issuer
            .configurations
            .iter()
            .filter_map(|configuration| configuration.scope.as_ref())
            .map(|scope| json!(scope))
            .collect();
        if issuer.options.par != Par::Off {
            document["pushed_authorization_request_endpoint"] = json!(format!("{id}/par"));
            document["require_pushed_authorization_requests"] = json!(issuer.options.par == Par::Required);
        }
    }
    json_answer(&document)
}

/// JWT VC issuer metadata of this issuer.
pub(crate) async fn jwt_vc_issuer(State(issuer): State<Arc<Issuer>>) -> Response {
    jwt_vc_issuer_of(&issuer, &issuer.id)
}

/// The same for the other issuer that `wrong-credential-issuer` names, so that its key is found
/// and the name is the only thing wrong.
pub(crate) async fn jwt_vc_issuer_of_other(State(issuer): State<Arc<Issuer>>) -> Response {
    jwt_vc_issuer_of(&issuer, &issuer.signers.other_id())
}

fn jwt_vc_issuer_of(issuer: &Issuer, id: &str) -> Response {
    if issuer.options.jwks_by_uri {
        return json_answer(&json!({"issuer": id, "jwks_uri": format!("{}/jwks", issuer.id)}));
    }
    json_answer(&json!({"issuer": id, "jwks": issuer.signers.jwks()}))
}

/// The key set that JWT VC issuer metadata may point to.
pub(crate) async fn jwks(State(issuer): State<Arc<Issuer>>) -> Response {
    json_answer(&issuer.signers.jwks())
}

/// The DID document behind `did:web`.
pub(crate) async fn did_document(State(issuer): State<Arc<Issuer>>) -> Response {
    json_answer(&issuer.signers.did_document())
}
