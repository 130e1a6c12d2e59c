//! Reports and policies as they cross the border.

use billfold::model::report as core_report;
use billfold::{Error, ErrorCode};

/// All checks of one credential and what they mean.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Report {
    /// One check a kind.
    pub checks: Vec<Check>,
    /// What they mean.
    pub verdict: Verdict,
}

impl From<core_report::Report> for Report {
    fn from(report: core_report::Report) -> Self {
        let core_report::Report { checks, verdict } = report;
        let verdict = match verdict {
            core_report::Verdict::Verified => Verdict::Verified,
            core_report::Verdict::VerifiedWithWarnings => Verdict::VerifiedWithWarnings,
            core_report::Verdict::Unverified => Verdict::Unverified,
            core_report::Verdict::Rejected => Verdict::Rejected,
        };
        Self { checks: checks.into_iter().map(Into::into).collect(), verdict }
    }
}

/// What all checks together say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
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

/// One check of a report.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Check {
    /// What was checked.
    pub kind: CheckKind,
    /// How it came out.
    pub outcome: CheckOutcome,
    /// How it was decided, for developers.
    pub detail: String,
}

impl From<core_report::Check> for Check {
    fn from(check: core_report::Check) -> Self {
        let core_report::Check { kind, outcome, detail } = check;
        let outcome = match outcome {
            core_report::Outcome::Passed => CheckOutcome::Passed,
            core_report::Outcome::Failed => CheckOutcome::Failed,
            core_report::Outcome::Unknown(reason) => CheckOutcome::Unknown { reason: reason.into() },
            core_report::Outcome::Skipped(reason) => CheckOutcome::Skipped { reason: reason.into() },
        };
        Self { kind: kind.into(), outcome, detail }
    }
}

/// What a check looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum CheckKind {
    /// The issuer's signature.
    Signature,
    /// How the issuer's key was found.
    IssuerKey,
    /// Whether the app trusts that issuer.
    IssuerTrust,
    /// The key inside the credential is one that this wallet made for it.
    HolderBinding,
    /// The issued type is the requested type.
    Type,
    /// Not before, not after.
    Validity,
    /// SD-JWT disclosures or mdoc value digests.
    Digests,
    /// A status list.
    Status,
    /// The credential's issuer fits the credential issuer that was asked.
    Issuer,
    /// A check that this layer does not know.
    Other,
}

impl From<core_report::CheckKind> for CheckKind {
    fn from(kind: core_report::CheckKind) -> Self {
        match kind {
            core_report::CheckKind::Signature => Self::Signature,
            core_report::CheckKind::IssuerKey => Self::IssuerKey,
            core_report::CheckKind::IssuerTrust => Self::IssuerTrust,
            core_report::CheckKind::HolderBinding => Self::HolderBinding,
            core_report::CheckKind::Type => Self::Type,
            core_report::CheckKind::Validity => Self::Validity,
            core_report::CheckKind::Digests => Self::Digests,
            core_report::CheckKind::Status => Self::Status,
            core_report::CheckKind::Issuer => Self::Issuer,
            _ => Self::Other,
        }
    }
}

impl CheckKind {
    /// The core's kind; `Other` is none that could be named.
    pub(crate) fn to_core(self) -> Option<core_report::CheckKind> {
        core_report::CheckKind::ALL.into_iter().find(|&kind| self != Self::Other && Self::from(kind) == self)
    }
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum CheckOutcome {
    /// It holds.
    Passed,
    /// It does not hold.
    Failed,
    /// It could not be found out now.
    Unknown {
        /// Why.
        reason: Reason,
    },
    /// It does not apply, or is switched off.
    Skipped {
        /// Why.
        reason: Reason,
    },
}

/// Why a check gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
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
    /// A reason that this layer does not know.
    Other,
}

impl From<core_report::Reason> for Reason {
    fn from(reason: core_report::Reason) -> Self {
        match reason {
            core_report::Reason::Unbound => Self::Unbound,
            core_report::Reason::NotApplicable => Self::NotApplicable,
            core_report::Reason::SwitchedOff => Self::SwitchedOff,
            core_report::Reason::NoAnchors => Self::NoAnchors,
            core_report::Reason::Unreachable => Self::Unreachable,
            core_report::Reason::Unsupported => Self::Unsupported,
            core_report::Reason::DependsOnFailed => Self::DependsOnFailed,
            _ => Self::Other,
        }
    }
}

/// What the policy makes of one kind of check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Record)]
pub struct PolicyRule {
    /// The kind.
    pub kind: CheckKind,
    /// What becomes of it.
    pub requirement: Requirement,
}

/// What the policy makes of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Requirement {
    /// It has to pass.
    Require,
    /// Not passing is shown, and the credential usable all the same.
    Warn,
    /// It is not looked at.
    Off,
}

impl From<Requirement> for core_report::Requirement {
    fn from(requirement: Requirement) -> Self {
        match requirement {
            Requirement::Require => Self::Require,
            Requirement::Warn => Self::Warn,
            Requirement::Off => Self::Off,
        }
    }
}

/// The default policy with the rules in the place of its own.
pub(crate) fn policy_from(rules: Vec<PolicyRule>) -> Result<core_report::VerificationPolicy, Error> {
    rules.into_iter().try_fold(
        core_report::VerificationPolicy::default(),
        |policy, PolicyRule { kind, requirement }| {
            let kind = kind
                .to_core()
                .ok_or_else(|| Error::new(ErrorCode::SetupInvalid, "the policy names a check that there is not"))?;
            Ok(policy.with(kind, requirement.into()))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_can_be_named_in_a_policy() {
        for kind in core_report::CheckKind::ALL {
            assert_eq!(CheckKind::from(kind).to_core(), Some(kind));
        }
        assert_eq!(CheckKind::Other.to_core(), None);
    }
}
