//! From an answer to stored credentials: each is checked before it is kept, and what does not pass
//! is kept aside.

use std::sync::atomic::Ordering;

use serde_json::Value;

use super::Live;
use super::typing::Ahead;
use crate::credentials;
use crate::dialect::{Dialects, Tolerance};
use crate::documents::Documents;
use crate::error::{Error, ErrorCode, Operation, Result};
use crate::format::{self, CredentialFormat, Examined};
use crate::model::credential::{Credential, HolderKey, Instance};
use crate::model::ids::{ConfigurationId, CredentialId, IssuerId};
use crate::model::jwk::Jwk;
use crate::model::metadata::CredentialKind;
use crate::model::profile::Profile;
use crate::model::report::{Check, CheckKind, Outcome, Report, Verdict, VerificationPolicy};
use crate::model::status::StatusValue;
use crate::model::time::Timestamp;
use crate::model::token::Token;
use crate::outbox::{self, Contact};
use crate::platform::store::{Change, Expected, Table};
use crate::protocol::notification::NotificationEvent;
use crate::session::{Event, Stage, TaskState};
use crate::setup::{Setup, put_credential, read_credential};
use crate::verify::VerifyContext;
use crate::wire::Log;

/// A received credential with what was found out about it.
struct Checked {
    instance: Instance,
    report: Report,
    found: Examined,
}

/// What credentials of one answer are held against.
struct Asked<'a> {
    credential_issuer: &'a IssuerId,
    issuer_jwks: Option<&'a Value>,
    format: &'a dyn CredentialFormat,
    kind: &'a CredentialKind,
    contexts: &'a [String],
    profile: Profile,
    keys: &'a [HolderKey],
}

impl Live<'_> {
    /// Checks what a task received and stores it, in one transaction with the session.
    pub(super) async fn store_received(&mut self, task: usize) -> Result<()> {
        let Stage::Credentials { token, tasks, .. } = &self.session.stage else { unreachable!("it has tasks") };
        let work = &tasks[task];
        let TaskState::Received { credentials, notification_id, credential_metadata } = &work.state else {
            unreachable!("it was received");
        };
        let issuer = &self.session.issuer;
        let configuration = &issuer.credential_configurations_supported[&work.configuration];
        let format = format::reader(&configuration.format);
        let asked = Asked {
            credential_issuer: &issuer.credential_issuer,
            issuer_jwks: issuer.jwks.as_ref(),
            format,
            kind: &configuration.kind,
            contexts: &configuration.contexts,
            profile: self.session.profile,
            keys: &work.keys,
        };
        // Whoever did not answer for the last credentials may for these.
        self.wallet.status_lists.forget_failures();
        let policy = self.wallet.policies.of(&configuration.kind);
        let check_all = async {
            let mut checked = Vec::with_capacity(credentials.len());
            for raw in credentials {
                checked.push(check(self.wallet, raw, &asked, &self.log).await);
            }
            checked
        };
        // The copies of one answer are of one type.
        let look_up = async {
            let documents = documents(self.wallet, &issuer.credential_issuer, &self.log);
            let (first, profile) = (credentials.first()?, self.session.profile);
            self.wallet.look_up_type(&configuration.format, first, profile, &documents, &self.ahead).await
        };
        let (mut checked, typed) = futures_util::join!(check_all, look_up);
        let without_vct = checked.iter().any(|checked| checked.found.type_without_vct);
        if let Some(typed) = &typed {
            for checked in &mut checked {
                typed.tell(&mut checked.report, &checked.found);
            }
        }
        reject_shared_keys(&mut checked, policy);
        if self.session.profile.is_haip() {
            mark_shared_status(&mut checked, policy);
        }
        let gate = self.session.replaces.as_ref().map(|id| credentials::gate_of(self.wallet, id));
        let _one_at_a_time = match &gate {
            Some(gate) => Some(gate.lock().await),
            None => None,
        };
        let replaced = self.replaced(&work.configuration).await?;
        let (usable, aside): (Vec<_>, Vec<_>) =
            checked.into_iter().partition(|checked| checked.report.verdict.is_usable());
        let now = self.wallet.clock.now();
        let contact =
            issuer.notification_endpoint.as_ref().zip(notification_id.as_ref()).map(|(endpoint, id)| Contact {
                notification_endpoint: endpoint.clone(),
                notification_id: id.clone(),
                authorization: self.session.authorization.clone(),
                // Sessions of the first version have no authorization of their own.
                token: self.session.authorization.is_none().then(|| Token { refresh_token: None, ..token.clone() }),
            });
        let record = |checked: Vec<Checked>| {
            let worst = checked.iter().max_by_key(|checked| severity(checked.report.verdict));
            let worst = worst.expect("a record is made of at least one credential");
            Credential {
                id: CredentialId::random(),
                credential_issuer: issuer.credential_issuer.clone(),
                credential_configuration_id: work.configuration.clone(),
                format: configuration.format.clone(),
                kind: configuration.kind.clone(),
                contexts: configuration.contexts.clone(),
                issued_at: now,
                valid_from: checked.iter().filter_map(|checked| checked.found.valid_from).max(),
                expires_at: checked.iter().filter_map(|checked| checked.found.expires_at).min(),
                status: worst.found.status.clone(),
                status_found: worst.found.status_found,
                report: worst.report.clone(),
                claims: worst.found.claims.clone(),
                disclosable: worst.found.disclosable.clone(),
                quarantined: !worst.report.verdict.is_usable(),
                issuer_display: issuer.display.clone(),
                display: configuration.display.clone(),
                claim_descriptions: configuration.claims.clone(),
                type_metadata: typed.as_ref().and_then(|typed| typed.metadata_of(&worst.found)),
                response_metadata: credential_metadata.clone(),
                issuer_jwks: issuer.jwks.clone(),
                identifier: work.identifier.clone(),
                authorization: self.session.authorization.clone(),
                profile: self.session.profile,
                contact: contact.clone(),
                instances: checked.into_iter().map(|checked| checked.instance).collect(),
            }
        };
        let mut kept = (!usable.is_empty()).then(|| record(usable));
        let quarantined: Vec<_> = aside.into_iter().map(|checked| record(vec![checked])).collect();
        let (mut old_keys, mut expected) = (Vec::new(), Expected::Nothing);
        if let (Some(credential), Some((old, revision))) = (&mut kept, &replaced) {
            credential.id = old.id.clone();
            expected = Expected::Revision(*revision);
            old_keys.extend(old.instances.iter().filter_map(|copy| copy.key.as_ref()).map(|key| key.handle.clone()));
        }
        let bound: Vec<_> = kept
            .iter()
            .chain(&quarantined)
            .flat_map(|credential| &credential.instances)
            .filter_map(|instance| instance.key.as_ref())
            .map(|key| key.handle.clone())
            .collect();
        let unused: Vec<_> =
            work.keys.iter().map(|key| key.handle.clone()).filter(|handle| !bound.contains(handle)).collect();
        let (event, failed) = match (&kept, quarantined.first()) {
            (Some(credential), _) => (Event::CredentialStored { task, credential: credential.id.clone() }, None),
            (None, Some(bad)) => {
                let error = quarantine_error(bad);
                let event = Event::TaskFailed {
                    task,
                    code: error.code(),
                    detail: error.detail().to_owned(),
                    told: error.remember(),
                    quarantined: Some(bad.id.clone()),
                };
                (event, Some(error))
            }
            (None, None) => unreachable!("an answer has at least one credential"),
        };
        let mut changes: Vec<_> =
            quarantined.iter().map(|credential| put_credential(credential, Expected::Nothing)).collect();
        changes.extend(kept.iter().map(|credential| put_credential(credential, expected)));
        // One notice for the whole answer, and the worst of its credentials decides.
        let all = kept.iter().chain(&quarantined);
        let worst = all.max_by_key(|credential| severity(credential.report.verdict));
        changes.extend(worst.and_then(|worst| tell(worst, now)));
        if without_vct {
            self.session.tolerated.insert(Tolerance::TypeWithoutVct);
        }
        self.record_with(event, changes).await?;
        if let Some(error) = failed {
            self.failed.get_or_insert(error);
        }
        old_keys.extend(unused);
        self.wallet.delete_keys(old_keys).await;
        if replaced.is_some() {
            self.wallet.sweep_wanted.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// The credential in whose place the new one comes, if it is still there.
    async fn replaced(&self, configuration: &ConfigurationId) -> Result<Option<(Credential, u64)>> {
        let Some(id) = &self.session.replaces else { return Ok(None) };
        let Some(record) = self.wallet.store.get(Table::Credentials, id.as_str()).await? else { return Ok(None) };
        let old = read_credential(&record.content)?;
        Ok((old.credential_configuration_id == *configuration).then_some((old, record.revision)))
    }
}

/// Each key binds at most one credential of an answer (OpenID4VCI section 8.3). A second one with
/// the same key would have no key of its own, so both stay linkable: it is put aside.
fn reject_shared_keys(checked: &mut [Checked], policy: &VerificationPolicy) {
    for at in 1..checked.len() {
        let (before, rest) = checked.split_at_mut(at);
        let this = &mut rest[0];
        let Some(key) = &this.instance.key else { continue };
        if before.iter().any(|other| other.instance.key.as_ref() == Some(key)) {
            let detail = "another credential of the same answer is bound to this key".to_owned();
            let check = Check { kind: CheckKind::HolderBinding, outcome: Outcome::Failed, detail };
            this.report = with_check(&this.report, check, policy);
        }
    }
}

/// Each credential has a place of its own in a status list (HAIP section 6.1): two that share one could be
/// told to be of the same holder.
fn mark_shared_status(checked: &mut [Checked], policy: &VerificationPolicy) {
    let place = |checked: &Checked| {
        let (uri, index) = format::haip::status_list(checked.found.claims.get("status")?)?;
        Some((uri.to_owned(), index))
    };
    let places: Vec<_> = checked.iter().map(place).collect();
    for at in 1..checked.len() {
        if places[at].is_some() && places[..at].contains(&places[at]) {
            let detail = "another credential of the same answer has this place in the status list".to_owned();
            let check = Check { kind: CheckKind::Status, outcome: Outcome::Failed, detail };
            checked[at].report = with_check(&checked[at].report, check, policy);
        }
    }
}

/// What the issuer hears about a credential once it is checked; nothing as long as that is open.
pub(crate) fn tell(credential: &Credential, now: Timestamp) -> Option<Change> {
    match credential.report.verdict {
        Verdict::Verified | Verdict::VerifiedWithWarnings => {
            outbox::tell(credential, NotificationEvent::CredentialAccepted, None, now)
        }
        Verdict::Unverified => None,
        Verdict::Rejected => {
            let failed: Vec<_> = credential.report.failed().into_iter().map(CheckKind::as_str).collect();
            let description = format!("checks that failed: {}", failed.join(", "));
            outbox::tell(credential, NotificationEvent::CredentialFailure, Some(description), now)
        }
    }
}

/// The report with one check put in place of what was found.
fn with_check(report: &Report, check: Check, policy: &VerificationPolicy) -> Report {
    let mut checks: Vec<_> = report.checks.iter().filter(|other| other.kind != check.kind).cloned().collect();
    checks.push(check);
    Report::judge(&checks, policy)
}

fn severity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Verified => 0,
        Verdict::VerifiedWithWarnings => 1,
        Verdict::Unverified => 2,
        Verdict::Rejected => 3,
    }
}

/// What the app hears about a credential in quarantine.
fn quarantine_error(credential: &Credential) -> Error {
    let report = &credential.report;
    let (code, found) = match report.verdict {
        Verdict::Rejected => (ErrorCode::CredentialRejected, "did not pass its checks"),
        _ => (ErrorCode::CredentialUnverified, "could not be checked completely"),
    };
    let open = report.checks.iter().filter(|check| matches!(check.outcome, Outcome::Failed | Outcome::Unknown(_)));
    let named: Vec<_> = open.map(|check| format!("{}: {}", check.kind, check.detail)).collect();
    Error::new(code, format!("the credential {found} and was put aside ({})", named.join("; ")))
        .at(Operation::Verification)
}

fn documents<'a>(wallet: &'a Setup, issuer: &'a IssuerId, log: &'a Log) -> Documents<'a> {
    let (wire, cache, clock) = (&wallet.wire, &wallet.documents, &wallet.clock);
    Documents { wire, cache, clock, log, issuer: Some(issuer), resolver: wallet.resolver.as_ref() }
}

async fn check(wallet: &Setup, raw: &Value, asked: &Asked<'_>, log: &Log) -> Checked {
    let public: Vec<Jwk> = asked.keys.iter().map(|key| key.public_jwk.clone()).collect();
    let documents = documents(wallet, asked.credential_issuer, log);
    let policy = wallet.policies.of(asked.kind);
    let context = VerifyContext {
        credential_issuer: Some(asked.credential_issuer),
        issuer_jwks: asked.issuer_jwks,
        kind: Some(asked.kind),
        asked_contexts: asked.contexts,
        holder_keys: &public,
        policy,
        profile: asked.profile,
        takes_type: wallet.dialects == Dialects::Any && !asked.profile.is_haip(),
        trust: &wallet.trust,
        trusted_issuers: &wallet.trusted_issuers,
        now: wallet.clock.now(),
        skew: wallet.skew,
        #[cfg(feature = "ldp-vc")]
        contexts: &wallet.contexts,
        documents: &documents,
        status_lists: &wallet.status_lists,
    };
    let found = asked.format.examine(raw, &context).await;
    let key =
        found.bound_key.as_ref().and_then(|bound| asked.keys.iter().find(|key| key.public_jwk == *bound)).cloned();
    // A format may leave the binding out; with a single key it is clear which one was meant.
    let key = key.or_else(|| match asked.keys {
        [only] => Some(only.clone()),
        _ => None,
    });
    Checked { instance: Instance::new(raw.clone(), key), report: Report::judge(&found.checks, policy), found }
}

/// Checks a stored credential again.
pub(crate) async fn recheck(wallet: &Setup, mut credential: Credential) -> Result<Credential> {
    let Some(format) = format::find(&credential.format) else {
        return Err(Error::new(
            ErrorCode::FormatUnsupported,
            format!("this version does not know the format {}", credential.format),
        )
        .at(Operation::Verification));
    };
    let log = Log::default();
    let policy = wallet.policies.of(&credential.kind);
    wallet.status_lists.forget_failures();
    let mut worst: Option<Checked> = None;
    // Which keys were asked for, and what else came in the same answer, is known at issuance only; and a
    // binding that was wrong then does not become right.
    let binding = credential.report.check(CheckKind::HolderBinding);
    let binding = binding.filter(|check| check.outcome == Outcome::Failed).cloned();
    for instance in &credential.instances {
        // A key that stayed on another device is one that was asked for, too.
        let missing = instance.missing_key.iter().map(|key| HolderKey::new("", key.clone()));
        let keys: Vec<_> = instance.key.iter().cloned().chain(missing).collect();
        let asked = Asked {
            credential_issuer: &credential.credential_issuer,
            issuer_jwks: credential.issuer_jwks.as_ref(),
            format,
            kind: &credential.kind,
            contexts: &credential.contexts,
            profile: credential.profile,
            keys: &keys,
        };
        let mut checked = check(wallet, &instance.raw, &asked, &log).await;
        if let Some(binding) = &binding {
            checked.report = with_check(&checked.report, binding.clone(), policy);
        }
        if worst.as_ref().is_none_or(|worst| severity(checked.report.verdict) > severity(worst.report.verdict)) {
            worst = Some(checked);
        }
    }
    if let Some(mut worst) = worst {
        let documents = documents(wallet, &credential.credential_issuer, &log);
        let (raw, profile, ahead) = (&worst.instance.raw, credential.profile, Ahead::default());
        if let Some(typed) = wallet.look_up_type(&credential.format, raw, profile, &documents, &ahead).await {
            typed.tell(&mut worst.report, &worst.found);
            // What can't be had now is kept as it was.
            if let Some(metadata) = typed.metadata_of(&worst.found) {
                credential.type_metadata = Some(metadata);
            }
        }
        if let Some(known) = last_known_status(&credential, &worst.report) {
            worst.report = with_check(&worst.report, known, policy);
        }
        credential.quarantined = !worst.report.verdict.is_usable();
        credential.report = worst.report;
        credential.claims = worst.found.claims;
        credential.disclosable = worst.found.disclosable;
        credential.status = worst.found.status;
        if worst.found.status_found.is_some() {
            credential.status_found = worst.found.status_found;
        }
    }
    Ok(credential)
}

/// What was bad stays bad until a list says otherwise: it is not for whoever can keep the wallet from the list to
/// make a revoked credential usable again.
fn last_known_status(credential: &Credential, report: &Report) -> Option<Check> {
    let last = credential.status_found?;
    let now = report.check(CheckKind::Status).filter(|check| matches!(check.outcome, Outcome::Unknown(_)))?;
    let was = match last.value {
        StatusValue::Invalid => "it was revoked",
        StatusValue::Suspended => "it was suspended",
        _ => return None,
    };
    let detail = format!("{was} when its list was last asked ({}); {}", last.checked_at, now.detail);
    Some(Check { kind: CheckKind::Status, outcome: Outcome::Failed, detail })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::report::Reason;
    use crate::model::status::StatusFound;

    #[test]
    fn what_was_revoked_stays_so_while_its_list_is_kept_from_the_wallet() {
        let mut credential = crate::testing::credential(1);
        let report = |outcome| {
            let check = Check { kind: CheckKind::Status, outcome, detail: "no answer".to_owned() };
            Report::judge(&[check], &VerificationPolicy::default())
        };
        let away = Outcome::Unknown(Reason::Unreachable);
        assert_eq!(last_known_status(&credential, &report(away)), None);
        for (value, stays) in [
            (StatusValue::Valid, false),
            (StatusValue::Invalid, true),
            (StatusValue::Suspended, true),
            (StatusValue::Other(3), false),
        ] {
            credential.status_found = Some(StatusFound { value, checked_at: Timestamp::from_seconds(5) });
            let known = last_known_status(&credential, &report(away));
            assert_eq!(known.as_ref().map(|check| check.outcome), stays.then_some(Outcome::Failed), "{value:?}");
            assert!(known.is_none_or(|check| check.detail.contains("no answer")));
            for found in [Outcome::Passed, Outcome::Failed, Outcome::Skipped(Reason::SwitchedOff)] {
                assert_eq!(last_known_status(&credential, &report(found)), None, "{value:?} then {found:?}");
            }
        }
    }

    // covers: HAIP-28
    #[test]
    fn credentials_that_share_a_place_in_a_status_list_are_told() {
        let policy = VerificationPolicy::default();
        let good =
            Check { kind: CheckKind::Status, outcome: Outcome::Unknown(Reason::Unsupported), detail: String::new() };
        let credential = |uri: &str, idx: i64| Checked {
            instance: Instance::new(json!("x"), None),
            report: Report::judge(std::slice::from_ref(&good), &policy),
            found: Examined {
                claims: json!({ "status": { "status_list": { "uri": uri, "idx": idx } } }),
                ..Examined::of(Vec::new())
            },
        };
        let mut checked = vec![
            credential("https://a.example", 1),
            credential("https://a.example", 2),
            credential("https://b.example", 1),
            credential("https://a.example", 1),
        ];
        checked.extend([0, 1].map(|_| Checked { found: Examined::of(Vec::new()), ..credential("", 0) }));
        mark_shared_status(&mut checked, &policy);
        let failed: Vec<_> = checked.iter().map(|one| one.report.failed() == [CheckKind::Status]).collect();
        assert_eq!(failed, [false, false, false, true, false, false]);
    }
}
