//! Points in time, as the protocol counts them.

use std::fmt;
use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};

/// Whole seconds since 1970-01-01T00:00:00Z (`NumericDate` of RFC 7519, without fractions).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From seconds since the epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since the epoch.
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// Whether it is a date in this calendar.
    pub(crate) fn is_date(self) -> bool {
        jiff::Timestamp::from_second(self.0).is_ok()
    }

    /// Reads an RFC 3339 date and time, such as `2026-01-31T12:00:00Z`.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|at| Self(at.as_second()))
    }

    /// Reads a date of a W3C credential. Data model 1.1 allows one without a time zone; it is taken as UTC.
    pub(crate) fn parse_w3c(text: &str) -> Option<Self> {
        Self::parse_rfc3339(text).or_else(|| Self::parse_rfc3339(&format!("{text}Z")))
    }
}

impl Add<i64> for Timestamp {
    type Output = Self;
    fn add(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

impl Sub for Timestamp {
    type Output = i64;
    fn sub(self, other: Self) -> i64 {
        self.0.saturating_sub(other.0)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC; a number that is no date in this calendar is printed as it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0) {
            Ok(at) => write!(f, "{at}"),
            Err(_) => write!(f, "{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_and_reads_rfc3339() {
        let at = Timestamp::from_seconds(1_764_547_200);
        assert_eq!(at.to_string(), "2025-12-01T00:00:00Z");
        assert_eq!(Timestamp::parse_rfc3339("2025-12-01T01:00:00+01:00"), Some(at));
        assert_eq!(Timestamp::from_seconds(i64::MAX).to_string(), i64::MAX.to_string());
        assert_eq!(Timestamp::from_seconds(i64::MAX) + 5, Timestamp::from_seconds(i64::MAX));
    }

    #[test]
    fn a_date_of_a_w3c_credential_may_lack_its_time_zone() {
        let at = Some(Timestamp::from_seconds(1_764_547_200));
        for text in ["2025-12-01T00:00:00Z", "2025-12-01T00:00:00", "2025-12-01T01:00:00+01:00"] {
            assert_eq!(Timestamp::parse_w3c(text), at, "{text}");
        }
        assert_eq!(Timestamp::parse_rfc3339("2025-12-01T00:00:00"), None);
        for text in ["", "2025-12-01", "2025-12-01T00:00:00ZZ", "tomorrow"] {
            assert_eq!(Timestamp::parse_w3c(text), None, "{text}");
        }
    }
}
