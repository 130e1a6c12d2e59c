use std::path::Path;

use billfold::platform::keyring::KeyringSecrets;
use billfold::platform::secret::{SecretStore, best_available};
use zeroize::Zeroizing;

fn secret(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(bytes.to_vec())
}

/// Runs one of the tests below in a process of its own, with other session settings.
async fn run_child(name: &str, settings: &[(&str, &Path)]) {
    let output = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture"])
        .envs(settings.iter().copied())
        .output()
        .await
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{errors}");
}

#[tokio::test]
#[ignore = "runs only as a child of without_a_system_store_a_key_file_is_used_and_said"]
async fn child_without_a_system_store() {
    let Ok(dir) = std::env::var("BILLFOLD_TEST_DIR") else { return };
    let dir = Path::new(&dir);
    let error = KeyringSecrets::open("dev.billfold.test").await.unwrap_err().to_string();
    assert!(error.contains("Secret Service") && error.contains("D-Bus"), "{error}");

    for _ in 0..2 {
        let (secrets, description) = best_available("dev.billfold.test", dir).await.unwrap();
        assert!(description.contains("key file") && description.contains("no system keyring"), "{description}");
        secrets.put("a", secret(b"1")).await.unwrap();
        assert_eq!(secrets.get("a").await.unwrap(), Some(secret(b"1")));
    }
    assert!(dir.join("secrets.json").exists());

    // A wallet that began with the system's store is not given an empty file.
    std::fs::remove_file(dir.join("secrets.json")).unwrap();
    std::fs::write(dir.join("secrets-are-in-the-keyring"), "").unwrap();
    let error = best_available("dev.billfold.test", dir).await.err().expect("refused").to_string();
    assert!(error.contains("in the system's store, which can't be used"), "{error}");
    assert!(!dir.join("secrets.json").exists());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn without_a_system_store_a_key_file_is_used_and_said() {
    let dir = tempfile::tempdir().unwrap();
    let nowhere = format!("unix:path={}/none", dir.path().display());
    let settings = [("DBUS_SESSION_BUS_ADDRESS", Path::new(&nowhere)), ("BILLFOLD_TEST_DIR", dir.path())];
    run_child("keyring::child_without_a_system_store", &settings).await;
}

/// On Linux: `dbus-run-session -- sh -c 'echo -n x | gnome-keyring-daemon --unlock --components=secrets &&
/// cargo test --test platform keyring::the_system_store -- --ignored'`.
#[tokio::test]
#[ignore = "needs the store of a desktop session, and writes into it"]
async fn the_system_store_keeps_replaces_and_forgets() {
    let service = format!("dev.billfold.test.{}", std::process::id());
    let secrets = KeyringSecrets::open(&service).await.unwrap();
    assert_eq!(secrets.get("a").await.unwrap(), None);
    secrets.remove("a").await.unwrap();
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    secrets.put("a", secret(b"old")).await.unwrap();
    secrets.put("a", secret(&every_byte)).await.unwrap();
    secrets.put("key/b", secret(b"2")).await.unwrap();
    let again = KeyringSecrets::open(&service).await.unwrap();
    assert_eq!(again.get("a").await.unwrap(), Some(secret(&every_byte)));
    assert_eq!(KeyringSecrets::open("dev.billfold.test.other").await.unwrap().get("a").await.unwrap(), None);
    for name in ["a", "key/b"] {
        again.remove(name).await.unwrap();
        assert_eq!(secrets.get(name).await.unwrap(), None);
    }
    let dir = tempfile::tempdir().unwrap();
    let (chosen, description) = best_available(&service, dir.path()).await.unwrap();
    assert!(!description.contains("file"), "{description}");
    chosen.put("c", secret(b"3")).await.unwrap();
    let (chosen, _) = best_available(&service, dir.path()).await.unwrap();
    assert_eq!(chosen.get("c").await.unwrap(), Some(secret(b"3")));
    chosen.remove("c").await.unwrap();
    assert!(!dir.path().join("secrets.json").exists());
}
