//! How requests leave that have to show who sends them: with client authentication, with a proof for
//! the key that tokens are bound to, or both.
//!
//! Both proofs are made anew for every try. A server that only wants its own nonce, its challenge or a newer
//! attestation in them has not looked at the request yet: it is sent once more, and a code in it is as good
//! as before.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use http::{HeaderName, HeaderValue};
use url::Url;

use crate::dialect::Dialects;
use crate::error::{Error, ErrorCode, Operation, Result};
use crate::model::ids::KeyHandle;
use crate::model::metadata::AuthorizationServerMetadata;
use crate::model::profile::Profile;
use crate::model::time::Timestamp;
use crate::model::token::{Token, TokenType};
use crate::platform::http::{HttpLimits, HttpRequest, HttpResponse};
use crate::platform::keys::{KeyError, KeyErrorKind, SignRequest};
use crate::platform::provider::{ClientAssertionRequest, ClientAttestationRequest, ProviderError, WalletProvider};
use crate::protocol::client_auth::{self, AttestationWish, ClientAuthentication, ClientState, PopClaims};
use crate::protocol::dpop::{self, DpopClaims};
use crate::protocol::{jwt, message, proof};
use crate::setup::Setup;
use crate::wire::{Log, Role};

/// Attestations that are still good, by the key that they name. One is made again at any time, so they
/// are not written anywhere.
#[derive(Default)]
pub(crate) struct Attestations(Mutex<HashMap<KeyHandle, (String, Timestamp)>>);

impl Attestations {
    fn get(&self, key: &KeyHandle, now: Timestamp) -> Option<String> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Not one that may end on the way.
        kept.get(key).filter(|(_, until)| *until > now + 10).map(|(attestation, _)| attestation.clone())
    }

    fn put(&self, key: &KeyHandle, attestation: &str, until: Timestamp, now: Timestamp) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, (_, until)| *until > now);
        kept.insert(key.clone(), (attestation.to_owned(), until));
    }

    fn forget(&self, key: &KeyHandle) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// What a request shows.
#[derive(Clone, Copy)]
pub(crate) enum Shows<'a> {
    /// Which client it comes from; to an authorization server.
    Client,
    /// No client: the anonymous access of OpenID4VCI section 6.1.
    Nobody,
    /// An access token; to the issuer.
    Token(&'a Token),
}

/// The way to one authorization server and its issuer, for one issuance.
pub(crate) struct Channel<'a> {
    pub(crate) wallet: &'a Setup,
    pub(crate) client: &'a ClientState,
    pub(crate) server: &'a AuthorizationServerMetadata,
    pub(crate) profile: Profile,
    pub(crate) log: &'a Log,
}

impl Channel<'_> {
    /// Whose ways of speaking are put up with.
    pub(crate) fn dialects(&self) -> Dialects {
        if self.profile.is_haip() { Dialects::Strict } else { self.wallet.dialects }
    }

    /// Sends a request; every answer with a status is a success here.
    pub(crate) async fn send(
        &self,
        operation: Operation,
        url: &Url,
        request: HttpRequest,
        shows: Shows<'_>,
    ) -> Result<HttpResponse> {
        let wire = &self.wallet.wire;
        // Before any key is used: the address may be one that nothing is sent to.
        wire.check(url, operation)?;
        // The nonce of a refusal is for the try that follows it: others may be under way.
        let (mut nonce, mut wishes): (Option<String>, _) = (None, Vec::new());
        let mut may_renew_nonce = self.client.dpop_key.is_some();
        loop {
            let dressed = self.dress(url, request.clone(), shows, nonce.as_deref()).await?;
            let answer = wire.send(operation, url, dressed, HttpLimits::default(), self.log).await?;
            let newest = client_auth::header_text(answer.headers(), dpop::DPOP_NONCE);
            let refused_for_it = may_renew_nonce && newest.is_some() && dpop::wants_nonce(&answer);
            nonce = newest.or(nonce);
            if refused_for_it {
                may_renew_nonce = false;
                continue;
            }
            let authenticates =
                matches!(shows, Shows::Client) && self.client.authentication == ClientAuthentication::Attestation;
            match client_auth::wish(&answer).filter(|wish| authenticates && !wishes.contains(wish)) {
                Some(wish) => {
                    if let (AttestationWish::Fresh, Some(key)) = (wish, &self.client.instance_key) {
                        self.wallet.attestations.forget(&key.handle);
                    }
                    if wish == AttestationWish::Challenge && !answer.headers().contains_key(client_auth::CHALLENGE) {
                        wire.forget_challenge(url);
                    }
                    wishes.push(wish);
                }
                None => return Ok(answer),
            }
        }
    }

    /// The request with all that it has to show. Every proof in it is fresh.
    async fn dress(
        &self,
        url: &Url,
        mut request: HttpRequest,
        shows: Shows<'_>,
        nonce: Option<&str>,
    ) -> Result<HttpRequest> {
        let mut proofs = Proofs::default();
        match shows {
            Shows::Client => match self.client.authentication {
                ClientAuthentication::None => {}
                ClientAuthentication::PrivateKeyJwt => {
                    let assertion = self.assertion().await?;
                    client_auth::add_assertion(&mut request, &self.wallet.client_id, &assertion);
                }
                ClientAuthentication::Attestation => {
                    let attestation = self.attestation().await?;
                    insert(&mut request, client_auth::ATTESTATION, &attestation)?;
                    self.prove_attestation(url, &mut proofs).await?;
                }
            },
            Shows::Nobody => {}
            Shows::Token(token) => message::authorize(&mut request, token)?,
        }
        let bound = match shows {
            Shows::Token(token) => token.token_type == TokenType::Dpop,
            _ => true,
        };
        if let Some(key) = self.client.dpop_key.as_ref().filter(|_| bound) {
            let (access_token, role) = match shows {
                Shows::Token(token) => (Some(&token.access_token), Role::Resource),
                _ => (None, Role::Server),
            };
            let nonce = nonce.map(str::to_owned).or_else(|| self.wallet.wire.dpop_nonce(url, role));
            let claims = DpopClaims {
                method: request.method().as_str(),
                url,
                access_token,
                nonce: nonce.as_deref(),
                issued_at: self.wallet.clock.now(),
            };
            proofs.add(dpop::DPOP, key, dpop::signing_input(&key.public_jwk, &claims));
        } else if let Shows::Token(Token { token_type: TokenType::Dpop, .. }) = shows {
            return Err(Error::new(ErrorCode::TokenRefused, "the token is bound to a key that is not there any more")
                .at(Operation::ClientAttestation));
        }
        proofs.put_on(self.wallet, &mut request).await?;
        Ok(request)
    }

    async fn assertion(&self) -> Result<String> {
        let (provider, key) = self
            .wallet
            .provider
            .as_deref()
            .zip(self.wallet.capabilities.client_assertion.clone())
            .ok_or_else(|| gone("signs no client assertions"))?;
        let now = self.wallet.clock.now();
        let server = &self.server.issuer;
        let input = client_auth::assertion_signing_input(&key, &self.wallet.client_id, server, now);
        let algorithm = key.algorithm;
        let payload = input.clone().into_bytes();
        let request = ClientAssertionRequest { authorization_server: server.clone(), key, payload };
        let signature = provider.sign_client_assertion(request).await.map_err(provider_error)?;
        jwt::attach_signature(&input, algorithm, &signature).map_err(|error| {
            Error::new(ErrorCode::AttestationUnusable, "the wallet provider gave something that is no signature")
                .at(Operation::ClientAttestation)
                .caused_by(error)
        })
    }

    /// The attestation that is shown to this server: the one at hand, or a new one.
    pub(crate) async fn attestation(&self) -> Result<String> {
        let key = self.client.instance_key.as_ref().ok_or_else(|| gone("has no key for client attestations"))?;
        let now = self.wallet.clock.now();
        if let Some(attestation) = self.wallet.attestations.get(&key.handle, now) {
            return Ok(attestation);
        }
        let provider: &dyn WalletProvider =
            self.wallet.provider.as_deref().ok_or_else(|| gone("gives no client attestations"))?;
        let client_id = &self.wallet.client_id;
        let request = ClientAttestationRequest {
            authorization_server: self.server.issuer.clone(),
            client_id: client_id.clone(),
            key: key.clone(),
        };
        let attestation = provider.client_attestation(request).await.map_err(provider_error)?;
        let until = client_auth::check_attestation(&attestation, client_id, &key.public_jwk, now, self.profile)?;
        self.wallet.attestations.put(&key.handle, &attestation, until, now);
        Ok(attestation)
    }

    async fn prove_attestation(&self, url: &Url, proofs: &mut Proofs) -> Result<()> {
        let key = self.client.instance_key.as_ref().ok_or_else(|| gone("has no key for client attestations"))?;
        let challenge = self.challenge(url).await?;
        let claims = PopClaims {
            client_id: &self.wallet.client_id,
            server: &self.server.issuer,
            challenge: challenge.as_deref(),
            issued_at: self.wallet.clock.now(),
            version: self.wallet.attestation_version,
        };
        proofs.add(client_auth::ATTESTATION_POP, key, client_auth::pop_signing_input(&key.public_jwk, &claims));
        Ok(())
    }

    /// The server's challenge: the newest that it gave with any answer, or one that is asked for.
    async fn challenge(&self, url: &Url) -> Result<Option<String>> {
        let wire = &self.wallet.wire;
        if let Some(challenge) = wire.challenge(url) {
            return Ok(Some(challenge));
        }
        let Some(endpoint) = &self.server.challenge_endpoint else { return Ok(None) };
        let operation = Operation::ClientAttestation;
        let request = message::post_nothing(endpoint)?;
        let answer = wire.send(operation, endpoint, request, HttpLimits::default(), self.log).await?;
        let challenge = client_auth::challenge_response(&answer).map_err(|error| error.endpoint(endpoint))?;
        wire.keep_challenge(url, challenge.expose());
        Ok(Some(challenge.expose().to_owned()))
    }
}

/// JWTs that wait for their signatures, each for a header.
#[derive(Default)]
struct Proofs(Vec<(&'static str, String, SignRequest)>);

impl Proofs {
    fn add(&mut self, header: &'static str, key: &crate::model::credential::HolderKey, input: String) {
        let algorithm = key.public_jwk.algorithm();
        let request = SignRequest { handle: key.handle.clone(), algorithm, payload: input.clone().into_bytes() };
        self.0.push((header, input, request));
    }

    /// Signs all in one call, and adds them to a request.
    async fn put_on(self, wallet: &Setup, request: &mut HttpRequest) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let wanted = self.0.iter().map(|(_, _, request)| request.clone()).collect();
        let signatures = wallet.sign(wanted).await?;
        for ((header, input, wanted), signature) in self.0.into_iter().zip(signatures) {
            let jwt = proof::jwt::attach_signature(&input, wanted.algorithm, &signature)?;
            insert(request, header, &jwt)?;
        }
        Ok(())
    }
}

fn insert(request: &mut HttpRequest, name: &'static str, value: &str) -> Result<()> {
    let name = HeaderName::from_bytes(name.as_bytes()).expect("our own header names are legal");
    let mut value = HeaderValue::try_from(value).map_err(|_| {
        Error::new(ErrorCode::AttestationUnusable, "the wallet provider gave what fits in no header")
            .at(Operation::ClientAttestation)
    })?;
    value.set_sensitive(true);
    request.headers_mut().insert(name, value);
    Ok(())
}

/// What an issuance meets that was begun with more than the wallet is set up for now.
fn gone(what: &str) -> Error {
    Error::new(
        ErrorCode::ClientAuthenticationUnavailable,
        format!("this issuance was begun by a wallet that authenticates, and this one {what}"),
    )
    .at(Operation::ClientAttestation)
}

/// The wallet provider's failure, where it had to vouch for the client.
fn provider_error(error: ProviderError) -> Error {
    Error::from(error).at(Operation::ClientAttestation)
}

/// A key store's failure as the app sees it.
pub(crate) fn key_error(error: KeyError, signing: bool) -> Error {
    let code = match error.kind {
        KeyErrorKind::Locked => ErrorCode::KeyLocked,
        KeyErrorKind::Unsupported => ErrorCode::NoCommonAlgorithm,
        KeyErrorKind::Unknown | KeyErrorKind::Failed if signing => ErrorCode::SigningFailed,
        KeyErrorKind::Unknown | KeyErrorKind::Failed => ErrorCode::KeyCreationFailed,
    };
    Error::new(code, error.detail.clone()).at(Operation::Proof).caused_by(error)
}
