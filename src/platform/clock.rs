//! What time it is.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::model::time::Timestamp;

/// Tells the time. Tests bring their own.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

impl<T: Clock + ?Sized> Clock for Arc<T> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }
}

/// The machine's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Timestamp::from_seconds(i64::try_from(seconds).unwrap_or(i64::MAX))
    }
}
