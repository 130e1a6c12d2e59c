//! What all messages share: how requests are put together and answers taken apart.

use http::header::{ACCEPT, ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{Method, Request};
use serde_json::Value;
use url::Url;
use url::form_urlencoded::Serializer;

use crate::dialect::read::ReadError;
use crate::error::{Error, ErrorCode, IssuerError, Operation};
use crate::json;
use crate::model::display::plain_text;
use crate::model::secret::Secret;
use crate::model::token::{Token, TokenType};
use crate::platform::http::{HttpRequest, HttpResponse};

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Headers whose values are proofs: who repeats one shows what it was signed over.
pub(crate) const PROOF_HEADERS: [&str; 3] =
    [super::dpop::DPOP, super::client_auth::ATTESTATION, super::client_auth::ATTESTATION_POP];

/// A GET for a public JSON document, in the user's language where the document has several.
pub(crate) fn get(url: &Url, accept: &str, language: Option<&str>) -> Result<HttpRequest, Error> {
    let mut request = Request::builder().method(Method::GET).uri(url.as_str()).header(ACCEPT, accept);
    if let Some(language) = language {
        request = request.header(ACCEPT_LANGUAGE, language);
    }
    finish(request, Vec::new())
}

/// A request of parts that are ours, but for the address: that one may be more than HTTP can take.
pub(crate) fn finish(request: http::request::Builder, body: Vec<u8>) -> Result<HttpRequest, Error> {
    request
        .body(body)
        .map_err(|error| Error::new(ErrorCode::UrlUnusable, "the address can't be requested").caused_by(error))
}

/// A form as it is sent, and the names in it for the transcript.
#[derive(Default)]
pub(crate) struct Form(Vec<(String, Secret)>);

impl Form {
    /// Adds a field.
    pub(crate) fn add(&mut self, name: &str, value: impl Into<Secret>) -> &mut Self {
        self.0.push((name.to_owned(), value.into()));
        self
    }

    /// The fields in their order.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.expose()))
    }

    /// The form as a POST.
    pub(crate) fn post(&self, url: &Url) -> Result<HttpRequest, Error> {
        let body = Serializer::new(String::new()).extend_pairs(self.fields()).finish();
        let request =
            Request::builder().method(Method::POST).uri(url.as_str()).header(CONTENT_TYPE, FORM).header(ACCEPT, JSON);
        finish(request, body.into_bytes())
    }
}

/// A POST of JSON.
pub(crate) fn post_json(url: &Url, body: &Value) -> Result<HttpRequest, Error> {
    let request =
        Request::builder().method(Method::POST).uri(url.as_str()).header(CONTENT_TYPE, JSON).header(ACCEPT, JSON);
    finish(request, body.to_string().into_bytes())
}

/// A POST without a body, for an answer in JSON.
pub(crate) fn post_nothing(url: &Url) -> Result<HttpRequest, Error> {
    let request =
        Request::builder().method(Method::POST).uri(url.as_str()).header(ACCEPT, JSON).header(CONTENT_LENGTH, "0");
    finish(request, Vec::new())
}

/// Puts an access token on a request.
pub(crate) fn authorize(request: &mut HttpRequest, token: &Token) -> Result<(), Error> {
    request.headers_mut().insert(AUTHORIZATION, authorization(token)?);
    Ok(())
}

fn authorization(token: &Token) -> Result<http::HeaderValue, Error> {
    let scheme = token.scheme.as_deref().unwrap_or(match token.token_type {
        TokenType::Bearer => "Bearer",
        TokenType::Dpop => "DPoP",
    });
    let mut value = http::HeaderValue::try_from(format!("{scheme} {}", token.access_token.expose())).map_err(|_| {
        Error::new(ErrorCode::ResponseMalformed, "the access token holds characters that fit in no header")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// The media type of an answer, in lower case and without parameters.
pub(crate) fn media_type(response: &HttpResponse) -> Option<String> {
    let value = response.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// Whether a media type says JSON: `application/json` or `application/…+json`.
pub(crate) fn is_json(media_type: &str) -> bool {
    media_type == JSON || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}

/// The JSON of an answer with a status of 200 to 299.
///
/// Anything else becomes an error; what a refusal means is for the caller's table in `refused`.
pub(crate) fn success(
    response: &HttpResponse,
    operation: Operation,
    refused: fn(&str) -> ErrorCode,
) -> Result<Value, Error> {
    let status = response.status();
    if status.is_success() {
        return body(response).map_err(|error| error.at(operation).status(status.as_u16()));
    }
    Err(refusal(response, operation, refused))
}

/// The JSON body of an answer.
fn body(response: &HttpResponse) -> Result<Value, Error> {
    match media_type(response) {
        Some(media_type) if is_json(&media_type) => {}
        Some(other) => {
            return Err(Error::new(
                ErrorCode::WrongContentType,
                format!("the answer is {}, not JSON", plain_text(&other)),
            ));
        }
        None => return Err(Error::new(ErrorCode::WrongContentType, "the answer does not say that it is JSON")),
    }
    json::parse(response.body())
        .map_err(|error| Error::new(ErrorCode::ResponseMalformed, "the answer is not usable JSON").caused_by(error))
}

/// An answer that is no success, as an error.
fn refusal(response: &HttpResponse, operation: Operation, refused: fn(&str) -> ErrorCode) -> Error {
    let status = response.status();
    let said = issuer_error(response);
    let overloaded = status.is_server_error() || status == http::StatusCode::TOO_MANY_REQUESTS;
    let at_server = matches!(operation, Operation::PushedAuthorization | Operation::Token);
    let code = match &said {
        Some(said) => match refused(&said.error) {
            // A server that fails may well say so in OAuth's form.
            ErrorCode::ServerRefused | ErrorCode::AuthorizationRefused if overloaded => ErrorCode::ServerFailed,
            code => code,
        },
        None if status.is_redirection() => ErrorCode::RedirectRefused,
        None if overloaded => ErrorCode::ServerFailed,
        // Without a word, the status speaks (RFC 6749 section 5.2, RFC 6750 section 3.1).
        None if status == http::StatusCode::UNAUTHORIZED && at_server => refused("invalid_client"),
        None if status == http::StatusCode::UNAUTHORIZED => refused("invalid_token"),
        None if status == http::StatusCode::FORBIDDEN && !at_server => refused("insufficient_scope"),
        None => ErrorCode::ServerRefused,
    };
    let detail = match code {
        ErrorCode::RedirectRefused => "the server redirected a request that must not be redirected",
        ErrorCode::ServerFailed => "the server failed",
        _ => "the server refused the request",
    };
    let error = Error::new(code, detail).at(operation).status(status.as_u16());
    match said {
        Some(said) => error.issuer_error(said),
        None => error,
    }
}

/// The body of a request before it was encrypted. It stays with the request, for the transcript and for
/// [`SentSecrets`]; it is not sent.
#[derive(Clone)]
pub(crate) struct Covered(pub(crate) Vec<u8>);

/// What a request says, also where it is encrypted.
pub(crate) fn plain_body(request: &HttpRequest) -> &[u8] {
    request.extensions().get::<Covered>().map_or(request.body(), |covered| &covered.0)
}

/// What a request held that nobody else should read. It travels with the answer, because servers like to
/// repeat what they refuse.
#[derive(Clone, Default)]
pub(crate) struct SentSecrets(Vec<Secret>);

impl SentSecrets {
    /// Form fields and JSON members that hold nothing secret.
    const PUBLIC: [&'static str; 16] = [
        "grant_type",
        "client_id",
        "redirect_uri",
        "client_assertion_type",
        "dpop_jkt",
        "format",
        "response_type",
        "code_challenge",
        "code_challenge_method",
        "scope",
        "authorization_details",
        "resource",
        "credential_configuration_id",
        "credential_identifier",
        "event",
        "event_description",
    ];
    /// What is shorter is found everywhere.
    const SHORTEST: usize = 4;

    /// Those of a request.
    pub(crate) fn of(request: &HttpRequest) -> Self {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        let token = header(AUTHORIZATION.as_str()).and_then(|value| value.split_once(' '));
        let mut found: Vec<String> = token.map(|(_, token)| token.to_owned()).into_iter().collect();
        found.extend(PROOF_HEADERS.into_iter().filter_map(header).map(str::to_owned));
        let secret = |name: &str| !Self::PUBLIC.contains(&name);
        if header(CONTENT_TYPE.as_str()) == Some(FORM) {
            let fields = url::form_urlencoded::parse(request.body());
            found.extend(fields.filter(|(name, _)| secret(name)).map(|(_, value)| value.into_owned()));
        } else if let Ok(members) = json::parse_object(plain_body(request)) {
            members.iter().filter(|(name, _)| secret(name)).for_each(|(_, value)| texts(value, &mut found));
        }
        found.retain(|text| text.len() >= Self::SHORTEST);
        // One may be a part of another.
        found.sort_by_key(|text| std::cmp::Reverse(text.len()));
        Self(found.into_iter().map(Secret::from).collect())
    }

    fn hide(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret.expose(), "[…]"))
    }
}

fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => members.values().for_each(|member| texts(member, found)),
        _ => {}
    }
}

/// The OAuth error of an answer: in its JSON body, or in `WWW-Authenticate` (RFC 6750 section 3).
pub(crate) fn issuer_error(response: &HttpResponse) -> Option<IssuerError> {
    let hide = |text: &str| match response.extensions().get::<SentSecrets>() {
        Some(sent) => sent.hide(text),
        None => text.to_owned(),
    };
    let said = |error: &str, description: Option<&str>| shown(&hide(error), description.map(hide).as_deref());
    let from_body = || {
        let value = json::parse(response.body()).ok()?;
        let error = value.get("error")?.as_str()?;
        Some(said(error, value.get("error_description").and_then(Value::as_str)))
    };
    let from_header = || {
        let header = response.headers().get(WWW_AUTHENTICATE)?.to_str().ok()?;
        Some(said(parameter(header, "error")?, parameter(header, "error_description")))
    };
    from_body().or_else(from_header)
}

/// A server's error with everything taken out that does not belong in a log.
pub(crate) fn shown(error: &str, description: Option<&str>) -> IssuerError {
    let cut = |text: &str, length: usize| plain_text(text).chars().take(length).collect::<String>();
    IssuerError { error: cut(error, 100), error_description: description.map(|text| cut(text, 500)) }
}

/// A quoted parameter of a `WWW-Authenticate` challenge.
fn parameter<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let start = header.match_indices(name).find_map(|(at, _)| {
        let before = header[..at].chars().next_back();
        let rest = header[at + name.len()..].trim_start().strip_prefix('=')?.trim_start();
        (before.is_none_or(|c| c == ' ' || c == ',')).then_some(rest)
    })?;
    let quoted = start.strip_prefix('"')?;
    quoted.split('"').next()
}

/// An answer whose JSON says something else than it should.
pub(crate) fn malformed(error: ReadError, operation: Operation, status: u16) -> Error {
    Error::new(ErrorCode::ResponseMalformed, format!("in the answer, {error}"))
        .caused_by(error)
        .at(operation)
        .status(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, media_type: &str, body: &str) -> HttpResponse {
        http::Response::builder()
            .status(status)
            .header(CONTENT_TYPE, media_type)
            .body(body.as_bytes().to_vec())
            .expect("a response")
    }

    fn code_of(response: &HttpResponse) -> ErrorCode {
        code_at(Operation::Credential, response)
    }

    fn code_at(operation: Operation, response: &HttpResponse) -> ErrorCode {
        success(response, operation, |error| match error {
            "invalid_client" => ErrorCode::ClientRefused,
            "invalid_grant" => ErrorCode::GrantRefused,
            "invalid_token" | "insufficient_scope" => ErrorCode::TokenRefused,
            _ => ErrorCode::ServerRefused,
        })
        .expect_err("no success")
        .code()
    }

    #[test]
    fn answers_are_told_apart() {
        assert!(
            success(&answer(201, "application/json;charset=utf-8", "{}"), Operation::Token, |_| {
                ErrorCode::ServerRefused
            })
            .is_ok()
        );
        assert_eq!(code_of(&answer(200, "text/html", "<html>")), ErrorCode::WrongContentType);
        assert_eq!(code_of(&answer(200, "application/json", "<html>")), ErrorCode::ResponseMalformed);
        assert_eq!(code_of(&answer(200, "application/json", &"[".repeat(70))), ErrorCode::ResponseMalformed);
        assert_eq!(code_of(&answer(400, "application/json", r#"{"error":"invalid_grant"}"#)), ErrorCode::GrantRefused);
        assert_eq!(code_of(&answer(400, "application/json", r#"{"error":"odd"}"#)), ErrorCode::ServerRefused);
        assert_eq!(code_of(&answer(500, "application/json", r#"{"error":"server_error"}"#)), ErrorCode::ServerFailed);
        assert_eq!(code_of(&answer(302, "text/html", "")), ErrorCode::RedirectRefused);
        for (status, at_server, at_issuer) in [
            (401, ErrorCode::ClientRefused, ErrorCode::TokenRefused),
            (403, ErrorCode::ServerRefused, ErrorCode::TokenRefused),
        ] {
            let bare = answer(status, "text/plain", "");
            assert_eq!(code_at(Operation::Token, &bare), at_server);
            assert_eq!(code_at(Operation::PushedAuthorization, &bare), at_server);
            assert_eq!(code_at(Operation::DeferredCredential, &bare), at_issuer);
            assert_eq!(code_at(Operation::Notification, &bare), at_issuer);
        }
        assert_eq!(code_of(&answer(404, "text/plain", "")), ErrorCode::ServerRefused);
    }

    #[test]
    fn challenges_are_read() {
        let mut response = answer(401, "text/plain", "");
        let challenge = r#"Bearer realm="x", error="invalid_token", error_description="gone, really""#;
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge.parse().expect("a header"));
        assert_eq!(
            issuer_error(&response),
            Some(IssuerError { error: "invalid_token".into(), error_description: Some("gone, really".into()) })
        );
    }

    // covers: CERR-11
    #[test]
    fn descriptions_are_cut_and_cleaned() {
        let long = "a\u{7}\n".repeat(1000);
        let error = shown("x", Some(&long));
        let description = error.error_description.expect("one");
        assert!(description.len() <= 500 && description.chars().all(|c| c == 'a' || c == ' '));
    }
}
