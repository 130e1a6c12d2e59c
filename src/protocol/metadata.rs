//! Metadata of issuers and authorization servers (OpenID4VCI section 12, RFC 8414).

use http::StatusCode;
use http::header::CONTENT_LANGUAGE;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::message;
use crate::dialect::WellKnown;
use crate::dialect::read;
use crate::error::{Advice, Error, ErrorCode, Operation};
use crate::model::ids::IssuerId;
use crate::model::metadata::{AuthorizationServerMetadata, IssuerMetadata};
use crate::model::profile::Profile;
use crate::model::time::Timestamp;
use crate::platform::http::{HttpRequest, HttpResponse};
use crate::verify::signed_metadata::{self, SignedClaims, SignedMetadataError};
use crate::verify::x509::{At, TrustAnchors};

const ISSUER: &str = "openid-credential-issuer";
const JWT: &str = "application/jwt";

/// Where an issuer's metadata can be, the place of 1.0 first. For an issuer without a path there
/// is only one.
pub(crate) fn issuer_places(issuer: &IssuerId) -> Vec<(Url, WellKnown)> {
    let mut places = vec![(issuer.well_known(ISSUER), WellKnown::Inserted)];
    let appended = issuer.well_known_appended(ISSUER);
    if appended != places[0].0 {
        places.push((appended, WellKnown::Appended));
    }
    places
}

/// Where an authorization server's metadata can be: RFC 8414 first, then where OpenID Connect
/// servers have it.
pub(crate) fn server_places(server: &IssuerId) -> Vec<Url> {
    let (oauth, openid) = ("oauth-authorization-server", "openid-configuration");
    let mut places: Vec<Url> = Vec::new();
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
    pub(crate) metadata: IssuerMetadata,
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
) -> Result<IssuerDocument, Error> {
    let operation = Operation::IssuerMetadata;
    let status = response.status();
    let fail = |code, detail: String| Error::new(code, detail).at(operation).status(status.as_u16());
    let media_type = message::media_type(response);
    let is_jwt = status.is_success() && media_type.as_deref() == Some(JWT);
    let (mut metadata, signed) = if is_jwt && rules.policy != SignedMetadata::Ignore {
        let mut signed = signed(response, asked, rules, at)?;
        let claims = Value::Object(std::mem::take(&mut signed.claims));
        (readable(read::issuer_metadata(&claims), |detail| fail(ErrorCode::MetadataMalformed, detail))?, Some(signed))
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
        let metadata = document(response, operation, read::issuer_metadata);
        // There may be a signed one.
        let settings = status == StatusCode::NOT_ACCEPTABLE && rules.policy == SignedMetadata::Ignore;
        (metadata.map_err(|error| if settings { error.advise(Advice::FixSetup) } else { error })?, None)
    };
    if metadata.credential_issuer != *asked {
        let detail = format!("the metadata is that of {}, not of {asked}", metadata.credential_issuer);
        return Err(fail(ErrorCode::IssuerMismatch, detail));
    }
    if let Some(language) = content_language(response) {
        name_language(&mut metadata, &language);
    }
    Ok(match signed {
        None => IssuerDocument { metadata, provenance: Provenance::default(), expires_at: None },
        Some(SignedClaims { signer, expires_at, not_haip, .. }) => {
            let provenance = Provenance { signed_by: Some(signer), not_haip: not_haip.map(str::to_owned) };
            IssuerDocument { metadata, provenance, expires_at }
        }
    })
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
pub(crate) fn server_response(response: &HttpResponse, asked: &IssuerId) -> Result<AuthorizationServerMetadata, Error> {
    let operation = Operation::AuthorizationServerMetadata;
    let metadata = document(response, operation, read::authorization_server_metadata)?;
    if metadata.issuer != *asked {
        return Err(Error::new(
            ErrorCode::AuthorizationServerMismatch,
            format!("the metadata is that of {}, not of {asked}", metadata.issuer),
        )
        .at(operation)
        .status(response.status().as_u16()));
    }
    Ok(metadata)
}

fn document<T>(
    response: &HttpResponse,
    operation: Operation,
    read: fn(&serde_json::Value) -> Result<T, read::ReadError>,
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
fn readable<T>(read: Result<T, read::ReadError>, fail: impl FnOnce(String) -> Error) -> Result<T, Error> {
    read.map_err(|error| fail(format!("in the metadata, {error}")).caused_by(error))
}

#[cfg(test)]
#[path = "metadata_tests.rs"]
mod tests;
