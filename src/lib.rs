//! Wallet-side SDK.
