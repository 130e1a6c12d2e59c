//! Some claims only, and some of an offer only.

use std::collections::BTreeMap;

use billfold::{AcceptOptions, ConfigurationId, ErrorCode, PathStep, RequestBy, RequestedClaim, Step};
use billfold_test_issuer::{AuthorizationServer, Options};
use serde_json::json;

use crate::world::{SD_JWT, World, code, failure, pre_authorized};

const DEGREE: &str = "UniversityDegree_dc_sd_jwt";

fn claim(path: &[&str], mandatory: bool) -> RequestedClaim {
    RequestedClaim { path: path.iter().map(|&key| PathStep::from(key)).collect(), mandatory }
}

fn wanting(claims: Vec<RequestedClaim>) -> AcceptOptions {
    AcceptOptions { claims: BTreeMap::from([(DEGREE.into(), claims)]), ..AcceptOptions::default() }
}

// covers: AUTHZ-02, CLAIM-02
#[tokio::test]
async fn a_credential_with_the_wanted_claims_only() {
    for authorization_server in [AuthorizationServer::Own, AuthorizationServer::Port] {
        let world = World::with(Options { authorization_server, ..Options::default() }).await;
        let whole = world.open(&pre_authorized(SD_JWT)).await;
        let whole = world.verified(&whole.accept().await.expect("it is issued")).await;
        for spec in [code(SD_JWT), pre_authorized(SD_JWT)] {
            world.issuer.reset_log();
            let issuance = world.open(&spec).await;
            let mut step = issuance.accept_with(wanting(vec![claim(&["given_name"], true)])).await.expect("accepted");
            if matches!(step, Step::SignIn { .. }) {
                let redirect = world.sign_in(&step).await;
                step = issuance.submit_redirect(&redirect).await.expect("it is issued");
            }
            let some = world.verified(&step).await;
            assert_eq!(some.claims["given_name"], whole.claims["given_name"]);
            let names = |claims: &serde_json::Value| claims.as_object().expect("an object").len();
            assert!(names(&some.claims) < names(&whole.claims), "{}", some.claims);
            let log = world.issuer.log();
            let credential = log.requests.iter().find(|entry| entry.path == "/credential").expect("a request");
            assert!(credential.seen.contains_key("claims"), "{:?}", credential.seen);
        }
    }
}

#[tokio::test]
async fn a_mandatory_claim_that_nobody_has_is_refused() {
    let world = World::new().await;
    let issuance = world.open(&code(SD_JWT)).await;
    let wanted = wanting(vec![claim(&["shoe_size"], true)]);
    let error = match issuance.accept_with(wanted).await {
        Err(error) => error,
        Ok(step) => failure(issuance.submit_redirect(&world.sign_in(&step).await).await),
    };
    assert!(error.server_error().is_some(), "{error}");
    assert_eq!(world.count("/credential"), 0);
}

// covers: CLAIM-05
#[tokio::test]
async fn wishes_that_contradict_each_other_are_not_sent() {
    let world = World::new().await;
    let issuance = world.open(&code(SD_JWT)).await;
    let path = |steps: Vec<PathStep>| RequestedClaim { path: steps, mandatory: false };
    let table = [
        vec![claim(&["given_name"], false), claim(&["given_name"], true)],
        vec![path(vec!["nationalities".into(), PathStep::All]), path(vec!["nationalities".into(), PathStep::Index(1)])],
        vec![path(vec!["address".into(), PathStep::All]), path(vec!["address".into(), "locality".into()])],
        vec![claim(&[], false)],
        vec![],
    ];
    for claims in table {
        let said = format!("{claims:?}");
        assert_eq!(failure(issuance.accept_with(wanting(claims)).await).code(), ErrorCode::SetupInvalid, "{said}");
    }
    let other = AcceptOptions {
        claims: BTreeMap::from([("Other".into(), vec![claim(&["a"], false)])]),
        ..AcceptOptions::default()
    };
    assert_eq!(failure(issuance.accept_with(other).await).code(), ErrorCode::SetupInvalid);
    // A scope has no room for claims.
    let by_scope = AcceptOptions { request: RequestBy::Scope, ..wanting(vec![claim(&["given_name"], false)]) };
    assert_eq!(failure(issuance.accept_with(by_scope).await).code(), ErrorCode::FeatureUnsupported);
    assert_eq!((world.count("/par"), world.count("/token")), (0, 0));
    // A path and what lies below it are no contradiction.
    let both = wanting(vec![claim(&["address"], false), claim(&["address", "locality"], false)]);
    assert!(matches!(issuance.accept_with(both).await, Ok(Step::SignIn { .. })));
}

// covers: TOKRQ-07, TOKRQ-10, AUTHZ-04
#[tokio::test]
async fn a_part_of_an_offer_is_asked_for_with_a_token_of_its_own() {
    for authorization_server in [AuthorizationServer::Own, AuthorizationServer::Port] {
        let world = World::with(Options { authorization_server, ..Options::default() }).await;
        let mut spec = pre_authorized(SD_JWT);
        spec.configurations = Some(vec![DEGREE.to_owned(), "UniversityDegree_jwt_vc_json".to_owned()]);
        let issuance = world.open(&spec).await;
        let one = AcceptOptions { configurations: Some(vec![DEGREE.into()]), ..AcceptOptions::default() };
        let credential = world.verified(&issuance.accept_with(one).await.expect("it is issued")).await;
        assert_eq!(credential.credential_configuration_id, ConfigurationId::from(DEGREE));
        let log = world.issuer.log();
        let token = log.requests.iter().rfind(|entry| entry.path.ends_with("/token")).expect("a request");
        assert!(token.parameters.contains(&"authorization_details".to_owned()), "{:?}", token.parameters);
        // What was not agreed to is not to be had by this session any more.
        assert_eq!(failure(issuance.accept().await).code(), ErrorCode::SessionEnded);
    }
    let world = World::new().await;
    let issuance = world.open(&pre_authorized(SD_JWT)).await;
    world.verified(&issuance.accept().await.expect("it is issued")).await;
    let log = world.issuer.log();
    let token = log.requests.iter().rfind(|entry| entry.path.ends_with("/token")).expect("a request");
    assert!(!token.parameters.contains(&"authorization_details".to_owned()), "all of it needs no details");
    assert_eq!(json!(token.grant_type), json!("urn:ietf:params:oauth:grant-type:pre-authorized_code"));
}
