//! Cards, in the terminal and as pages.

use billfold_test_issuer::{Display, Options};
use serde_json::json;

use crate::issuer::TestIssuer;
use crate::support::{User, finish};

async fn dressed(display: Display) -> TestIssuer {
    TestIssuer::with(Options { display, ..Options::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_shown_with_its_pictures_and_kept_for_later() {
    let issuer = dressed(Display::Alpine).await;
    let user = User::new();
    let offer = issuer.offer(&json!({"grant": "pre-authorized"}));
    let accepted = user.run(&["accept", &offer.link]).await.exits(0);
    let id = accepted.one("stored")["credential"].as_str().unwrap().to_owned();
    let shown = user.run(&["--locale", "fr-FR", "show", &id]).await.exits(0);
    let shown = shown.one("credential").clone();
    assert_eq!((&shown["title"], &shown["locale"]), (&json!("Diplôme universitaire"), &json!("fr-CH")));
    assert_eq!((&shown["state"], &shown["state_text"]), (&json!("valid"), &json!("Valable")));
    assert_eq!((&shown["background_color"], &shown["text_color"]), (&json!("#91121d"), &json!("#ffffff")));
    assert_eq!(shown["logo"]["media_type"], "image/svg+xml");
    // A page that is served as a picture is none.
    assert_eq!(shown["issuer_logo"]["media_type"], json!(null));
    let claim = |name: &str| shown["claims"].as_array().unwrap().iter().find(|claim| claim["path"] == json!([name]));
    let birth = claim("birthdate").unwrap();
    assert_eq!((&birth["label"], &birth["typed"]), (&json!("Date de naissance"), &json!({"date": "1984-01-26"})));
    assert_eq!(birth["disclosable"], true);

    // Without its issuer everything is there all the same.
    issuer.stop();
    let again = user.run(&["--locale", "fr-FR", "show", &id]).await.exits(0);
    assert_eq!(again.one("credential"), &shown);
    let listed = user.run(&["--locale", "it", "list"]).await.exits(0);
    assert_eq!(listed.one("credential")["title"], "Diploma universitario");
    let store = user.path("store");
    let words = ["--store", &store, "--locale", "de", "list"];
    let output = finish(user.bare(&words)).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("Hochschulabschluss") && text.contains("Gültig bis"), "{text}");
    let output = finish(user.bare(&["--store", &store, "--locale", "de", "show", &id])).await;
    let text = String::from_utf8(output.stdout).unwrap();
    for expected in ["Hochschulabschluss", "Bildungsamt der Alpen", "Gültig · Gültig bis", "Erika", "✓ signature", "◦"]
    {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_needs_nothing_but_itself() {
    let issuer = dressed(Display::Harbour).await;
    let user = User::new();
    let offer = issuer.offer(&json!({"grant": "pre-authorized", "format": "mso_mdoc"}));
    let accepted = user.run(&["accept", &offer.link]).await.exits(0);
    let id = accepted.one("stored")["credential"].as_str().unwrap().to_owned();
    let file = user.path("card.html");
    user.run(&["--locale", "ar", "show", &id, "--html", &file]).await.exits(0);
    let page = std::fs::read_to_string(&file).unwrap();
    for expected in [
        "default-src 'none'",
        "رخصة قيادة",
        "مكتب الميناء",
        "lang=\"ar\"",
        "url(data:image/jpeg;base64,",
        "src=\"data:image/png;base64,",
        "class=\"value\" src=\"data:image/jpeg;base64,",
        "1984-01-26",
        "✓",
    ] {
        assert!(page.contains(expected), "{expected}");
    }
    // No address leads anywhere, and nothing runs; the issuer's identifier is text.
    for forbidden in ["<script", "src=\"http", "href=", "url(http", "@import", "javascript:", " onload"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    let nowhere = user.path("no/such/folder/card.html");
    user.run(&["show", &id, "--html", &nowhere]).await.fails_with("file_unwritable");
}
