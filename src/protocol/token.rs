//! The token endpoint (OpenID4VCI section 6, RFC 6749).

use url::Url;

use super::authorization::RequestBy;
use super::message::{self, Form};
use crate::dialect::{self, Dialects, PinParameter, ReadToken};
use crate::error::{Advice, Error, ErrorCode, Operation, RequestOutcome};
use crate::model::ids::{ClientId, IssuerId};
use crate::model::offer::GrantType;
use crate::model::secret::Secret;
use crate::model::time::Timestamp;
use crate::model::token::Token;
use crate::platform::http::{HttpRequest, HttpResponse};

/// What a token is asked for with.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum TokenGrant {
    /// The code of a redirect.
    AuthorizationCode {
        code: Secret,
        code_verifier: Secret,
        redirect_uri: String,
        /// For which issuer, where the server serves several (RFC 8707).
        resource: Option<IssuerId>,
    },
    /// The code of an offer, with what the user typed.
    PreAuthorizedCode {
        pre_authorized_code: Secret,
        tx_code: Option<Secret>,
        /// The parameter that it goes into.
        #[serde(default)]
        pin: PinParameter,
        /// Which part of the offer is wanted, where it is not all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        authorization_details: Option<String>,
    },
    /// A refresh token.
    RefreshToken { refresh_token: Secret },
}

impl TokenGrant {
    fn has_tx_code(&self) -> bool {
        matches!(self, Self::PreAuthorizedCode { tx_code: Some(_), .. })
    }
}

/// A token request. Without a client id it is the anonymous access of section 6.1.
pub(crate) fn request(url: &Url, grant: &TokenGrant, client_id: Option<&ClientId>) -> Result<HttpRequest, Error> {
    let mut form = Form::default();
    match grant {
        TokenGrant::AuthorizationCode { code, code_verifier, redirect_uri, resource } => {
            form.add("grant_type", GrantType::AuthorizationCode.as_str())
                .add("code", code.clone())
                .add("redirect_uri", redirect_uri.as_str())
                .add("code_verifier", code_verifier.clone());
            if let Some(resource) = resource {
                form.add("resource", resource.as_str());
            }
        }
        TokenGrant::RefreshToken { refresh_token } => {
            form.add("grant_type", "refresh_token").add("refresh_token", refresh_token.clone());
        }
        TokenGrant::PreAuthorizedCode { pre_authorized_code, tx_code, pin, authorization_details } => {
            form.add("grant_type", GrantType::PreAuthorizedCode.as_str())
                .add("pre-authorized_code", pre_authorized_code.clone());
            if let Some(tx_code) = tx_code {
                form.add(pin.name(), tx_code.clone());
            }
            if let Some(details) = authorization_details {
                form.add("authorization_details", details.as_str());
            }
        }
    }
    if let Some(client_id) = client_id {
        form.add("client_id", client_id.as_str());
    }
    form.post(url)
}

/// Reads the answer.
///
/// 1.0 has one error, `invalid_grant`, for a mistyped transaction code and for a dead offer. Where
/// a transaction code was sent it is taken for mistyped; the session counts the tries.
///
/// `showed_key`: whether the request came with a proof for a key to bind the token to.
pub(crate) fn response(
    response: &HttpResponse,
    grant: &TokenGrant,
    now: Timestamp,
    showed_key: bool,
    dialects: Dialects,
) -> Result<ReadToken, Error> {
    let refused = |error: &str| match error {
        "invalid_grant" | "expired_token" => ErrorCode::GrantRefused,
        "invalid_tx_code" => ErrorCode::TxCodeRefused,
        "invalid_request"
        | "invalid_scope"
        | "invalid_target"
        | "invalid_authorization_details"
        | "unsupported_grant_type" => ErrorCode::TokenRequestRefused,
        "invalid_client" | "unauthorized_client" => ErrorCode::ClientRefused,
        "invalid_client_attestation" | "use_attestation_challenge" | "use_fresh_attestation" => {
            ErrorCode::AttestationRefused
        }
        "invalid_dpop_proof" | "use_dpop_nonce" => ErrorCode::DpopRefused,
        "slow_down" | "authorization_pending" => ErrorCode::TokenPending,
        "access_denied" => ErrorCode::AccessDenied,
        _ => ErrorCode::ServerRefused,
    };
    let value = message::success(response, Operation::Token, refused).map_err(|error| match error.code() {
        ErrorCode::GrantRefused if grant.has_tx_code() && says(&error, "invalid_grant") => {
            error.recode(ErrorCode::TxCodeRefused).explain("the code is wrong, or the offer is used up")
        }
        ErrorCode::GrantRefused if matches!(grant, TokenGrant::AuthorizationCode { .. }) => {
            error.advise(Advice::SignInAgain)
        }
        ErrorCode::TokenRequestRefused => request_refused(error, grant),
        ErrorCode::TxCodeRefused if !grant.has_tx_code() => {
            error.recode(ErrorCode::ServerRefused).explain("the server refused a transaction code that nobody sent")
        }
        _ => error,
    })?;
    dialect::token(&value, now, showed_key, dialects)
        .map_err(|error| message::malformed(error, Operation::Token, response.status().as_u16()))
}

fn says(error: &Error, code: &str) -> bool {
    error.server_error().is_some_and(|said| said.error == code)
}

/// What a refusal of the request itself most likely means (OpenID4VCI section 6.3).
fn request_refused(error: Error, grant: &TokenGrant) -> Error {
    if !says(&error, "invalid_request") {
        // It asks for no more than the server's own metadata and answers allow.
        return error.explain("the server does not take what the wallet asked for").advise(Advice::TellIssuer);
    }
    match grant {
        TokenGrant::PreAuthorizedCode { tx_code: Some(_), .. } => {
            error.explain("the server refused the request: it may not have expected a transaction code")
        }
        TokenGrant::PreAuthorizedCode { tx_code: None, .. } => error.explain(
            "the server refused the request: it may want a transaction code, which the offer does not mention",
        ),
        _ => error.explain("the server refused the request as malformed").advise(Advice::StartOver),
    }
}

/// Holds a token against what it was asked for with.
///
/// A server that was sent `authorization_details` has to give them back (OpenID4VCI section 6.2). Where the
/// caller insisted on them, one that does not has not understood the request; otherwise the credentials
/// are asked for by their configurations.
pub(crate) fn check_details(token: &Token, grant: &TokenGrant, by: RequestBy) -> Result<(), Error> {
    let sent = match grant {
        TokenGrant::AuthorizationCode { .. } => true,
        TokenGrant::PreAuthorizedCode { authorization_details, .. } => authorization_details.is_some(),
        TokenGrant::RefreshToken { .. } => false,
    };
    let named = token.authorized.iter().any(|entry| !entry.credential_identifiers.is_empty());
    if by == RequestBy::Details && sent && !named {
        let detail = "the server was sent `authorization_details` and gave none back with the token";
        return Err(Error::new(ErrorCode::ResponseMalformed, detail)
            .at(Operation::Token)
            .outcome_is(RequestOutcome::Answered));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(request: &HttpRequest) -> Vec<(String, String)> {
        url::form_urlencoded::parse(request.body()).into_owned().collect()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    // covers: TOKRQ-02, TOKRQ-03
    #[test]
    fn fields_are_exactly_those_of_the_grant() {
        let url = Url::parse("https://as.example/token").expect("url");
        let grant = TokenGrant::AuthorizationCode {
            code: "c".into(),
            code_verifier: "v".into(),
            redirect_uri: "app:/cb".into(),
            resource: None,
        };
        let client = ClientId::from("me");
        assert_eq!(
            fields(&request(&url, &grant, Some(&client)).expect("a request")),
            [
                pair("grant_type", "authorization_code"),
                pair("code", "c"),
                pair("redirect_uri", "app:/cb"),
                pair("code_verifier", "v"),
                pair("client_id", "me"),
            ]
        );
        let grant = TokenGrant::PreAuthorizedCode {
            pre_authorized_code: "p&=".into(),
            tx_code: Some("0042".into()),
            pin: PinParameter::TxCode,
            authorization_details: None,
        };
        assert_eq!(
            fields(&request(&url, &grant, None).expect("a request")),
            [
                pair("grant_type", "urn:ietf:params:oauth:grant-type:pre-authorized_code"),
                pair("pre-authorized_code", "p&="),
                pair("tx_code", "0042"),
            ]
        );
    }

    #[test]
    fn a_refused_grant_depends_on_what_was_sent() {
        let answer = http::Response::builder()
            .status(400)
            .header("content-type", "application/json")
            .body(br#"{"error":"invalid_grant","error_description":"no"}"#.to_vec())
            .expect("a response");
        let now = Timestamp::from_seconds(0);
        let pre = |tx_code: Option<&str>| TokenGrant::PreAuthorizedCode {
            pre_authorized_code: "p".into(),
            tx_code: tx_code.map(Secret::from),
            pin: PinParameter::TxCode,
            authorization_details: None,
        };
        let error = response(&answer, &pre(Some("1")), now, false, Dialects::Any).expect_err("refused");
        assert_eq!((error.code(), error.advice()), (ErrorCode::TxCodeRefused, Advice::AskCodeAgain));
        let error = response(&answer, &pre(None), now, false, Dialects::Any).expect_err("refused");
        assert_eq!((error.code(), error.advice()), (ErrorCode::GrantRefused, Advice::GetNewOffer));
        let code = TokenGrant::AuthorizationCode {
            code: "c".into(),
            code_verifier: "v".into(),
            redirect_uri: "app:/cb".into(),
            resource: None,
        };
        let error = response(&answer, &code, now, false, Dialects::Any).expect_err("refused");
        assert_eq!((error.code(), error.advice()), (ErrorCode::GrantRefused, Advice::SignInAgain));
    }
}
