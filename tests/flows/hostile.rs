//! Servers that fail, lie or vanish in the middle of an issuance.

use billfold::{Advice, ErrorCode, RequestOutcome, Step};

use crate::world::{SD_JWT, World, code, failure, pre_authorized};

// covers: TOKRQ-11
#[tokio::test]
async fn a_token_answer_that_is_lost_is_never_asked_for_again() {
    let world = World::new().await;
    let issuance = world.open(&pre_authorized(SD_JWT)).await;
    world.issuer.set_fault("drop-token").expect("a fault");
    let error = failure(issuance.accept().await);
    assert_eq!((error.code(), error.outcome()), (ErrorCode::ConnectionLost, RequestOutcome::Unknown));
    assert_eq!(error.advice(), Advice::GetNewOffer);
    world.issuer.clear_faults();
    assert_eq!(failure(issuance.proceed().await).code(), ErrorCode::OutcomeUnknown);
    assert_eq!(world.count("/token"), 1);
    assert!(world.wallet().credentials().await.expect("a list").is_empty());
}

#[tokio::test]
async fn after_a_lost_answer_the_user_can_sign_in_again() {
    let world = World::new().await;
    let issuance = world.open(&code(SD_JWT)).await;
    let redirect = world.sign_in(&issuance.accept().await.expect("a sign-in")).await;
    world.issuer.set_fault_times("drop-token", 1).expect("a fault");
    let error = failure(issuance.submit_redirect(&redirect).await);
    assert_eq!((error.outcome(), error.advice()), (RequestOutcome::Unknown, Advice::StartOver));
    assert!(matches!(issuance.step().await, Ok(Step::Review)));
    let redirect = world.sign_in(&issuance.accept().await.expect("a sign-in")).await;
    world.verified(&issuance.submit_redirect(&redirect).await.expect("it is issued")).await;
    assert_eq!(world.count("/token"), 2);
}

#[tokio::test]
async fn a_lost_credential_answer_can_be_asked_for_again() {
    let world = World::new().await;
    let issuance = world.open(&pre_authorized(SD_JWT)).await;
    world.issuer.set_fault_times("drop-credential", 1).expect("a fault");
    let error = failure(issuance.accept().await);
    assert_eq!((error.outcome(), error.advice()), (RequestOutcome::Unknown, Advice::Retry));
    assert!(matches!(issuance.step().await, Ok(Step::Interrupted)));
    assert_eq!(world.count("/credential"), 1, "not again by itself");
    let resumed = world.wallet().resume(issuance.id()).await.expect("it is there");
    world.verified(&resumed.proceed().await.expect("it is issued")).await;
    assert_eq!((world.count("/token"), world.count("/nonce"), world.count("/credential")), (1, 2, 2));
}

#[tokio::test]
async fn a_failing_server_can_be_tried_again_with_nothing_lost() {
    for (fault, path) in [("http-500-token", "/token"), ("http-500-credential", "/credential")] {
        let world = World::new().await;
        let issuance = world.open(&pre_authorized(SD_JWT)).await;
        world.issuer.set_fault_times(fault, 1).expect("a fault");
        let error = failure(issuance.accept().await);
        assert_eq!((error.code(), error.advice()), (ErrorCode::ServerFailed, Advice::Retry), "{fault}");
        assert_eq!(error.http_status(), Some(500));
        assert_eq!(world.count(path), 1, "{fault}: not again by itself");
        world.verified(&issuance.proceed().await.expect("it is issued")).await;
    }
}

#[tokio::test]
async fn answers_that_break_the_protocol_are_typed() {
    for (fault, expected) in [
        ("wrong-content-type-token", ErrorCode::WrongContentType),
        ("bad-json-token", ErrorCode::ResponseMalformed),
        ("missing-token-type", ErrorCode::ResponseMalformed),
        ("redirect-token", ErrorCode::RedirectRefused),
        ("oversized-token", ErrorCode::ResponseTooLarge),
        ("wrong-content-type-credential", ErrorCode::WrongContentType),
        ("bad-json-credential", ErrorCode::ResponseMalformed),
        ("deep-json-credential", ErrorCode::ResponseMalformed),
        ("empty-credentials", ErrorCode::ResponseMalformed),
        ("oversized-credential", ErrorCode::ResponseTooLarge),
        ("redirect-credential", ErrorCode::RedirectRefused),
        ("credential-denied", ErrorCode::CredentialDenied),
        ("invalid-token", ErrorCode::TokenRefused),
    ] {
        let world = World::new().await;
        let good = world.verified(&world.open(&pre_authorized(SD_JWT)).await.accept().await.expect("issued")).await;
        world.issuer.reset_log();
        let issuance = world.open(&pre_authorized(SD_JWT)).await;
        world.issuer.set_fault(fault).expect("a fault");
        let error = failure(issuance.accept().await);
        assert_eq!(error.code(), expected, "{fault}: {error}");
        assert_eq!(error.outcome(), RequestOutcome::Answered, "{fault}");
        assert!(error.endpoint_url().is_some(), "{fault}: {error:?}");
        assert_eq!(error.session(), Some(issuance.id()));
        assert_eq!(world.count("/token"), 1, "{fault}");
        assert!(world.count("/credential") <= 1, "{fault}");
        let stored = world.wallet().credentials().await.expect("a list");
        assert_eq!(stored.iter().map(|one| &one.id).collect::<Vec<_>>(), [&good.id], "{fault}");
    }
}

#[tokio::test]
async fn a_transcript_tells_the_story_without_its_secrets() {
    let world = World::new().await;
    let issuance = world.open(&pre_authorized(SD_JWT)).await;
    world.issuer.set_fault("credential-denied").expect("a fault");
    let error = failure(issuance.accept().await);
    let told = error.transcript().to_string();
    for part in ["/token {DPoP, grant_type, pre-authorized_code} -> 200", "/credential", "credential_request_denied"] {
        assert!(told.contains(part), "{part} in {told}");
    }
    let everything = format!("{told} {error} {error:?}");
    assert!(!everything.contains("eyJ"), "a JWT in {everything}");
}
