//! The authorization request and its redirect (OpenID4VCI section 5, RFC 6749, RFC 7636,
//! RFC 9126, RFC 9207).

use std::collections::BTreeMap;

use oauth2::basic::BasicClient;
use oauth2::{AuthUrl, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, ResponseType};
use serde::{Deserialize, Serialize};
use url::Url;

use super::message::{self, Form};
use crate::dialect::{Quirks, StateEcho, read, write};
use crate::error::{Advice, Error, ErrorCode, Operation, RequestOutcome};
use crate::model::display::PathStep;
use crate::model::ids::{ClientId, ConfigurationId, IssuerId};
use crate::model::metadata::{AuthorizationServerMetadata, IssuerMetadata};
use crate::model::secret::Secret;
use crate::model::time::Timestamp;
use crate::platform::http::{HttpRequest, HttpResponse};

/// How an authorization request says what it wants (OpenID4VCI section 5.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestBy {
    /// By scope when every configuration has one, else by `authorization_details`.
    #[default]
    Auto,
    /// By the configurations' scopes.
    Scope,
    /// By `authorization_details` (RFC 9396). A server that gives none back with the token has then not
    /// understood the request, which is an error; without this wish it is put up with.
    Details,
}

/// A claim that is wanted (OpenID4VCI appendix B.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestedClaim {
    /// Where it is in the credential.
    pub path: Vec<PathStep>,
    /// Whether the credential is of no use without it: then the issuer does not issue it without.
    pub mandatory: bool,
}

/// What binds a redirect to the request that it answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PendingAuthorization {
    /// Random; comes back in the redirect.
    pub(crate) state: Secret,
    /// The secret half of PKCE.
    pub(crate) code_verifier: Secret,
    /// Where the redirect goes.
    pub(crate) redirect_uri: String,
    /// What to name as `resource`, in this request and the token request.
    pub(crate) resource: Option<IssuerId>,
    /// The fields that ask for the credentials.
    pub(crate) wanted: Wanted,
    /// Opaque text of the offer.
    pub(crate) issuer_state: Option<Secret>,
    /// The thumbprint of the key that the code will be bound to (RFC 9449 section 10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) dpop_jkt: Option<String>,
    /// Whether a redirect without `iss` is refused, whatever the server's metadata says.
    #[serde(default)]
    pub(crate) iss_required: bool,
    /// Whether a redirect without `state` is refused.
    #[serde(default)]
    pub(crate) state_echo: StateEcho,
    /// What the app adds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) added: Vec<(String, Secret)>,
}

/// What an authorization request asks for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Wanted {
    Scope(String),
    Details(String),
}

/// Makes a new authorization request, with fresh `state` and PKCE verifier.
pub(crate) fn begin(
    issuer: &IssuerMetadata,
    server: &AuthorizationServerMetadata,
    quirks: &Quirks,
    ids: &[ConfigurationId],
    claims: &BTreeMap<ConfigurationId, Vec<RequestedClaim>>,
    by: RequestBy,
    redirect_uri: &str,
) -> Result<PendingAuthorization, Error> {
    let wanted = wanted(issuer, server, quirks, ids, claims, by)?;
    let names_servers = !issuer.authorization_servers.is_empty();
    let resource = (names_servers && matches!(wanted, Wanted::Scope(_))).then(|| issuer.credential_issuer.clone());
    let (_, verifier) = PkceCodeChallenge::new_random_sha256();
    Ok(PendingAuthorization {
        state: CsrfToken::new_random_len(32).into_secret().into(),
        code_verifier: verifier.into_secret().into(),
        redirect_uri: redirect_uri.to_owned(),
        resource,
        wanted,
        issuer_state: None,
        dpop_jkt: None,
        iss_required: false,
        state_echo: quirks.state,
        added: Vec::new(),
    })
}

fn wanted(
    issuer: &IssuerMetadata,
    server: &AuthorizationServerMetadata,
    quirks: &Quirks,
    ids: &[ConfigurationId],
    claims: &BTreeMap<ConfigurationId, Vec<RequestedClaim>>,
    by: RequestBy,
) -> Result<Wanted, Error> {
    let unsupported =
        |detail: &str| Err(Error::new(ErrorCode::FeatureUnsupported, detail).at(Operation::Authorization));
    let scopes: Option<Vec<&str>> =
        ids.iter().map(|id| issuer.credential_configurations_supported.get(id)?.scope.as_deref()).collect();
    match (by, scopes) {
        (RequestBy::Scope, Some(_)) if !claims.is_empty() => {
            unsupported("a request by scope can't say which claims are wanted")
        }
        // Only details can name claims.
        (RequestBy::Auto, Some(_)) if !claims.is_empty() => {
            self::wanted(issuer, server, quirks, ids, claims, RequestBy::Details)
        }
        (RequestBy::Auto | RequestBy::Scope, Some(mut scopes)) => {
            // Several configurations may share a scope; it is named once.
            scopes.sort_unstable();
            scopes.dedup();
            Ok(Wanted::Scope(scopes.join(" ")))
        }
        (RequestBy::Scope, None) => unsupported("a configuration has no scope, so it can't be requested by scope"),
        (RequestBy::Auto, None) | (RequestBy::Details, _) => {
            if takes_details(server) == Some(false) {
                return unsupported("the authorization server takes no authorization_details for credentials");
            }
            Ok(Wanted::Details(details(issuer, quirks, ids, claims)))
        }
    }
}

/// Whether the server says that it takes `authorization_details` for credentials; none if it says nothing.
pub(crate) fn takes_details(server: &AuthorizationServerMetadata) -> Option<bool> {
    let types = server.authorization_details_types_supported.as_ref()?;
    Some(types.iter().any(|listed| listed == "openid_credential"))
}

/// The `authorization_details` for some configurations.
pub(crate) fn details(
    issuer: &IssuerMetadata,
    quirks: &Quirks,
    ids: &[ConfigurationId],
    claims: &BTreeMap<ConfigurationId, Vec<RequestedClaim>>,
) -> String {
    let location = (!issuer.authorization_servers.is_empty()).then_some(&issuer.credential_issuer);
    let mut details = write::authorization_details(ids, claims, location);
    write::by_format(&mut details, issuer, quirks);
    details.to_string()
}

impl PendingAuthorization {
    /// The parameters that go beside those of OAuth itself.
    fn extra(&self) -> Vec<(&str, Secret)> {
        let mut extra: Vec<(&str, Secret)> = vec![match &self.wanted {
            Wanted::Scope(scope) => ("scope", scope.as_str().into()),
            Wanted::Details(details) => ("authorization_details", details.as_str().into()),
        }];
        if let Some(issuer_state) = &self.issuer_state {
            extra.push(("issuer_state", issuer_state.clone()));
        }
        if let Some(resource) = &self.resource {
            extra.push(("resource", resource.as_str().into()));
        }
        if let Some(dpop_jkt) = &self.dpop_jkt {
            extra.push(("dpop_jkt", dpop_jkt.as_str().into()));
        }
        extra.extend(self.added.iter().map(|(name, value)| (name.as_str(), value.clone())));
        extra
    }

    fn challenge(&self) -> PkceCodeChallenge {
        let verifier = PkceCodeVerifier::new(self.code_verifier.expose().to_owned());
        PkceCodeChallenge::from_code_verifier_sha256(&verifier)
    }
}

/// The pushed form of the request (RFC 9126).
pub(crate) fn push_request(
    url: &Url,
    client_id: &ClientId,
    pending: &PendingAuthorization,
) -> Result<HttpRequest, Error> {
    let challenge = pending.challenge();
    let mut form = Form::default();
    form.add("response_type", "code")
        .add("client_id", client_id.as_str())
        .add("redirect_uri", pending.redirect_uri.as_str())
        .add("state", pending.state.clone())
        .add("code_challenge", challenge.as_str())
        .add("code_challenge_method", challenge.method().as_str());
    for (name, value) in pending.extra() {
        form.add(name, value);
    }
    form.post(url)
}

/// Reads the answer to a pushed request that arrived at `now`: the `request_uri` and when it ends.
pub(crate) fn push_response(response: &HttpResponse, now: Timestamp) -> Result<(String, Timestamp), Error> {
    let refused = |error: &str| match error {
        "invalid_client" | "unauthorized_client" => ErrorCode::ClientRefused,
        "invalid_client_attestation" | "use_attestation_challenge" | "use_fresh_attestation" => {
            ErrorCode::AttestationRefused
        }
        "invalid_dpop_proof" | "use_dpop_nonce" => ErrorCode::DpopRefused,
        "access_denied" => ErrorCode::AccessDenied,
        _ => ErrorCode::AuthorizationRefused,
    };
    let value = message::success(response, Operation::PushedAuthorization, refused).map_err(advise_on_refusal)?;
    let (request_uri, seconds) = read::pushed_authorization(&value)
        .map_err(|error| message::malformed(error, Operation::PushedAuthorization, response.status().as_u16()))?;
    Ok((request_uri, now + seconds))
}

/// What the server will refuse in every request is for it to correct; anything else may be mended by a fresh
/// look at its metadata, or a new offer.
fn advise_on_refusal(error: Error) -> Error {
    const NEVER: [&str; 4] =
        ["unsupported_response_type", "request_not_supported", "request_uri_not_supported", "invalid_request_object"];
    match error.server_error() {
        Some(said) if NEVER.contains(&said.error.as_str()) => error.advise(Advice::TellIssuer),
        // It ran out before the browser came with it: the next sign-in has its own.
        Some(said) if said.error == "invalid_request_uri" => error.advise(Advice::SignInAgain),
        _ => error,
    }
}

/// The address for the browser after a pushed request: client and reference, nothing else.
pub(crate) fn pushed_url(endpoint: &Url, client_id: &ClientId, request_uri: &str) -> Url {
    let mut url = endpoint.clone();
    url.query_pairs_mut().append_pair("client_id", client_id.as_str()).append_pair("request_uri", request_uri);
    url
}

/// The address for the browser, with the whole request in it.
pub(crate) fn plain_url(endpoint: &Url, client_id: &ClientId, pending: &PendingAuthorization) -> Result<Url, Error> {
    let redirect = RedirectUrl::new(pending.redirect_uri.clone()).map_err(|error| {
        Error::new(ErrorCode::SetupInvalid, "the redirect URI is no URI").at(Operation::Authorization).caused_by(error)
    })?;
    let state = pending.state.expose().to_owned();
    let client = BasicClient::new(oauth2::ClientId::new(client_id.to_string()))
        .set_auth_uri(AuthUrl::from_url(endpoint.clone()))
        .set_redirect_uri(redirect);
    let mut request = client
        .authorize_url(|| CsrfToken::new(state))
        .set_response_type(&ResponseType::new("code".to_owned()))
        .set_pkce_challenge(pending.challenge());
    for (name, value) in pending.extra() {
        request = request.add_extra_param(name, value.expose().to_owned());
    }
    Ok(request.url().0)
}

/// The `state` of a redirect, for finding the session that it belongs to.
pub(crate) fn state_of(redirect: &str) -> Option<String> {
    let url = Url::parse(redirect).ok()?;
    url.query_pairs().find(|(name, _)| name == "state").map(|(_, value)| value.into_owned())
}

/// Whether a redirect goes where a request's answer goes, and can be it without a `state`: from servers that are of
/// that kind.
pub(crate) fn fits_without_state(redirect: &str, pending: &PendingAuthorization) -> bool {
    let Ok(url) = Url::parse(redirect.trim()) else { return false };
    pending.state_echo == StateEcho::MayBeMissing
        && same_place(&url, &pending.redirect_uri)
        && url.query_pairs().all(|(name, _)| name != "state")
}

/// Takes the code out of a redirect, if it is the answer to this request and came from this server.
///
/// One with another `state` never is. One without any is, where the server is of the kind that forgets it: PKCE
/// then holds the code to this request.
pub(crate) fn read_redirect(
    redirect: &str,
    pending: &PendingAuthorization,
    server: &AuthorizationServerMetadata,
) -> Result<Secret, Error> {
    let fail = |code, detail: &str| Err(Error::new(code, detail).at(Operation::Authorization));
    let Ok(url) = Url::parse(redirect.trim()) else {
        return fail(ErrorCode::RedirectMalformed, "the redirect is no URL");
    };
    if !same_place(&url, &pending.redirect_uri) {
        return fail(
            ErrorCode::RedirectMalformed,
            "the redirect went to another place than this wallet's redirect URI",
        );
    }
    let mut found: [Option<String>; 5] = Default::default();
    for (name, value) in url.query_pairs() {
        let names = ["state", "iss", "code", "error", "error_description"];
        let Some(slot) = names.iter().position(|known| *known == name) else { continue };
        if found[slot].replace(value.into_owned()).is_some() {
            return fail(ErrorCode::RedirectMalformed, "the redirect has a parameter twice");
        }
    }
    let [state, iss, code, error, description] = found;
    let forgotten = state.is_none() && pending.state_echo == StateEcho::MayBeMissing;
    if !forgotten && state.as_deref() != Some(pending.state.expose()) {
        return fail(ErrorCode::StateMismatch, "the redirect's state is not that of this sign-in");
    }
    match iss {
        Some(iss) if iss != server.issuer.as_str() => {
            return fail(ErrorCode::IssMismatch, "the redirect came from another authorization server");
        }
        None if pending.iss_required || server.authorization_response_iss_parameter_supported => {
            return fail(ErrorCode::IssMismatch, "the redirect does not say which authorization server it came from");
        }
        _ => {}
    }
    if let Some(error) = error {
        let (code, detail) = match error.as_str() {
            "access_denied" => (ErrorCode::AccessDenied, "the user or the issuer declined"),
            "interaction_required" | "login_required" | "account_selection_required" | "consent_required" => {
                (ErrorCode::InteractionRequired, "the authorization server has to ask the user and could not")
            }
            "server_error" | "temporarily_unavailable" => (ErrorCode::ServerFailed, "the authorization server failed"),
            "unauthorized_client" | "invalid_client" => {
                (ErrorCode::ClientRefused, "the authorization server refused this client")
            }
            _ => (ErrorCode::AuthorizationRefused, "the authorization server refused the request"),
        };
        let said = message::shown(&error, description.as_deref());
        let error = Error::new(code, detail).at(Operation::Authorization).endpoint(&server.issuer.to_url());
        let error = error.issuer_error(said).outcome_is(RequestOutcome::Answered);
        return Err(match code {
            // The redirect itself is used up: what can be tried again is the sign-in.
            ErrorCode::ServerFailed => error.advise(Advice::SignInAgain),
            _ => advise_on_refusal(error),
        });
    }
    match code {
        Some(code) if !code.is_empty() => Ok(code.into()),
        _ => fail(ErrorCode::RedirectMalformed, "the redirect has neither a code nor an error"),
    }
}

/// Whether a redirect went to the redirect URI, whatever query it carries beside that URI's own.
fn same_place(redirect: &Url, registered: &str) -> bool {
    let Ok(registered) = Url::parse(registered) else { return false };
    let bare = |url: &Url| {
        let mut url = url.clone();
        url.set_query(None);
        url.set_fragment(None);
        url
    };
    bare(redirect) == bare(&registered)
}

#[cfg(test)]
#[path = "authorization_tests.rs"]
mod tests;
