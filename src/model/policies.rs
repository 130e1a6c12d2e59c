//! Which verification policy holds for which credential.

use std::collections::BTreeMap;

use super::metadata::CredentialKind;
use super::report::VerificationPolicy;

/// A wallet's policy, and others for some types of credentials.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policies {
    /// For every type that has none of its own.
    pub(crate) default: VerificationPolicy,
    by_type: BTreeMap<String, VerificationPolicy>,
}

impl Policies {
    /// Sets the policy of one type: a `vct`, a doctype or a W3C type.
    pub(crate) fn set(&mut self, type_name: String, policy: VerificationPolicy) {
        self.by_type.insert(type_name, policy);
    }

    /// The policy for a kind of credential. W3C credentials have several types, from the general to the
    /// particular by custom: the last one with a policy of its own decides.
    pub(crate) fn of(&self, kind: &CredentialKind) -> &VerificationPolicy {
        let own = match kind {
            CredentialKind::Vct(name) | CredentialKind::Doctype(name) => self.by_type.get(name),
            CredentialKind::Types(names) => names.iter().rev().find_map(|name| self.by_type.get(name)),
            CredentialKind::Unknown => None,
        };
        own.unwrap_or(&self.default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::{CheckKind, Requirement};

    #[test]
    fn the_most_particular_policy_holds() {
        let [default, degree, any, pid] = [CheckKind::Type, CheckKind::Status, CheckKind::Issuer, CheckKind::Digests]
            .map(|kind| VerificationPolicy::default().with(kind, Requirement::Off));
        let mut policies = Policies { default: default.clone(), ..Policies::default() };
        policies.set("VerifiableCredential".to_owned(), any.clone());
        policies.set("Degree".to_owned(), degree.clone());
        policies.set("urn:pid".to_owned(), pid.clone());
        let types = |names: &[&str]| CredentialKind::Types(names.iter().map(|name| (*name).to_owned()).collect());
        for (kind, policy) in [
            (types(&["VerifiableCredential", "Degree"]), &degree),
            (types(&["VerifiableCredential", "Badge"]), &any),
            (types(&["VerifiableCredential", "Degree", "Badge"]), &degree),
            (types(&["Badge"]), &default),
            (CredentialKind::Vct("urn:pid".to_owned()), &pid),
            (CredentialKind::Doctype("urn:pid".to_owned()), &pid),
            (CredentialKind::Vct("urn:other".to_owned()), &default),
            (CredentialKind::Unknown, &default),
        ] {
            assert_eq!(policies.of(&kind), policy, "{kind:?}");
        }
    }
}
