use std::sync::Arc;

use async_trait::async_trait;

use super::file::tests::CHEAP;
use super::*;
use crate::error::Advice;
use crate::model::jwk::Algorithm;
use crate::outbox::Contact;
use crate::platform::keys::{KeyPurpose, KeySpec};
use crate::platform::memory::{MemorySecrets, MemoryStore};
use crate::platform::software_keys::SoftwareKeys;
use crate::platform::store::{CredentialStore, Record, StoreError};
use crate::testing;

struct Device {
    wallet: Wallet,
    store: Arc<MemoryStore>,
    keys: Arc<SoftwareKeys>,
}

impl Device {
    fn new() -> Self {
        let keys = Arc::new(SoftwareKeys::in_secrets(Arc::new(MemorySecrets::new())));
        let store = Arc::new(MemoryStore::new());
        let wallet = Wallet::builder("me").keys(keys.clone()).store(store.clone()).build().expect("a wallet");
        Self { wallet, store, keys }
    }

    /// One with credentials whose keys it has.
    async fn with(count: u32) -> Self {
        let device = Self::new();
        for number in 0..count {
            device.keep(&device.made(number).await).await;
        }
        device
    }

    async fn made(&self, number: u32) -> Credential {
        let mut credential = testing::credential(number);
        let spec = KeySpec { algorithm: Algorithm::Es256, purpose: KeyPurpose::Credential };
        let keys = self.keys.create(spec, credential.instances.len()).await.expect("keys");
        for (copy, key) in credential.instances.iter_mut().zip(keys) {
            copy.key = Some(key);
        }
        credential.authorization = Some("authorization".to_owned().into());
        credential.contact = Some(Contact {
            notification_endpoint: "https://issuer.example/notification".parse().expect("a URL"),
            notification_id: "n".into(),
            authorization: Some("authorization".to_owned().into()),
            token: None,
        });
        credential
    }

    async fn keep(&self, credential: &Credential) {
        self.store.commit(vec![put_credential(credential, Expected::Anything)]).await.expect("stored");
    }

    async fn export(&self) -> Vec<u8> {
        export(self.wallet.setup(), Zeroizing::new("pass".to_owned()), CHEAP).await.expect("a backup")
    }

    async fn import(&self, backup: &[u8]) -> Result<Imported> {
        self.wallet.import_backup(backup, "pass").await
    }

    async fn contents(&self) -> Vec<Credential> {
        self.wallet.credentials().await.expect("credentials")
    }
}

fn ids(numbers: impl IntoIterator<Item = u32>) -> Vec<CredentialId> {
    numbers.into_iter().map(|number| testing::credential(number).id).collect()
}

fn json_of(credential: &Credential) -> serde_json::Value {
    serde_json::to_value(credential).expect("JSON")
}

#[tokio::test]
async fn another_device_gets_all_but_keys_and_tokens() {
    let old = Device::with(40).await;
    old.wallet.take_instance(&ids([0])[0]).await.expect("a copy");
    let backup = old.export().await;
    let new = Device::new();
    let imported = new.import(&backup).await.expect("imported");
    let expected = Imported { added: ids(0..40), without_key: ids(0..40), ..Imported::default() };
    assert_eq!(imported, expected);
    assert_eq!(new.contents().await.len(), 40);
    for (mut before, after) in old.contents().await.into_iter().zip(new.contents().await) {
        assert!(after.is_without_key() && after.authorization.is_none() && after.contact.is_none());
        // What else it holds is the same: raw, claims, report, names, uses.
        (before.authorization, before.contact) = (None, None);
        for copy in &mut before.instances {
            copy.missing_key = copy.key.take().map(|key| key.public_jwk);
        }
        assert_eq!(json_of(&before), json_of(&after));
    }
    let error = new.wallet.take_instance(&ids([0])[0]).await.expect_err("its key is elsewhere");
    assert_eq!(error.code(), ErrorCode::KeyMissing);
    // Quarantined ones come along, and stay aside.
    assert!(new.wallet.credential(&ids([7])[0]).await.expect("there").quarantined);

    // A backup of it is as good, and importing again changes nothing.
    let again = new.import(&new.export().await).await.expect("imported");
    assert_eq!(again, Imported { known: ids(0..40), ..Imported::default() });
}

#[tokio::test]
async fn on_the_same_device_keys_that_are_left_are_found() {
    let device = Device::with(3).await;
    let backup = device.export().await;
    assert_eq!(device.import(&backup).await.expect("imported").known, ids(0..3));

    // The store was lost, not the keys; and one key of the last credential was.
    for id in ids(0..3) {
        let remove = Change::Remove { table: Table::Credentials, id: id.to_string() };
        let credential = device.wallet.credential(&id).await.expect("there");
        device.store.commit(vec![remove]).await.expect("removed");
        if id == ids([2])[0] {
            let handle = credential.instances[1].key.as_ref().expect("a key").handle.clone();
            device.keys.delete(vec![handle]).await.expect("deleted");
        }
    }
    let imported = device.import(&backup).await.expect("imported");
    assert_eq!((imported.added, imported.without_key), (ids(0..3), ids([2])));
    for number in 0..3 {
        let taken = device.wallet.take_instance(&ids([number])[0]).await.expect("usable again");
        assert_eq!(taken.unused, usize::from(number < 2));
        assert!(taken.instance.key.is_some());
    }
}

#[tokio::test]
async fn a_key_of_the_same_name_is_not_taken_for_another_one() {
    let (one, other) = (Device::with(1).await, Device::with(1).await);
    let mut credential = one.contents().await.remove(0);
    let theirs = other.contents().await.remove(0);
    for (mine, theirs) in credential.instances.iter_mut().zip(theirs.instances) {
        mine.key.as_mut().expect("a key").handle = theirs.key.expect("a key").handle;
    }
    one.keep(&credential).await;
    let new = Device { store: Arc::default(), ..Device::new() };
    let new = Device {
        wallet: Wallet::builder("me").keys(other.keys.clone()).store(new.store.clone()).build().expect("a wallet"),
        ..new
    };
    let imported = new.import(&one.export().await).await.expect("imported");
    assert_eq!(imported.without_key, ids([0]));
}

#[tokio::test]
async fn what_the_wallet_has_is_replaced_only_by_what_is_better() {
    let old = Device::with(3).await;
    let first = old.export().await;
    let mut renewed = old.made(0).await;
    renewed.issued_at = renewed.issued_at + 100;
    old.keep(&renewed).await;
    let second = old.export().await;

    let new = Device::new();
    new.import(&first).await.expect("imported");
    // Renewed here, number 1 is not touched any more.
    new.keep(&new.made(1).await).await;
    // A damaged record is mended.
    let damaged = Change::Put {
        table: Table::Credentials,
        id: ids([2])[0].to_string(),
        content: b"{".to_vec(),
        expected: Expected::Anything,
    };
    new.store.commit(vec![damaged]).await.expect("written");
    let imported = new.import(&second).await.expect("imported");
    let expected = Imported { replaced: ids([0, 2]), known: ids([1]), without_key: ids([0, 2]), ..Imported::default() };
    assert_eq!(imported, expected);
    assert_eq!(new.wallet.credential(&ids([0])[0]).await.expect("there").issued_at, renewed.issued_at);
    new.wallet.take_instance(&ids([1])[0]).await.expect("its key is here");
    // An older backup puts nothing back.
    assert_eq!(new.import(&first).await.expect("imported").known, ids([0, 1, 2]));
}

#[tokio::test]
async fn a_backup_that_can_not_be_used_changes_nothing() {
    let backup = Device::with(2).await.export().await;
    let new = Device::new();
    let refused = async |backup: &[u8], passphrase: &str| {
        let error = new.wallet.import_backup(backup, passphrase).await.expect_err("it is refused");
        assert!(new.contents().await.is_empty());
        (error.code(), error.advice())
    };
    assert_eq!(refused(&backup, "Pass").await, (ErrorCode::PassphraseWrong, Advice::AskPassphraseAgain));
    assert_eq!(refused(&backup, "").await, (ErrorCode::PassphraseWrong, Advice::AskPassphraseAgain));
    for cut in [0, 1, 63, 64, 100, backup.len() / 2, backup.len() - 1] {
        assert_eq!(refused(&backup[..cut], "pass").await, (ErrorCode::BackupDamaged, Advice::GiveUp));
    }
    let mut newer = backup.clone();
    newer[16] = 2;
    assert_eq!(refused(&newer, "pass").await, (ErrorCode::BackupTooNew, Advice::FixSetup));
    assert_eq!(new.wallet.export_backup("").await.expect_err("no passphrase").code(), ErrorCode::PassphraseWrong);
}

#[test]
fn lines_that_do_not_belong_together_are_no_backup() {
    let line = |number| json_of(&testing::credential(number)).to_string();
    let whole = |count: usize, lines: &[String]| {
        [&[format!(r#"{{"made_at":1,"credentials":{count}}}"#)], lines].concat().join("\n").into_bytes()
    };
    assert_eq!(read_lines(&whole(2, &[line(0), line(1)])).expect("a backup"), 2);
    assert_eq!(read_lines(&whole(0, &[])).expect("a backup"), 0);
    let mut bare = testing::credential(3);
    bare.instances.clear();
    let named = |name: &str| {
        let mut credential = testing::credential(4);
        credential.id = name.into();
        json_of(&credential).to_string()
    };
    assert_eq!(read_lines(&whole(1, &[named("0a-Z_.~")])).expect("a backup"), 1);
    for wrong in [
        Vec::new(),
        b"{}".to_vec(),
        whole(3, &[line(0), line(1)]),
        whole(1, &[line(0), line(1)]),
        whole(2, &[line(0), line(0)]),
        whole(1, &[json_of(&bare).to_string()]),
        whole(1, &[named("")]),
        whole(1, &[named("a\u{1b}[2J")]),
        whole(1, &[named("a b")]),
        whole(1, &[named("\u{202e}a")]),
        whole(1, &[named(&"a".repeat(129))]),
        whole(1, &["{}".to_owned()]),
        whole(1, &["[".repeat(100_000)]),
        whole(1, &[String::new()]),
        whole(usize::MAX, &[]),
    ] {
        assert_eq!(read_lines(&wrong).expect_err("it is none").code(), ErrorCode::BackupDamaged);
    }
    assert!(open_file(b"x", "pass").is_err());
}

#[tokio::test]
async fn the_real_cost_is_the_recommended_one() {
    let device = Device::with(1).await;
    let backup = device.wallet.export_backup("correct horse").await.expect("a backup");
    // 64 MiB, three passes, four lanes.
    assert_eq!(backup[17..29], [0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 4]);
    let imported = Device::new().wallet.import_backup(backup, "correct horse").await.expect("imported");
    assert_eq!(imported.added, ids([0]));
}

/// Stops working after some commits.
struct Failing {
    store: Arc<MemoryStore>,
    left: std::sync::atomic::AtomicUsize,
}

#[async_trait]
impl CredentialStore for Failing {
    async fn commit(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        use std::sync::atomic::Ordering;
        let less = |left: usize| left.checked_sub(1);
        if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_err() {
            return Err(StoreError::new(crate::platform::store::StoreErrorKind::Failed, "the disk is full"));
        }
        self.store.commit(changes).await
    }

    async fn get(&self, table: Table, id: &str) -> Result<Option<Record>, StoreError> {
        self.store.get(table, id).await
    }

    async fn list(&self, table: Table) -> Result<Vec<Record>, StoreError> {
        self.store.list(table).await
    }

    async fn page(&self, table: Table, after: Option<&str>, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.store.page(table, after, limit).await
    }
}

#[tokio::test]
async fn an_import_that_was_cut_off_is_begun_again() {
    let count = 3 * u32::try_from(BATCH).expect("few") - 5;
    let backup = Device::with(count).await.export().await;
    let store = Arc::new(MemoryStore::new());
    let failing = Failing { store: store.clone(), left: 1.into() };
    let cut = Wallet::builder("me").keys(SoftwareKeys::new()).store(failing).build().expect("a wallet");
    assert_eq!(cut.import_backup(&*backup, "pass").await.expect_err("it fails").code(), ErrorCode::StoreFailed);
    let whole = Wallet::builder("me").keys(SoftwareKeys::new()).store(store).build().expect("a wallet");
    let imported = whole.import_backup(backup, "pass").await.expect("imported");
    assert_eq!((imported.known.len(), imported.added.len()), (BATCH, count as usize - BATCH));
    let found: Vec<_> =
        whole.credentials().await.expect("a list").into_iter().map(|credential| credential.id).collect();
    assert_eq!(found, ids(0..count));
}
