//! Other set-ups than the default.

use billfold_test_issuer::{AuthorizationServer, Grant, OfferSpec, Options, TestIssuer};
use http::Method;
use serde_json::json;

use crate::client::*;

#[tokio::test]
async fn a_path_is_inserted_after_the_well_known_part() {
    let issuer = TestIssuer::start(Options { path: "/a/b".into(), ..Options::default() }).await.expect("started");
    let base = issuer.base();
    assert_eq!(issuer.issuer(), format!("{base}/a/b"));
    for name in ["openid-credential-issuer", "oauth-authorization-server", "jwt-vc-issuer"] {
        assert_eq!(get(&format!("{base}/.well-known/{name}/a/b")).await.status, 200, "{name}");
        assert_eq!(get(&format!("{base}/a/b/.well-known/{name}")).await.status, 404, "{name}");
        assert_eq!(get(&format!("{base}/.well-known/{name}")).await.status, 404, "{name}");
    }
    let metadata = get(&format!("{base}/.well-known/openid-credential-issuer/a/b")).await.json();
    assert_eq!(metadata["credential_issuer"], issuer.issuer());
    assert_eq!(metadata["credential_endpoint"], format!("{base}/a/b/credential"));
    credential(&issuer, "UniversityDegree_dc_sd_jwt").await;
}

#[tokio::test]
async fn metadata_of_the_default() {
    let issuer = TestIssuer::start(Options::default()).await.expect("started");
    let metadata = get(&format!("{}/.well-known/openid-credential-issuer", issuer.base())).await.json();
    assert!(metadata.get("authorization_servers").is_none());
    assert_eq!(metadata["batch_credential_issuance"]["batch_size"], 4);
    let configurations = metadata["credential_configurations_supported"].as_object().expect("a map");
    for (id, configuration) in configurations {
        // The names of a badge are in its type metadata only.
        if id != "EmployeeBadge_dc_sd_jwt" {
            let display = configuration["credential_metadata"]["display"].as_array().expect("display");
            assert_eq!(display.len(), 2, "{id}");
            let logo = display[0]["logo"]["uri"].as_str().expect("a URI");
            assert!(logo.starts_with("data:image/") || get(logo).await.body.starts_with(b"\x89PNG"), "{id}");
        }
        let binding = configuration.get("cryptographic_binding_methods_supported").is_some();
        assert_eq!(binding, configuration.get("proof_types_supported").is_some(), "{id}");
        let format = configuration["format"].as_str().expect("a format");
        assert_eq!(configuration.get("vct").is_some(), format.ends_with("+sd-jwt"), "{id}");
        assert_eq!(configuration.get("doctype").is_some(), format == "mso_mdoc", "{id}");
        let context = configuration["credential_definition"].get("@context");
        assert_eq!(context.is_some(), ["ldp_vc", "jwt_vc_json-ld"].contains(&format), "{id}");
        let algs = configuration["credential_signing_alg_values_supported"].as_array().expect("algorithms");
        assert!(algs.iter().all(|alg| alg.is_i64() == (format == "mso_mdoc")), "{id}");
    }
    assert!(configurations["StudentCard_dc_sd_jwt"].get("scope").is_none());
    let methods = &configurations["UniversityDegree_dc_sd_jwt_did"]["cryptographic_binding_methods_supported"];
    assert_eq!(*methods, json!(["did:key", "did:jwk"]));
}

#[tokio::test]
async fn two_servers_serve_one_grant_each() {
    let options = Options { authorization_server: AuthorizationServer::Two, ..Options::default() };
    let issuer = TestIssuer::start(options).await.expect("started");
    let base = issuer.base();
    let metadata = get(&format!("{base}/.well-known/openid-credential-issuer")).await.json();
    assert_eq!(metadata["authorization_servers"], json!([format!("{base}/as1"), format!("{base}/as2")]));
    let second = get(&format!("{base}/.well-known/oauth-authorization-server/as2")).await.json();
    assert_eq!(second["grant_types_supported"], json!([PRE_AUTHORIZED]));
    assert!(second.get("authorization_endpoint").is_none() && second.get("response_types_supported").is_none());
    let offer = issuer.make_offer(&OfferSpec::new(Grant::PreAuthorized, "dc+sd-jwt")).expect("made");
    assert_eq!(grant(&offer)["authorization_server"], format!("{base}/as2"));
    let code = grant(&offer)["pre-authorized_code"].as_str().expect("a code");
    let fields = [("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", code)];
    let answer = post_form(&format!("{base}/as1/token"), &fields).await;
    answer.assert_refused("the other server", 400, "unsupported_grant_type");
    assert_eq!(post_form(&format!("{base}/as2/token"), &fields).await.status, 200);
}

#[tokio::test]
async fn a_server_on_its_own_port() {
    let options = Options { authorization_server: AuthorizationServer::Port, ..Options::default() };
    let issuer = TestIssuer::start(options).await.expect("started");
    let metadata = get(&format!("{}/.well-known/openid-credential-issuer", issuer.base())).await.json();
    let server = metadata["authorization_servers"][0].as_str().expect("a server").to_owned();
    assert_ne!(server, issuer.base());
    let document = get(&format!("{server}/.well-known/oauth-authorization-server")).await.json();
    assert_eq!(document["issuer"], server);
    assert_eq!(get(&format!("{server}/.well-known/openid-credential-issuer")).await.status, 404);
    assert_eq!(get(&format!("{}/.well-known/oauth-authorization-server", issuer.base())).await.status, 404);
    let log = issuer.log();
    assert!(log.requests.iter().any(|entry| server.ends_with(&entry.host)));
}

#[tokio::test]
async fn without_a_nonce_endpoint_a_nonce_is_wrong() {
    let issuer = TestIssuer::start(Options { nonce_endpoint: false, ..Options::default() }).await.expect("started");
    let metadata = get(&format!("{}/.well-known/openid-credential-issuer", issuer.base())).await.json();
    assert!(metadata.get("nonce_endpoint").is_none());
    assert_eq!(send(Method::POST, &format!("{}/nonce", issuer.base()), &[], "").await.status, 404);
    let id = "UniversityDegree_dc_sd_jwt";
    let token = token_for(&issuer, &[id]).await;
    for (nonce, status) in [(Some("x"), 400), (None, 200)] {
        let body = json!({"credential_configuration_id": id, "proofs": {"jwt": [Proof::new(&issuer, nonce).jwt()]}});
        assert_eq!(request_credential(&issuer, &token, &body).await.status, status);
    }
}

#[tokio::test]
async fn anonymous_access_can_be_off() {
    let options = Options { anonymous_pre_authorized: false, ..Options::default() };
    let issuer = TestIssuer::start(options).await.expect("started");
    let url = format!("{}/token", issuer.issuer());
    let offer = issuer.make_offer(&OfferSpec::new(Grant::PreAuthorized, "dc+sd-jwt")).expect("made");
    let code = grant(&offer)["pre-authorized_code"].as_str().expect("a code");
    let mut fields = vec![("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", code)];
    post_form(&url, &fields).await.assert_refused("anonymous", 400, "invalid_client");
    fields.push(("client_id", CLIENT));
    let token = post_form(&url, &fields).await.json();
    // The proof may name the client, but no other.
    let id = "UniversityDegree_dc_sd_jwt";
    for (iss, status) in [("other", 400), (CLIENT, 200)] {
        let mut proof = Proof::new(&issuer, Some(&nonce(&issuer).await));
        proof.claims["iss"] = json!(iss);
        let body = json!({"credential_configuration_id": id, "proofs": {"jwt": [proof.jwt()]}});
        let token = token["access_token"].as_str().expect("a token");
        assert_eq!(request_credential(&issuer, token, &body).await.status, status, "{iss}");
    }
}

#[tokio::test]
async fn several_identifiers_for_one_configuration() {
    let options = Options { credential_identifiers: true, identifiers_per_configuration: 2, ..Options::default() };
    let issuer = TestIssuer::start(options).await.expect("started");
    let offer = issuer.make_offer(&OfferSpec::new(Grant::PreAuthorized, "dc+sd-jwt")).expect("made");
    let token = redeem(&issuer, &offer).await;
    let identifiers = token["authorization_details"][0]["credential_identifiers"].as_array().expect("ids");
    assert_eq!(identifiers.len(), 2);
    for identifier in identifiers {
        let proof = Proof::new(&issuer, Some(&nonce(&issuer).await));
        let body = json!({"credential_identifier": identifier, "proofs": {"jwt": [proof.jwt()]}});
        let answer = request_credential(&issuer, token["access_token"].as_str().expect("a token"), &body).await;
        assert_eq!(answer.status, 200);
    }
    let body = json!({"credential_identifier": "x", "proofs": {"jwt": ["x"]}});
    let answer = request_credential(&issuer, token["access_token"].as_str().expect("a token"), &body).await;
    answer.assert_refused("unknown", 400, "unknown_credential_identifier");
}

#[tokio::test]
async fn impossible_options_are_refused() {
    for path in ["tenant", "/tenant/", "/te nant", "/as", "/{x}"] {
        let error = TestIssuer::start(Options { path: path.into(), ..Options::default() }).await;
        assert!(error.is_err(), "{path}");
    }
    let first = TestIssuer::start(Options::default()).await.expect("started");
    let port = first.base().rsplit(':').next().expect("a port").parse().expect("a number");
    let second = TestIssuer::start(Options { port, ..Options::default() }).await;
    assert!(second.expect_err("taken").to_string().contains(&port.to_string()));
}

#[tokio::test]
async fn unknown_members_are_ignored_on_demand() {
    let options = Options { refuse_unknown_members: false, ..Options::default() };
    let issuer = TestIssuer::start(options).await.expect("started");
    let id = "UniversityDegree_dc_sd_jwt";
    let token = token_for(&issuer, &[id]).await;
    let proof = Proof::new(&issuer, Some(&nonce(&issuer).await));
    let body = json!({
        "credential_configuration_id": id,
        "proofs": {"jwt": [proof.jwt()]},
        "format": "dc+sd-jwt",
        "something": 1,
    });
    assert_eq!(request_credential(&issuer, &token, &body).await.status, 200);
}
