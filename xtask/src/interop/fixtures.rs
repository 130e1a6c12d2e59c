//! `--record`: the issuer's answers as files, for tests that run without it.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::{Value, json};

use super::checks::CONFIGURATIONS;
use super::credential;
use super::keycloak::{self, CLIENT, Server};
use super::transcript::Transcript;
use super::wallet::Setup;
use super::web::free_port;

/// The members of the authorization server's metadata that a wallet may look at; the rest is lists of algorithms.
const SERVER_MEMBERS: &[&str] = &[
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "grant_types_supported",
    "response_types_supported",
    "response_modes_supported",
    "scopes_supported",
    "code_challenge_methods_supported",
    "token_endpoint_auth_methods_supported",
    "pushed_authorization_request_endpoint",
    "require_pushed_authorization_requests",
    "authorization_response_iss_parameter_supported",
    "authorization_details_types_supported",
    "dpop_signing_alg_values_supported",
    "revocation_endpoint",
];
/// Members whose values are replaced wherever they occur.
const SECRETS: &[&str] = &[
    "access_token",
    "refresh_token",
    "id_token",
    "session_state",
    "pre-authorized_code",
    "issuer_state",
    "c_nonce",
    "credentials_offer_id",
    "issued_credential_id",
    "request_uri",
    "transaction_id",
    "notification_id",
];

/// Writes the answers of the running issuer under `tests/fixtures`.
pub(super) fn record(server: &Server, wallet: &Setup, transcript: &mut Transcript) -> Result<(), String> {
    let folder = crate::workspace::root().join(format!("tests/fixtures/keycloak-{}", keycloak::VERSION));
    let fixtures = Fixtures::in_folder(folder)?;

    let metadata = get(server, "openid-credential-issuer")?;
    let nonce_endpoint = keycloak::text(&metadata, "nonce_endpoint")?.to_owned();
    let credential_endpoint = keycloak::text(&metadata, "credential_endpoint")?.to_owned();
    fixtures.write("issuer-metadata.final", &metadata)?;
    let mut authorization_server = get(server, "oauth-authorization-server")?;
    let members = authorization_server.as_object_mut().ok_or("the metadata is no object")?;
    members.retain(|name, _| SERVER_MEMBERS.contains(&name.as_str()));
    fixtures.write("server-metadata.pruned", &authorization_server)?;
    let keys = get(server, "jwt-vc-issuer")?;
    fixtures.write("jwt-vc-issuer.jwks", &keys)?;

    for configuration in &CONFIGURATIONS {
        let name = if configuration.format == "dc+sd-jwt" { "sd-jwt" } else { "jwt" };
        let outcome = wallet.run(transcript, &["accept", &server.offer(configuration.id, true)?])?;
        let id = outcome.single("stored")?["credential"].as_str().ok_or("the stored event names no credential")?;
        let exported = wallet.run(transcript, &["export", id])?;
        let raw = credential::raw(&exported)?;
        fixtures.write(&format!("credential.{name}"), &json!({ "credentials": [{ "credential": raw }] }))?;
    }

    let [configuration, _] = &CONFIGURATIONS;
    fixtures.write("offer.authorization-code", &server.offer_content(configuration.id, false)?)?;
    let pre_authorized = server.offer_content(configuration.id, true)?;
    fixtures.write("offer.pre-authorized", &pre_authorized)?;
    let grant = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
    let code = keycloak::text(&pre_authorized["grants"][grant], "pre-authorized_code")?;
    let form = [("grant_type", grant), ("pre-authorized_code", code), ("client_id", CLIENT)];
    let token = server.web.post_form(&server.token_endpoint(), &form)?;
    fixtures.write("token.pre-authorized", &token.ok("token")?)?;
    let used = server.web.post_form(&server.token_endpoint(), &form)?;
    fixtures.write("token-error.used-code", &json!({ "status": used.status, "body": used.body }))?;
    let nonce = server.web.post_form(&nonce_endpoint, &[])?;
    fixtures.write("nonce.final", &nonce.ok("nonce")?)?;
    let request = json!({ "credential_configuration_id": configuration.id });
    let refused = server.web.post_json(&credential_endpoint, None, &request)?;
    fixtures.write("credential-error.no-token", &json!({ "status": refused.status, "body": refused.body }))?;
    let signed_in = code_token(server, wallet, transcript, configuration.id)?;
    fixtures.write("token.authorization-code", &signed_in)?;
    transcript.note(&format!("recorded in {}", fixtures.folder.display()));
    Ok(())
}

/// The token answer of the code flow, which the wallet does not show to anyone.
fn code_token(server: &Server, wallet: &Setup, transcript: &mut Transcript, scope: &str) -> Result<Value, String> {
    let verifier = random()?;
    let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()));
    let redirect = &format!("http://127.0.0.1:{}/callback", free_port()?);
    let metadata = get(server, "oauth-authorization-server")?;
    let mut url =
        url::Url::parse(keycloak::text(&metadata, "authorization_endpoint")?).map_err(|error| error.to_string())?;
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", CLIENT)
        .append_pair("redirect_uri", redirect)
        .append_pair("scope", scope)
        .append_pair("state", &random()?)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256");
    let answer = wallet.sign_in(transcript, url.as_str())?;
    let answer = url::Url::parse(&answer).map_err(|error| error.to_string())?;
    let code = answer
        .query_pairs()
        .find(|(name, _)| name == "code")
        .map(|(_, code)| code.into_owned())
        .ok_or("the redirect has no code")?;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", redirect),
        ("client_id", CLIENT),
        ("code_verifier", &verifier),
    ];
    server.web.post_form(&server.token_endpoint(), &form)?.ok("token")
}

/// 32 random bytes as text.
pub(super) fn random() -> Result<String, String> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| "no random bytes")?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn get(server: &Server, name: &str) -> Result<Value, String> {
    server.web.get(&server.well_known(name), None)?.ok(name)
}

/// Which of the exchanges at an address is meant.
pub(super) type Fits<'a> = &'a dyn Fn(&Value) -> bool;

/// The exchange ended well.
pub(super) fn good(exchange: &Value) -> bool {
    exchange["status"].as_u64().is_some_and(|status| (200..300).contains(&status) && status != 202)
}

/// A folder of recorded answers.
pub(super) struct Fixtures {
    folder: PathBuf,
}

impl Fixtures {
    pub(super) fn in_folder(folder: PathBuf) -> Result<Self, String> {
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Self { folder })
    }

    /// Writes for each file the first answer from its address that fits; a refusal with its status. An address that
    /// ends with a slash stands for all below it. What never occurred makes no file.
    pub(super) fn write_exchanges(&self, exchanges: &[Value], files: &[(&str, &str, Fits<'_>)]) -> Result<(), String> {
        for (file, address, fits) in files {
            let at = |exchange: &&Value| {
                exchange["path"].as_str().is_some_and(|path| {
                    if address.ends_with('/') { path.contains(address) } else { path.ends_with(address) }
                })
            };
            let Some(exchange) = exchanges.iter().filter(at).find(|exchange| fits(exchange)) else { continue };
            let refused = json!({ "status": exchange["status"], "body": exchange["answer"] });
            let refusal = exchange["status"].as_u64().is_none_or(|status| status >= 400);
            self.write(file, if refusal { &refused } else { &exchange["answer"] })?;
        }
        Ok(())
    }

    /// Writes one answer, its secrets redacted.
    pub(super) fn write(&self, name: &str, value: &Value) -> Result<(), String> {
        let path = self.folder.join(format!("{name}.json"));
        write(&path, &redacted(value))
    }
}

fn write(path: &Path, value: &Value) -> Result<(), String> {
    let text = serde_json::to_string_pretty(value).expect("JSON values can be written");
    fs::write(path, text + "\n").map_err(|error| format!("{}: {error}", path.display()))
}

/// The answer with its secrets replaced by words, so that it stays well formed.
fn redacted(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| {
                let secret = SECRETS.contains(&name.as_str()) && value.is_string();
                let value = if secret { format!("redacted-{name}").into() } else { redacted(value) };
                (name.clone(), value)
            })
            .collect(),
        Value::Array(items) => items.iter().map(redacted).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_replaced_and_the_rest_stays() {
        let answer =
            json!({"access_token": "x", "expires_in": 5, "authorization_details": [{"issued_credential_id": "y"}]});
        assert_eq!(
            redacted(&answer),
            json!({
                "access_token": "redacted-access_token",
                "expires_in": 5,
                "authorization_details": [{"issued_credential_id": "redacted-issued_credential_id"}],
            })
        );
    }
}
