//! What a user's yes is good for after the credential came: the token, the refresh token, and the keys
//! that both are bound to. Credentials of one yes share it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::channel::{Channel, Shows};
use crate::dialect::ReadToken;
use crate::error::{Advice, Error, ErrorCode, Operation, Result};
use crate::json;
use crate::model::credential::Credential;
use crate::model::ids::{AuthorizationId, KeyHandle, SessionId};
use crate::model::metadata::AuthorizationServerMetadata;
use crate::model::profile::Profile;
use crate::model::time::Timestamp;
use crate::model::token::{Token, TokenType};
use crate::outbox;
use crate::platform::store::{Change, Expected, StoreErrorKind, Table};
use crate::protocol::client_auth::{self, ClientState};
use crate::protocol::encryption::Encryption;
use crate::protocol::token::{self, TokenGrant};
use crate::session::{Session, Stage};
use crate::setup::{Setup, read_credential};
use crate::wire::Log;

/// A bearer token that lives longer than this should have been bound to a key (OpenID4VCI section 13.10).
const LONG_BEARER_SECONDS: i64 = 300;

/// One authorization, as the store keeps it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Authorization {
    pub(crate) client: ClientState,
    pub(crate) profile: Profile,
    pub(crate) server: AuthorizationServerMetadata,
    /// Whether the token was got without a client id.
    pub(crate) anonymous: bool,
    /// What the app wanted to be encrypted.
    #[serde(default, skip_serializing_if = "Encryption::is_auto")]
    pub(crate) encryption: Encryption,
    pub(crate) token: Token,
    /// Whether the server gave another refresh token for one: then each is good once.
    #[serde(default)]
    pub(crate) rotates: bool,
    /// Whether a refresh token that is good once may have left, without an answer.
    #[serde(default)]
    pub(crate) in_flight: bool,
}

impl Authorization {
    /// The authorization of that id, if it is still there.
    pub(crate) async fn load(wallet: &Setup, id: &AuthorizationId) -> Result<Option<Self>> {
        Ok(Self::load_record(wallet, id).await?.map(|(authorization, _)| authorization))
    }

    /// The same, with its revision.
    async fn load_record(wallet: &Setup, id: &AuthorizationId) -> Result<Option<(Self, u64)>> {
        let record = wallet.store.get(Table::Authorizations, id.as_str()).await?;
        record.map(|record| Ok((Self::read(&record.content)?, record.revision))).transpose()
    }

    fn read(content: &[u8]) -> Result<Self> {
        serde_json::from_slice(content).map_err(|error| {
            Error::new(ErrorCode::RecordDamaged, "a stored authorization can't be read")
                .at(Operation::Store)
                .caused_by(json::without_values(&error))
        })
    }

    /// For the store.
    pub(crate) fn put(&self, id: &AuthorizationId) -> Change {
        self.put_if(id, Expected::Anything)
    }

    fn put_if(&self, id: &AuthorizationId, expected: Expected) -> Change {
        Change::Put {
            table: Table::Authorizations,
            id: id.to_string(),
            content: serde_json::to_vec(self).expect("an authorization has only text keys and numbers that JSON has"),
            expected,
        }
    }

    /// The way to the server and its issuer.
    pub(crate) fn channel<'a>(&'a self, wallet: &'a Setup, log: &'a Log) -> Channel<'a> {
        Channel { wallet, client: &self.client, server: &self.server, profile: self.profile, log }
    }
}

/// Whether a token can be used now, or be renewed.
pub(crate) fn is_alive(token: &Token, now: Timestamp) -> bool {
    token.refresh_token.is_some() || token.expires_at.is_none_or(|at| at > now)
}

/// Asks for a token.
pub(crate) async fn request_token(channel: &Channel<'_>, grant: &TokenGrant, anonymous: bool) -> Result<ReadToken> {
    let (wallet, url) = (channel.wallet, &channel.server.token_endpoint);
    let (client_id, shows) = if anonymous { (None, Shows::Nobody) } else { (Some(&wallet.client_id), Shows::Client) };
    let request = token::request(url, grant, client_id)?;
    let answer = channel.send(Operation::Token, url, request, shows).await?;
    let now = wallet.clock.now();
    let showed_key = channel.client.dpop_key.is_some();
    let read = token::response(&answer, grant, now, showed_key, channel.dialects())
        .map_err(|error| client_auth::explain_refusal(error, channel.client.authentication, anonymous).endpoint(url))?;
    check_binding(channel, &read.token, now).map_err(|error| error.status(answer.status().as_u16()).endpoint(url))?;
    Ok(read)
}

/// Whether the token is bound as it was asked for (RFC 9449 section 5).
fn check_binding(channel: &Channel<'_>, token: &Token, now: Timestamp) -> Result<()> {
    match token.token_type {
        TokenType::Dpop if channel.client.dpop_key.is_none() => {
            Err(Error::new(ErrorCode::ResponseMalformed, "the token is bound to a key, and none was shown")
                .at(Operation::Token))
        }
        TokenType::Bearer if channel.profile.is_haip() => {
            Err(Error::new(ErrorCode::TokenUnbound, "the token is not bound to the wallet's key, which HAIP demands")
                .at(Operation::Token))
        }
        TokenType::Bearer => {
            if token.expires_at.is_none_or(|at| at - now > LONG_BEARER_SECONDS) {
                tracing::warn!(
                    target: "billfold::token",
                    server = %channel.server.issuer,
                    "a token that lives longer than five minutes is not bound to a key"
                );
            }
            Ok(())
        }
        TokenType::Dpop => Ok(()),
    }
}

/// Gets a new token for one that has expired or was refused; the newest one, if somebody renewed it
/// meanwhile. [`ErrorCode::ReauthorizationRequired`] if there is nothing to renew it with.
///
/// A refresh token that the server may have taken without an answer is sent again, unless the server is known
/// to take each only once.
pub(crate) async fn renew(wallet: &Setup, id: &AuthorizationId, stale: &Token, log: &Log) -> Result<Token> {
    let over = |detail: &str| Error::new(ErrorCode::ReauthorizationRequired, detail.to_owned()).at(Operation::Token);
    let owner = format!("authorization {id}");
    let gate = wallet.gates.of(&SessionId::new(owner.clone()));
    let _one_at_a_time = gate.lock().await;
    wallet.write_the_rest(&owner).await?;
    let Some((mut authorization, mut revision)) = Authorization::load_record(wallet, id).await? else {
        return Err(over("there is no token to go on with"));
    };
    if authorization.token.access_token.expose() != stale.access_token.expose() {
        return Ok(authorization.token);
    }
    let Some(refresh_token) = authorization.token.refresh_token.clone() else {
        return Err(over("the token has ended, and there is none to renew it with"));
    };
    if authorization.in_flight {
        authorization.token.refresh_token = None;
        return match write_unless_renewed(wallet, id, &authorization, revision, stale).await? {
            Some(newer) => Ok(newer),
            None => Err(over("the token may have been renewed, and the answer was lost")),
        };
    }
    if authorization.rotates {
        authorization.in_flight = true;
        if let Some(newer) = write_unless_renewed(wallet, id, &authorization, revision, stale).await? {
            return Ok(newer);
        }
        revision += 1;
        authorization.in_flight = false;
    }
    let grant = TokenGrant::RefreshToken { refresh_token };
    let renewed = request_token(&authorization.channel(wallet, log), &grant, authorization.anonymous).await;
    match renewed {
        Ok(ReadToken { token, .. }) => {
            let before = &authorization.token;
            let authorized =
                if token.authorized.is_empty() { before.authorized.clone() } else { token.authorized.clone() };
            let other = |token: &Token| token.refresh_token.as_ref().map(|token| token.expose().to_owned());
            authorization.rotates |= other(&token).is_some_and(|new| Some(new) != other(before));
            authorization.token = Token {
                refresh_token: token.refresh_token.clone().or_else(|| before.refresh_token.clone()),
                scope: token.scope.clone().or_else(|| before.scope.clone()),
                authorized,
                ..token
            };
            // Whatever another process has found out meanwhile: this one works.
            wallet.commit_received(&owner, vec![authorization.put(id)]).await?;
            Ok(authorization.token)
        }
        Err(error) if error.code() == ErrorCode::GrantRefused => {
            authorization.token.refresh_token = None;
            if let Some(newer) = write_unless_renewed(wallet, id, &authorization, revision, stale).await? {
                return Ok(newer);
            }
            let mut ended = over("the server does not renew the token any more")
                .endpoint(&authorization.server.token_endpoint)
                .status(error.http_status().unwrap_or_default());
            if let Some(said) = error.server_error() {
                ended = ended.issuer_error(said.clone());
            }
            Err(ended.caused_by(error))
        }
        Err(error) => {
            if authorization.rotates && (error.operation() != Some(Operation::Token) || !error.may_have_had_effect()) {
                // It had no effect: the next try may use the same.
                write_unless_renewed(wallet, id, &authorization, revision, stale).await?;
            }
            Err(if error.advice() == Advice::GetNewOffer { error.advise(Advice::Retry) } else { error })
        }
    }
}

/// Writes an authorization, unless another process has written it since; gives that one's token, if it got
/// a new one.
async fn write_unless_renewed(
    wallet: &Setup,
    id: &AuthorizationId,
    authorization: &Authorization,
    revision: u64,
    stale: &Token,
) -> Result<Option<Token>> {
    match wallet.store.commit(vec![authorization.put_if(id, Expected::Revision(revision))]).await {
        Ok(()) => Ok(None),
        Err(error) if error.kind == StoreErrorKind::Conflict => {
            let now = Authorization::load(wallet, id).await?.map(|authorization| authorization.token);
            match now.filter(|token| token.access_token.expose() != stale.access_token.expose()) {
                Some(newer) => Ok(Some(newer)),
                None => Err(error.into()),
            }
        }
        Err(error) => Err(error.into()),
    }
}

/// Deletes authorizations that no session, credential or notice refers to any more, with their keys. What
/// can't be read may refer to any of them, and then all stay.
pub(crate) async fn sweep(wallet: &Setup) -> Result<()> {
    // Looked at first: who refers to one that is made from now on is not seen, and it is not deleted.
    let kept = wallet.store.list(Table::Authorizations).await?;
    if kept.is_empty() {
        return Ok(());
    }
    let mut needed: BTreeSet<AuthorizationId> = BTreeSet::new();
    for record in wallet.store.list(Table::Sessions).await? {
        let session = Session::from_bytes(&record.content)?;
        if !matches!(session.stage, Stage::Ended(_)) {
            needed.extend(session.authorization);
        }
    }
    for record in wallet.store.list(Table::Credentials).await? {
        let Credential { authorization, contact, .. } = read_credential(&record.content)?;
        needed.extend(authorization);
        needed.extend(contact.and_then(|contact| contact.authorization));
    }
    needed.extend(outbox::authorizations(wallet).await?);
    let (mut changes, mut keys): (_, Vec<KeyHandle>) = (Vec::new(), Vec::new());
    for record in kept {
        let id = AuthorizationId::new(record.id);
        if needed.contains(&id) {
            continue;
        }
        match Authorization::read(&record.content) {
            Ok(authorization) => keys.extend(authorization.client.keys().map(|key| key.handle.clone())),
            Err(error) => tracing::warn!(target: "billfold::store", "{error}; its keys stay"),
        }
        changes.push(Change::Remove { table: Table::Authorizations, id: id.to_string() });
    }
    if !changes.is_empty() {
        wallet.store.commit(changes).await?;
        wallet.delete_keys(keys).await;
    }
    Ok(())
}
