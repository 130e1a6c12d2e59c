//! An issuance as a value: what was offered, what was agreed, and how far it got.
//!
//! A [`Session`] is written to the store before every request that must not be repeated, and after
//! every answer. What it may become is in `transition.rs`, as a pure function.

mod event;
mod stage;
mod transition;

use serde::{Deserialize, Serialize};

pub(crate) use event::Event;
pub(crate) use stage::{Choice, EndedTask, Ending, LeftOut, Prepared, Stage, Task, TaskState};
pub(crate) use transition::MAX_TX_CODE_ATTEMPTS;

use crate::dialect::{Quirks, Tolerated};
use crate::error::{Error, ErrorCode};
use crate::json;
use crate::model::ids::{AuthorizationId, CredentialId, SessionId};
use crate::model::metadata::{AuthorizationServerMetadata, IssuerMetadata};
use crate::model::offer::{CredentialOffer, Grants};
use crate::model::profile::Profile;
use crate::model::time::Timestamp;
use crate::protocol::client_auth::ClientState;
use crate::protocol::metadata::Provenance;
use crate::transcript::Transcript;

/// The format of stored sessions. What an older version of billfold must not go on with raises it; older
/// sessions keep loading. Version 2 brought keys for tokens and attestations, encryption, and profiles: whoever
/// leaves them out can't finish the session. Version 3 brought issuers that are not of 1.0.
const VERSION: u32 = 3;

/// One issuance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Session {
    version: u32,
    pub(crate) id: SessionId,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    /// What was offered; for an issuance that the wallet began, what it asks for.
    pub(crate) offer: CredentialOffer,
    pub(crate) issuer: IssuerMetadata,
    pub(crate) server: AuthorizationServerMetadata,
    pub(crate) quirks: Quirks,
    #[serde(default, skip_serializing_if = "Provenance::is_plain")]
    pub(crate) provenance: Provenance,
    /// In what the issuer departs from 1.0.
    #[serde(default, skip_serializing_if = "Tolerated::is_empty")]
    pub(crate) tolerated: Tolerated,
    /// The rules that it is held to.
    #[serde(default)]
    pub(crate) profile: Profile,
    /// As what it speaks to the authorization server, once the user said yes.
    #[serde(default)]
    pub(crate) client: ClientState,
    /// Where its tokens are kept, once there are some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) authorization: Option<AuthorizationId>,
    /// The credential that it renews.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) replaces: Option<CredentialId>,
    pub(crate) stage: Stage,
    pub(crate) transcript: Transcript,
}

impl Session {
    /// A session whose offer and metadata are known, ready to be shown to the user.
    pub(crate) fn new(
        offer: CredentialOffer,
        issuer: IssuerMetadata,
        server: AuthorizationServerMetadata,
        quirks: Quirks,
        transcript: Transcript,
        now: Timestamp,
    ) -> Self {
        Self {
            version: VERSION,
            id: SessionId::random(),
            created_at: now,
            updated_at: now,
            offer,
            issuer,
            server,
            quirks,
            provenance: Provenance::default(),
            tolerated: Tolerated::new(),
            profile: Profile::Base,
            client: ClientState::default(),
            authorization: None,
            replaces: None,
            stage: Stage::Review,
            transcript,
        }
    }

    /// For the store.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a session has only text keys and numbers that JSON has")
    }

    /// From the store.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let damaged = |error| {
            Error::new(ErrorCode::RecordDamaged, "a stored session can't be read")
                .caused_by(json::without_values(&error))
        };
        let Versioned { version } = serde_json::from_slice(bytes).map_err(damaged)?;
        if version > VERSION {
            return Err(Error::new(ErrorCode::StoreTooNew, "a newer version of billfold began this session"));
        }
        let session: Self = serde_json::from_slice(bytes).map_err(damaged)?;
        Ok(Self { version: VERSION, ..session })
    }

    /// The session after an event, or why the event does not fit.
    pub(crate) fn after(&self, event: Event, now: Timestamp) -> Result<Self, Error> {
        let stage = transition::transition(&self.stage, event).map_err(|error| error.in_session(&self.id))?;
        let mut next = Self { stage, updated_at: now, ..self.clone() };
        if matches!(next.stage, Stage::Ended(_)) {
            next.offer.grants = Grants::default();
        }
        Ok(next)
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
