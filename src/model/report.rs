//! What was checked on a credential, how it came out, and what that means.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What a check looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CheckKind {
    /// The issuer's signature.
    Signature,
    /// How the issuer's key was found.
    IssuerKey,
    /// Whether the app trusts that issuer: an anchor or an allow-list.
    IssuerTrust,
    /// The key inside the credential is one that this wallet made for it.
    HolderBinding,
    /// The issued type is the requested type.
    Type,
    /// Not before, not after.
    Validity,
    /// SD-JWT disclosures or mdoc value digests.
    Digests,
    /// A status list: whether the credential was revoked or suspended. Looking it up tells the list's host that
    /// somebody has a credential of it; switched off by the policy, nothing is asked.
    Status,
    /// The credential's issuer fits the credential issuer that was asked.
    Issuer,
}

impl CheckKind {
    /// All kinds, in the order in which reports list them.
    pub const ALL: [Self; 9] = [
        Self::Signature,
        Self::IssuerKey,
        Self::IssuerTrust,
        Self::Issuer,
        Self::HolderBinding,
        Self::Type,
        Self::Validity,
        Self::Digests,
        Self::Status,
    ];

    /// The name in JSON and on command lines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::IssuerKey => "issuer_key",
            Self::IssuerTrust => "issuer_trust",
            Self::HolderBinding => "holder_binding",
            Self::Type => "type",
            Self::Validity => "validity",
            Self::Digests => "digests",
            Self::Status => "status",
            Self::Issuer => "issuer",
        }
    }

    /// From the name; `issuer-key` is `issuer_key`.
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.replace('-', "_");
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for CheckKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is", content = "reason")]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not hold.
    Failed,
    /// It could not be found out now.
    Unknown(Reason),
    /// It does not apply, or is switched off.
    Skipped(Reason),
}

/// Why a check gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// The credential is bound to no key, and its format allows that.
    Unbound,
    /// The format has nothing of the kind.
    NotApplicable,
    /// The policy switched it off.
    SwitchedOff,
    /// The app named no anchors and no allowed issuers.
    NoAnchors,
    /// What is needed did not answer.
    Unreachable,
    /// A method, algorithm or key type that this version does not know.
    Unsupported,
    /// A check that this one builds on did not pass.
    DependsOnFailed,
}

/// One check of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was checked.
    pub kind: CheckKind,
    /// How it came out.
    pub outcome: Outcome,
    /// How it was decided, for developers. Holds no claim of the credential's subject.
    pub detail: String,
}

/// What the policy makes of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Requirement {
    /// It has to pass.
    Require,
    /// Not passing is shown, and the credential usable all the same.
    Warn,
    /// It is not looked at.
    Off,
}

impl Requirement {
    /// From the name on a command line.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "require" => Some(Self::Require),
            "warn" => Some(Self::Warn),
            "off" => Some(Self::Off),
            _ => None,
        }
    }
}

/// Which checks a credential has to pass.
///
/// The default requires all but [`CheckKind::IssuerTrust`], which is required once the wallet has
/// trust anchors or trusted issuers, [`CheckKind::Status`], which is required when the list could be reached, and
/// [`CheckKind::Issuer`], which is required unless the credential's issuer is another party that
/// nothing links to the one that was asked (OpenID4VCI section 14.4 lets issuers serve others);
/// otherwise these three only warn.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerificationPolicy {
    chosen: BTreeMap<CheckKind, Requirement>,
}

impl VerificationPolicy {
    /// Sets what becomes of one kind of check.
    #[must_use]
    pub fn with(mut self, kind: CheckKind, requirement: Requirement) -> Self {
        self.chosen.insert(kind, requirement);
        self
    }

    /// What becomes of a kind of check, given how it came out.
    pub fn requirement(&self, kind: CheckKind, outcome: Outcome) -> Requirement {
        if let Some(chosen) = self.chosen.get(&kind) {
            return *chosen;
        }
        match (kind, outcome) {
            (CheckKind::IssuerTrust | CheckKind::Status | CheckKind::Issuer, Outcome::Unknown(_)) => Requirement::Warn,
            _ => Requirement::Require,
        }
    }

    /// Whether a kind of check is switched off, so that nothing need be fetched for it.
    pub fn is_off(&self, kind: CheckKind) -> bool {
        self.chosen.get(&kind) == Some(&Requirement::Off)
    }
}

/// What all checks together say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every required check passed.
    Verified,
    /// Every required check passed, another did not.
    VerifiedWithWarnings,
    /// A required check could not be decided now; it can be tried again.
    Unverified,
    /// A required check failed.
    Rejected,
}

impl Verdict {
    /// Whether the credential may be used.
    pub fn is_usable(self) -> bool {
        matches!(self, Self::Verified | Self::VerifiedWithWarnings)
    }

    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::VerifiedWithWarnings => "verified_with_warnings",
            Self::Unverified => "unverified",
            Self::Rejected => "rejected",
        }
    }
}

/// All checks of one credential, and the verdict under the policy of that moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// One check a kind, in the order of [`CheckKind::ALL`].
    pub checks: Vec<Check>,
    /// What they mean.
    pub verdict: Verdict,
}

impl Report {
    /// Judges checks by a policy. Kinds without a check are taken as not applicable.
    ///
    /// A credential bound to a key that is not this wallet's is rejected under every policy.
    pub fn judge(found: &[Check], policy: &VerificationPolicy) -> Self {
        let mut checks = Vec::with_capacity(CheckKind::ALL.len());
        let mut verdict = Verdict::Verified;
        for kind in CheckKind::ALL {
            let mut check = found.iter().find(|check| check.kind == kind).cloned().unwrap_or_else(|| Check {
                kind,
                outcome: Outcome::Skipped(Reason::NotApplicable),
                detail: String::new(),
            });
            let foreign_key = kind == CheckKind::HolderBinding && check.outcome == Outcome::Failed;
            let requirement = if foreign_key { Requirement::Require } else { policy.requirement(kind, check.outcome) };
            if requirement == Requirement::Off {
                check.outcome = Outcome::Skipped(Reason::SwitchedOff);
            }
            let means = match (requirement, check.outcome) {
                (Requirement::Off, _) | (_, Outcome::Passed | Outcome::Skipped(_)) => Verdict::Verified,
                (Requirement::Require, Outcome::Failed) => Verdict::Rejected,
                (Requirement::Require, Outcome::Unknown(_)) => Verdict::Unverified,
                (Requirement::Warn, Outcome::Failed | Outcome::Unknown(_)) => Verdict::VerifiedWithWarnings,
            };
            verdict = worse(verdict, means);
            checks.push(check);
        }
        Self { checks, verdict }
    }

    /// The check of a kind.
    pub fn check(&self, kind: CheckKind) -> Option<&Check> {
        self.checks.iter().find(|check| check.kind == kind)
    }

    /// The kinds that failed.
    pub fn failed(&self) -> Vec<CheckKind> {
        self.checks.iter().filter(|check| check.outcome == Outcome::Failed).map(|check| check.kind).collect()
    }
}

fn worse(a: Verdict, b: Verdict) -> Verdict {
    let rank = |verdict| match verdict {
        Verdict::Verified => 0,
        Verdict::VerifiedWithWarnings => 1,
        Verdict::Unverified => 2,
        Verdict::Rejected => 3,
    };
    if rank(b) > rank(a) { b } else { a }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: CheckKind, outcome: Outcome) -> Check {
        Check { kind, outcome, detail: "because".to_owned() }
    }

    #[test]
    fn the_worst_required_check_decides() {
        let table = [
            (vec![check(CheckKind::Signature, Outcome::Passed)], Verdict::Verified),
            (vec![check(CheckKind::IssuerTrust, Outcome::Unknown(Reason::Unreachable))], Verdict::VerifiedWithWarnings),
            (vec![check(CheckKind::IssuerTrust, Outcome::Skipped(Reason::NoAnchors))], Verdict::Verified),
            (vec![check(CheckKind::IssuerTrust, Outcome::Failed)], Verdict::Rejected),
            (vec![check(CheckKind::Issuer, Outcome::Unknown(Reason::Unsupported))], Verdict::VerifiedWithWarnings),
            (vec![check(CheckKind::Issuer, Outcome::Failed)], Verdict::Rejected),
            (vec![check(CheckKind::IssuerKey, Outcome::Unknown(Reason::Unreachable))], Verdict::Unverified),
            (
                vec![
                    check(CheckKind::IssuerKey, Outcome::Unknown(Reason::Unreachable)),
                    check(CheckKind::Validity, Outcome::Failed),
                ],
                Verdict::Rejected,
            ),
        ];
        for (checks, verdict) in table {
            let report = Report::judge(&checks, &VerificationPolicy::default());
            assert_eq!(report.verdict, verdict, "{checks:?}");
            assert_eq!(report.checks.len(), CheckKind::ALL.len());
        }
    }

    #[test]
    fn a_policy_softens_everything_but_a_foreign_key() {
        let lax = CheckKind::ALL
            .into_iter()
            .fold(VerificationPolicy::default(), |policy, kind| policy.with(kind, Requirement::Off));
        let bad = |kind| Report::judge(&[check(kind, Outcome::Failed)], &lax);
        assert_eq!(bad(CheckKind::Validity).verdict, Verdict::Verified);
        assert_eq!(bad(CheckKind::HolderBinding).verdict, Verdict::Rejected);
        let warn = VerificationPolicy::default().with(CheckKind::Validity, Requirement::Warn);
        let report = Report::judge(&[check(CheckKind::Validity, Outcome::Failed)], &warn);
        assert_eq!(report.verdict, Verdict::VerifiedWithWarnings);
        assert_eq!(report.failed(), [CheckKind::Validity]);
    }
}
