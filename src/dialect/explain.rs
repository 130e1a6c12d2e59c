//! What was seen of an issuer, what follows from it, and what will be sent: for integrators.

use super::detect::{FINAL, Sign};
use super::form::{ProofMember, SelectorForm};
use super::tolerance::{Tolerance, Tolerated};
use super::{Basis, Deferral, DetailsBy, EncryptionForm, PinParameter, Push, Quirks, StateEcho, WellKnown};

/// How an issuer is spoken to, and why.
///
/// Made for `wallet inspect --verbose`, logs and bug reports. Nothing in it is a secret, and nothing in it is for
/// users.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DialectReport {
    /// What the issuer's metadata looks like: `1.0`, `draft 13`, `draft 13 to draft 14` where it fits several, or
    /// `a mixture of draft 14 and draft 15`. A guess for show: nothing depends on it.
    pub looks_like: String,
    /// What was seen in the issuer's metadata that tells drafts apart.
    pub seen: Vec<&'static str>,
    /// What was concluded, behaviour by behaviour.
    pub concluded: Vec<Conclusion>,
    /// The members of the credential request that will be sent, in words.
    pub request: String,
    /// What was put up with so far.
    pub tolerated: Vec<Tolerance>,
}

/// One behaviour of an issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Conclusion {
    /// Which behaviour, such as `nonce` or `credential_request`.
    pub behaviour: &'static str,
    /// What was concluded about it.
    pub conclusion: &'static str,
}

/// Puts what is known into words.
pub(crate) fn report(quirks: &Quirks, has_nonce_endpoint: bool, tolerated: &Tolerated) -> DialectReport {
    let concluded = |behaviour, conclusion| Conclusion { behaviour, conclusion };
    let mut conclusions = vec![
        concluded(
            "metadata",
            match quirks.well_known {
                WellKnown::Inserted => "between host and path",
                WellKnown::Appended => "after the path",
            },
        ),
        concluded(
            "credential_request",
            match (quirks.request.selector, quirks.basis) {
                (_, Basis::Nothing) => "as in 1.0, unless the token answer brings a nonce: then by format and type",
                (SelectorForm::Configuration, _) => "by configuration",
                (SelectorForm::Format, _) => "by format and type",
                (SelectorForm::Both, _) => "by configuration, format and type at once",
            },
        ),
        concluded(
            "proof",
            match (quirks.request.proof, quirks.basis) {
                (_, Basis::Nothing) => "`proofs`, unless the token answer brings a nonce: then `proof`",
                (ProofMember::Proofs, _) => "`proofs`",
                (ProofMember::Proof, _) => "one `proof`",
            },
        ),
        concluded(
            "basis",
            match quirks.basis {
                Basis::Nothing => "nothing in the metadata tells",
                Basis::Evidence => "what the metadata shows",
                Basis::Experience => "what this issuer took before",
            },
        ),
        concluded(
            "nonce",
            if has_nonce_endpoint { "from the nonce endpoint" } else { "from answers, where they have one" },
        ),
        concluded(
            "authorization_details",
            match quirks.details {
                DetailsBy::Configuration => "by configuration",
                DetailsBy::Format => "by format and type",
            },
        ),
    ];
    let departures = [
        (quirks.encryption == EncryptionForm::BesideKey).then_some(("encryption", "the algorithm beside the key")),
        (quirks.encryption == EncryptionForm::Flat).then_some(("encryption", "in members of their own")),
        (quirks.pin == PinParameter::UserPin).then_some(("transaction_code", "sent as `user_pin`")),
        (quirks.deferral == Deferral::AcceptanceToken).then_some(("deferred", "by `acceptance_token`")),
        (quirks.state == StateEcho::MayBeMissing).then_some(("state", "may be missing in the redirect; PKCE holds it")),
        (quirks.push == Push::Demanded).then_some(("pushed_requests", "only where the server demands them")),
    ];
    conclusions.extend(departures.into_iter().flatten().map(|(behaviour, says)| concluded(behaviour, says)));
    let selector = match quirks.request.selector {
        SelectorForm::Configuration => "`credential_configuration_id`",
        SelectorForm::Format => "`format` and the type",
        SelectorForm::Both => "`credential_configuration_id`, `format` and the type",
    };
    let proof = match quirks.request.proof {
        ProofMember::Proofs => "`proofs`",
        ProofMember::Proof => "`proof`",
    };
    DialectReport {
        looks_like: if quirks.seen.is_empty() && quirks.basis == Basis::Evidence {
            // Nothing was looked for.
            "1.0, as nothing else is taken".to_owned()
        } else {
            looks_like(&quirks.seen)
        },
        seen: quirks.seen.iter().map(|sign| sign.text()).collect(),
        concluded: conclusions,
        request: format!("{selector} with {proof}; `credential_identifier` where the token answer names datasets"),
        tolerated: tolerated.iter().copied().collect(),
    }
}

/// The drafts that have most of what was seen; where they contradict each other, the newest sign speaks.
fn looks_like(seen: &[Sign]) -> String {
    let name = |draft: u8| if draft >= FINAL { "1.0".to_owned() } else { format!("draft {draft}") };
    if seen.is_empty() {
        return "anything from draft 13 to 1.0".to_owned();
    }
    // Without an older catalogue there is a newer one.
    let older = seen.iter().any(|sign| matches!(sign, Sign::SupportedList | Sign::SupportedMap));
    let first = if older { 11 } else { 13 };
    let oldest = seen.iter().map(|sign| sign.drafts().0).max().unwrap_or(FINAL).max(first);
    let newest = seen.iter().map(|sign| sign.drafts().1).min().unwrap_or(FINAL);
    match (oldest, newest) {
        (oldest, newest) if oldest == newest => name(oldest),
        (oldest, newest) if oldest < newest => format!("{} to {}", name(oldest), name(newest)),
        (oldest, newest) => format!("a mixture of {} and {}", name(newest), name(oldest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_are_as_wide_as_the_signs() {
        for (seen, expected) in [
            (vec![], "anything from draft 13 to 1.0"),
            (vec![Sign::CredentialMetadata, Sign::NonceEndpoint], "1.0"),
            (vec![Sign::NonceEndpoint], "draft 15 to 1.0"),
            (vec![Sign::NonceEndpoint, Sign::ClaimPaths], "draft 15"),
            (vec![Sign::ClaimsTree], "draft 13 to draft 14"),
            (vec![Sign::SupportedList, Sign::ClaimsTree], "draft 11"),
            (vec![Sign::NonceEndpoint, Sign::ClaimsTree], "a mixture of draft 14 and draft 15"),
        ] {
            assert_eq!(looks_like(&seen), expected);
        }
    }
}
