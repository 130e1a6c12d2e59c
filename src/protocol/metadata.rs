//! Metadata of issuers and authorization servers (OpenID4VCI section 12, RFC 8414).

use http::StatusCode;
use http::header::CONTENT_LANGUAGE;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::message;
use crate::dialect::read::ReadError;
use crate::dialect::{self, Dialects, ReadIssuer, ReadServer, Tolerance, WellKnown};
use crate::error::{Advice, Error, ErrorCode, Operation};
use crate::json;
use crate::model::ids::IssuerId;
use crate::model::metadata::IssuerMetadata;
use crate::model::profile::Profile;
use crate::model::time::Timestamp;
use crate::platform::http::{HttpRequest, HttpResponse};
use crate::verify::signed_metadata::{self, SignedClaims, SignedMetadataError};
use crate::verify::x509::{At, TrustAnchors};

const ISSUER: &str = "openid-credential-issuer";
const JWT: &str = "application/jwt";

/// Where an issuer's metadata can be: first where it was the last time, else the place of 1.0. For an issuer
/// without a path there is only one.
pub(crate) fn issuer_places(issuer: &IssuerId, last: WellKnown, dialects: Dialects) -> Vec<(Url, WellKnown)> {
    let mut places = vec![(issuer.well_known(ISSUER), WellKnown::Inserted)];
    let appended = issuer.well_known_appended(ISSUER);
    if appended != places[0].0 && dialects == Dialects::Any {
        places.push((appended, WellKnown::Appended));
        if last == WellKnown::Appended {
            places.reverse();
        }
    }
    places
}

/// Where an authorization server's metadata can be, with the number of each place: RFC 8414 is the first, then
/// come those where OpenID Connect servers have it. The one where it was the last time comes before all.
pub(crate) fn server_places(server: &IssuerId, last: u8, dialects: Dialects) -> Vec<(Url, u8)> {
    let mut places: Vec<(Url, u8)> = (0_u8..).zip(all_server_places(server)).map(|(at, url)| (url, at)).collect();
    if dialects == Dialects::Strict {
        places.truncate(1);
    }
    if let Some(known) = places.iter().position(|(_, at)| *at == last) {
        places[..=known].rotate_right(1);
    }
    places
}

/// The number of the place after a server's path, under OAuth's own name: no specification has it there.
pub(crate) const APPENDED_SERVER_PLACE: u8 = 3;

/// The number that stands for no place: there is no metadata of the server, and the issuer's stands in for it.
pub(crate) const NO_SERVER_PLACE: u8 = u8::MAX;

fn all_server_places(server: &IssuerId) -> Vec<Url> {
    let (oauth, openid) = ("oauth-authorization-server", "openid-configuration");
    let mut places: Vec<Url> = Vec::new();
    // A server without a path has two of them; nothing is asked of the number then.
    for place in [
        server.well_known(oauth),
        server.well_known_appended(openid),
        server.well_known(openid),
        server.well_known_appended(oauth),
    ] {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

/// What to do about issuers that sign their metadata (OpenID4VCI section 12.2.3).
///
/// A signature that does not hold, or by somebody whom nothing vouches for, ends the issuance: the
/// metadata is never taken unsigned instead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignedMetadata {
    /// Unsigned metadata is asked for, and nothing else is taken.
    #[default]
    Ignore,
    /// Signed metadata is asked for first. Where an issuer has none, it is taken unsigned.
    Prefer,
    /// Only signed metadata is taken.
    Require,
}

/// By which rules issuer metadata is asked for and taken.
#[derive(Debug)]
pub(crate) struct MetadataRules {
    pub(crate) policy: SignedMetadata,
    /// Who may have signed it, or whoever these vouch for.
    pub(crate) trust: TrustAnchors,
}

impl MetadataRules {
    fn accept(&self) -> &'static str {
        match self.policy {
            SignedMetadata::Ignore => "application/json",
            SignedMetadata::Prefer => "application/jwt, application/json;q=0.9",
            SignedMetadata::Require => JWT,
        }
    }
}

/// How an issuer's metadata and its server's came to be believed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Provenance {
    /// Who signed the issuer's, if it was signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signed_by: Option<String>,
    /// Where they fall short of HAIP (section 4.1), if they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) not_haip: Option<String>,
}

impl Provenance {
    /// Whether there is nothing to say.
    pub(crate) fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// Whether an issuance by these documents is one that a profile allows.
    pub(crate) fn check(&self, profile: Profile) -> Result<(), Error> {
        match &self.not_haip {
            Some(why) if profile.is_haip() => {
                Err(Error::new(ErrorCode::ProfileViolated, why.clone()).at(Operation::IssuerMetadata))
            }
            _ => Ok(()),
        }
    }
}

/// Issuer metadata as it was believed.
#[derive(Debug)]
pub(crate) struct IssuerDocument {
    pub(crate) read: ReadIssuer,
    pub(crate) provenance: Provenance,
    /// Until when it is good, if it is signed and says so.
    pub(crate) expires_at: Option<Timestamp>,
}

/// Asks for issuer metadata, in the user's language where the document has several.
pub(crate) fn issuer_request(url: &Url, rules: &MetadataRules, language: Option<&str>) -> Result<HttpRequest, Error> {
    message::get(url, rules.accept(), language)
}

/// Asks for authorization server metadata.
pub(crate) fn server_request(url: &Url) -> Result<HttpRequest, Error> {
    message::get(url, "application/json", None)
}

/// Reads issuer metadata and holds it against the identifier that it was asked for, and against the
/// rules about signatures.
pub(crate) fn issuer_response(
    response: &HttpResponse,
    asked: &IssuerId,
    rules: &MetadataRules,
    at: At,
    dialects: Dialects,
) -> Result<IssuerDocument, Error> {
    let read = |value: &Value| dialect::issuer_metadata(value, asked, dialects);
    let operation = Operation::IssuerMetadata;
    let status = response.status();
    let fail = |code, detail: String| Error::new(code, detail).at(operation).status(status.as_u16());
    let media_type = message::media_type(response);
    let is_jwt = status.is_success() && media_type.as_deref() == Some(JWT);
    let (mut read, signed) = if is_jwt && rules.policy != SignedMetadata::Ignore {
        let mut signed = signed(response, asked, rules, at)?;
        let claims = Value::Object(std::mem::take(&mut signed.claims));
        (readable(read(&claims), |detail| fail(ErrorCode::MetadataMalformed, detail))?, Some(signed))
    } else {
        let unsigned = match media_type.as_deref() {
            _ if rules.policy != SignedMetadata::Require => false,
            Some(media_type) if status.is_success() => message::is_json(media_type),
            _ => status == StatusCode::NOT_ACCEPTABLE,
        };
        if unsigned {
            let detail = "the issuer has no signed metadata, and this wallet takes no other";
            return Err(fail(ErrorCode::MetadataUnsigned, detail.to_owned()));
        }
        let metadata = document(response, operation, read);
        // There may be a signed one.
        let settings = status == StatusCode::NOT_ACCEPTABLE && rules.policy == SignedMetadata::Ignore;
        (metadata.map_err(|error| if settings { error.advise(Advice::FixSetup) } else { error })?, None)
    };
    let said = &read.metadata.credential_issuer;
    if said != asked {
        // A signature is for the name that is signed.
        if dialects == Dialects::Strict || signed.is_some() || !differ_in_slash(said, asked) {
            let detail = format!("the metadata is that of {said}, not of {asked}");
            return Err(fail(ErrorCode::IssuerMismatch, detail));
        }
        read.tolerated.insert(Tolerance::TrailingSlash);
    }
    if let Some(language) = content_language(response) {
        name_language(&mut read.metadata, &language);
    }
    Ok(match signed {
        None => IssuerDocument { read, provenance: Provenance::default(), expires_at: None },
        Some(SignedClaims { signer, expires_at, not_haip, .. }) => {
            let provenance = Provenance { signed_by: Some(signer), not_haip: not_haip.map(str::to_owned) };
            IssuerDocument { read, provenance, expires_at }
        }
    })
}

/// Whether two identifiers are the same but for one slash at the end. Both name the same host and path.
fn differ_in_slash(one: &IssuerId, other: &IssuerId) -> bool {
    let (one, other) = (one.as_str(), other.as_str());
    one.strip_suffix('/') == Some(other) || other.strip_suffix('/') == Some(one)
}

/// Whether an answer that is none has to do with metadata at all: there are servers that have a page, or nothing,
/// at every address.
pub(crate) fn is_something_else(response: &HttpResponse, members: &[&str]) -> bool {
    if !response.status().is_success() || message::media_type(response).as_deref() == Some(JWT) {
        return false;
    }
    match json::parse(response.body()) {
        Ok(Value::Object(found)) => !members.iter().any(|name| found.contains_key(*name)),
        _ => true,
    }
}

fn signed(response: &HttpResponse, asked: &IssuerId, rules: &MetadataRules, at: At) -> Result<SignedClaims, Error> {
    let token = String::from_utf8_lossy(response.body());
    signed_metadata::verify(token.trim_ascii(), asked, &rules.trust, at).map_err(|error| {
        let code = match &error {
            SignedMetadataError::Invalid(_) => ErrorCode::MetadataSignatureInvalid,
            SignedMetadataError::AnotherIssuer => ErrorCode::IssuerMismatch,
            SignedMetadataError::Untrusted(_) => ErrorCode::MetadataUntrusted,
            SignedMetadataError::Unsupported(_) => ErrorCode::FeatureUnsupported,
        };
        let status = response.status().as_u16();
        Error::new(code, error.to_string()).at(Operation::IssuerMetadata).status(status).caused_by(error)
    })
}

/// The language that a document is in, if the server names exactly one.
fn content_language(response: &HttpResponse) -> Option<String> {
    let mut tags = response.headers().get_all(CONTENT_LANGUAGE).iter();
    let tag = tags.next()?.to_str().ok()?.trim();
    let plain = !tag.is_empty() && tag.len() <= 35 && tag.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    (plain && tags.next().is_none()).then(|| tag.to_owned())
}

/// Names without a language of their own are in that of the document.
fn name_language(metadata: &mut IssuerMetadata, language: &str) {
    let configurations = metadata.credential_configurations_supported.values_mut();
    let of_configurations = configurations.flat_map(|configuration| {
        let of_claims = configuration.claims.iter_mut().flat_map(|claim| &mut claim.display);
        configuration.display.iter_mut().chain(of_claims)
    });
    for display in metadata.display.iter_mut().chain(of_configurations) {
        display.locale.get_or_insert_with(|| language.to_owned());
    }
}

/// Reads authorization server metadata and holds it against the identifier that it was asked for.
pub(crate) fn server_response(
    response: &HttpResponse,
    asked: &IssuerId,
    dialects: Dialects,
) -> Result<ReadServer, Error> {
    let operation = Operation::AuthorizationServerMetadata;
    let read = document(response, operation, |value| dialect::server_metadata(value, asked, dialects))?;
    let said = &read.metadata.issuer;
    if said != asked {
        let detail = format!("the metadata is that of {said}, not of {asked}");
        let mismatch = Error::new(ErrorCode::AuthorizationServerMismatch, detail);
        return Err(mismatch.at(operation).status(response.status().as_u16()));
    }
    Ok(read)
}

fn document<T>(
    response: &HttpResponse,
    operation: Operation,
    read: impl FnOnce(&Value) -> Result<T, ReadError>,
) -> Result<T, Error> {
    let status = response.status().as_u16();
    let unusable = |code, detail: String| Error::new(code, detail).at(operation).status(status);
    let value =
        message::success(response, operation, |_| ErrorCode::ServerRefused).map_err(|error| match error.code() {
            ErrorCode::ServerRefused => {
                let detail = match response.status() {
                    StatusCode::NOT_ACCEPTABLE => "the document is not to be had in a form that was asked for",
                    _ => "the document is not there",
                };
                let unavailable = unusable(ErrorCode::MetadataUnavailable, detail.to_owned());
                match error.server_error().cloned() {
                    Some(said) => unavailable.issuer_error(said),
                    None => unavailable,
                }
            }
            ErrorCode::ResponseMalformed => {
                unusable(ErrorCode::MetadataMalformed, error.detail().to_owned()).caused_by(error)
            }
            _ => error,
        })?;
    readable(read(&value), |detail| unusable(ErrorCode::MetadataMalformed, detail))
}

/// A document that JSON could be read from, and the model could not.
fn readable<T>(read: Result<T, ReadError>, fail: impl FnOnce(String) -> Error) -> Result<T, Error> {
    read.map_err(|error| fail(format!("in the metadata, {error}")).caused_by(error))
}

#[cfg(test)]
#[path = "metadata_tests.rs"]
mod tests;
