//! What can be done with stored credentials.

use serde_json::json;

use crate::issuer::{FORMATS, TestIssuer};
use crate::support::User;

#[tokio::test(flavor = "multi_thread")]
async fn list_show_export_recheck_forget() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    assert!(user.run(&["list"]).await.exits(0).events.is_empty());
    for format in FORMATS {
        let offer = issuer.offer(&json!({"grant": "pre-authorized", "format": format}));
        let accepted = user.run(&["accept", &offer.link]).await.exits(0);
        let id = accepted.one("stored")["credential"].as_str().unwrap();

        let listed = user.run(&["list"]).await.exits(0);
        let listed = listed.one("credential");
        assert_eq!(listed["credential"], id);
        assert_eq!(listed["title"], "University Degree");
        assert_eq!(listed["credential_issuer"], issuer.base());
        assert_eq!(listed["verdict"], "verified");
        assert_eq!(listed["quarantined"], false);

        // The start of the id is enough.
        let shown = user.run(&["show", &id[..6]]).await.exits(0);
        let shown = shown.one("credential");
        assert_eq!(shown["credential"], id);
        let claims = shown["claims"].as_array().unwrap();
        let value = |label: &str| claims.iter().find(|claim| claim["label"] == label).map(|claim| &claim["value"]);
        assert_eq!(value("Given name"), Some(&json!("Erika")), "{shown:#}");
        assert_eq!(value("Degree"), Some(&json!("Bachelor of Science")), "{shown:#}");
        assert_eq!(shown["report"]["verdict"], "verified");

        let exported = user.run(&["export", id]).await.exits(0);
        let exported = exported.one("export");
        assert_eq!(exported["format"], format);
        let raw = exported["raw"][0].as_str().unwrap();
        assert!(raw.starts_with("ey") && raw.split('.').count() >= 3, "{raw}");

        user.run(&["recheck", id]).await.exits(0).one("stored");
        assert_eq!(user.run(&["forget", id]).await.exits(0).one("forgotten")["credential"], id);
        user.run(&["show", id]).await.fails_with("credential_unknown");
        assert!(user.run(&["list"]).await.exits(0).events.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_said_to_be_unknown() {
    let user = User::new();
    for command in ["show", "export", "recheck", "forget"] {
        let error = user.run(&[command, "no-such-id"]).await.fails_with("credential_unknown");
        assert_eq!(error["retryable"], false, "{command}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_at_a_time() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let offer = issuer.offer(&json!({"grant": "code"}));
    let mut running = user.start(&["accept", &offer.link]);
    let sign_in = running.event("sign_in").await;
    let error = user.run(&["list"]).await.fails_with("store_locked");
    assert_eq!(error["kind"], "store");
    assert_eq!(error["retryable"], true);
    let detail = error["detail"].as_str().unwrap();
    assert!(detail.contains(&running.id().to_string()), "it does not say who: {detail}");
    // Looking at an offer needs no store.
    user.run(&["inspect", &offer.link]).await.exits(0);
    issuer.user_signs_in(sign_in["url"].as_str().unwrap()).await;
    running.end().await.exits(0);
    assert_eq!(user.run(&["list"]).await.exits(0).all("credential").len(), 1);
}

// covers: SEC-08
#[tokio::test(flavor = "multi_thread")]
async fn the_store_is_sealed_and_for_its_owner_only() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let offer = issuer.offer(&json!({"grant": "pre-authorized"}));
    user.run(&["accept", &offer.link]).await.exits(0);
    let mut files = 0;
    for entry in std::fs::read_dir(user.path("store")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            files += 1;
            let content = std::fs::read(&path).unwrap();
            for text in ["Mustermann", "Erika", "UniversityDegree", "eyJ"] {
                let found = content.windows(text.len()).any(|window| window == text.as_bytes());
                assert!(!found, "{text} in {}", path.display());
            }
        }
    }
    assert!(files > 0);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(user.path("store")).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn issuers_hear_what_became_of_their_credentials() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let offer = issuer.offer(&json!({"grant": "pre-authorized"}));
    issuer.fault("http-500-notification");
    let accepted = user.run(&["accept", &offer.link]).await.exits(0);
    let id = accepted.one("stored")["credential"].clone();
    assert_eq!(accepted.kinds(), ["offer", "stored"], "the issuer does not listen");
    let flushed = user.run(&["flush"]).await.exits(0);
    assert_eq!(flushed.one("flushed")["waiting"], 1);
    issuer.no_faults();

    let forgotten = user.run(&["forget", id.as_str().unwrap()]).await.exits(0);
    let notified = forgotten.one("notified");
    assert_eq!((&notified["credential"], &notified["notification"]), (&id, &json!("credential_deleted")));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_copies_of_one_credential() {
    let issuer = TestIssuer::start().await;
    let user = User::new();
    let offer = issuer.offer(&json!({"grant": "pre-authorized"}));
    user.run(&["accept", &offer.link, "--copies", "99"]).await.fails_with("setup_invalid");
    let offer = issuer.offer(&json!({"grant": "pre-authorized"}));
    let accepted = user.run(&["accept", &offer.link, "--copies", "3"]).await.exits(0);
    let id = accepted.one("stored")["credential"].as_str().unwrap();
    let exported = user.run(&["export", id]).await.exits(0);
    assert_eq!(exported.one("export")["raw"].as_array().unwrap().len(), 3);
}
