//! Which requests are sent, in which order, and what runs side by side: read from the issuer's log.

use billfold_test_issuer::Options;

use crate::world::{SD_JWT, World, code, pre_authorized};

/// Slow enough that requests which can overlap do, on any machine.
fn slow() -> Options {
    // What the issuer is told afterwards is sent in the background, and not looked at here.
    Options { latency_ms: 150, notification_endpoint: false, ..Options::default() }
}

fn waves(world: &World) -> Vec<Vec<String>> {
    let mut waves = world.issuer.log().waves;
    for wave in &mut waves {
        wave.sort();
    }
    waves
}

#[tokio::test]
async fn a_cold_pre_authorized_issuance_takes_three_waves() {
    let world = World::with(slow()).await;
    world.issuer.reset_log();
    world.verified(&world.open(&pre_authorized(SD_JWT)).await.accept().await.expect("it is issued")).await;
    assert_eq!(
        waves(&world),
        [
            vec!["GET /.well-known/oauth-authorization-server", "GET /.well-known/openid-credential-issuer"],
            vec!["POST /nonce", "POST /token"],
            vec!["POST /credential"],
        ]
    );
}

#[tokio::test]
async fn a_warm_pre_authorized_issuance_takes_two_waves() {
    let world = World::with(slow()).await;
    let wallet = world.wallet();
    wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("the offer opens");
    world.issuer.reset_log();
    let issuance = wallet.open_offer(&world.offer(&pre_authorized(SD_JWT)).link).await.expect("the offer opens");
    assert_eq!(waves(&world), Vec::<Vec<String>>::new());
    world.verified(&issuance.accept().await.expect("it is issued")).await;
    assert_eq!(waves(&world), [vec!["POST /nonce", "POST /token"], vec!["POST /credential"]]);
}

#[tokio::test]
async fn a_code_issuance_takes_two_waves_after_the_sign_in() {
    let world = World::with(slow()).await;
    let issuance = world.open(&code(SD_JWT)).await;
    let step = issuance.accept().await.expect("a sign-in");
    let redirect = world.sign_in(&step).await;
    world.issuer.reset_log();
    world.verified(&issuance.submit_redirect(&redirect).await.expect("it is issued")).await;
    assert_eq!(waves(&world), [vec!["POST /nonce", "POST /token"], vec!["POST /credential"]]);
}
