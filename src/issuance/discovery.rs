//! Metadata of the issuer and its authorization server, fetched side by side.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};

use crate::dialect::memory::{self, Remembered};
use crate::dialect::{
    self, Anonymous, Dialects, Push, Quirks, ReadOffer, ReadServer, StateEcho, Tolerance, Tolerated, WellKnown,
};
use crate::error::{Error, ErrorCode, ErrorKind, Operation, Result};
use crate::metadata_cache::{FoundIssuer, FoundServer, Fresh, MetadataCache};
use crate::model::ids::IssuerId;
use crate::model::metadata::{AuthorizationServerMetadata, IssuerMetadata};
use crate::model::offer::{CredentialOffer, GrantType};
use crate::model::time::Timestamp;
use crate::platform::http::{HttpLimits, HttpRequest, HttpResponse};
use crate::protocol::metadata::{self, APPENDED_SERVER_PLACE, IssuerDocument, NO_SERVER_PLACE, Provenance};
use crate::setup::Setup;
use crate::verify::x509::At;
use crate::wire::Log;

/// What is known about an issuer.
pub(crate) struct Discovery {
    /// The offer, with the ids that the issuer has for what it describes.
    pub(crate) offer: CredentialOffer,
    pub(crate) issuer: IssuerMetadata,
    pub(crate) server: AuthorizationServerMetadata,
    pub(crate) quirks: Quirks,
    pub(crate) provenance: Provenance,
    pub(crate) tolerated: Tolerated,
}

/// Finds the issuer's metadata and that of the authorization server that fits the offer.
///
/// What is remembered will do, unless it does not fit the offer: then it may be out of date, and is
/// asked for again before anything is said about it.
pub(crate) async fn discover(wallet: &Setup, read: &ReadOffer, log: &Log) -> Result<Discovery> {
    let last = recollect(wallet, &read.offer.credential_issuer).await;
    let search = Search { wallet, log, last, afresh: false, remembered: AtomicBool::new(false) };
    let found = search.run(read).await;
    let doubtful = match &found {
        Ok(found) => !found.fits(),
        Err(error) => matches!(error.kind(), ErrorKind::Metadata | ErrorKind::Offer),
    };
    if doubtful && search.remembered.load(Ordering::Relaxed) {
        return Search { afresh: true, ..search }.run(read).await;
    }
    found
}

/// Asks for the metadata of an issuer again, whatever is remembered.
pub(crate) async fn issuer_afresh(wallet: &Setup, issuer: &IssuerId, log: &Log) -> Result<FoundIssuer> {
    let last = recollect(wallet, issuer).await;
    Search { wallet, log, last, afresh: true, remembered: AtomicBool::new(false) }.issuer(issuer).await
}

/// What worked with an issuer before.
pub(crate) async fn recollect(wallet: &Setup, issuer: &IssuerId) -> Remembered {
    if wallet.dialects == Dialects::Strict {
        return Remembered::default();
    }
    let kept = wallet.cache.get(&*wallet.store, &memory::name(issuer)).await;
    kept.map(|bytes| Remembered::from_bytes(&bytes)).unwrap_or_default()
}

/// Remembers what worked with an issuer.
pub(crate) async fn remember(wallet: &Setup, issuer: &IssuerId, now: &Remembered) {
    if wallet.dialects == Dialects::Any && recollect(wallet, issuer).await != *now {
        wallet.cache.put(&*wallet.store, &memory::name(issuer), now.to_bytes()).await;
    }
}

impl Discovery {
    /// Whether all that is offered is described, and can be asked for.
    fn fits(&self) -> bool {
        let known = &self.issuer.credential_configurations_supported;
        let ids = &self.offer.credential_configuration_ids;
        ids.iter().all(|id| known.contains_key(id)) && serves(&self.server, &self.offer)
    }
}

/// One look for metadata.
struct Search<'a> {
    wallet: &'a Setup,
    log: &'a Log,
    /// What worked the last time.
    last: Remembered,
    /// Whether to ask for everything, whatever is remembered.
    afresh: bool,
    /// Whether anything came from memory.
    remembered: AtomicBool,
}

impl Search<'_> {
    /// Most issuers are their own authorization server, or the offer says which it is; so both are
    /// asked at once, and the guess costs nothing when it was wrong.
    async fn run(&self, read: &ReadOffer) -> Result<Discovery> {
        let offer = &read.offer;
        let (asked, hint) = (&offer.credential_issuer, hinted_server(offer));
        self.wallet.wire.check(&asked.to_url(), Operation::IssuerMetadata)?;
        let known = self.recall(|memory, now| memory.issuer(asked, now));
        let listed = known.as_ref().map(|known| known.metadata.default_authorization_server().clone());
        let guess = hint.or(listed.as_ref()).or(self.last.server.as_ref()).unwrap_or(asked);
        let issuer = async {
            match known {
                Some(known) => Ok(known),
                None => self.issuer(asked).await,
            }
        };
        // A server that had no metadata of its own the last time has none now, as long as the issuer's stands in.
        let has_none = |server: &IssuerId| {
            server == asked && self.last.server_place == NO_SERVER_PLACE && self.last.server.is_none() && !self.afresh
        };
        let guessed = async { if has_none(guess) { None } else { Some(self.server(guess).await) } };
        let (issuer, mut guessed) = join(issuer, guessed).await;
        let found = issuer?;
        let servers = match found.metadata.authorization_servers.as_slice() {
            [] => std::slice::from_ref(asked),
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
        let candidates = hint.map_or(servers, std::slice::from_ref);
        let mut first_problem = None;
        for candidate in candidates {
            let own = found.server.as_ref().filter(|_| candidate == asked);
            let server = match (guessed.take_if(|_| candidate == guess), own) {
                (None, Some(own)) if has_none(candidate) => self.without_metadata(own),
                (Some(guessed), _) => guessed,
                (None, _) => self.server(candidate).await,
            };
            let server = match (server, own) {
                // Servers of the oldest kind have no metadata of their own.
                (Err(error), Some(own)) if error.code() == ErrorCode::MetadataUnavailable => self.without_metadata(own),
                (server, _) => server,
            };
            match server {
                // Only one server to choose from: whether it will do is found out when it is used.
                Ok(server) if candidates.len() == 1 || serves(&server.read.metadata, offer) => {
                    return Ok(self.found(read, found, server));
                }
                Ok(FoundServer { read: ReadServer { metadata: server, .. }, .. }) => {
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

    /// Puts together what was found.
    fn found(&self, read: &ReadOffer, issuer: FoundIssuer, server: FoundServer) -> Discovery {
        let FoundIssuer { metadata: mut issuer, mut quirks, mut provenance, mut tolerated, .. } = issuer;
        let FoundServer { read: ReadServer { metadata: server, tolerated: of_server, checks_pkce }, place } = server;
        tolerated.extend(&read.tolerated);
        tolerated.extend(&of_server);
        let misplaced = place != 0 && place != NO_SERVER_PLACE;
        if misplaced {
            tolerated.insert(Tolerance::MisplacedServerMetadata);
            let why = "the authorization server's metadata is not where RFC 8414 has it";
            provenance.not_haip.get_or_insert_with(|| why.to_owned());
        }
        if let Some(first) = tolerated.first() {
            provenance.not_haip.get_or_insert_with(|| first.to_string());
        }
        (quirks.pin, quirks.server_place) = (read.pin, place);
        let wrapped = of_server.contains(&Tolerance::WrappedServerMetadata);
        // What an issuer shows tells of the server where it is its own: nobody may lower another's guard.
        let own = server.issuer == read.offer.credential_issuer;
        let forgetful =
            wrapped || place == APPENDED_SERVER_PLACE || (own && tolerated.contains(&Tolerance::SingleDisplay));
        if forgetful && checks_pkce && !server.authorization_response_iss_parameter_supported {
            quirks.state = StateEcho::MayBeMissing;
        }
        if wrapped {
            // Servers of this kind are seen to say yes and mean no.
            quirks.anonymous = Anonymous::Never;
        }
        quirks.assume_proof = self.last.assume_proof;
        if self.last.push == Push::Demanded {
            quirks.push = Push::Demanded;
        }
        if let Some(request) = self.last.request.filter(|_| !quirks.is_final()) {
            (quirks.request, quirks.basis) = (request, dialect::Basis::Experience);
        }
        let offer = dialect::settle(read, &mut issuer, &mut quirks);
        Discovery { offer, issuer, server, quirks, provenance, tolerated }
    }

    async fn issuer(&self, issuer: &IssuerId) -> Result<FoundIssuer> {
        let Self { wallet, log, .. } = *self;
        let operation = Operation::IssuerMetadata;
        let (rules, language) = (&wallet.metadata_rules, wallet.locale.as_deref());
        let mut missing = None;
        let mut misplaced = false;
        for (url, well_known) in metadata::issuer_places(issuer, self.last.well_known, wallet.dialects) {
            let build = |url: &url::Url| Ok(self.past_caches(metadata::issuer_request(url, rules, language)?));
            let response = wallet.wire.get_public(operation, &url, HttpLimits::default(), log, build).await?;
            let now = wallet.clock.now();
            let at = At { now, skew: wallet.skew };
            match metadata::issuer_response(&response, issuer, rules, at, wallet.dialects) {
                Ok(IssuerDocument { read, mut provenance, expires_at }) => {
                    check_endpoints(wallet, &read.metadata)?;
                    let mut tolerated = read.tolerated;
                    if well_known != WellKnown::Inserted {
                        tolerated.insert(Tolerance::AppendedMetadata);
                        let why = "the issuer's metadata is not where OpenID4VCI 1.0 has it";
                        provenance.not_haip.get_or_insert_with(|| why.to_owned());
                    }
                    if misplaced {
                        tolerated.insert(Tolerance::MisplacedAnswer);
                    }
                    let quirks = Quirks { well_known, ..read.quirks };
                    let found =
                        FoundIssuer { metadata: read.metadata, quirks, provenance, tolerated, server: read.server };
                    let fresh = Fresh::of(response.headers(), now).at_most(expires_at);
                    wallet.metadata.keep_issuer(issuer, &found, fresh);
                    return Ok(found);
                }
                // Only where it is plainly not there, the other place is worth a look.
                Err(error) if self.is_absent(&response, &error, &["credential_issuer"]) => {
                    misplaced |= response.status().is_success();
                    missing.get_or_insert(error.endpoint(&url));
                }
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
        for (url, place) in metadata::server_places(server, self.last.server_place, wallet.dialects) {
            let build = |url: &url::Url| Ok(self.past_caches(metadata::server_request(url)?));
            let response = wallet.wire.get_public(operation, &url, HttpLimits::default(), log, build).await?;
            match metadata::server_response(&response, server, wallet.dialects) {
                Ok(read) => {
                    self.check_server(&read.metadata, operation)?;
                    let found = FoundServer { read, place };
                    let fresh = Fresh::of(response.headers(), wallet.clock.now());
                    wallet.metadata.keep_server(server, &found, fresh);
                    return Ok(found);
                }
                Err(error) if self.is_absent(&response, &error, &["issuer", "authorization_server"]) => {
                    missing.get_or_insert(error.endpoint(&url));
                }
                Err(error) => return Err(error.endpoint(&url)),
            }
        }
        Err(missing.expect("a server's metadata has at least one place"))
    }

    /// A server by what stands of it in the issuer's metadata.
    fn without_metadata(&self, own: &AuthorizationServerMetadata) -> Result<FoundServer> {
        self.check_server(own, Operation::IssuerMetadata)?;
        let tolerated = Tolerated::from([Tolerance::NoServerMetadata]);
        let read = ReadServer { metadata: own.clone(), tolerated, checks_pkce: false };
        Ok(FoundServer { read, place: NO_SERVER_PLACE })
    }

    /// Whether a server's endpoints may be asked.
    fn check_server(&self, server: &AuthorizationServerMetadata, operation: Operation) -> Result<()> {
        let endpoints = [
            Some(&server.token_endpoint),
            server.authorization_endpoint.as_ref(),
            server.pushed_authorization_request_endpoint.as_ref(),
        ];
        endpoints.into_iter().flatten().try_for_each(|url| self.wallet.wire.check(url, operation))
    }

    /// Whether an answer means that the document is not at this place, and says nothing about another one.
    fn is_absent(&self, response: &HttpResponse, error: &Error, members: &[&str]) -> bool {
        let unusable = [ErrorCode::MetadataUnavailable, ErrorCode::MetadataMalformed, ErrorCode::WrongContentType];
        response.status() == StatusCode::NOT_FOUND
            || (self.wallet.dialects == Dialects::Any
                && unusable.contains(&error.code())
                && metadata::is_something_else(response, members))
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
