//! The dialects that this issuer can speak.

use std::fmt;
use std::str::FromStr;

/// What kind of issuer to be.
///
/// Names of dialects that are planned but not there yet are known, so that asking for one is
/// told apart from a typing error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Profile {
    /// `OpenID4VCI` 1.0 Final, strict.
    #[default]
    Final,
}

/// Profiles that have a name already but no server yet.
const PLANNED: [&str; 10] =
    ["haip", "draft15", "draft14", "draft13", "draft12", "draft11", "identus", "vercre", "didroom", "sphereon"];

impl Profile {
    /// Every profile that can be served.
    pub const ALL: &[Self] = &[Self::Final];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Final => "final",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(profile) = Self::ALL.iter().find(|profile| profile.name() == text) {
            return Ok(*profile);
        }
        let known: Vec<_> = Self::ALL.iter().map(|profile| profile.name()).collect();
        let reason =
            if PLANNED.contains(&text) { "is planned but this issuer cannot serve it yet" } else { "is not a profile" };
        Err(format!("'{text}' {reason}; available: {}", known.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planned_and_unknown_names_are_told_apart() {
        assert_eq!("final".parse(), Ok(Profile::Final));
        let planned = "draft13".parse::<Profile>().expect_err("not built");
        assert!(planned.contains("planned"), "{planned}");
        let unknown = "fynal".parse::<Profile>().expect_err("unknown");
        assert!(unknown.contains("is not a profile; available: final"), "{unknown}");
    }
}
