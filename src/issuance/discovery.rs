//! Metadata of the issuer and its authorization server, fetched side by side.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};

use crate::dialect::{Quirks, WellKnown};
use crate::error::{Error, ErrorCode, ErrorKind, Operation, Result};
use crate::metadata_cache::{FoundIssuer, FoundServer, Fresh, MetadataCache};
use crate::model::ids::IssuerId;
use crate::model::metadata::{AuthorizationServerMetadata, IssuerMetadata};
use crate::model::offer::{CredentialOffer, GrantType};
use crate::model::time::Timestamp;
use crate::platform::http::{HttpLimits, HttpRequest};
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

/// Finds the issuer's metadata and that of the authorization server that fits the offer.
///
/// What is remembered will do, unless it does not fit the offer: then it may be out of date, and is
/// asked for again before anything is said about it.
pub(crate) async fn discover(wallet: &Setup, offer: &CredentialOffer, log: &Log) -> Result<Discovery> {
    let search = Search { wallet, log, afresh: false, remembered: AtomicBool::new(false) };
    let found = search.run(offer).await;
    let doubtful = match &found {
        Ok(found) => !found.fits(offer),
        Err(error) => matches!(error.kind(), ErrorKind::Metadata | ErrorKind::Offer),
    };
    if doubtful && search.remembered.load(Ordering::Relaxed) {
        return Search { afresh: true, ..search }.run(offer).await;
    }
    found
}

/// Asks for the metadata of an issuer again, whatever is remembered.
pub(crate) async fn issuer_afresh(wallet: &Setup, issuer: &IssuerId, log: &Log) -> Result<FoundIssuer> {
    Search { wallet, log, afresh: true, remembered: AtomicBool::new(false) }.issuer(issuer).await
}

impl Discovery {
    /// Whether all that is offered is described, and can be asked for.
    fn fits(&self, offer: &CredentialOffer) -> bool {
        let known = &self.issuer.credential_configurations_supported;
        offer.credential_configuration_ids.iter().all(|id| known.contains_key(id)) && serves(&self.server, offer)
    }
}

/// One look for metadata.
struct Search<'a> {
    wallet: &'a Setup,
    log: &'a Log,
    /// Whether to ask for everything, whatever is remembered.
    afresh: bool,
    /// Whether anything came from memory.
    remembered: AtomicBool,
}

impl Search<'_> {
    /// Most issuers are their own authorization server, or the offer says which it is; so both are
    /// asked at once, and the guess costs nothing when it was wrong.
    async fn run(&self, offer: &CredentialOffer) -> Result<Discovery> {
        let (asked, hint) = (&offer.credential_issuer, hinted_server(offer));
        self.wallet.wire.check(&asked.to_url(), Operation::IssuerMetadata)?;
        let known = self.recall(|memory, now| memory.issuer(asked, now));
        let listed = known.as_ref().map(|known| known.metadata.default_authorization_server().clone());
        let guess = hint.or(listed.as_ref()).unwrap_or(asked);
        let issuer = async {
            match known {
                Some(known) => Ok(known),
                None => self.issuer(asked).await,
            }
        };
        let (issuer, guessed) = join(issuer, self.server(guess)).await;
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
                None => self.server(candidate).await,
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

    async fn issuer(&self, issuer: &IssuerId) -> Result<FoundIssuer> {
        let Self { wallet, log, .. } = *self;
        let operation = Operation::IssuerMetadata;
        let (rules, language) = (&wallet.metadata_rules, wallet.locale.as_deref());
        let mut missing = None;
        for (url, well_known) in metadata::issuer_places(issuer) {
            let build = |url: &url::Url| Ok(self.past_caches(metadata::issuer_request(url, rules, language)?));
            let response = wallet.wire.get_public(operation, &url, HttpLimits::default(), log, build).await?;
            let absent = response.status() == StatusCode::NOT_FOUND;
            let now = wallet.clock.now();
            let at = At { now, skew: wallet.skew };
            match metadata::issuer_response(&response, issuer, rules, at) {
                Ok(IssuerDocument { metadata, mut provenance, expires_at }) => {
                    check_endpoints(wallet, &metadata)?;
                    if well_known != WellKnown::Inserted {
                        let why = "the issuer's metadata is not where OpenID4VCI 1.0 has it";
                        provenance.not_haip.get_or_insert_with(|| why.to_owned());
                    }
                    let found =
                        FoundIssuer { metadata, quirks: Quirks { well_known, ..Quirks::default() }, provenance };
                    let fresh = Fresh::of(response.headers(), now).at_most(expires_at);
                    wallet.metadata.keep_issuer(issuer, &found, fresh);
                    return Ok(found);
                }
                // Only a plain "not there" makes the other place worth a look.
                Err(error) if absent => drop(missing.get_or_insert(error.endpoint(&url))),
                Err(error) => return Err(error.endpoint(&url)),
            }
        }
        Err(missing.expect("an issuer's metadata has at least one place"))
    }

    async fn server(&self, server: &IssuerId) -> Result<FoundServer> {
        let Self { wallet, log, .. } = *self;
        if let Some(known) = self.recall(|memory, now| memory.server(server, now)) {
            return Ok(known);
        }
        let operation = Operation::AuthorizationServerMetadata;
        let mut missing = None;
        for (index, url) in metadata::server_places(server).into_iter().enumerate() {
            let build = |url: &url::Url| Ok(self.past_caches(metadata::server_request(url)?));
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
                    let found = FoundServer { metadata, in_place: index == 0 };
                    let fresh = Fresh::of(response.headers(), wallet.clock.now());
                    wallet.metadata.keep_server(server, &found, fresh);
                    return Ok(found);
                }
                Err(error) if absent => drop(missing.get_or_insert(error.endpoint(&url))),
                Err(error) => return Err(error.endpoint(&url)),
            }
        }
        Err(missing.expect("a server's metadata has at least one place"))
    }

    /// There are other caches than ours on the way.
    fn past_caches(&self, mut request: HttpRequest) -> HttpRequest {
        if self.afresh {
            request.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        }
        request
    }

    fn recall<T>(&self, from: impl FnOnce(&MetadataCache, Timestamp) -> Option<T>) -> Option<T> {
        if self.afresh {
            return None;
        }
        let known = from(&self.wallet.metadata, self.wallet.clock.now())?;
        self.remembered.store(true, Ordering::Relaxed);
        Some(known)
    }
}

/// The authorization server that an offer names; where its grants name two, that of the pre-authorized code,
/// and the other grant can't be used.
fn hinted_server(offer: &CredentialOffer) -> Option<&IssuerId> {
    let named = |grant| offer.grants.server_of(grant);
    named(GrantType::PreAuthorizedCode).or_else(|| named(GrantType::AuthorizationCode))
}

/// Whether a server has one of the grants that an offer can be redeemed with.
fn serves(server: &AuthorizationServerMetadata, offer: &CredentialOffer) -> bool {
    let lists = |grant: GrantType| server.grant_types_supported.iter().any(|listed| listed == grant.as_str());
    let pre_authorized = offer.grants.pre_authorized_code.is_some();
    let code = offer.grants.authorization_code.is_some() || !pre_authorized;
    (pre_authorized && lists(GrantType::PreAuthorizedCode)) || (code && lists(GrantType::AuthorizationCode))
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
