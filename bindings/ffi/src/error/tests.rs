//! Pins what the foreign side sees of each core error.

use billfold::{Error, ErrorCode, IssuerError, Operation};

use super::*;

/// Every code with the variant and the advice that apps are promised for it.
const PROMISED: &[(&str, &str, Advice)] = &[
    ("offer_malformed", "Offer", Advice::GetNewOffer),
    ("offer_ambiguous", "Offer", Advice::GetNewOffer),
    ("offer_missing", "Offer", Advice::GetNewOffer),
    ("offer_issuer_invalid", "Offer", Advice::GetNewOffer),
    ("offer_too_large", "Offer", Advice::GetNewOffer),
    ("offer_unavailable", "Offer", Advice::GetNewOffer),
    ("unknown_configuration", "Offer", Advice::GetNewOffer),
    ("grant_unavailable", "Offer", Advice::GetNewOffer),
    ("qr_too_large", "Offer", Advice::FixSetup),
    ("qr_unreadable", "Offer", Advice::GetNewOffer),
    ("insecure_url", "Metadata", Advice::TellIssuer),
    ("url_unusable", "Metadata", Advice::TellIssuer),
    ("issuer_mismatch", "Metadata", Advice::TellIssuer),
    ("authorization_server_mismatch", "Metadata", Advice::TellIssuer),
    ("authorization_server_unknown", "Metadata", Advice::TellIssuer),
    ("metadata_malformed", "Metadata", Advice::TellIssuer),
    ("metadata_unavailable", "Metadata", Advice::TellIssuer),
    ("metadata_unsigned", "Metadata", Advice::TellIssuer),
    ("metadata_signature_invalid", "Metadata", Advice::TellIssuer),
    ("metadata_untrusted", "Metadata", Advice::GiveUp),
    ("unreachable", "Network", Advice::Retry),
    ("timed_out", "Network", Advice::Retry),
    ("connection_lost", "Network", Advice::Retry),
    ("tls_failed", "Network", Advice::TellIssuer),
    ("address_forbidden", "Network", Advice::GetNewOffer),
    ("response_too_large", "Network", Advice::TellIssuer),
    ("redirect_refused", "Network", Advice::TellIssuer),
    ("outcome_unknown", "Network", Advice::GetNewOffer),
    ("wrong_content_type", "Issuer", Advice::TellIssuer),
    ("response_malformed", "Issuer", Advice::TellIssuer),
    ("server_failed", "Issuer", Advice::Retry),
    ("server_refused", "Issuer", Advice::TellIssuer),
    ("tx_code_refused", "Issuer", Advice::AskCodeAgain),
    ("tx_code_malformed", "Issuer", Advice::AskCodeAgain),
    ("grant_refused", "Issuer", Advice::GetNewOffer),
    ("token_request_refused", "Issuer", Advice::GetNewOffer),
    ("client_refused", "Issuer", Advice::FixSetup),
    ("attestation_refused", "Issuer", Advice::FixSetup),
    ("dpop_refused", "Issuer", Advice::TellIssuer),
    ("token_unbound", "Issuer", Advice::TellIssuer),
    ("token_pending", "Issuer", Advice::Retry),
    ("token_refused", "Issuer", Advice::StartOver),
    ("proof_refused", "Issuer", Advice::TellIssuer),
    ("nonce_refused", "Issuer", Advice::TellIssuer),
    ("encryption_refused", "Issuer", Advice::TellIssuer),
    ("response_not_encrypted", "Issuer", Advice::TellIssuer),
    ("decryption_failed", "Issuer", Advice::TellIssuer),
    ("credential_denied", "Issuer", Advice::GiveUp),
    ("configuration_refused", "Issuer", Advice::TellIssuer),
    ("transaction_refused", "Issuer", Advice::StartOver),
    ("access_denied", "Denied", Advice::GiveUp),
    ("interaction_required", "Denied", Advice::SignInAgain),
    ("reauthorization_required", "Denied", Advice::SignInAgain),
    ("authorization_refused", "Denied", Advice::StartOver),
    ("redirect_malformed", "Issuer", Advice::SignInAgain),
    ("state_mismatch", "Issuer", Advice::SignInAgain),
    ("iss_mismatch", "Issuer", Advice::GiveUp),
    ("wrong_step", "WrongStep", Advice::FixSetup),
    ("session_unknown", "WrongStep", Advice::GiveUp),
    ("credential_unknown", "WrongStep", Advice::GiveUp),
    ("session_ended", "WrongStep", Advice::StartOver),
    ("credential_rejected", "Verification", Advice::TellIssuer),
    ("credential_unverified", "Verification", Advice::CheckAgain),
    ("credential_quarantined", "Verification", Advice::CheckAgain),
    ("key_creation_failed", "Keys", Advice::Retry),
    ("signing_failed", "Keys", Advice::Retry),
    ("key_locked", "Keys", Advice::Retry),
    ("key_missing", "Keys", Advice::Renew),
    ("provider_unavailable", "Keys", Advice::Retry),
    ("provider_refused", "Keys", Advice::FixSetup),
    ("attestation_unusable", "Keys", Advice::FixSetup),
    ("store_failed", "Store", Advice::Retry),
    ("store_locked", "Store", Advice::Retry),
    ("store_too_new", "Store", Advice::FixSetup),
    ("record_damaged", "Store", Advice::GiveUp),
    ("store_conflict", "Store", Advice::Retry),
    ("secret_store_failed", "Store", Advice::Retry),
    ("backup_damaged", "Store", Advice::GiveUp),
    ("backup_too_new", "Store", Advice::FixSetup),
    ("backup_too_large", "Store", Advice::GiveUp),
    ("passphrase_wrong", "Store", Advice::AskPassphraseAgain),
    ("no_common_algorithm", "Unsupported", Advice::GiveUp),
    ("binding_unsupported", "Unsupported", Advice::GiveUp),
    ("format_unsupported", "Unsupported", Advice::GiveUp),
    ("feature_unsupported", "Unsupported", Advice::GiveUp),
    ("encryption_unavailable", "Unsupported", Advice::GiveUp),
    ("encryption_required", "Unsupported", Advice::FixSetup),
    ("client_authentication_unavailable", "Unsupported", Advice::FixSetup),
    ("profile_violated", "Unsupported", Advice::TellIssuer),
    ("setup_invalid", "Unsupported", Advice::FixSetup),
];

fn variant(error: &WalletError) -> &'static str {
    match error {
        WalletError::Offer { .. } => "Offer",
        WalletError::Metadata { .. } => "Metadata",
        WalletError::Network { .. } => "Network",
        WalletError::Issuer { .. } => "Issuer",
        WalletError::Denied { .. } => "Denied",
        WalletError::WrongStep { .. } => "WrongStep",
        WalletError::Verification { .. } => "Verification",
        WalletError::Keys { .. } => "Keys",
        WalletError::Store { .. } => "Store",
        WalletError::Unsupported { .. } => "Unsupported",
    }
}

#[test]
fn every_code_keeps_its_variant_advice_and_text() {
    let seen: Vec<_> = ErrorCode::ALL
        .iter()
        .map(|&code| {
            let error = WalletError::from(Error::new(code, "what was found"));
            assert_eq!(error.to_string(), format!("{code}: what was found"));
            let details = error.details();
            let again = matches!(details.advice, Advice::Retry | Advice::AskCodeAgain | Advice::SignInAgain);
            assert_eq!(details.is_retryable, again, "{code}");
            (code.as_str(), variant(&error), details.advice)
        })
        .collect();
    assert_eq!(seen, PROMISED);
}

#[test]
fn everything_that_is_known_crosses() {
    let endpoint = "https://issuer.example/token?code=hush".parse().expect("an address");
    let error = Error::new(ErrorCode::TxCodeRefused, "the code was refused")
        .at(Operation::Token)
        .endpoint(&endpoint)
        .status(400)
        .issuer_error(IssuerError {
            error: String::from("invalid_grant"),
            error_description: Some(String::from("wrong code")),
        })
        .in_session(&SessionId::from("5e55"));
    let error = WalletError::from(error);
    assert_eq!(
        error.to_string(),
        "tx_code_refused: the code was refused (the server said invalid_grant: wrong code) \
         [https://issuer.example/token, status 400]"
    );
    assert_eq!(
        error,
        WalletError::Issuer {
            details: ErrorDetails {
                code: String::from("tx_code_refused"),
                advice: Advice::AskCodeAgain,
                is_retryable: true,
                detail: String::from("the code was refused"),
                operation: Some(String::from("token")),
                endpoint: Some(String::from("https://issuer.example/token")),
                status: Some(400),
                server_error: Some(String::from("invalid_grant")),
                server_description: Some(String::from("wrong code")),
                outcome: RequestOutcome::Answered,
                session: Some(String::from("5e55")),
                transcript: String::new(),
            }
        }
    );
}

#[test]
fn the_advice_of_the_error_itself_wins() {
    let error = Error::new(ErrorCode::ServerFailed, "down").advise(billfold::Advice::GiveUp);
    let error = WalletError::from(error);
    assert_eq!((error.details().advice, error.details().is_retryable), (Advice::GiveUp, false));
}
