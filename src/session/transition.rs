//! What an event makes of a stage: a pure function.

use std::collections::BTreeSet;

use super::event::Event;
use super::stage::{Choice, EndedTask, Ending, Prepared, Stage, Task, TaskState};
use crate::error::{Error, ErrorCode, Remembered};
use crate::model::ids::ConfigurationId;
use crate::model::token::Token;

/// How many transaction codes the user may try before the offer counts as dead.
pub(crate) const MAX_TX_CODE_ATTEMPTS: u32 = 3;

/// The stage after an event, or [`ErrorCode::WrongStep`].
pub(crate) fn transition(stage: &Stage, event: Event) -> Result<Stage, Error> {
    let wrong = |stage: &Stage, event: &Event| {
        let code = if matches!(stage, Stage::Ended(_)) { ErrorCode::SessionEnded } else { ErrorCode::WrongStep };
        Err(Error::new(code, format!("`{}` does not fit the step `{}`", event.name(), stage.name())))
    };
    Ok(match (stage, event) {
        (Stage::Review | Stage::SignIn { .. }, Event::SignInBegan { choice, pending }) => {
            Stage::SignIn { choice, pending, url: None, expires_at: None }
        }
        (Stage::Review | Stage::SignIn { .. }, Event::CodeWanted { choice }) => {
            Stage::EnterCode { choice, refusals: 0, prepared: Prepared::default() }
        }
        (Stage::SignIn { choice, pending, .. }, Event::SignInReady { url, expires_at }) => {
            Stage::SignIn { choice: choice.clone(), pending: pending.clone(), url: Some(url), expires_at }
        }
        (Stage::SignIn { .. } | Stage::Token { .. }, Event::SignInDropped) => Stage::Review,

        (Stage::Review | Stage::SignIn { .. }, Event::GrantReady { choice, grant }) => {
            Stage::Token { choice, grant, refusals: 0, prepared: Prepared::default(), in_flight: false }
        }
        (Stage::EnterCode { refusals, prepared, .. }, Event::GrantReady { choice, grant }) => {
            Stage::Token { choice, grant, refusals: *refusals, prepared: prepared.clone(), in_flight: false }
        }
        (Stage::Token { choice, grant, refusals, prepared, in_flight: false }, Event::TokenSent) => Stage::Token {
            choice: choice.clone(),
            grant: grant.clone(),
            refusals: *refusals,
            prepared: prepared.clone(),
            in_flight: true,
        },
        (Stage::Token { choice, grant, refusals, in_flight: true, .. }, Event::TokenNotSent { prepared }) => {
            Stage::Token {
                choice: choice.clone(),
                grant: grant.clone(),
                refusals: *refusals,
                prepared,
                in_flight: false,
            }
        }
        (Stage::Token { choice, refusals, in_flight: true, .. }, Event::TxCodeRefused { prepared }) => {
            Stage::EnterCode { choice: choice.clone(), refusals: refusals + 1, prepared }
        }
        (Stage::Token { choice, in_flight: true, .. }, Event::TokenReceived { token, anonymous, prepared }) => {
            let Prepared { nonce, mut keys } = prepared;
            let tasks = tasks(choice, &token, |id| keys.remove(id).unwrap_or_default());
            Stage::Credentials { token, anonymous, nonce, encryption: choice.encryption, tasks }
        }

        (Stage::Review, Event::RenewalBegan { token, anonymous, encryption, tasks }) => {
            Stage::Credentials { token, anonymous, nonce: None, encryption, tasks }
        }

        (Stage::Credentials { token, anonymous, nonce, encryption, tasks }, event) => {
            let (mut token, mut nonce, mut encryption, mut tasks) =
                (token.clone(), nonce.clone(), *encryption, tasks.clone());
            match event {
                Event::Failed { code, detail, told } => {
                    return Ok(Stage::Ended(Ending::Failed { code, detail, told }));
                }
                Event::Cancelled => return Ok(Stage::Ended(Ending::Cancelled)),
                Event::TokenRenewed { token: renewed } => token = renewed,
                Event::AuthorizationEnded if tasks.iter().all(|task| task.state.is_unanswered()) => {
                    return Ok(Stage::Review);
                }
                Event::MadeReady { prepared } => {
                    nonce = prepared.nonce;
                    for (id, keys) in prepared.keys {
                        // As with keys that were there before the token: they are the first task's.
                        if let Some(first) = tasks.iter_mut().find(|task| task.configuration == id) {
                            first.keys = keys;
                        }
                    }
                }
                Event::ProofPlanned { task, plan } => tasks[task].plan = Some(plan),
                Event::KeysMade { task, keys } => tasks[task].keys = keys,
                Event::NonceReceived { nonce: received } => nonce = Some(received),
                Event::CredentialSent { task, keeps_nonce } => {
                    nonce = nonce.filter(|_| keeps_nonce);
                    tasks[task].state = TaskState::InFlight;
                }
                Event::CredentialDue { task } => tasks[task].state = TaskState::Due,
                Event::EncryptionRenewed { encryption: renewed } => encryption = renewed,
                Event::CredentialsReceived { task, credentials, notification_id, credential_metadata } => {
                    tasks[task].state = TaskState::Received { credentials, notification_id, credential_metadata };
                }
                Event::CredentialDeferred { task, transaction_id, by, until, other, asked } => {
                    tasks[task].state = TaskState::Deferred { transaction_id, by, until, other, asked };
                }
                Event::CredentialStored { task, credential } => tasks[task].state = TaskState::Stored { credential },
                Event::TaskFailed { task, code, detail, told, quarantined } => {
                    tasks[task].state = TaskState::Failed { code, detail, told, quarantined };
                }
                other => return wrong(stage, &other),
            }
            if tasks.iter().all(|task| task.state.is_final()) {
                let tasks =
                    tasks.into_iter().map(|task| EndedTask { configuration: task.configuration, state: task.state });
                return Ok(Stage::Ended(Ending::Done { tasks: tasks.collect() }));
            }
            Stage::Credentials { token, anonymous: *anonymous, nonce, encryption, tasks }
        }

        (stage, event @ (Event::Failed { .. } | Event::Cancelled)) if matches!(stage, Stage::Ended(_)) => {
            return wrong(stage, &event);
        }
        (_, Event::Failed { code, detail, told }) => Stage::Ended(Ending::Failed { code, detail, told }),
        (_, Event::Cancelled) => Stage::Ended(Ending::Cancelled),
        (stage, event) => return wrong(stage, &event),
    })
}

/// One task a dataset that the token response named, else one a configuration.
///
/// Keys that were made ahead go to the first task of their configuration.
fn tasks(
    choice: &Choice,
    token: &Token,
    mut keys: impl FnMut(&ConfigurationId) -> Vec<crate::model::credential::HolderKey>,
) -> Vec<Task> {
    let mut tasks = Vec::new();
    for id in &choice.configurations {
        let mut named = BTreeSet::new();
        let identifiers: Vec<_> = token
            .authorized
            .iter()
            .filter(|authorized| authorized.credential_configuration_id == *id)
            .flat_map(|authorized| &authorized.credential_identifiers)
            .filter(|identifier| named.insert(*identifier))
            .collect();
        let mut task = |identifier| {
            tasks.push(Task {
                configuration: id.clone(),
                identifier,
                plan: choice.plans.get(id).copied().flatten(),
                copies: choice.copies,
                keys: keys(id),
                state: TaskState::Due,
            });
        };
        if identifiers.is_empty() {
            task(None);
        }
        for identifier in identifiers {
            task(Some(identifier.clone()));
        }
    }
    tasks.extend(choice.left_out.iter().map(|left_out| Task {
        configuration: left_out.configuration.clone(),
        identifier: None,
        plan: None,
        copies: choice.copies,
        keys: Vec::new(),
        state: TaskState::Failed {
            code: left_out.code,
            detail: left_out.detail.clone(),
            told: Remembered::default(),
            quarantined: None,
        },
    }));
    tasks
}
