//! Wallet-side SDK for OpenID for Verifiable Credential Issuance, as Kotlin and Swift see it.
