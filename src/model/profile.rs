//! How much of a specification's choice is left to issuers.

use serde::{Deserialize, Serialize};

/// The rules that an issuance is held to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Profile {
    /// OpenID4VCI as it stands: what is safer is used where the issuer offers it, and an ordinary
    /// issuer that offers nothing of it works too.
    #[default]
    Base,
    /// `OpenID4VC` High Assurance Interoperability Profile 1.0: what it demands of issuers is demanded
    /// here, and an issuance that falls short is refused before anything is spent.
    Haip,
}

impl Profile {
    /// The name in JSON and on command lines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Haip => "haip",
        }
    }

    /// Whether HAIP's rules apply.
    pub(crate) fn is_haip(self) -> bool {
        self == Self::Haip
    }
}
