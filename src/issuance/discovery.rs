//! Metadata of the issuer and its authorization server, fetched side by side.

use futures_util::future::join;
use http::StatusCode;

use crate::dialect::{Quirks, WellKnown};
use crate::error::{Error, ErrorCode, Operation, Result};
use crate::model::ids::IssuerId;
use crate::model::metadata::{AuthorizationServerMetadata, IssuerMetadata};
use crate::model::offer::{CredentialOffer, GrantType};
use crate::platform::http::HttpLimits;
use crate::protocol::metadata::{self, IssuerDocument, Provenance};
use crate::setup::Setup;
use crate::verify::x509::At;
use crate::wire::Log;

/// What is known about an issuer.
pub(crate) struct Discovery {
    pub(crate) issuer: IssuerMetadata,
    pub(crate) server: AuthorizationServerMetadata,
    pub(crate) quirks: Quirks,
    pub(crate) provenance: Provenance,
}

/// An issuer's metadata, and how it was had.
struct FoundIssuer {
    metadata: IssuerMetadata,
    quirks: Quirks,
    provenance: Provenance,
}

/// A server's metadata, and whether it was had where HAIP says.
struct FoundServer {
    metadata: AuthorizationServerMetadata,
    in_place: bool,
}

/// Finds the issuer's metadata and that of the authorization server that fits the offer.
///
/// Most issuers are their own authorization server, or the offer says which it is; so both are
/// asked at once, and the guess costs nothing when it was wrong.
pub(crate) async fn discover(wallet: &Setup, offer: &CredentialOffer, log: &Log) -> Result<Discovery> {
    let hint = hinted_server(offer);
    let guess = hint.unwrap_or(&offer.credential_issuer);
    wallet.wire.check(&offer.credential_issuer.to_url(), Operation::IssuerMetadata)?;
    let (issuer, guessed) =
        join(issuer_metadata(wallet, &offer.credential_issuer, log), server_metadata(wallet, guess, log)).await;
    let FoundIssuer { metadata: issuer, quirks, mut provenance } = issuer?;
    let servers = match issuer.authorization_servers.as_slice() {
        [] => std::slice::from_ref(&issuer.credential_issuer),
        listed => listed,
    };
    if let Some(hint) = hint
        && !servers.contains(hint)
    {
        return Err(Error::new(
            ErrorCode::AuthorizationServerUnknown,
            format!("the offer names the authorization server {hint}, which the issuer does not list"),
        )
        .at(Operation::IssuerMetadata));
    }
    let mut guessed = Some(guessed);
    let candidates = hint.map_or(servers, std::slice::from_ref);
    let mut first_problem = None;
    for candidate in candidates {
        let found = match guessed.take_if(|_| candidate == guess) {
            Some(guessed) => guessed,
            None => server_metadata(wallet, candidate, log).await,
        };
        match found {
            // Only one server to choose from: whether it will do is found out when it is used.
            Ok(FoundServer { metadata: server, in_place }) if candidates.len() == 1 || serves(&server, offer) => {
                if !in_place {
                    let why = "the authorization server's metadata is not where RFC 8414 has it";
                    provenance.not_haip.get_or_insert_with(|| why.to_owned());
                }
                return Ok(Discovery { issuer, server, quirks, provenance });
            }
            Ok(FoundServer { metadata: server, .. }) => {
                first_problem.get_or_insert_with(|| {
                    Error::new(
                        ErrorCode::GrantUnavailable,
                        format!("the authorization server {} has none of the offer's grants", server.issuer),
                    )
                    .at(Operation::AuthorizationServerMetadata)
                });
            }
            Err(error) => drop(first_problem.get_or_insert(error)),
        }
    }
    Err(first_problem.expect("an issuer has at least one authorization server, and none of them would do"))
}

/// The authorization server that an offer names: the same in all its grants, or in the only one.
fn hinted_server(offer: &CredentialOffer) -> Option<&IssuerId> {
    let pre_authorized = offer.grants.pre_authorized_code.as_ref().map(|grant| grant.authorization_server.as_ref());
    let code = offer.grants.authorization_code.as_ref().map(|grant| grant.authorization_server.as_ref());
    pre_authorized.or(code).flatten()
}

/// Whether a server has one of the grants that an offer can be redeemed with.
fn serves(server: &AuthorizationServerMetadata, offer: &CredentialOffer) -> bool {
    let lists = |grant: GrantType| server.grant_types_supported.iter().any(|listed| listed == grant.as_str());
    let pre_authorized = offer.grants.pre_authorized_code.is_some();
    let code = offer.grants.authorization_code.is_some() || !pre_authorized;
    (pre_authorized && lists(GrantType::PreAuthorizedCode)) || (code && lists(GrantType::AuthorizationCode))
}

async fn issuer_metadata(wallet: &Setup, issuer: &IssuerId, log: &Log) -> Result<FoundIssuer> {
    let operation = Operation::IssuerMetadata;
    let (rules, language) = (&wallet.metadata_rules, wallet.locale.as_deref());
    let mut missing = None;
    for (url, well_known) in metadata::issuer_places(issuer) {
        let build = |url: &url::Url| metadata::issuer_request(url, rules, language);
        let response = wallet.wire.get_public(operation, &url, HttpLimits::default(), log, build).await?;
        let absent = response.status() == StatusCode::NOT_FOUND;
        let at = At { now: wallet.clock.now(), skew: wallet.skew };
        match metadata::issuer_response(&response, issuer, rules, at) {
            Ok(IssuerDocument { metadata, mut provenance, .. }) => {
                check_endpoints(wallet, &metadata)?;
                if well_known != WellKnown::Inserted {
                    let why = "the issuer's metadata is not where OpenID4VCI 1.0 has it";
                    provenance.not_haip.get_or_insert_with(|| why.to_owned());
                }
                return Ok(FoundIssuer { metadata, quirks: Quirks { well_known }, provenance });
            }
            // Only a plain "not there" makes the other place worth a look.
            Err(error) if absent => drop(missing.get_or_insert(error.endpoint(&url))),
            Err(error) => return Err(error.endpoint(&url)),
        }
    }
    Err(missing.expect("an issuer's metadata has at least one place"))
}

/// Every endpoint has to be one that may be spoken to, before anything is sent anywhere.
fn check_endpoints(wallet: &Setup, metadata: &IssuerMetadata) -> Result<()> {
    let endpoints = [
        Some(&metadata.credential_endpoint),
        metadata.nonce_endpoint.as_ref(),
        metadata.deferred_credential_endpoint.as_ref(),
        metadata.notification_endpoint.as_ref(),
    ];
    endpoints.into_iter().flatten().try_for_each(|url| wallet.wire.check(url, Operation::IssuerMetadata))
}

async fn server_metadata(wallet: &Setup, server: &IssuerId, log: &Log) -> Result<FoundServer> {
    let operation = Operation::AuthorizationServerMetadata;
    let mut missing = None;
    for (index, url) in metadata::server_places(server).into_iter().enumerate() {
        let build = metadata::server_request;
        let response = wallet.wire.get_public(operation, &url, HttpLimits::default(), log, build).await?;
        let absent = response.status() == StatusCode::NOT_FOUND;
        match metadata::server_response(&response, server) {
            Ok(metadata) => {
                let endpoints = [
                    Some(&metadata.token_endpoint),
                    metadata.authorization_endpoint.as_ref(),
                    metadata.pushed_authorization_request_endpoint.as_ref(),
                ];
                endpoints.into_iter().flatten().try_for_each(|url| wallet.wire.check(url, operation))?;
                return Ok(FoundServer { metadata, in_place: index == 0 });
            }
            Err(error) if absent => drop(missing.get_or_insert(error.endpoint(&url))),
            Err(error) => return Err(error.endpoint(&url)),
        }
    }
    Err(missing.expect("a server's metadata has at least one place"))
}
