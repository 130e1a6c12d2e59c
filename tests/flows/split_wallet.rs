//! What the wallet provider's back end hears: it is the only server that a wallet has behind it.

use std::fmt::Write as _;

use billfold::{AcceptOptions, Encryption, Profile};
use billfold_test_issuer::Options;

use crate::attester::Provider;
use crate::messages::{Kept, field, form, header};
use crate::world::{Moved, SD_JWT, World, code};

// covers: SEC-10
#[tokio::test]
async fn the_back_end_hears_of_keys_and_of_nothing_that_opens_anything() {
    let world = World::with(Options::haip()).await;
    let (kept, clock) = (Kept::default(), Moved::default());
    let provider = Provider::new(&world).await;
    let wallet = world
        .builder()
        .http(kept.clone())
        .clock(clock.clone())
        .profile(Profile::Haip)
        .wallet_provider(provider.clone())
        .notify_in_background(false)
        .build()
        .expect("a wallet");
    let issuance = wallet.open_offer(&world.offer(&code(SD_JWT)).link).await.expect("it opens");
    let options = AcceptOptions { copies: Some(2), encryption: Encryption::Always, ..AcceptOptions::default() };
    let redirect = world.sign_in(&issuance.accept_with(options).await.expect("a sign-in")).await;
    let credential = world.verified(&issuance.submit_redirect(&redirect).await.expect("it is issued")).await;
    wallet.flush().await.expect("flushed");
    clock.pass(3600);
    world.issuer.advance_clock(3600);
    let renewal = wallet.refresh(&credential.id).await.expect("it begins");
    world.verified(&renewal.proceed().await.expect("it is issued")).await;

    let mut heard = String::new();
    for request in provider.asked.lock().expect("not poisoned").iter() {
        let key = request.key.public_jwk.to_value();
        write!(heard, "{} {} {key} ", request.authorization_server, request.client_id).expect("text");
    }
    for request in provider.keys.lock().expect("not poisoned").iter() {
        let keys: Vec<_> = request.keys.iter().map(|key| key.public_jwk.to_value()).collect();
        write!(heard, "{} {keys:?} {:?} ", request.credential_issuer, request.nonce).expect("text");
    }
    assert!(heard.contains(world.issuer.issuer()) && heard.contains("com.example.wallet"), "{heard}");

    let mut secrets = Vec::new();
    for request in kept.all("/token") {
        let sent = form(&request);
        secrets.extend(["code", "code_verifier", "refresh_token"].into_iter().filter_map(|name| field(&sent, name)));
    }
    for request in kept.all("/credential").iter().chain(&kept.all("/notification")) {
        let token = header(request, "authorization").and_then(|value| value.strip_prefix("DPoP "));
        secrets.extend([token, header(request, "dpop")].into_iter().flatten().map(str::to_owned));
    }
    secrets.extend(field(&form(&kept.all("/par").pop().expect("a pushed request")), "state"));
    secrets.push(credential.instances[0].to_text());
    assert!(secrets.len() > 8 && secrets.iter().all(|secret| secret.len() > 10), "{}", secrets.len());
    assert!(!secrets.iter().any(|secret| heard.contains(secret.as_str())));
}
