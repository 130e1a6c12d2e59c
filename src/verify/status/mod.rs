//! Status lists: was a credential revoked or suspended since it was issued?
//!
//! Two families are read. **Token Status List** (Internet-Draft ietf-oauth-status-list): a JWT or CWT with one packed list,
//! which SD-JWT VCs, JWTs and mdocs point into by `status.status_list`. **Bitstring Status List** (W3C), with its
//! forerunners: a credential with a packed list, which W3C credentials point into by `credentialStatus`.
//!
//! **Privacy.** Asking for a list tells its host that somebody has a credential of it, from which address and when.
//! So nothing is fetched when the policy has [`CheckKind::Status`] off, nor for a credential whose signature does not
//! hold (its address is anybody's) or that has expired (nothing hangs on its status any more), and a list is kept
//! for as long as it allows and serves all credentials in it.
//!
//! **What comes out.** A place that says valid passes; revoked and suspended fail. What could not be had (no answer,
//! an answer that is no list, a list that has expired, a signer that nothing vouches for) is unknown: whoever keeps
//! the wallet from the list should not be able to take the credential away. What was had and is wrong (a broken
//! signature, another list, another kind, a place behind its end) fails, as the specification wants (Token Status
//! List section 8.3). A value that only the issuer's own rules explain is unknown; it is passed on to the app.
//!
//! **Who may sign a list** is told in [`signer`].

mod bitstring;
#[cfg(test)]
mod bitstring_tests;
mod cache;
#[cfg(test)]
mod cache_tests;
#[cfg(test)]
mod cwt_tests;
mod list;
mod read;
mod reference;
mod signer;
#[cfg(test)]
mod tests;
mod token_list;
#[cfg(test)]
mod vector_tests;
#[cfg(test)]
mod wire_tests;

use futures_util::future::join_all;
use url::Url;

pub(crate) use self::cache::StatusLists;
use self::read::{Content, Family, List};
pub(crate) use self::reference::{Problem, Stated};
use super::public_key::IssuerPublicKey;
use super::{VerifyContext, Wanted};
use crate::model::report::{Check, CheckKind, Outcome, Reason};
use crate::model::status::{StatusEntry, StatusFound, StatusReference, StatusValue};
use crate::model::time::Timestamp;

/// The largest list, as it comes and inflated.
const MAX_OCTETS: usize = 4 << 20;

/// For how many seconds a list is kept that does not say for how long.
const DEFAULT_TTL: f64 = 900.0;

/// Whose status it is.
pub(crate) struct Subject<'a> {
    /// The credential's issuer identifier, if it has one.
    pub(crate) issuer: Option<&'a str>,
    /// The keys of its issuer.
    pub(crate) keys: &'a [IssuerPublicKey],
    /// What was found out about it so far.
    pub(crate) checks: &'a [Check],
}

/// Why there is no status, as the outcome of the check.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Trouble {
    outcome: Outcome,
    detail: String,
}

impl Trouble {
    fn failed(detail: impl Into<String>) -> Self {
        Self { outcome: Outcome::Failed, detail: detail.into() }
    }

    fn unknown(reason: Reason, detail: impl Into<String>) -> Self {
        Self { outcome: Outcome::Unknown(reason), detail: detail.into() }
    }
}

/// Looks up what a credential's status lists say.
pub(crate) async fn check(
    stated: &Stated,
    of: &Subject<'_>,
    context: &VerifyContext<'_>,
) -> (Check, Option<StatusFound>) {
    let without = |outcome, detail: &str| (Check { kind: CheckKind::Status, outcome, detail: detail.to_owned() }, None);
    if context.policy.is_off(CheckKind::Status) {
        return without(Outcome::Skipped(Reason::SwitchedOff), "status lists are not asked for");
    }
    if stated.reference.is_none() && stated.problem.is_none() {
        return without(Outcome::Skipped(Reason::NotApplicable), "the credential has no status list");
    }
    let mut places = Vec::new();
    match stated.problem {
        None => {}
        Some(Problem::Malformed(why)) => places.push(Err(Trouble::failed(why))),
        Some(Problem::Unsupported(why)) => places.push(Err(Trouble::unknown(Reason::Unsupported, why))),
    }
    if let Some(reference) = &stated.reference {
        if let Some(why) = not_worth_asking(of, context) {
            return without(Outcome::Unknown(Reason::DependsOnFailed), why);
        }
        match reference {
            StatusReference::TokenStatusList { uri, index } => places.push(token(uri, *index, of, context).await),
            // Side by side: each list may be on a host of its own.
            StatusReference::Bitstring(entries) => {
                places.extend(join_all(entries.iter().map(|entry| bit(entry, of, context))).await);
            }
        }
    }
    conclude(places, context.now)
}

/// A list is asked for only on behalf of a credential that is genuine and still of use.
fn not_worth_asking(of: &Subject<'_>, context: &VerifyContext<'_>) -> Option<&'static str> {
    let found = |kind| {
        let check = of.checks.iter().find(|check| check.kind == kind && !context.policy.is_off(kind));
        check.map(|check| check.outcome)
    };
    match (found(CheckKind::Signature), found(CheckKind::Validity)) {
        (Some(Outcome::Failed | Outcome::Unknown(_)), _) => {
            Some("the list is not asked for: the credential's signature does not hold")
        }
        (_, Some(Outcome::Failed)) => Some("the list is not asked for: the credential is not valid at this time"),
        _ => None,
    }
}

/// What one place says, with words for it.
type Place = Result<(StatusValue, Outcome, String), Trouble>;

fn conclude(places: Vec<Place>, now: Timestamp) -> (Check, Option<StatusFound>) {
    let weight = |place: &Place| match place {
        Ok((StatusValue::Invalid, ..)) => 0,
        Ok((StatusValue::Suspended, ..)) => 1,
        Err(Trouble { outcome: Outcome::Failed, .. }) => 2,
        Err(_) => 3,
        Ok((_, Outcome::Unknown(_), _)) => 4,
        Ok((StatusValue::Other(_), ..)) => 5,
        Ok(_) => 6,
    };
    let worst = places.into_iter().min_by_key(weight).expect("there is a place or a problem");
    let kind = CheckKind::Status;
    match worst {
        Ok((value, outcome, detail)) => (Check { kind, outcome, detail }, Some(StatusFound { value, checked_at: now })),
        Err(Trouble { outcome, detail }) => (Check { kind, outcome, detail }, None),
    }
}

async fn token(uri: &str, index: u64, of: &Subject<'_>, context: &VerifyContext<'_>) -> Place {
    let list = fetch(uri, Family::Token, context).await?;
    let Content::Token(token) = &list.content else { return Err(another_family()) };
    if token.subject != uri {
        return Err(Trouble::failed("the status list is another one than the credential names (`sub`)"));
    }
    signer::check(&list, token.issuer.as_deref(), uri, of, context).await?;
    token.times.check(context)?;
    Ok(match token.value(index)? {
        0 => valid(),
        1 => revoked(),
        2 => suspended(),
        other => own_meaning(other),
    })
}

async fn bit(entry: &StatusEntry, of: &Subject<'_>, context: &VerifyContext<'_>) -> Place {
    let list = fetch(&entry.list, Family::Bitstring, context).await?;
    let Content::Bitstring(bits) = &list.content else { return Err(another_family()) };
    let is_address = |id: &&str| Url::parse(id).is_ok_and(|id| id.has_host());
    if bits.id.as_deref().filter(is_address).is_some_and(|id| id != entry.list) {
        let detail = "the status list calls itself by another address than the credential does";
        return Err(Trouble::unknown(Reason::Unsupported, detail));
    }
    signer::check(&list, bits.issuer.as_deref(), &entry.list, of, context).await?;
    bits.times.check(context)?;
    Ok(match (entry.purpose.as_str(), bits.value(&entry.purpose, entry.index, entry.size)?) {
        (_, 0) => valid(),
        ("revocation", _) => revoked(),
        ("suspension", _) => suspended(),
        ("refresh", value) => {
            (StatusValue::Other(value), Outcome::Passed, "its issuer has a newer one (`refresh`)".to_owned())
        }
        ("message", value) => {
            let detail = format!("it is valid as far as the list tells, with the message of value {value}");
            (StatusValue::Other(value), Outcome::Passed, detail)
        }
        (_, other) => own_meaning(other),
    })
}

fn valid() -> (StatusValue, Outcome, String) {
    (StatusValue::Valid, Outcome::Passed, "its status list says that it is valid".to_owned())
}

fn revoked() -> (StatusValue, Outcome, String) {
    (StatusValue::Invalid, Outcome::Failed, "it was revoked".to_owned())
}

fn suspended() -> (StatusValue, Outcome, String) {
    (StatusValue::Suspended, Outcome::Failed, "it is suspended".to_owned())
}

fn own_meaning(value: u8) -> (StatusValue, Outcome, String) {
    let detail = format!("its status has the value {value}, of which only the issuer's own rules tell the meaning");
    (StatusValue::Other(value), Outcome::Unknown(Reason::Unsupported), detail)
}

fn another_family() -> Trouble {
    Trouble::failed("the status list is of another kind than the credential says")
}

async fn fetch(uri: &str, family: Family, context: &VerifyContext<'_>) -> Result<std::sync::Arc<List>, Trouble> {
    let url = Url::parse(uri).map_err(|_| Trouble::failed("the status list's address is not a URL"))?;
    let ask = async {
        let want = Wanted { accept: family.accept(), max_bytes: MAX_OCTETS };
        let fetched = context.documents.fetch(&url, want).await.map_err(|error| {
            Trouble::unknown(Reason::Unreachable, format!("the status list could not be had: {error}"))
        })?;
        List::read(fetched, family)
    };
    context.status_lists.get(&url, family, context.now, ask).await
}

/// When a list was made, when it ends, and for how long it may be kept, in seconds.
#[derive(Clone, Copy, Debug, Default)]
struct Times {
    starts: Option<f64>,
    ends: Option<f64>,
    ttl: Option<f64>,
}

impl Times {
    /// Takes one more moment: the latest start and the earliest end count.
    fn add(&mut self, at: f64, starts: bool) {
        let side = if starts { &mut self.starts } else { &mut self.ends };
        *side = Some(side.map_or(at, |other| if starts { other.max(at) } else { other.min(at) }));
    }

    /// Whether it holds now. One that does not is as good as none.
    fn check(&self, context: &VerifyContext<'_>) -> Result<(), Trouble> {
        #[allow(clippy::cast_precision_loss)] // no clock is that far away
        let (now, skew) = (context.now.seconds() as f64, context.skew as f64);
        if self.ends.is_some_and(|ends| ends <= now - skew) {
            let detail = "the status list has expired, and there is no newer one";
            return Err(Trouble::unknown(Reason::Unreachable, detail));
        }
        if self.starts.is_some_and(|starts| starts > now + skew) {
            return Err(Trouble::unknown(Reason::Unreachable, "the status list is from the future"));
        }
        Ok(())
    }

    /// Until when it may be kept that came at this moment.
    fn fresh_until(&self, at: Timestamp) -> Timestamp {
        // What is no sensible duration is none at all.
        let ttl = self.ttl.filter(|ttl| *ttl > 0.0).unwrap_or(DEFAULT_TTL);
        #[allow(clippy::cast_possible_truncation)] // saturates, as it should
        let (kept, ends) =
            (at + ttl.floor() as i64, self.ends.map(|ends| Timestamp::from_seconds(ends.floor() as i64)));
        ends.map_or(kept, |ends| ends.min(kept))
    }
}
