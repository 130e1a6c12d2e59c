//! The same credential once more: asked for with the tokens that the first one left behind.

use std::sync::Arc;

use super::accepting::AcceptOptions;
use super::discovery::Discovery;
use super::typing::Ahead;
use super::{Issuance, Live};
use crate::authorizations::{self, Authorization};
use crate::error::{Error, ErrorCode, Operation, Result};
use crate::model::credential::Credential;
use crate::model::ids::IssuerId;
use crate::model::offer::{AuthorizationCodeGrant, CredentialOffer, Grants};
use crate::model::profile::Profile;
use crate::session::{Event, Session, Stage, Task, TaskState};
use crate::setup::Setup;
use crate::wire::Log;

/// What an issuer is asked for when a credential is renewed: that one, as if the wallet began.
pub(crate) fn offer_for(credential: &Credential, server: Option<&IssuerId>) -> CredentialOffer {
    CredentialOffer {
        credential_issuer: credential.credential_issuer.clone(),
        credential_configuration_ids: vec![credential.credential_configuration_id.clone()],
        grants: Grants {
            authorization_code: Some(AuthorizationCodeGrant {
                issuer_state: None,
                authorization_server: server.cloned(),
            }),
            pre_authorized_code: None,
        },
    }
}

/// Writes the session of a renewal. With tokens that may still work it is ready to go on; without, it waits
/// for the user's yes, as any other.
pub(crate) async fn begin(
    wallet: Arc<Setup>,
    credential: &Credential,
    authorization: Option<Authorization>,
    found: Discovery,
    log: Log,
) -> Result<Issuance> {
    let now = wallet.clock.now();
    let known = found.issuer.credential_configurations_supported.contains_key(&credential.credential_configuration_id);
    if !known {
        return Err(Error::new(
            ErrorCode::UnknownConfiguration,
            format!("the issuer has no configuration `{}` any more", credential.credential_configuration_id),
        )
        .at(Operation::IssuerMetadata));
    }
    let mut session = Session::new(found.offer, found.issuer, found.server, found.quirks, log.transcript(), now);
    session.replaces = Some(credential.id.clone());
    session.profile = if credential.profile.is_haip() { Profile::Haip } else { wallet.profile };
    session.provenance = found.provenance;
    session.tolerated = found.tolerated;
    // What another server would take, this one would see for the first time; and what was agreed by weaker
    // rules than the wallet's is not gone on with.
    let usable = authorization.filter(|authorization| {
        authorization.server.issuer == session.server.issuer
            && authorizations::is_alive(&authorization.token, now)
            && (authorization.profile.is_haip() || !session.profile.is_haip())
    });
    let Some(authorization) = usable else { return Issuance::create(wallet, session).await };
    session.profile = authorization.profile;
    session.client = authorization.client;
    session.authorization.clone_from(&credential.authorization);
    let copies = u32::try_from(credential.instances.len()).unwrap_or(1).clamp(1, session.issuer.batch_size.max(1));
    let setup = Arc::clone(&wallet);
    let mut live = Live {
        wallet: &setup,
        session,
        revision: 0,
        log: Arc::new(log),
        began: now,
        failed: None,
        stuck: Vec::new(),
        stuck_by: None,
        ahead: Ahead::default(),
    };
    let encryption = authorization.encryption;
    let options = AcceptOptions { copies: Some(copies), encryption, ..AcceptOptions::default() };
    let choice = live.choose(&options)?;
    let task = Task {
        configuration: credential.credential_configuration_id.clone(),
        identifier: credential.identifier.clone(),
        plan: choice.plans.get(&credential.credential_configuration_id).copied().flatten(),
        copies,
        keys: Vec::new(),
        state: TaskState::Due,
    };
    let (token, anonymous) = (authorization.token, authorization.anonymous);
    live.note(Event::RenewalBegan { token, anonymous, encryption, tasks: vec![task] })?;
    let session = live.session;
    debug_assert!(matches!(session.stage, Stage::Credentials { .. }), "it has its task");
    Issuance::create(wallet, session).await
}
