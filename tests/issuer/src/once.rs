//! Values that a server gives out to be sent back once: DPoP nonces and attestation challenges.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::encoding::random_text;

/// Seconds that such a value lives.
const LIFETIME: i64 = 300;

/// The values of one server.
#[derive(Debug, Default)]
pub(crate) struct OnceValues {
    known: HashMap<String, Known>,
}

#[derive(Debug)]
struct Known {
    expires: i64,
    used: Option<Instant>,
}

impl OnceValues {
    /// A new value.
    pub(crate) fn give(&mut self, now: i64) -> String {
        let value = random_text();
        self.known.insert(value.clone(), Known { expires: now + LIFETIME, used: None });
        value
    }

    /// Whether the value is good; it is used up by this, except for requests that came while
    /// the first was still being answered, which takes `overlap`.
    pub(crate) fn take(&mut self, value: &str, now: i64, overlap: Duration) -> bool {
        let Some(known) = self.known.get_mut(value).filter(|known| known.expires > now) else {
            return false;
        };
        if let Some(first) = known.used {
            return first.elapsed() < overlap;
        }
        known.used = Some(Instant::now());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_good_once_and_not_for_ever() {
        let mut values = OnceValues::default();
        let (one, two) = (values.give(0), values.give(0));
        assert!(values.take(&one, 0, Duration::ZERO));
        assert!(!values.take(&one, 0, Duration::ZERO));
        assert!(!values.take(&two, LIFETIME, Duration::ZERO));
        assert!(!values.take("unknown", 0, Duration::ZERO));
    }

    #[test]
    fn requests_that_overlap_may_share_one() {
        let mut values = OnceValues::default();
        let one = values.give(0);
        let minute = Duration::from_secs(60);
        assert!(values.take(&one, 0, minute) && values.take(&one, 0, minute));
        assert!(!values.take(&one, 0, Duration::ZERO));
    }
}
