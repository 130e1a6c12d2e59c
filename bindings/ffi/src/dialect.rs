//! How issuers depart from OpenID4VCI 1.0, and what the wallet makes of it: for integrators.

/// Whose ways of speaking a wallet puts up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Dialects {
    /// OpenID4VCI 1.0 Final, its drafts back to the eleventh, and the deployed systems that mix them.
    Any,
    /// OpenID4VCI 1.0 Final only. Whatever departs from it is an error. HAIP implies it.
    Strict,
}

impl From<Dialects> for billfold::Dialects {
    fn from(dialects: Dialects) -> Self {
        match dialects {
            Dialects::Any => Self::Any,
            Dialects::Strict => Self::Strict,
        }
    }
}

/// Something in which an issuer departs from OpenID4VCI 1.0 Final and that was put up with.
///
/// By its name, as error codes are: each version of the core may know more of them.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Tolerance {
    /// The stable name, such as `single_proof`.
    pub name: String,
    /// What it is, in a sentence for developers.
    pub sentence: String,
}

impl From<billfold::Tolerance> for Tolerance {
    fn from(tolerance: billfold::Tolerance) -> Self {
        Self { name: tolerance.as_str().to_owned(), sentence: tolerance.to_string() }
    }
}

/// How an issuer is spoken to, and why: for logs and bug reports. Nothing in it is a secret, and nothing for users.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct DialectReport {
    /// What the issuer's metadata looks like, such as `1.0` or `draft 13`. A guess for show: nothing depends on it.
    pub looks_like: String,
    /// What was seen in the issuer's metadata that tells drafts apart.
    pub seen: Vec<String>,
    /// What was concluded, behaviour by behaviour.
    pub concluded: Vec<Conclusion>,
    /// The members of the credential request that will be sent, in words.
    pub request: String,
    /// What was put up with so far.
    pub tolerated: Vec<Tolerance>,
}

impl From<billfold::DialectReport> for DialectReport {
    fn from(report: billfold::DialectReport) -> Self {
        let billfold::DialectReport { looks_like, seen, concluded, request, tolerated, .. } = report;
        Self {
            looks_like,
            seen: seen.into_iter().map(str::to_owned).collect(),
            concluded: concluded.into_iter().map(Into::into).collect(),
            request,
            tolerated: tolerated.into_iter().map(Into::into).collect(),
        }
    }
}

/// One behaviour of an issuer.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Conclusion {
    /// Which behaviour, such as `nonce` or `credential_request`.
    pub behaviour: String,
    /// What was concluded about it.
    pub conclusion: String,
}

impl From<billfold::Conclusion> for Conclusion {
    fn from(conclusion: billfold::Conclusion) -> Self {
        let billfold::Conclusion { behaviour, conclusion, .. } = conclusion;
        Self { behaviour: behaviour.to_owned(), conclusion: conclusion.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_core_s() {
        for tolerance in billfold::Tolerance::ALL {
            let copied = Tolerance::from(*tolerance);
            assert_eq!(copied.name, tolerance.as_str());
            assert!(!copied.sentence.is_empty() && copied.sentence != copied.name);
        }
        for (dialects, expected) in [(Dialects::Any, "any"), (Dialects::Strict, "strict")] {
            assert_eq!(billfold::Dialects::from(dialects).as_str(), expected);
        }
    }
}
