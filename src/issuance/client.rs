//! As what a session speaks to its server: chosen when the user says yes, with keys of its own, which no
//! other session has.

use super::Live;
use super::authorizing::create_keys_for;
use crate::channel::Channel;
use crate::dialect::Anonymous;
use crate::error::{Error, ErrorCode, Operation, Result};
use crate::model::credential::HolderKey;
use crate::model::ids::{AuthorizationId, KeyHandle};
use crate::model::jwk::Algorithm;
use crate::model::offer::GrantType;
use crate::platform::keys::KeyPurpose;
use crate::protocol::client_auth::{self, ClientAuthentication, ClientState};
use crate::protocol::dpop;

/// How a session shows itself to its server.
pub(super) struct Agreed {
    pub(super) authentication: ClientAuthentication,
    /// What the key of client attestations signs with.
    instance: Option<Algorithm>,
    /// What the key of tokens signs with.
    pub(super) dpop: Option<Algorithm>,
}

impl Live<'_> {
    /// The way to the session's server and issuer.
    pub(super) fn channel(&self) -> Channel<'_> {
        Channel {
            wallet: self.wallet,
            client: &self.session.client,
            server: &self.session.server,
            profile: self.session.profile,
            log: &self.log,
        }
    }

    /// Where the session's tokens are kept. Until the first one came, nothing is there.
    pub(super) fn authorization_id(&mut self) -> AuthorizationId {
        self.session.authorization.get_or_insert_with(AuthorizationId::random).clone()
    }

    /// Whether a token is asked for without a client id.
    pub(super) fn is_anonymous(&self, grant: GrantType) -> bool {
        grant == GrantType::PreAuthorizedCode
            && self.session.server.pre_authorized_grant_anonymous_access_supported
            && self.session.quirks.anonymous == Anonymous::AsSaid
            && !self.session.profile.is_haip()
    }

    /// Agrees with the server's metadata on how the wallet shows itself.
    pub(super) fn agree_on_client(&self, grant: GrantType) -> Result<Agreed> {
        let (wallet, profile) = (self.wallet, self.session.profile);
        let server = &self.session.server;
        let authentication = if self.is_anonymous(grant) {
            ClientAuthentication::None
        } else {
            client_auth::choose(server, &wallet.capabilities, profile)?
        };
        let ours = wallet.keys.algorithms();
        let instance = match authentication {
            ClientAuthentication::Attestation => Some(
                client_auth::instance_algorithm(server, &ours)
                    .ok_or_else(|| no_algorithm("proofs for client attestations"))?,
            ),
            _ => None,
        };
        let dpop = match dpop::algorithm(server.dpop_signing_alg_values_supported.as_deref(), &ours) {
            // HAIP has every server bind its tokens, whether it says so or not; ES256 is always one.
            None if profile.is_haip() => Some(
                ours.iter()
                    .copied()
                    .find(|algorithm| *algorithm == Algorithm::Es256)
                    .ok_or_else(|| no_algorithm("tokens bound to a key"))?,
            ),
            agreed => agreed,
        };
        Ok(Agreed { authentication, instance, dpop })
    }

    /// Makes the keys for what was agreed. What an earlier yes made is used again.
    pub(super) async fn prepare_client(&mut self, grant: GrantType) -> Result<()> {
        let wallet = self.wallet;
        let Agreed { authentication, instance, dpop } = self.agree_on_client(grant)?;
        let mut made = Vec::new();
        let before = self.session.client.clone();
        let keys = async {
            let dpop_key = self.client_key(dpop, before.dpop_key.as_ref(), KeyPurpose::AccessToken, &mut made).await?;
            let instance_key =
                self.client_key(instance, before.instance_key.as_ref(), KeyPurpose::ClientInstance, &mut made).await?;
            Ok(ClientState { authentication, instance_key, dpop_key })
        };
        let prepared = match keys.await {
            Ok(client) => {
                self.session.client = client;
                // Asked for now: who is not vouched for hears it before anything is spent.
                match authentication {
                    ClientAuthentication::Attestation => self.channel().attestation().await.map(|_| ()),
                    _ => Ok(()),
                }
            }
            Err(error) => Err(error),
        };
        if prepared.is_err() {
            self.session.client = before;
            wallet.delete_keys(made).await;
        }
        prepared
    }

    async fn client_key(
        &self,
        algorithm: Option<Algorithm>,
        before: Option<&HolderKey>,
        purpose: KeyPurpose,
        made: &mut Vec<KeyHandle>,
    ) -> Result<Option<HolderKey>> {
        let Some(algorithm) = algorithm else { return Ok(None) };
        if let Some(key) = before.filter(|key| key.public_jwk.algorithm() == algorithm) {
            return Ok(Some(key.clone()));
        }
        let mut keys = create_keys_for(&*self.wallet.keys, algorithm, purpose, 1).await?;
        made.extend(keys.iter().map(|key| key.handle.clone()));
        Ok(keys.pop())
    }

    /// Deletes the session's client keys that this other state does not have. The session goes on with that.
    pub(super) async fn delete_client_keys_but_for(&mut self, kept: &ClientState) {
        let unused = self.session.client.keys().filter(|key| kept.keys().all(|kept| kept.handle != key.handle));
        let unused = unused.map(|key| key.handle.clone()).collect();
        self.session.client = kept.clone();
        self.wallet.delete_keys(unused).await;
    }

    /// The keys of a client whose session ends before there is a token.
    pub(super) fn unused_client_keys(&self) -> Vec<KeyHandle> {
        client_keys_without_token(&self.session)
    }
}

/// The keys of a session's client, if no token was ever bound to them.
pub(crate) fn client_keys_without_token(session: &crate::session::Session) -> Vec<KeyHandle> {
    match session.authorization {
        None => session.client.keys().map(|key| key.handle.clone()).collect(),
        Some(_) => Vec::new(),
    }
}

fn no_algorithm(what: &str) -> Error {
    Error::new(
        ErrorCode::NoCommonAlgorithm,
        format!("for {what} the server takes no algorithm that this wallet's keys have"),
    )
    .at(Operation::AuthorizationServerMetadata)
}
