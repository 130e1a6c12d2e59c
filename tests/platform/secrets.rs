use std::path::Path;
use std::sync::Arc;

use billfold::platform::secret::{FileSecrets, PassphraseSecrets, SecretStore};
use zeroize::Zeroizing;

fn secret(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(bytes.to_vec())
}

fn names_in(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_file_keeps_replaces_and_forgets() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new/secrets.json");
    let secrets = FileSecrets::open(&path).await.unwrap();
    assert!(secrets.get("a").await.unwrap().is_none());
    secrets.remove("a").await.unwrap();
    assert!(!path.exists());

    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    secrets.put("a", secret(&every_byte)).await.unwrap();
    secrets.put("key/\u{1f511} \"\\\n", secret(b"")).await.unwrap();
    secrets.put("c", secret(b"old")).await.unwrap();
    secrets.put("c", secret(b"new")).await.unwrap();
    secrets.put("d", secret(b"x")).await.unwrap();
    secrets.remove("d").await.unwrap();
    drop(secrets);

    let secrets = FileSecrets::open(&path).await.unwrap();
    assert_eq!(secrets.get("a").await.unwrap(), Some(secret(&every_byte)));
    assert_eq!(secrets.get("key/\u{1f511} \"\\\n").await.unwrap(), Some(secret(b"")));
    assert_eq!(secrets.get("c").await.unwrap(), Some(secret(b"new")));
    assert_eq!(secrets.get("d").await.unwrap(), None);
    // No half-written file stays behind.
    assert_eq!(names_in(path.parent().unwrap()), ["secrets.json", "secrets.json.lock"]);
}

#[tokio::test]
async fn two_handles_on_one_file_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secrets.json");
    let handles = [FileSecrets::open(&path).await.unwrap(), FileSecrets::open(&path).await.unwrap()];
    let mut tasks = Vec::new();
    for number in 0..20_u8 {
        let secrets = handles[usize::from(number) % 2].clone();
        tasks.push(tokio::spawn(async move { secrets.put(&number.to_string(), secret(&[number])).await }));
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    for number in 0..20_u8 {
        assert_eq!(handles[0].get(&number.to_string()).await.unwrap(), Some(secret(&[number])));
    }
}

#[tokio::test]
async fn a_damaged_file_is_an_error_and_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secrets.json");
    let secrets = FileSecrets::open(&path).await.unwrap();
    secrets.put("a", secret(b"1")).await.unwrap();
    for damaged in ["", "{", r#"{"version":2,"secrets":{}}"#, r#"{"version":1}"#, r#"{"version":1,"secrets":{"a":1}}"#]
    {
        std::fs::write(&path, damaged).unwrap();
        FileSecrets::open(&path).await.unwrap_err();
        secrets.get("a").await.unwrap_err();
        secrets.put("a", secret(b"2")).await.unwrap_err();
        secrets.remove("a").await.unwrap_err();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), damaged);
    }
    std::fs::write(&path, r#"{"version":1,"secrets":{"a":"c2VjcmV0*"}}"#).unwrap();
    let error = secrets.get("a").await.unwrap_err();
    assert!(!format!("{error:?}").contains("c2Vj"), "{error:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new/secrets.json");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let secrets = FileSecrets::open(&path).await.unwrap();
    secrets.put("a", secret(b"1")).await.unwrap();
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));

    for shared in [0o640, 0o604, 0o660, 0o601] {
        std::fs::set_permissions(&path, PermissionsExt::from_mode(shared)).unwrap();
        let error = FileSecrets::open(&path).await.unwrap_err();
        assert!(error.to_string().contains("may be read by others"), "{error}");
        secrets.get("a").await.unwrap_err();
        secrets.put("a", secret(b"2")).await.unwrap_err();
    }
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    assert_eq!(secrets.get("a").await.unwrap(), Some(secret(b"1")));
}

#[tokio::test]
async fn a_passphrase_opens_its_file_at_the_real_cost() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secrets.sealed");
    let secrets = PassphraseSecrets::open(&path, "pass phrase").await.unwrap();
    let secrets: Arc<dyn SecretStore> = Arc::new(secrets);
    secrets.put("a", secret(b"1")).await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(r#""memory_kib":65536,"passes":3,"lanes":4"#), "{text}");
    let secrets = PassphraseSecrets::open(&path, "pass phrase").await.unwrap();
    assert_eq!(secrets.get("a").await.unwrap(), Some(secret(b"1")));
}

#[test]
fn files_work_without_a_runtime() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secrets.json");
    let work = async {
        let secrets = FileSecrets::open(&path).await?;
        secrets.put("a", secret(b"1")).await?;
        secrets.get("a").await
    };
    let read = futures_util::FutureExt::now_or_never(work).expect("it does not wait").unwrap();
    assert_eq!(read, Some(secret(b"1")));
}
