//! The ways to the issuer's page and back.

use std::time::Duration;

use serde_json::json;

use crate::issuer::TestIssuer;
use crate::support::User;

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_command_can_be_the_browser() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let offer = issuer.offer(&json!({"grant": "code"}));
    let seen = user.path("seen");
    let browser = format!("sh -c 'echo noise; printf %s \"$1\" > {seen}.new && mv {seen}.new {seen}' browser");
    let mut running = user.start(&["--browser", &browser, "accept", &offer.link]);
    let sign_in = running.event("sign_in").await;
    let mut waited = 0;
    let url = loop {
        match std::fs::read_to_string(&seen) {
            Ok(url) => break url,
            Err(_) if waited < 200 => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(error) => panic!("the browser was not run: {error}"),
        }
        waited += 1;
    };
    assert_eq!(sign_in["url"], url);
    issuer.user_signs_in(&url).await;
    running.end().await.exits(0).one("stored");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_fails_is_said() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    for browser in ["no-such-program-anywhere", "false"] {
        let offer = issuer.offer(&json!({"grant": "code"}));
        let error = user.run(&["--browser", browser, "accept", &offer.link]).await.fails_with("browser_failed");
        assert_eq!(error["retryable"], true);
        assert!(error["session"].is_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheme_of_its_own_comes_back_on_standard_input() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let offer = issuer.offer(&json!({"grant": "code"}));
    let words = ["--redirect-uri", "dev.billfold.wallet:/callback", "accept", &offer.link];
    let mut running = user.start_with_input(&words);
    let sign_in = running.event("sign_in").await;
    let redirect = issuer.redirect_after_sign_in(sign_in["url"].as_str().unwrap()).await;
    assert!(redirect.starts_with("dev.billfold.wallet:/callback?"), "{redirect}");
    running.say(&redirect).await;
    running.end().await.exits(0).one("stored");

    // Nobody there: the sign-in is left for `resume`.
    let offer = issuer.offer(&json!({"grant": "code"}));
    let left = user.run(&["--redirect-uri", "dev.billfold.wallet:/callback", "accept", &offer.link]).await.exits(3);
    let redirect = issuer.redirect_after_sign_in(left.one("sign_in")["url"].as_str().unwrap()).await;
    user.run(&["resume", &redirect]).await.exits(0).one("stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_said_before_anything_is_sent() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("http://{}/callback", taken.local_addr().unwrap());
    let offer = issuer.offer(&json!({"grant": "code"}));
    let before = issuer.requests();
    user.run(&["--redirect-uri", &uri, "accept", &offer.link]).await.fails_with("listen_failed");
    assert_eq!(issuer.requests(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_at_the_port_do_not_disturb() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let offer = issuer.offer(&json!({"grant": "code"}));
    let mut running = user.start(&["accept", &offer.link]);
    let sign_in = running.event("sign_in").await;
    let redirect = issuer.redirect_after_sign_in(sign_in["url"].as_str().unwrap()).await;
    let redirect = url::Url::parse(&redirect).unwrap();
    let client = crate::issuer::client();
    for path in ["/", "/favicon.ico", "/callback"] {
        let answer = client.get(redirect.join(path).unwrap()).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
    }
    assert_eq!(client.post(redirect.clone()).send().await.unwrap().status(), 405);
    let page = client.get(redirect).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("close this page"));
    running.end().await.exits(0).one("stored");
}
