use billfold::{
    AcceptOptions, Advice, CheckKind, ConfigurationId, ErrorCode, ErrorKind, InputMode, Outcome, RequestOutcome, Step,
};
use billfold_test_issuer::{Options, TxCode};

use crate::world::{JWT_VC, Moved, SD_JWT, World, both_ways, failure, pre_authorized};

#[tokio::test]
async fn every_format_by_value_and_by_reference() {
    let world = World::new().await;
    for format in [SD_JWT, JWT_VC] {
        for spec in both_ways(pre_authorized(format)) {
            let issuance = world.open(&spec).await;
            assert_eq!(issuance.offer().issuer_name(), "Test University");
            assert_eq!(issuance.offer().titles(), ["University Degree"]);
            let credential = world.verified(&issuance.accept().await.expect("it is issued")).await;
            assert_eq!(credential.format.as_str(), format);
            let trust = credential.report.check(CheckKind::IssuerTrust).expect("a check");
            assert_eq!(trust.outcome, Outcome::Passed);
            let card = credential.card(Some("de"));
            assert_eq!(card.title, "Hochschulabschluss");
            assert!(card.claims.iter().any(|claim| claim.label == "Vorname" && claim.text == "Erika"), "{card:?}");
        }
    }
    assert_eq!(world.wallet().credentials().await.expect("a list").len(), 4);
}

fn tx_code(input_mode: Option<&str>, length: Option<usize>, value: &str) -> TxCode {
    TxCode {
        input_mode: input_mode.map(str::to_owned),
        length,
        description: Some("See the letter".to_owned()),
        value: Some(value.to_owned()),
    }
}

// covers: OFFER-19, OFFER-22, TOKRQ-04
#[tokio::test]
async fn transaction_codes_are_sent_as_typed() {
    let world = World::new().await;
    for (spec, mode, length) in [
        (tx_code(Some("numeric"), Some(4), "0042"), InputMode::Numeric, Some(4)),
        (tx_code(None, None, "00000001"), InputMode::Numeric, None),
        (tx_code(Some("text"), Some(6), "aB+ &="), InputMode::Text, Some(6)),
    ] {
        let typed = spec.value.clone().expect("a code");
        let issuance = world.open(&pre_authorized(SD_JWT).tx_code(spec)).await;
        let hint = match issuance.accept().await.expect("a step") {
            Step::EnterCode(hint) => hint,
            other => panic!("{other:?}"),
        };
        assert_eq!((hint.tx_code.input_mode, hint.tx_code.length), (mode, length));
        assert_eq!(hint.tx_code.description.as_deref(), Some("See the letter"));
        assert!(!hint.refused);
        world.verified(&issuance.submit_code(&typed).await.expect("it is issued")).await;
    }
}

// covers: TOKRS-09
#[tokio::test]
async fn a_wrong_code_is_asked_again_and_nothing_is_made_twice() {
    let world = World::new().await;
    let issuance = world.open(&pre_authorized(SD_JWT).tx_code(tx_code(None, Some(4), "1234"))).await;
    issuance.accept().await.expect("a step");
    for left in [2, 1] {
        let error = failure(issuance.submit_code("4321").await);
        assert_eq!((error.code(), error.kind()), (ErrorCode::TxCodeRefused, ErrorKind::Issuer));
        assert_eq!(error.advice(), Advice::AskCodeAgain);
        assert_eq!(error.server_error().map(|said| said.error.as_str()), Some("invalid_grant"));
        assert_eq!(error.http_status(), Some(400));
        match issuance.step().await.expect("a step") {
            Step::EnterCode(hint) => assert_eq!((hint.refused, hint.attempts_left), (true, left)),
            other => panic!("{other:?}"),
        }
    }
    world.verified(&issuance.submit_code("1234").await.expect("it is issued")).await;
    assert_eq!(world.count("/nonce"), 1, "the nonce of the first try serves the last");
}

#[tokio::test]
async fn a_code_that_cannot_be_right_costs_no_try() {
    let world = World::new().await;
    let issuance = world.open(&pre_authorized(SD_JWT).tx_code(tx_code(None, Some(4), "1234"))).await;
    issuance.accept().await.expect("a step");
    for typed in ["", "  ", "12a4", "١٢٣٤"] {
        assert_eq!(failure(issuance.submit_code(typed).await).code(), ErrorCode::TxCodeMalformed);
    }
    assert_eq!(world.count("/token"), 0);
    world.verified(&issuance.submit_code(" 1234 ").await.expect("it is issued")).await;
}

// covers: TOKRS-09
#[tokio::test]
async fn the_third_wrong_code_ends_the_offer() {
    let world = World::new().await;
    let issuance = world.open(&pre_authorized(SD_JWT).tx_code(tx_code(None, Some(4), "1234"))).await;
    issuance.accept().await.expect("a step");
    for _ in 0..2 {
        assert_eq!(failure(issuance.submit_code("4321").await).code(), ErrorCode::TxCodeRefused);
    }
    let error = failure(issuance.submit_code("4321").await);
    assert_eq!((error.code(), error.advice()), (ErrorCode::GrantRefused, Advice::GetNewOffer));
    assert_eq!(failure(issuance.submit_code("1234").await).code(), ErrorCode::SessionEnded);
    assert_eq!(world.count("/token"), 3);
}

#[tokio::test]
async fn a_dead_offer_is_told_apart_from_a_wrong_code() {
    let world = World::new().await;
    let mut spec = pre_authorized(SD_JWT);
    spec.expires_in = Some(60);
    let clock = Moved::default();
    let wallet = world.builder().clock(clock.clone()).build().expect("a wallet");
    let issuance = wallet.open_offer(&world.offer(&spec).link).await.expect("it opens");
    clock.pass(120);
    world.issuer.advance_clock(120);
    let error = failure(issuance.accept().await);
    assert_eq!((error.code(), error.advice()), (ErrorCode::GrantRefused, Advice::GetNewOffer));
    assert_eq!(error.outcome(), RequestOutcome::Answered);
    assert_eq!(failure(issuance.accept().await).code(), ErrorCode::SessionEnded);
    // A used link is a dead offer too, and says so.
    let world = World::new().await;
    let used = world.offer(&pre_authorized(SD_JWT));
    let first = world.wallet().open_offer(&used.link).await.expect("it opens");
    world.verified(&first.accept().await.expect("it is issued")).await;
    let second = world.wallet().open_offer(&used.link).await.expect("it opens");
    assert_eq!(failure(second.accept().await).code(), ErrorCode::GrantRefused);
}

// covers: TOKRQ-05
#[tokio::test]
async fn without_anonymous_access_the_client_names_itself_and_in_the_proof() {
    for anonymous in [true, false] {
        let world = World::with(Options { anonymous_pre_authorized: anonymous, ..Options::default() }).await;
        let step = world.open(&pre_authorized(SD_JWT)).await.accept().await.expect("it is issued");
        world.verified(&step).await;
    }
}

// covers: META-14
#[tokio::test]
async fn issuers_without_nonces_and_with_identifiers() {
    for options in [
        Options { nonce_endpoint: false, ..Options::default() },
        Options { credential_identifiers: true, ..Options::default() },
    ] {
        let world = World::with(options).await;
        world.verified(&world.open(&pre_authorized(JWT_VC)).await.accept().await.expect("it is issued")).await;
    }
}

// covers: TOKRS-03, SEC-09
#[tokio::test]
async fn each_named_dataset_becomes_a_credential_with_a_key_of_its_own() {
    let options = Options { credential_identifiers: true, identifiers_per_configuration: 2, ..Options::default() };
    let world = World::with(options).await;
    let step = world.open(&pre_authorized(SD_JWT)).await.accept().await.expect("it is issued");
    let Step::Done { credentials, failures } = step else { panic!("{step:?}") };
    assert_eq!((credentials.len(), failures.len()), (2, 0));
    let stored = world.wallet().credentials().await.expect("a list");
    let keys: Vec<_> = stored.iter().map(|one| one.instances[0].key.clone().expect("a key").public_jwk).collect();
    assert_ne!(keys[0], keys[1]);
}

// covers: META-19, CREQ-09, SEC-09, HAIP-23
#[tokio::test]
async fn a_batch_is_one_credential_in_several_copies() {
    let world = World::with(Options { batch_size: 5, ..Options::default() }).await;
    let issuance = world.open(&pre_authorized(SD_JWT)).await;
    let too_many = AcceptOptions { copies: Some(6), ..AcceptOptions::default() };
    assert_eq!(failure(issuance.accept_with(too_many).await).code(), ErrorCode::SetupInvalid);
    assert_eq!(world.count("/token"), 0);
    let three = AcceptOptions { copies: Some(3), ..AcceptOptions::default() };
    let credential = world.verified(&issuance.accept_with(three).await.expect("it is issued")).await;
    let mut keys: Vec<_> =
        credential.instances.iter().map(|copy| copy.key.as_ref().expect("a key").public_jwk.thumbprint()).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 3);
    assert_eq!(world.count("/credential"), 1);
}

// covers: TOKRQ-10
#[tokio::test]
async fn several_configurations_each_with_its_own_outcome() {
    let world = World::new().await;
    let ids = ["UniversityDegree_dc_sd_jwt", "StudentCard_dc_sd_jwt", "UniversityDegree_jwt_vc_json_unbound"];
    let issuance = world.open(&pre_authorized(SD_JWT).configurations(&ids)).await;
    let Step::Done { credentials, failures } = issuance.accept().await.expect("they are issued") else {
        panic!("not done")
    };
    assert_eq!((credentials.len(), failures.len()), (3, 0));

    let some = AcceptOptions { configurations: Some(vec![ConfigurationId::from(ids[1])]), ..AcceptOptions::default() };
    let issuance = world.open(&pre_authorized(SD_JWT).configurations(&ids)).await;
    let credential = world.verified(&issuance.accept_with(some).await.expect("it is issued")).await;
    assert_eq!(credential.credential_configuration_id.as_str(), ids[1]);

    let foreign = AcceptOptions { configurations: Some(vec!["Other".into()]), ..AcceptOptions::default() };
    let issuance = world.open(&pre_authorized(SD_JWT)).await;
    assert_eq!(failure(issuance.accept_with(foreign).await).code(), ErrorCode::UnknownConfiguration);
}

#[tokio::test]
async fn one_failing_among_several_is_reported_beside_the_others() {
    let world = World::new().await;
    let ids = ["UniversityDegree_dc_sd_jwt", "StudentCard_dc_sd_jwt"];
    let issuance = world.open(&pre_authorized(SD_JWT).configurations(&ids)).await;
    world.issuer.set_fault_times("credential-denied", 1).expect("a fault");
    let Step::Done { credentials, failures } = issuance.accept().await.expect("one is issued") else {
        panic!("not done")
    };
    assert_eq!(credentials.len(), 1);
    assert_eq!(failures.len(), 1);
    assert_eq!((failures[0].configuration.as_str(), failures[0].code), (ids[0], ErrorCode::CredentialDenied));
    // The handle of a finished issuance still tells.
    let again = world.wallet().resume(issuance.id()).await.expect("it is there").step().await.expect("a step");
    assert!(matches!(again, Step::Done { credentials, .. } if credentials.len() == 1));
}

// covers: NONCE-06
#[tokio::test]
async fn a_stale_nonce_costs_one_more_request_and_no_more() {
    let world = World::new().await;
    world.issuer.set_fault_times("stale-nonce", 1).expect("a fault");
    world.verified(&world.open(&pre_authorized(SD_JWT)).await.accept().await.expect("it is issued")).await;
    assert_eq!((world.count("/nonce"), world.count("/credential")), (2, 2));

    world.issuer.reset_log();
    world.issuer.set_fault_times("stale-nonce", 2).expect("a fault");
    let error = failure(world.open(&pre_authorized(SD_JWT)).await.accept().await);
    assert_eq!(error.code(), ErrorCode::NonceRefused);
    assert_eq!((world.count("/nonce"), world.count("/credential")), (2, 2));
}

// covers: SEC-04
#[tokio::test]
async fn declining_leaves_nothing_and_spends_nothing() {
    let world = World::new().await;
    let offer = world.offer(&pre_authorized(SD_JWT));
    let issuance = world.wallet().open_offer(&offer.link).await.expect("it opens");
    assert_eq!(world.wallet().pending().await.expect("a list").len(), 1);
    issuance.decline().await.expect("declined");
    assert!(world.wallet().pending().await.expect("a list").is_empty());
    assert_eq!(failure(issuance.accept().await).code(), ErrorCode::SessionUnknown);
    assert_eq!(world.count("/token"), 0);
    // The offer itself is still good.
    world
        .verified(&world.wallet().open_offer(&offer.link).await.expect("it opens").accept().await.expect("issued"))
        .await;
}

// covers: SEC-12
#[tokio::test]
async fn forgetting_removes_the_credential_and_its_key() {
    let world = World::new().await;
    let credential =
        world.verified(&world.open(&pre_authorized(SD_JWT)).await.accept().await.expect("it is issued")).await;
    world.wallet().forget(&credential.id).await.expect("forgotten");
    assert_eq!(failure(world.wallet().credential(&credential.id).await).code(), ErrorCode::CredentialUnknown);
    assert_eq!(failure(world.wallet().forget(&credential.id).await).code(), ErrorCode::CredentialUnknown);
    let key = credential.instances[0].key.clone().expect("a key");
    let sign = billfold::platform::keys::SignRequest {
        handle: key.handle,
        algorithm: key.public_jwk.algorithm(),
        payload: Vec::new(),
    };
    assert!(billfold::platform::keys::HolderKeys::sign(&*world.keys, vec![sign]).await.is_err());
}
