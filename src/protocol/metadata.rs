//! Metadata of issuers and authorization servers (OpenID4VCI section 12, RFC 8414).

use url::Url;

use super::message;
use crate::dialect::WellKnown;
use crate::dialect::read;
use crate::error::{Error, ErrorCode, Operation};
use crate::model::ids::IssuerId;
use crate::model::metadata::{AuthorizationServerMetadata, IssuerMetadata};
use crate::platform::http::{HttpRequest, HttpResponse};

const ISSUER: &str = "openid-credential-issuer";

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

/// Asks for a metadata document.
pub(crate) fn request(url: &Url, language: Option<&str>) -> Result<HttpRequest, Error> {
    message::get(url, "application/json", language)
}

/// Reads issuer metadata and holds it against the identifier that it was asked for.
pub(crate) fn issuer_response(response: &HttpResponse, asked: &IssuerId) -> Result<IssuerMetadata, Error> {
    let operation = Operation::IssuerMetadata;
    let metadata = document(response, operation, read::issuer_metadata)?;
    if metadata.credential_issuer != *asked {
        return Err(Error::new(
            ErrorCode::IssuerMismatch,
            format!("the metadata is that of {}, not of {asked}", metadata.credential_issuer),
        )
        .at(operation)
        .status(response.status().as_u16()));
    }
    Ok(metadata)
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
                unusable(ErrorCode::MetadataUnavailable, "the document is not there".to_owned())
            }
            ErrorCode::ResponseMalformed => {
                unusable(ErrorCode::MetadataMalformed, error.detail().to_owned()).caused_by(error)
            }
            _ => error,
        })?;
    read(&value)
        .map_err(|error| unusable(ErrorCode::MetadataMalformed, format!("in the metadata, {error}")).caused_by(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(id: &str) -> Vec<String> {
        let issuer = IssuerId::parse(id).expect("legal");
        issuer_places(&issuer).into_iter().map(|(url, _)| url.to_string()).collect()
    }

    #[test]
    fn an_issuer_without_a_path_has_one_place() {
        assert_eq!(places("https://h"), ["https://h/.well-known/openid-credential-issuer"]);
        assert_eq!(
            places("https://h/a"),
            ["https://h/.well-known/openid-credential-issuer/a", "https://h/a/.well-known/openid-credential-issuer",]
        );
    }

    // covers: ASM-02
    #[test]
    fn servers_are_looked_for_where_openid_connect_has_them_too() {
        let at = |id: &str| server_places(&IssuerId::parse(id).expect("legal"));
        assert_eq!(at("https://h").len(), 2);
        assert_eq!(at("https://h/realms/x")[1].as_str(), "https://h/realms/x/.well-known/openid-configuration");
    }
}
