//! Values that must never be printed.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

/// A code, token or other secret text.
///
/// `Debug` never shows it, it cannot be compared by accident, and its memory is overwritten when
/// it is dropped. It serialises as plain text, because a session has to carry it: sessions are
/// only ever written through a sealing store.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The secret itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self::new(value)
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        let text = format!("{:?}", Secret::new("SplxlOBeZQQYbYS6WxSbIA"));
        assert_eq!(text, "[secret]");
    }
}
