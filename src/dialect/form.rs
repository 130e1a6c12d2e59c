//! What a credential request can look like, and what is tried after what.

use serde::{Deserialize, Serialize};

use super::Basis;

/// The form of a credential request. Where the token response names datasets, `credential_identifier` takes the
/// selector's place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct RequestForm {
    pub(crate) selector: SelectorForm,
    pub(crate) proof: ProofMember,
}

/// How a request says which credential it wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SelectorForm {
    /// `credential_configuration_id`: from draft 15.
    #[default]
    Configuration,
    /// `format` with the type: up to draft 14.
    Format,
    /// All of it: no draft has that, and one system demands it.
    Both,
}

/// Where a request has its proofs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProofMember {
    /// `proofs`: from draft 14.
    #[default]
    Proofs,
    /// `proof`, which has room for one: up to draft 15.
    Proof,
}

/// How many requests are sent for one credential at most, the first included: each may use a nonce up.
pub(crate) const MOST_FORMS: usize = 3;

impl RequestForm {
    /// That of 1.0.
    pub(crate) const FINAL: Self = Self { selector: SelectorForm::Configuration, proof: ProofMember::Proofs };
    /// That of draft 13 and older ones.
    pub(crate) const OLD: Self = Self { selector: SelectorForm::Format, proof: ProofMember::Proof };
    /// Everything that anybody asks for, but for `proofs`.
    pub(crate) const WHOLE: Self = Self { selector: SelectorForm::Both, proof: ProofMember::Proof };
    const CONFIGURATION_PROOF: Self = Self { selector: SelectorForm::Configuration, proof: ProofMember::Proof };

    /// Whether a refusal is one of the form: the issuer did not understand what it was asked for, or does not take
    /// it this way. Some say so with the status of a server failure, and some say nothing at all.
    pub(crate) fn is_refused(status: u16, said: Option<&str>) -> bool {
        match said {
            Some(error) => matches!(
                error,
                "invalid_credential_request"
                    | "invalid_request"
                    | "unsupported_credential_format"
                    | "unsupported_credential_type"
                    | "unknown_credential_configuration"
            ),
            None => matches!(status, 400 | 422),
        }
    }

    /// What to try after these were refused, in this order; none if it is enough.
    ///
    /// The neighbours come first: of a form with `proofs` the same with `proof`, and of one by format the one by
    /// configuration. The form that has it all comes before those that are further off. Where the metadata told
    /// nothing, the issuer may as well be of the older kind: then its form is the neighbour.
    pub(crate) fn next(tried: &[Self], basis: Basis, usable: impl Fn(Self) -> bool) -> Option<Self> {
        if tried.len() >= MOST_FORMS {
            return None;
        }
        let order: [Self; 4] = match (tried.first()?.selector, basis) {
            (SelectorForm::Format, _) => [Self::OLD, Self::CONFIGURATION_PROOF, Self::FINAL, Self::WHOLE],
            (_, Basis::Nothing) => [Self::FINAL, Self::OLD, Self::WHOLE, Self::CONFIGURATION_PROOF],
            _ => [Self::FINAL, Self::CONFIGURATION_PROOF, Self::WHOLE, Self::OLD],
        };
        order.into_iter().find(|form| !tried.contains(form) && usable(*form))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_forms_are_tried_and_none_twice() {
        let ladder_on = |basis, first: RequestForm, usable: fn(RequestForm) -> bool| {
            let mut tried = vec![first];
            while let Some(next) = RequestForm::next(&tried, basis, usable) {
                assert!(!tried.contains(&next));
                tried.push(next);
            }
            tried
        };
        let ladder = |first, usable| ladder_on(Basis::Evidence, first, usable);
        let any = |_| true;
        let (new, old, whole) = (RequestForm::FINAL, RequestForm::OLD, RequestForm::WHOLE);
        let one = RequestForm::CONFIGURATION_PROOF;
        assert_eq!(ladder(new, any), [new, one, whole]);
        assert_eq!(ladder(old, any), [old, one, new]);
        assert_eq!(ladder(whole, any), [whole, new, one]);
        assert_eq!(ladder_on(Basis::Nothing, new, any), [new, old, whole]);
        // Several keys fit in `proofs` only.
        let several = |form: RequestForm| form.proof == ProofMember::Proofs;
        assert_eq!(ladder(new, several), [new]);
        // A format without a type that a request could name.
        let nameless = |form: RequestForm| form.selector == SelectorForm::Configuration;
        assert_eq!(ladder(new, nameless), [new, one]);
    }
}
