//! Time as this issuer sees it: the system's, plus what a test has added.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Time since 1970 by the system's clock.
pub(crate) fn system_now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("the system clock is after 1970")
}

/// A clock that tests can move.
#[derive(Default)]
pub(crate) struct Clock {
    offset: AtomicI64,
}

impl Clock {
    /// Seconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        let system = i64::try_from(system_now().as_secs()).expect("seconds fit in 63 bits");
        system.saturating_add(self.offset.load(Ordering::SeqCst))
    }

    /// Moves the clock, forwards or (with a negative number) backwards.
    pub(crate) fn advance(&self, seconds: i64) {
        self.offset.fetch_add(seconds, Ordering::SeqCst);
    }
}
