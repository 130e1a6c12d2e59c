//! What can be asked for how, and the profile that narrows it.

use billfold_test_issuer::{
    Decision, Dpop, Grant, OfferSpec, Options, Profile, Running, Scopes, SignedMetadata, TestIssuer,
};
use serde_json::{Value, json};

use crate::client::*;

const ID: &str = "UniversityDegree_dc_sd_jwt";

async fn with(options: Options) -> Running {
    TestIssuer::start(options).await.expect("started")
}

async fn documents(issuer: &Running) -> (Value, Value) {
    let at = |name: &str| format!("{}/.well-known/{name}", issuer.base());
    (get(&at("openid-credential-issuer")).await.json(), get(&at("oauth-authorization-server")).await.json())
}

fn details(id: &str) -> String {
    json!([{"type": "openid_credential", "credential_configuration_id": id}]).to_string()
}

/// The legal request with one field more, and without scope.
fn by_details<'a>(challenge: &'a str, details: &'a str) -> Vec<(&'static str, &'a str)> {
    let mut fields = authorization_request(challenge, "");
    fields.retain(|(name, _)| *name != "scope");
    fields.push(("authorization_details", details));
    fields
}

#[tokio::test]
async fn authorization_details_can_be_off() {
    let issuer = with(Options { authorization_details: false, ..Options::default() }).await;
    assert!(documents(&issuer).await.1.get("authorization_details_types_supported").is_none());
    let (challenge, details) = (challenge(), details(ID));
    let answer = post_form(&format!("{}/par", issuer.issuer()), &by_details(&challenge, &details)).await;
    answer.assert_refused("pushed", 400, "invalid_authorization_details");
    let code = code(&issuer).await;
    let mut fields = code_request(&code);
    fields.push(("authorization_details", &details));
    let answer = post_form(&format!("{}/token", issuer.issuer()), &fields).await;
    answer.assert_refused("token", 400, "invalid_authorization_details");
}

#[tokio::test]
async fn scopes_for_most_for_all_or_for_none() {
    for (scopes, some_without, some_with) in
        [(Scopes::Most, true, true), (Scopes::All, false, true), (Scopes::None, true, false)]
    {
        let issuer = with(Options { scopes, ..Options::default() }).await;
        let (document, server) = documents(&issuer).await;
        let configurations = document["credential_configurations_supported"].as_object().expect("an object");
        let with = configurations.values().filter(|configuration| configuration["scope"].is_string()).count();
        assert_eq!(with < configurations.len(), some_without, "{scopes:?}");
        assert_eq!(with > 0, some_with, "{scopes:?}");
        assert_eq!(server["scopes_supported"].as_array().map(Vec::len), Some(with));
    }
    let issuer = with(Options { scopes: Scopes::None, ..Options::default() }).await;
    let (challenge, details) = (challenge(), details(ID));
    let par = format!("{}/par", issuer.issuer());
    post_form(&par, &authorization_request(&challenge, ID)).await.assert_refused("scope", 400, "invalid_scope");
    assert_eq!(post_form(&par, &by_details(&challenge, &details)).await.status, 201);
    let neither = Options { scopes: Scopes::None, authorization_details: false, ..Options::default() };
    assert!(TestIssuer::start(neither).await.is_err());
}

#[tokio::test]
async fn an_answer_without_the_details_that_were_asked_for() {
    let issuer = with(Options::default()).await;
    issuer.set_fault("missing-authorization-details").expect("known");
    let (challenge, details) = (challenge(), details(ID));
    let url = authorize_url(&issuer, &by_details(&challenge, &details));
    let redirect = redirect_of(&issuer, &url, Decision::Allow).await;
    let code = redirect["code"].as_str().expect("a code");
    let answer = post_form(&format!("{}/token", issuer.issuer()), &code_request(code)).await.json();
    assert!(answer.get("authorization_details").is_none());
    let token = answer["access_token"].as_str().expect("a token");
    let mut proof = Proof::new(&issuer, Some(&nonce(&issuer).await));
    proof.claims["iss"] = json!(CLIENT);
    let body = json!({"credential_configuration_id": ID, "proofs": {"jwt": [proof.jwt()]}});
    assert_eq!(request_credential(&issuer, token, &body).await.status, 200);
}

#[tokio::test]
async fn the_pre_authorized_grant_can_be_off() {
    let issuer = with(Options { pre_authorized: false, ..Options::default() }).await;
    assert!(issuer.offers().iter().all(|offer| offer.grant == Grant::Code));
    assert!(issuer.make_offer(&OfferSpec::new(Grant::PreAuthorized, "dc+sd-jwt")).is_err());
    let server = documents(&issuer).await.1;
    assert_eq!(server["grant_types_supported"], json!(["authorization_code"]));
    let fields = [("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", "x")];
    let answer = post_form(&format!("{}/token", issuer.issuer()), &fields).await;
    answer.assert_refused("off", 400, "unsupported_grant_type");
}

#[tokio::test]
async fn the_high_assurance_profile() {
    // Whatever else was chosen: the profile has the last word.
    let options = Options { profile: Profile::Haip, dpop: Dpop::Off, iss_parameter: false, ..Options::default() };
    let issuer = with(options).await;
    let (document, server) = documents(&issuer).await;
    assert_eq!(server["require_pushed_authorization_requests"], true);
    assert_eq!(server["authorization_response_iss_parameter_supported"], true);
    assert_eq!(server["token_endpoint_auth_methods_supported"], json!(["attest_jwt_client_auth"]));
    assert_eq!(server["grant_types_supported"], json!(["authorization_code", "refresh_token"]));
    assert!(server["dpop_signing_alg_values_supported"].is_array() && server["challenge_endpoint"].is_string());
    assert!(server.get("authorization_details_types_supported").is_none());
    assert_eq!(document["batch_credential_issuance"]["batch_size"], 5);
    assert!(document["nonce_endpoint"].is_string() && document["notification_endpoint"].is_string());
    assert!(document["credential_response_encryption"].is_object());
    for (id, configuration) in document["credential_configurations_supported"].as_object().expect("an object") {
        assert_eq!(configuration["scope"], json!(id));
        let methods = configuration["cryptographic_binding_methods_supported"].as_array();
        if methods.is_some_and(|methods| methods.contains(&json!("jwk"))) {
            let proofs = &configuration["proof_types_supported"];
            assert!(proofs["jwt"]["key_attestations_required"].is_object(), "{id}");
            assert!(proofs["attestation"].is_object(), "{id}");
        }
    }

    let options = Options { iss_parameter: false, signed_metadata: SignedMetadata::Only, ..Options::haip() };
    let server = {
        let issuer = with(options).await;
        get(&format!("{}/.well-known/oauth-authorization-server", issuer.base())).await.json()
    };
    assert_eq!(server["authorization_response_iss_parameter_supported"], false, "a rule broken on purpose");
}

/// The whole way: push, sign-in, token, nonce, credential, with everything that the profile asks for.
#[tokio::test]
async fn a_credential_under_the_high_assurance_profile() {
    let issuer = with(Options { profile: Profile::Haip, ..Options::default() }).await;
    let mut wallet =
        Haip { issuer: &issuer, dpop_nonce: String::new(), resource_nonce: String::new(), challenge: String::new() };
    let challenge = challenge();
    let pushed = wallet.form("/par", &authorization_request(&challenge, ID)).await;
    assert_eq!(pushed.status, 201, "{}", String::from_utf8_lossy(&pushed.body));
    let pushed = pushed.json();
    let uri = pushed["request_uri"].as_str().expect("pushed");
    let url = authorize_url(&issuer, &[("client_id", CLIENT), ("request_uri", uri)]);
    let redirect = redirect_of(&issuer, &url, Decision::Allow).await;
    assert_eq!(redirect["iss"], issuer.issuer());
    let tokens = wallet.form("/token", &code_request(redirect["code"].as_str().expect("a code"))).await;
    assert_eq!(tokens.status, 200, "{}", String::from_utf8_lossy(&tokens.body));
    let tokens = tokens.json();
    assert_eq!(tokens["token_type"], "DPoP");
    let more = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().expect("one"))];
    let tokens = wallet.form("/token", &more).await;
    assert_eq!(tokens.status, 200, "{}", String::from_utf8_lossy(&tokens.body));
    let token = tokens.json()["access_token"].as_str().expect("a token").to_owned();

    let answer = send(http::Method::POST, &format!("{}/nonce", issuer.issuer()), &[], "").await;
    wallet.resource_nonce = answer.header("dpop-nonce").to_owned();
    let answer = answer.json();
    let nonce = answer["c_nonce"].as_str().expect("a nonce");
    let keys: Vec<Value> = (50..55).map(|seed| Key::new(seed).jwk()).collect();
    let spec = billfold_test_issuer::KeyAttestationSpec { keys, nonce: Some(nonce.to_owned()), ..Default::default() };
    let body = json!({
        "credential_configuration_id": ID,
        "proofs": {"attestation": [issuer.attester().key_attestation(&spec)]},
    });
    let answer = wallet.resource("/credential", &token, &body).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    assert_eq!(answer.json()["credentials"].as_array().map(Vec::len), Some(5));
}

/// A wallet that authenticates with an attestation and proves possession of a DPoP key.
struct Haip<'a> {
    issuer: &'a Running,
    dpop_nonce: String,
    resource_nonce: String,
    challenge: String,
}

impl Haip<'_> {
    /// Sends a form; the first request has neither nonce nor challenge and has to be repeated.
    async fn form(&mut self, endpoint: &str, fields: &[(&str, &str)]) -> Answer {
        let url = format!("{}{endpoint}", self.issuer.issuer());
        loop {
            let instance = Key::new(31);
            let attestation = self.issuer.attester().client_attestation(CLIENT, &instance.jwk());
            let claims = json!({
                "iss": CLIENT,
                "aud": self.issuer.issuer(),
                "jti": unique(),
                "iat": now(),
                "challenge": self.challenge,
            });
            let pop = instance.sign(&json!({"typ": "oauth-client-attestation-pop+jwt", "alg": "ES256"}), &claims);
            let proof = proof(&url, None, &self.dpop_nonce);
            let headers = [
                ("oauth-client-attestation", &*attestation),
                ("oauth-client-attestation-pop", &*pop),
                ("dpop", &*proof),
            ];
            let answer = post_form_with(&url, &headers, fields).await;
            let first = self.challenge.is_empty();
            answer.header("dpop-nonce").clone_into(&mut self.dpop_nonce);
            answer.header("oauth-client-attestation-challenge").clone_into(&mut self.challenge);
            if !first {
                return answer;
            }
            answer.assert_refused("no challenge", 400, "use_attestation_challenge");
        }
    }

    async fn resource(&mut self, endpoint: &str, token: &str, body: &Value) -> Answer {
        let url = format!("{}{endpoint}", self.issuer.issuer());
        let proof = proof(&url, Some(token), &self.resource_nonce);
        let headers =
            [("content-type", "application/json"), ("authorization", &*format!("DPoP {token}")), ("dpop", &*proof)];
        send(http::Method::POST, &url, &headers, body.to_string()).await
    }
}

fn proof(url: &str, token: Option<&str>, nonce: &str) -> String {
    use sha2::Digest as _;
    let key = Key::new(21);
    let mut claims = json!({"jti": unique(), "htm": "POST", "htu": url, "iat": now(), "nonce": nonce});
    if let Some(token) = token {
        claims["ath"] = json!(b64(sha2::Sha256::digest(token)));
    }
    key.sign(&json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": key.jwk()}), &claims)
}
