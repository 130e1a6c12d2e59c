//! From the user's yes to an access token.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;

use futures_util::future::{Either, join, select};
use url::Url;

use super::{Live, unused_keys};
use crate::authorizations::{self, Authorization};
use crate::channel::{Channel, Shows, key_error};
use crate::dialect::{Dialects, Push, ReadToken, Tolerance};
use crate::error::{Advice, Error, ErrorCode, Operation, RequestOutcome, Result};
use crate::model::credential::HolderKey;
use crate::model::ids::ConfigurationId;
use crate::model::jwk::Algorithm;
use crate::model::offer::InputMode;
use crate::model::secret::Secret;
use crate::model::time::Timestamp;
use crate::model::token::{Token, TokenType};
use crate::platform::http::HttpLimits;
use crate::platform::keys::{HolderKeys, KeyPurpose, KeySpec};
use crate::protocol::authorization::RequestBy;
use crate::protocol::token::TokenGrant;
use crate::protocol::{authorization, client_auth, nonce, token};
use crate::session::{Choice, Event, MAX_TX_CODE_ATTEMPTS, Prepared, Session, Stage};
use crate::setup::Setup;
use crate::wire::Log;

impl Live<'_> {
    /// Makes the address that the user signs in at: pushes the request where the server takes it.
    pub(super) async fn make_sign_in(&mut self) -> Result<()> {
        let Stage::SignIn { choice, expires_at, url, .. } = &self.session.stage else {
            unreachable!("called in this stage only");
        };
        let choice = choice.clone();
        let now = self.wallet.clock.now();
        if url.is_some() && expires_at.is_some_and(|at| at <= now) {
            // A pushed request works once and for a while; the next one has its own state.
            let pending = self.begin_authorization(&choice)?;
            self.record(Event::SignInBegan { choice, pending }).await?;
        }
        let Stage::SignIn { pending, .. } = &self.session.stage else { unreachable!("it began") };
        let pending = pending.clone();
        let pushes = self.session.server.pushed_authorization_request_endpoint.is_some()
            && !self.goes_plain(pending.issuer_state.is_some());
        let pending = &pending;
        let (wallet, server) = (self.wallet, &self.session.server);
        let Some(endpoint) = &server.authorization_endpoint else {
            return Err(Error::new(
                ErrorCode::GrantUnavailable,
                "the authorization server has no authorization endpoint",
            )
            .at(Operation::Authorization));
        };
        let (url, expires_at) = match server.pushed_authorization_request_endpoint.as_ref().filter(|_| pushes) {
            None if server.require_pushed_authorization_requests => {
                return Err(Error::new(
                    ErrorCode::MetadataMalformed,
                    "the authorization server wants pushed requests and says not where",
                )
                .at(Operation::AuthorizationServerMetadata));
            }
            None => (authorization::plain_url(endpoint, &wallet.client_id, pending)?, None),
            Some(par) => {
                let operation = Operation::PushedAuthorization;
                let request = authorization::push_request(par, &wallet.client_id, pending)?;
                let answer = self.channel().send(operation, par, request, Shows::Client).await?;
                let read = authorization::push_response(&answer, wallet.clock.now()).map_err(|error| {
                    client_auth::explain_refusal(error, self.session.client.authentication, false).endpoint(par)
                });
                match read {
                    Err(error) if self.takes_none(&error) => {
                        let url = authorization::plain_url(endpoint, &wallet.client_id, pending)?;
                        self.session.quirks.push = Push::Demanded;
                        self.session.tolerated.insert(Tolerance::PushUnavailable);
                        (url, None)
                    }
                    Ok((request_uri, until)) => {
                        (authorization::pushed_url(endpoint, &wallet.client_id, &request_uri), Some(until))
                    }
                    Err(error) => {
                        if error.code() != ErrorCode::ServerFailed {
                            self.record(Event::SignInDropped).await?;
                        }
                        return Err(error);
                    }
                }
            }
        };
        self.record(Event::SignInReady { url, expires_at }).await
    }

    /// Whether the request goes through the browser although it could be pushed. A server that is not the issuer
    /// and gives out the nonces for its proofs has to know the offer by its `issuer_state`, and such servers are
    /// seen to look for it in the browser's request only.
    fn goes_plain(&mut self, has_issuer_state: bool) -> bool {
        let Session { issuer, server, quirks, .. } = &self.session;
        let tolerant = self.dialects() == Dialects::Any && !server.require_pushed_authorization_requests;
        let looks_there =
            has_issuer_state && issuer.nonce_endpoint.is_none() && server.issuer != issuer.credential_issuer;
        if tolerant && looks_there {
            self.session.tolerated.insert(Tolerance::PlainAuthorization);
            return true;
        }
        tolerant && quirks.push == Push::Demanded
    }

    /// Whether the endpoint for pushed requests is none, whatever it says: nobody has looked at the request.
    fn takes_none(&self, error: &Error) -> bool {
        matches!(error.http_status(), Some(404 | 405 | 501))
            && !self.session.server.require_pushed_authorization_requests
            && self.dialects() == Dialects::Any
    }

    /// Takes the transaction code in, if it has the form that the offer asks for.
    pub(super) fn submit_code(&self, tx_code: &str) -> Result<Event> {
        let Stage::EnterCode { choice, .. } = &self.session.stage else {
            return Err(self.misfit("submit_code").at(Operation::Token));
        };
        let offered = self.session.offer.grants.pre_authorized_code.as_ref();
        let offered = offered.expect("a code is asked for because the offer has this grant");
        let numeric = offered.tx_code.as_ref().is_some_and(|hint| hint.input_mode == InputMode::Numeric);
        // The length is a hint only; a wrong kind of character is surely a slip, and not worth one
        // of the server's few tries.
        if tx_code.is_empty() || (numeric && !tx_code.bytes().all(|byte| byte.is_ascii_digit())) {
            let wanted = if numeric { "digits" } else { "characters" };
            return Err(Error::new(ErrorCode::TxCodeMalformed, format!("the transaction code is made of {wanted}"))
                .at(Operation::Token));
        }
        Ok(Event::GrantReady { choice: choice.clone(), grant: self.pre_authorized_grant(choice, Some(tx_code.into())) })
    }

    /// Asks for a token, and meanwhile for a nonce and for keys.
    pub(super) async fn request_token(&mut self) -> Result<()> {
        self.record(Event::TokenSent).await?;
        let Stage::Token { choice, grant, prepared, .. } = self.session.stage.clone() else {
            unreachable!("called in this stage only");
        };
        // What runs beside the token request borrows nothing of the session: the token is written to it
        // first, and the rest goes on.
        let (wallet, log, profile) = (self.wallet, Arc::clone(&self.log), self.session.profile);
        let (server, client) = (self.session.server.clone(), self.session.client.clone());
        let nonce_endpoint = self.session.issuer.nonce_endpoint.clone();
        let anonymous = self.is_anonymous(choice.grant);
        let channel = Channel { wallet, client: &client, server: &server, profile, log: &log };
        let token = pin!(async {
            let read = authorizations::request_token(&channel, &grant, anonymous).await?;
            token::check_details(&read.token, &grant, choice.request_by)
                .map_err(|error| error.endpoint(&server.token_endpoint))?;
            Ok(read)
        });
        let rest = pin!(join(
            ahead_nonce(wallet, nonce_endpoint.as_ref(), &choice, &prepared, &log),
            make_keys(&*wallet.keys, &choice, &prepared.keys),
        ));
        match select(token, rest).await {
            // Keys may take as long as a user does, and the token comes only once.
            Either::Left((Ok(token), rest)) => {
                let left_out = self.token_received(token, anonymous, prepared.clone()).await?;
                let (nonce, (keys, key_problem)) = rest.await;
                // One that came with the token is there already.
                let nonce = nonce.or_else(|| self.kept_nonce());
                self.record(Event::MadeReady { prepared: Prepared { nonce, keys } }).await?;
                self.not_authorized(&left_out).await?;
                key_problem.map_or(Ok(()), Err)
            }
            Either::Left((Err(error), rest)) => {
                let (nonce, (keys, _)) = rest.await;
                self.token_refused(error, Prepared { nonce, keys }).await
            }
            Either::Right(((nonce, (keys, key_problem)), token)) => {
                let prepared = Prepared { nonce, keys };
                match token.await {
                    Ok(token) => {
                        let left_out = self.token_received(token, anonymous, prepared).await?;
                        self.not_authorized(&left_out).await?;
                        key_problem.map_or(Ok(()), Err)
                    }
                    Err(error) => self.token_refused(error, prepared).await,
                }
            }
        }
    }

    /// Writes a token down, in the session and for what comes after it. Gives the configurations that it is
    /// not for.
    async fn token_received(
        &mut self,
        read: ReadToken,
        anonymous: bool,
        mut prepared: Prepared,
    ) -> Result<Vec<ConfigurationId>> {
        let ReadToken { token, c_nonce, tolerated } = read;
        self.session.tolerated.extend(tolerated);
        if self.session.issuer.nonce_endpoint.is_none() && c_nonce.is_some() {
            self.session.tolerated.insert(Tolerance::NonceInAnswer);
            prepared.nonce = c_nonce;
        }
        let left_out = self.left_out_of_scope(&token);
        warn_of_theft(&token, self.wallet.clock.now());
        let id = self.authorization_id();
        let Stage::Token { choice, .. } = &self.session.stage else { unreachable!("a token was asked for") };
        let encryption = choice.encryption;
        let authorization = Authorization {
            client: self.session.client.clone(),
            profile: self.session.profile,
            server: self.session.server.clone(),
            anonymous,
            encryption,
            token: token.clone(),
            rotates: false,
            in_flight: false,
        };
        self.record_with(Event::TokenReceived { token, anonymous, prepared }, vec![authorization.put(&id)]).await?;
        Ok(left_out)
    }

    /// The nonce for the next proofs, if there is one already.
    pub(super) fn kept_nonce(&self) -> Option<Secret> {
        let Stage::Credentials { nonce, .. } = &self.session.stage else { return None };
        nonce.clone()
    }

    /// The configurations that were asked for by scope and that the token is not for: the user or the server
    /// may give less than was asked (RFC 6749 section 3.3), and a request for them would be refused.
    fn left_out_of_scope(&self, token: &Token) -> Vec<ConfigurationId> {
        let Stage::Token { choice, grant: TokenGrant::AuthorizationCode { .. }, .. } = &self.session.stage else {
            return Vec::new();
        };
        let Some(granted) = token.scope.as_deref().filter(|scope| !scope.trim().is_empty()) else { return Vec::new() };
        let configurations = &self.session.issuer.credential_configurations_supported;
        let scope_of = |id: &ConfigurationId| configurations.get(id).and_then(|one| one.scope.as_deref());
        let by_details = choice.request_by == RequestBy::Details
            || !choice.claims.is_empty()
            || !token.authorized.is_empty()
            || choice.configurations.iter().any(|id| scope_of(id).is_none());
        if by_details {
            return Vec::new();
        }
        let is_granted = |id: &&ConfigurationId| granted.split(' ').any(|scope| Some(scope) == scope_of(id));
        choice.configurations.iter().filter(|id| !is_granted(id)).cloned().collect()
    }

    /// A fresh nonce, if the issuer has a nonce endpoint.
    pub(super) async fn nonce(&self) -> Result<Option<Secret>> {
        fresh_nonce(self.wallet, self.session.issuer.nonce_endpoint.as_ref(), &self.log).await
    }

    /// What becomes of the session when no token came.
    async fn token_refused(&mut self, error: Error, prepared: Prepared) -> Result<()> {
        // What the request would have carried was not to be had, so it never left.
        let not_sent = error.outcome() == RequestOutcome::NotSent || error.operation() != Some(Operation::Token);
        // It looked at the proof only, or asks for patience: the code is as good as before.
        let patience = matches!(error.code(), ErrorCode::TokenPending | ErrorCode::DpopRefused);
        // Behind a gateway that lost its server, the code may well have been taken.
        let lost =
            !not_sent && (error.outcome() == RequestOutcome::Unknown || matches!(error.http_status(), Some(502 | 504)));
        if (not_sent || patience || error.code() == ErrorCode::ServerFailed) && !lost {
            self.record(Event::TokenNotSent { prepared }).await?;
            return Err(error);
        }
        if lost {
            let keys = prepared.keys.into_values().flatten().map(|key| key.handle).collect();
            let error = self.token_lost(Some(error)).await?;
            self.wallet.delete_keys(keys).await;
            return Err(error);
        }
        let Stage::Token { refusals, grant, .. } = &self.session.stage else { unreachable!("a token was asked for") };
        let pre_authorized = matches!(grant, TokenGrant::PreAuthorizedCode { .. });
        if error.code() == ErrorCode::TxCodeRefused && refusals + 1 < MAX_TX_CODE_ATTEMPTS {
            self.record(Event::TxCodeRefused { prepared }).await?;
            return Err(error);
        }
        let error = if error.code() == ErrorCode::TxCodeRefused {
            let said = error.server_error().cloned().expect("a refused code is a server's answer");
            Error::new(ErrorCode::GrantRefused, "no transaction code was accepted: the offer is used up")
                .at(Operation::Token)
                .endpoint(&self.session.server.token_endpoint)
                .status(error.http_status().unwrap_or_default())
                .issuer_error(said)
        } else {
            error
        };
        // A dead code ends a pre-authorized issuance. Anything else may be mended and tried anew.
        let spent = matches!(
            error.code(),
            ErrorCode::GrantRefused
                | ErrorCode::AccessDenied
                | ErrorCode::ResponseMalformed
                | ErrorCode::WrongContentType
                | ErrorCode::ResponseTooLarge
                | ErrorCode::TokenUnbound
        );
        let event = if pre_authorized && spent {
            Event::Failed { code: error.code(), detail: error.detail().to_owned(), told: error.remember() }
        } else {
            Event::SignInDropped
        };
        self.record(event).await?;
        self.wallet.delete_keys(prepared.keys.into_values().flatten().map(|key| key.handle).collect()).await;
        Err(error)
    }

    /// The token request may have reached the server and its answer is lost, with the code in it.
    /// `cause` is the failure in this call; none after a restart.
    pub(super) async fn token_lost(&mut self, cause: Option<Error>) -> Result<Error> {
        let Stage::Token { grant, .. } = &self.session.stage else { unreachable!("a token was asked for") };
        let code_grant = matches!(grant, TokenGrant::AuthorizationCode { .. });
        let advice = if code_grant { Advice::StartOver } else { Advice::GetNewOffer };
        let error = cause.unwrap_or_else(|| {
            Error::new(ErrorCode::OutcomeUnknown, "the app ended while the token request was under way")
                .at(Operation::Token)
                .endpoint(&self.session.server.token_endpoint)
        });
        let error = error.outcome_is(RequestOutcome::Unknown).advise(advice);
        let keys = unused_keys(&self.session.stage);
        let event = if code_grant {
            Event::SignInDropped
        } else {
            let detail = error.detail().to_owned();
            Event::Failed { code: ErrorCode::OutcomeUnknown, detail, told: error.remember() }
        };
        self.record(event).await?;
        self.wallet.delete_keys(keys).await;
        Ok(error)
    }
}

/// How long a token that anybody can use may live before it is worth a word (OpenID4VCI section 13.10).
const BEARER_SECONDS: i64 = 300;

/// A token that works for whoever has it should not do so for long.
fn warn_of_theft(token: &Token, now: Timestamp) {
    let seconds = token.expires_at.map(|at| at - now);
    if token.token_type == TokenType::Bearer && seconds.is_some_and(|seconds| seconds > BEARER_SECONDS) {
        let seconds = seconds.unwrap_or_default();
        tracing::warn!(
            target: "billfold::issuance",
            "the access token lives for {seconds} s and is bound to no key: whoever steals it can use it"
        );
    }
}

/// A nonce for the first proof. Failing to get one now is no loss: it is asked for again when the proof
/// is made.
async fn ahead_nonce(
    wallet: &Setup,
    endpoint: Option<&Url>,
    choice: &Choice,
    prepared: &Prepared,
    log: &Log,
) -> Option<Secret> {
    if prepared.nonce.is_some() || choice.plans.values().all(Option::is_none) {
        return prepared.nonce.clone();
    }
    fresh_nonce(wallet, endpoint, log).await.ok().flatten()
}

async fn fresh_nonce(wallet: &Setup, endpoint: Option<&Url>, log: &Log) -> Result<Option<Secret>> {
    let Some(url) = endpoint else { return Ok(None) };
    let request = nonce::request(url)?;
    let answer = wallet.wire.send(Operation::Nonce, url, request, HttpLimits::default(), log).await?;
    nonce::response(&answer).map(Some).map_err(|error| error.endpoint(url))
}

type KeysByConfiguration = BTreeMap<ConfigurationId, Vec<HolderKey>>;

/// Keys for every configuration that has none yet: one platform call an algorithm. What was made before
/// a failure is given along with it.
async fn make_keys(
    keys: &dyn HolderKeys,
    choice: &Choice,
    made: &KeysByConfiguration,
) -> (KeysByConfiguration, Option<Error>) {
    let mut all = made.clone();
    let mut wanted: BTreeMap<Algorithm, Vec<&ConfigurationId>> = BTreeMap::new();
    for (id, plan) in &choice.plans {
        if let Some(plan) = plan
            && !made.contains_key(id)
        {
            wanted.entry(plan.algorithm).or_default().push(id);
        }
    }
    let copies = usize::try_from(choice.copies).expect("copies fit in memory");
    for (algorithm, ids) in wanted {
        let fresh = match create_keys(keys, algorithm, copies * ids.len()).await {
            Ok(fresh) => fresh,
            Err(error) => return (all, Some(error)),
        };
        for (id, keys) in ids.into_iter().zip(fresh.chunks(copies)) {
            all.insert(id.clone(), keys.to_vec());
        }
    }
    (all, None)
}

/// Makes keys, and does not take the platform's word for their number and kind.
pub(super) async fn create_keys(keys: &dyn HolderKeys, algorithm: Algorithm, count: usize) -> Result<Vec<HolderKey>> {
    create_keys_for(keys, algorithm, KeyPurpose::Credential, count).await
}

/// The same, for any purpose.
pub(super) async fn create_keys_for(
    keys: &dyn HolderKeys,
    algorithm: Algorithm,
    purpose: KeyPurpose,
    count: usize,
) -> Result<Vec<HolderKey>> {
    let spec = KeySpec::new(algorithm).purpose(purpose);
    let made = keys.create(spec, count).await.map_err(|error| key_error(error, false))?;
    let distinct =
        made.iter().enumerate().all(|(at, key)| made[..at].iter().all(|other| other.public_jwk != key.public_jwk));
    if made.len() != count || !distinct || made.iter().any(|key| key.public_jwk.algorithm() != algorithm) {
        let unwanted = made.into_iter().map(|key| key.handle).collect();
        if let Err(error) = keys.delete(unwanted).await {
            tracing::warn!(target: "billfold::keys", "unused keys could not be deleted: {error}");
        }
        let detail = format!("the key store was asked for {count} different {algorithm} keys and gave something else");
        return Err(Error::new(ErrorCode::KeyCreationFailed, detail).at(Operation::Proof).advise(Advice::FixSetup));
    }
    Ok(made)
}
