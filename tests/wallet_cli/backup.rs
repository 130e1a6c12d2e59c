//! Credentials that move to another wallet in a sealed file.

use serde_json::json;

use crate::issuer::TestIssuer;
use crate::support::User;

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_goes_from_one_wallet_to_another() {
    let issuer = TestIssuer::start().await;
    let (old, new) = (User::new(), User::new());
    let offer = issuer.offer(&json!({"grant": "pre-authorized"}));
    let id = old.run(&["accept", &offer.link]).await.exits(0).one("stored")["credential"].clone();
    let file = new.path("backup");
    let made = old.run_with_input(&["backup", &file], "correct horse\n").await.exits(0);
    assert_eq!(made.one("backup")["credentials"], 1);
    // Nothing is overwritten, and nothing is made without a passphrase.
    old.run_with_input(&["backup", &file], "correct horse\n").await.fails_with("file_failed");
    old.run(&["backup", &old.path("other")]).await.fails_with("passphrase_missing");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    let wrong = new.run_with_input(&["restore", &file], "other\n").await;
    assert_eq!(wrong.fails_with("passphrase_wrong")["kind"], "store");
    assert!(new.run(&["list"]).await.exits(0).events.is_empty());
    let restored = new.run_with_input(&["restore", &file], "correct horse\n").await.exits(0);
    let restored = restored.one("restored");
    assert_eq!((&restored["added"], &restored["without_key"]), (&json!([id]), &json!([id])));
    let listed = new.run(&["list"]).await.exits(0);
    assert_eq!(
        (&listed.one("credential")["credential"], &listed.one("credential")["verdict"]),
        (&id, &json!("verified"))
    );
    let again = new.run_with_input(&["restore", &file], "correct horse\n").await.exits(0);
    assert_eq!(again.one("restored")["known"], json!([id]));

    std::fs::write(new.path("none"), "no backup").unwrap();
    new.run_with_input(&["restore", &new.path("none")], "x\n").await.fails_with("backup_damaged");
    new.run_with_input(&["restore", &new.path("missing")], "x\n").await.fails_with("file_failed");
}
