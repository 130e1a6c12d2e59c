use std::sync::Arc;

use billfold::platform::memory::{MemorySecrets, MemoryStore};
use billfold::platform::sealed::SealedStore;
use billfold::platform::secret::SecretStore;
use billfold::platform::store::{Change, CredentialStore, Expected, StoreErrorKind, Table};
use billfold::platform::store_suite;
use zeroize::Zeroizing;

fn put(id: &str, content: &[u8]) -> Change {
    let table = Table::Credentials;
    Change::Put { table, id: id.to_owned(), content: content.to_vec(), expected: Expected::Anything }
}

#[tokio::test]
async fn a_sealed_store_conforms() {
    store_suite::run(async || SealedStore::open(MemoryStore::new(), &MemorySecrets::new(), "x").await.unwrap()).await;
}

// covers: SEC-08
#[tokio::test]
async fn the_store_underneath_sees_no_content_and_can_swap_none() {
    let (below, secrets) = (Arc::new(MemoryStore::new()), MemorySecrets::new());
    let store = SealedStore::open(below.clone(), &secrets, "x").await.unwrap();
    store.commit(vec![put("a", b"Mustermann"), put("b", b"Musterfrau"), put("c", b"")]).await.unwrap();
    let mut sealed = Vec::new();
    for record in below.list(Table::Credentials).await.unwrap() {
        assert!(!record.content.windows(6).any(|window| window == b"Muster"));
        sealed.push(record.content);
    }
    // Opened again, with the same key.
    let store = SealedStore::open(below.clone(), &secrets, "x").await.unwrap();
    assert_eq!(store.get(Table::Credentials, "a").await.unwrap().unwrap().content, b"Mustermann");

    below.commit(vec![put("a", &sealed[1]), put("c", b"short")]).await.unwrap();
    for wrong in ["a", "c"] {
        let error = store.get(Table::Credentials, wrong).await.unwrap_err();
        assert_eq!((error.kind, error.record.as_deref()), (StoreErrorKind::Damaged, Some(wrong)));
        assert!(error.to_string().contains(&format!("record {wrong} in credentials")), "{error}");
    }
    // One that does not open hides no other.
    assert_eq!(store.page(Table::Credentials, None, 9).await.unwrap_err().record.as_deref(), Some("a"));
    let page = store.page(Table::Credentials, Some("a"), 9).await.unwrap();
    assert_eq!(page.into_iter().map(|record| record.id).collect::<Vec<_>>(), ["b"]);
    assert_eq!(store.list(Table::Credentials).await.unwrap_err().kind, StoreErrorKind::Damaged);
}

#[tokio::test]
async fn a_lost_key_is_never_replaced_silently() {
    let (below, secrets) = (Arc::new(MemoryStore::new()), MemorySecrets::new());
    let store = SealedStore::open(below.clone(), &secrets, "x").await.unwrap();
    store.commit(vec![put("a", b"1")]).await.unwrap();
    for other in ["y", "x/x"] {
        let error = SealedStore::open(below.clone(), &secrets, other).await.unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Secret);
    }
    secrets.put("wrapping-key/sealed/x", Zeroizing::new(vec![1; 31])).await.unwrap();
    assert_eq!(SealedStore::open(below.clone(), &secrets, "x").await.unwrap_err().kind, StoreErrorKind::Secret);
    secrets.put("wrapping-key/sealed/x", Zeroizing::new(vec![1; 32])).await.unwrap();
    let other = SealedStore::open(below, &secrets, "x").await.unwrap();
    assert_eq!(other.get(Table::Credentials, "a").await.unwrap_err().kind, StoreErrorKind::Damaged);
}
