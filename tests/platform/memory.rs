use std::sync::Arc;

use billfold::platform::memory::{MemorySecrets, MemoryStore};
use billfold::platform::secret::SecretStore;
use billfold::platform::store::{Change, CredentialStore, Expected, Record, Table};
use billfold::platform::store_suite;
use zeroize::Zeroizing;

#[tokio::test]
async fn memory_store_conforms() {
    store_suite::run(async || MemoryStore::new()).await;
}

#[tokio::test]
async fn a_shared_store_is_a_store() {
    store_suite::run(async || Arc::new(MemoryStore::new()) as Arc<dyn CredentialStore>).await;
}

#[tokio::test]
async fn memory_secrets_keep_replace_and_forget() {
    let secrets = MemorySecrets::new();
    assert!(secrets.get("a").await.unwrap().is_none());
    secrets.put("a", Zeroizing::new(vec![0, 1])).await.unwrap();
    secrets.put("a", Zeroizing::new(vec![2])).await.unwrap();
    assert_eq!(*secrets.get("a").await.unwrap().unwrap(), [2]);
    secrets.remove("a").await.unwrap();
    secrets.remove("a").await.unwrap();
    assert!(secrets.get("a").await.unwrap().is_none());
}

#[test]
fn debug_shows_no_content() {
    let record = Record { id: "x".to_owned(), revision: 1, content: b"token".to_vec() };
    let put = Change::Put {
        table: Table::Sessions,
        id: "x".to_owned(),
        content: b"token".to_vec(),
        expected: Expected::Nothing,
    };
    assert_eq!(format!("{record:?}"), r#"Record { id: "x", revision: 1, content: [5 octets] }"#);
    assert_eq!(format!("{put:?}"), r#"Put { table: Sessions, id: "x", content: [5 octets], expected: Nothing }"#);
}
