use billfold::{AcceptOptions, Advice, ErrorCode, GrantType, RequestBy, Step};
use billfold_test_issuer::{AuthorizationServer, Options, Par};

use crate::world::{JWT_VC, REDIRECT, SD_JWT, World, both_ways, code, failure, pre_authorized};

// covers: AUTHZ-19, HAIP-01
#[tokio::test]
async fn every_format_by_value_and_by_reference() {
    let world = World::new().await;
    for format in [SD_JWT, JWT_VC] {
        for spec in both_ways(code(format)) {
            let issuance = world.open(&spec).await;
            let step = issuance.accept().await.expect("a sign-in");
            let redirect = world.sign_in(&step).await;
            let credential = world.verified(&issuance.submit_redirect(&redirect).await.expect("it is issued")).await;
            assert_eq!(credential.format.as_str(), format);
        }
    }
}

// covers: AUTHZ-10, AUTHZ-11
#[tokio::test]
async fn with_and_without_pushed_requests() {
    for (par, pushed) in [(Par::Off, 0), (Par::On, 1), (Par::Required, 1)] {
        let world = World::with(Options { par, ..Options::default() }).await;
        let issuance = world.open(&code(SD_JWT)).await;
        let step = issuance.accept().await.expect("a sign-in");
        let Step::SignIn { url } = &step else { panic!("{step:?}") };
        let names: Vec<_> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
        assert_eq!(names == ["client_id", "request_uri"], pushed == 1, "{names:?}");
        let redirect = world.sign_in(&step).await;
        world.verified(&issuance.submit_redirect(&redirect).await.expect("it is issued")).await;
        assert_eq!(world.count("/par"), pushed);
    }
}

// covers: AUTHZ-01
#[tokio::test]
async fn by_scope_and_by_details() {
    for server in [AuthorizationServer::Own, AuthorizationServer::Path] {
        let world = World::with(Options { authorization_server: server, ..Options::default() }).await;
        for request in [RequestBy::Auto, RequestBy::Scope, RequestBy::Details] {
            let issuance = world.open(&code(SD_JWT)).await;
            let options = AcceptOptions { request, ..AcceptOptions::default() };
            let step = issuance.accept_with(options).await.expect("a sign-in");
            let redirect = world.sign_in(&step).await;
            world.verified(&issuance.submit_redirect(&redirect).await.expect("it is issued")).await;
        }
        // This one has no scope, so it can only be asked for by details.
        let spec = code(SD_JWT).configurations(&["StudentCard_dc_sd_jwt"]);
        let issuance = world.open(&spec).await;
        let step = issuance.accept().await.expect("a sign-in");
        let redirect = world.sign_in(&step).await;
        world.verified(&issuance.submit_redirect(&redirect).await.expect("it is issued")).await;
        let by_scope = AcceptOptions { request: RequestBy::Scope, ..AcceptOptions::default() };
        let refused = failure(world.open(&spec).await.accept_with(by_scope).await);
        assert_eq!(refused.code(), ErrorCode::FeatureUnsupported);
    }
}

// covers: META-12
#[tokio::test]
async fn servers_elsewhere_and_several_of_them() {
    for server in [AuthorizationServer::Port, AuthorizationServer::Two] {
        let world = World::with(Options { authorization_server: server, ..Options::default() }).await;
        let issuance = world.open(&code(JWT_VC)).await;
        let redirect = world.sign_in(&issuance.accept().await.expect("a sign-in")).await;
        world.verified(&issuance.submit_redirect(&redirect).await.expect("it is issued")).await;
        world.verified(&world.open(&pre_authorized(JWT_VC)).await.accept().await.expect("it is issued")).await;
    }
}

#[tokio::test]
async fn an_issuer_under_a_path() {
    let world = World::with(Options { path: "/tenants/7".to_owned(), ..Options::default() }).await;
    let issuance = world.open(&code(SD_JWT)).await;
    assert!(issuance.offer().credential_issuer.as_str().ends_with("/tenants/7"));
    let redirect = world.sign_in(&issuance.accept().await.expect("a sign-in")).await;
    world.verified(&issuance.submit_redirect(&redirect).await.expect("it is issued")).await;
    let expected = "GET /.well-known/openid-credential-issuer/tenants/7".to_owned();
    assert!(world.requests().contains(&expected), "{:?}", world.requests());
}

// covers: AUTHZ-20
#[tokio::test]
async fn begun_by_the_wallet() {
    let world = World::new().await;
    let id = "UniversityDegree_dc_sd_jwt".into();
    let issuance = world.wallet().start(world.issuer.issuer(), &[id]).await.expect("it begins");
    assert_eq!(issuance.offer().grants, [GrantType::AuthorizationCode]);
    let redirect = world.sign_in(&issuance.accept().await.expect("a sign-in")).await;
    world.verified(&issuance.submit_redirect(&redirect).await.expect("it is issued")).await;
    let unknown = world.wallet().start(world.issuer.issuer(), &["Nothing".into()]).await;
    assert_eq!(failure(unknown).code(), ErrorCode::UnknownConfiguration);
    assert_eq!(
        failure(world.wallet().start("issuer.example", &["X".into()]).await).code(),
        ErrorCode::OfferIssuerInvalid
    );
    assert_eq!(failure(world.wallet().start(world.issuer.issuer(), &[]).await).code(), ErrorCode::UnknownConfiguration);
}

#[tokio::test]
async fn after_a_restart_the_redirect_finds_its_session() {
    let world = World::new().await;
    let (first, second) = (world.open(&code(SD_JWT)).await, world.open(&code(JWT_VC)).await);
    let redirect = world.sign_in(&first.accept().await.expect("a sign-in")).await;
    second.accept().await.expect("a sign-in");
    let id = first.id().clone();
    drop((first, second));

    let wallet = world.wallet();
    let pending = wallet.pending().await.expect("a list");
    assert_eq!(pending.len(), 2);
    assert!(pending.iter().all(|one| matches!(one.step, Step::SignIn { .. })));
    let resumed = wallet.resume_redirect(&redirect).await.expect("it is found");
    assert_eq!(*resumed.id(), id);
    let credential = world.verified(&resumed.submit_redirect(&redirect).await.expect("it is issued")).await;
    assert_eq!(credential.format.as_str(), SD_JWT);
    assert_eq!(wallet.pending().await.expect("a list").len(), 1);
    // The same redirect again belongs to nothing any more.
    assert_eq!(failure(wallet.resume_redirect(&redirect).await).code(), ErrorCode::StateMismatch);
    assert_eq!(failure(resumed.submit_redirect(&redirect).await).code(), ErrorCode::SessionEnded);
    assert_eq!(world.count("/token"), 1);
}

// covers: AUTHZ-15, AUTHZ-18
#[tokio::test]
async fn a_redirect_that_is_not_ours_changes_nothing() {
    let world = World::new().await;
    let issuance = world.open(&code(SD_JWT)).await;
    let redirect = world.sign_in(&issuance.accept().await.expect("a sign-in")).await;
    let base = world.issuer.base();
    for (forged, expected) in [
        (format!("{REDIRECT}?code=x&state=y&iss={base}"), ErrorCode::StateMismatch),
        (format!("{REDIRECT}?error=access_denied&state=y"), ErrorCode::StateMismatch),
        (redirect.replace(REDIRECT, "com.example.other:/callback"), ErrorCode::RedirectMalformed),
        (redirect.replace("code=", "kode="), ErrorCode::RedirectMalformed),
        ("nonsense".to_owned(), ErrorCode::RedirectMalformed),
        (redirect.replace("iss=http", "iss=https"), ErrorCode::IssMismatch),
        (redirect.replace("&iss=", "&was="), ErrorCode::IssMismatch),
    ] {
        assert_eq!(failure(issuance.submit_redirect(&forged).await).code(), expected, "{forged}");
    }
    assert_eq!(world.count("/token"), 0);
    world.verified(&issuance.submit_redirect(&redirect).await.expect("it is issued")).await;
}

// covers: AUTHZ-17, ASM-09
#[tokio::test]
async fn what_the_server_does_wrong_in_the_redirect_is_seen() {
    for (fault, expected) in [
        ("wrong-state", ErrorCode::StateMismatch),
        ("wrong-iss", ErrorCode::IssMismatch),
        ("missing-iss", ErrorCode::IssMismatch),
    ] {
        let world = World::new().await;
        let issuance = world.open(&code(SD_JWT)).await;
        let step = issuance.accept().await.expect("a sign-in");
        world.issuer.set_fault(fault).expect("a fault");
        let redirect = world.sign_in(&step).await;
        assert_eq!(failure(issuance.submit_redirect(&redirect).await).code(), expected, "{fault}");
        assert_eq!(world.count("/token"), 0, "{fault}");
    }
}

#[tokio::test]
async fn a_refused_sign_in_can_begin_again() {
    let world = World::new().await;
    let issuance = world.open(&code(SD_JWT)).await;
    world.issuer.set_fault_times("deny-login", 1).expect("a fault");
    let redirect = world.sign_in(&issuance.accept().await.expect("a sign-in")).await;
    let error = failure(issuance.submit_redirect(&redirect).await);
    assert_eq!(error.code(), ErrorCode::AccessDenied);
    assert_eq!(error.server_error().map(|said| said.error.as_str()), Some("access_denied"));
    assert!(matches!(issuance.step().await, Ok(Step::Review)));
    let redirect = world.sign_in(&issuance.accept().await.expect("a sign-in")).await;
    world.verified(&issuance.submit_redirect(&redirect).await.expect("it is issued")).await;
}

#[tokio::test]
async fn an_expired_code_asks_for_another_sign_in() {
    let world = World::new().await;
    let issuance = world.open(&code(SD_JWT)).await;
    world.issuer.set_fault_times("expired-code", 1).expect("a fault");
    let redirect = world.sign_in(&issuance.accept().await.expect("a sign-in")).await;
    let error = failure(issuance.submit_redirect(&redirect).await);
    assert_eq!((error.code(), error.advice()), (ErrorCode::GrantRefused, Advice::SignInAgain));
    let redirect = world.sign_in(&issuance.accept().await.expect("a sign-in")).await;
    world.verified(&issuance.submit_redirect(&redirect).await.expect("it is issued")).await;
}

// covers: TOKRQ-04
#[tokio::test]
async fn calls_that_do_not_fit_say_so_and_change_nothing() {
    let world = World::new().await;
    let issuance = world.open(&code(SD_JWT)).await;
    assert_eq!(failure(issuance.submit_code("1").await).code(), ErrorCode::WrongStep);
    assert_eq!(failure(issuance.submit_redirect("x:/y").await).code(), ErrorCode::WrongStep);
    let step = issuance.accept().await.expect("a sign-in");
    assert_eq!(failure(issuance.decline().await).code(), ErrorCode::WrongStep);
    assert!(matches!(issuance.proceed().await, Ok(Step::SignIn { .. })));
    let redirect = world.sign_in(&step).await;
    world.verified(&issuance.submit_redirect(&redirect).await.expect("it is issued")).await;
    let wanted = AcceptOptions { grant: Some(GrantType::PreAuthorizedCode), ..AcceptOptions::default() };
    let refused = world.open(&code(SD_JWT)).await;
    assert_eq!(failure(refused.accept_with(wanted).await).code(), ErrorCode::GrantUnavailable);
}

#[tokio::test]
async fn without_a_redirect_uri_nobody_is_sent_away() {
    let world = World::new().await;
    let wallet = billfold::Wallet::builder("me")
        .keys(world.keys.clone())
        .store(world.store.clone())
        .allow_loopback_http(true)
        .build()
        .expect("a wallet");
    let issuance = wallet.open_offer(&world.offer(&code(SD_JWT)).link).await.expect("it opens");
    assert_eq!(failure(issuance.accept().await).code(), ErrorCode::SetupInvalid);
}

#[tokio::test]
async fn a_lost_sign_in_can_begin_anew() {
    let world = World::new().await;
    let issuance = world.open(&code(SD_JWT)).await;
    let first = world.sign_in(&issuance.accept().await.expect("a sign-in")).await;
    // The page was shown and answered, and the answer never reached the wallet.
    let step = issuance.accept().await.expect("a sign-in");
    assert_eq!(failure(issuance.submit_redirect(&first).await).code(), ErrorCode::StateMismatch);
    let redirect = world.sign_in(&step).await;
    world.verified(&issuance.submit_redirect(&redirect).await.expect("it is issued")).await;
}

/// An offer with both grants, each with the server that it is to be used with, if any.
fn both_grants(world: &World, pre_authorized_at: Option<&str>, code_at: Option<&str>) -> String {
    let link = world.offer(&crate::world::pre_authorized(SD_JWT)).link;
    let (_, query) = link.split_once('?').expect("a query");
    let (_, offer) = url::form_urlencoded::parse(query.as_bytes()).next().expect("an offer");
    let mut offer: serde_json::Value = serde_json::from_str(&offer).expect("JSON");
    let grants = offer["grants"].as_object_mut().expect("grants");
    let pre_authorized = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
    grants.insert("authorization_code".to_owned(), serde_json::json!({}));
    for (grant, at) in [(pre_authorized, pre_authorized_at), ("authorization_code", code_at)] {
        let grant = grants[grant].as_object_mut().expect("a grant");
        grant.remove("authorization_server");
        if let Some(at) = at {
            grant.insert("authorization_server".to_owned(), format!("{}{at}", world.issuer.base()).into());
        }
    }
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("credential_offer", &offer.to_string())
        .finish();
    format!("openid-credential-offer://?{query}")
}

#[tokio::test]
async fn each_grant_goes_to_the_server_that_the_offer_names_for_it() {
    // `/as1` serves the code grant only, `/as2` the other one.
    let world = World::with(Options { authorization_server: AuthorizationServer::Two, ..Options::default() }).await;
    let wallet = world.wallet();
    let link = both_grants(&world, None, Some("/as1"));
    let issuance = wallet.open_offer(&link).await.expect("it opens");
    let step = issuance.accept().await.expect("a sign-in");
    let redirect = world.sign_in(&step).await;
    world.verified(&issuance.submit_redirect(&redirect).await.expect("it is issued")).await;

    let link = both_grants(&world, Some("/as2"), Some("/as1"));
    let issuance = wallet.open_offer(&link).await.expect("it opens");
    let by_code = AcceptOptions { grant: Some(GrantType::AuthorizationCode), ..AcceptOptions::default() };
    assert_eq!(failure(issuance.accept_with(by_code).await).code(), ErrorCode::GrantUnavailable);
    let Ok(Step::Done { .. }) = issuance.accept().await else { panic!("it is issued") };
}
