//! What a person sees: no terminal here, so plain text without colours.

use serde_json::json;

use crate::issuer::TestIssuer;
use crate::support::{User, finish};

#[tokio::test(flavor = "multi_thread")]
async fn a_card_and_its_report() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let offer = issuer.offer(&json!({"grant": "pre-authorized"}));
    let store = user.path("store");
    let output = finish(user.bare(&["--dev", "--store", &store, "accept", &offer.link])).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    for part in ["University Degree", "Given name", "Erika", "Verified", "✓ signature", "✓ holder binding", "╭", "╰"]
    {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "colours without a terminal:\n{text}");
    // The values stand below each other.
    let column = |label: &str, value: &str| {
        let line = text.lines().find(|line| line.contains(label)).unwrap();
        line.chars().collect::<String>().find(value).unwrap()
    };
    assert_eq!(column("Given name", "Erika"), column("Family name", "Mustermann"), "{text}");

    let list = String::from_utf8(finish(user.bare(&["--store", &store, "list"])).await.stdout).unwrap();
    assert!(list.contains("University Degree") && list.starts_with('✓'), "{list}");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_language_of_the_surroundings() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let offer = issuer.offer(&json!({"grant": "pre-authorized"}));
    let mut command = user.bare(&["--dev", "--store", &user.path("store"), "accept", &offer.link]);
    command.env("LC_ALL", "de_DE.UTF-8");
    let text = String::from_utf8(finish(command).await.stdout).unwrap();
    assert!(text.contains("Hochschulabschluss") && text.contains("Vorname"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_goes_to_standard_error_with_advice() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let offer = issuer.offer(&json!({"grant": "pre-authorized"}));
    issuer.fault("expired-code");
    let output = finish(user.bare(&["--dev", "--store", &user.path("store"), "accept", &offer.link])).await;
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    for part in ["grant_refused", "invalid_grant", "/token", "Ask the issuer for a new offer"] {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demonstration_tells_what_it_does() {
    let user = User::new();
    let output = finish(user.bare(&["--dev", "accept"])).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    for part in ["offers", "Sign in", "╭", "Verified", "✓ signature"] {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
}
