use std::sync::Arc;

use async_trait::async_trait;

use super::*;
use crate::changes::CredentialChange;
use crate::platform::memory::{MemorySecrets, MemoryStore};
use crate::platform::sealed::SealedStore;
use crate::platform::software_keys::SoftwareKeys;
use crate::platform::store::{Change, StoreError};
use crate::testing;

/// Whether the credential of a number is asked for.
type Fits = fn(u32) -> bool;

fn over(store: impl CredentialStore + 'static) -> Wallet {
    let builder = Wallet::builder("me").keys(SoftwareKeys::new()).store(store).notify_in_background(false);
    builder.build().expect("a wallet")
}

async fn with(count: u32) -> (Wallet, Arc<MemoryStore>) {
    let store = Arc::new(MemoryStore::new());
    store
        .commit((0..count).map(|number| testing::store(&testing::credential(number))).collect())
        .await
        .expect("stored");
    (over(store.clone()), store)
}

fn id(number: u32) -> CredentialId {
    testing::credential(number).id
}

fn numbers(credentials: &[Credential]) -> Vec<u32> {
    let number = |credential: &Credential| u32::from_str_radix(credential.id.as_str(), 16).expect("a number");
    credentials.iter().map(number).collect()
}

async fn all_pages(wallet: &Wallet, mut query: CredentialQuery) -> Vec<u32> {
    let mut found = Vec::new();
    loop {
        let page = wallet.find(&query).await.expect("a page");
        assert!(page.credentials.len() <= query.limit);
        assert_eq!(page.unreadable, []);
        found.extend(numbers(&page.credentials));
        match page.next {
            // A page that is not the last one is full, and goes on behind its last credential.
            Some(next) => {
                assert_eq!(
                    (page.credentials.len(), page.credentials.last().map(|last| &last.id)),
                    (query.limit, Some(&next))
                );
                query.after = Some(next);
            }
            None => return found,
        }
    }
}

#[tokio::test]
async fn each_condition_is_kept_whatever_the_size_of_a_page() {
    let (wallet, _) = with(300).await;
    let issuer = |number: u32| testing::credential(number).credential_issuer;
    let at = |number: u32| testing::credential(number).expires_at.expect("it expires");
    let cases: [(CredentialQuery, Fits); 8] = [
        (CredentialQuery::default(), |_| true),
        (CredentialQuery { formats: vec![Format::MsoMdoc], ..Default::default() }, |number| number % 2 == 1),
        (
            CredentialQuery { types: vec!["org.iso.18013.5.1.mDL".into(), "none".into()], ..Default::default() },
            |number| number % 2 == 1,
        ),
        (CredentialQuery { types: vec!["https://issuer-1.example/identity".into()], ..Default::default() }, |number| {
            number % 6 == 4
        }),
        (CredentialQuery { issuers: vec![issuer(0), issuer(2)], ..Default::default() }, |number| number % 3 != 1),
        (CredentialQuery { expires_before: Some(at(100)), ..Default::default() }, |number| {
            number < 100 && number % 5 != 4
        }),
        (CredentialQuery { expires_after: Some(at(100)), ..Default::default() }, |number| {
            number > 100 || number % 5 == 4
        }),
        (
            CredentialQuery {
                quarantined: Some(true),
                formats: vec![Format::MsoMdoc, Format::SdJwtVc],
                ..Default::default()
            },
            |number| number % 8 == 7,
        ),
    ];
    for (query, fits) in cases {
        let expected: Vec<_> = (0..300).filter(|number| fits(*number)).collect();
        assert!(!expected.is_empty());
        for limit in [1, 7, expected.len(), 500] {
            let found = all_pages(&wallet, CredentialQuery { limit, ..query.clone() }).await;
            assert_eq!(found, expected, "{query:?}, {limit} a page");
        }
    }
    let nothing = CredentialQuery { formats: vec![Format::LdpVc], ..Default::default() };
    assert_eq!(all_pages(&wallet, nothing).await, [0; 0]);
}

#[tokio::test]
async fn a_page_goes_on_also_when_others_come_and_go() {
    let (wallet, store) = with(6).await;
    let first = wallet.find(&CredentialQuery { limit: 3, ..Default::default() }).await.expect("a page");
    wallet.forget(&id(1)).await.expect("forgotten");
    wallet.forget(&id(4)).await.expect("forgotten");
    store.commit(vec![testing::store(&testing::credential(9))]).await.expect("stored");
    let query = CredentialQuery { after: first.next, ..Default::default() };
    assert_eq!(numbers(&wallet.find(&query).await.expect("a page").credentials), [3, 5, 9]);
    wallet.forget(&id(2)).await.expect("forgotten");
    let error = wallet.find(&query).await.expect_err("there is nothing to go on after");
    assert_eq!(error.code(), ErrorCode::CredentialUnknown);
}

#[tokio::test]
async fn a_damaged_record_hides_no_other_and_can_be_forgotten() {
    // One whose seal does not open, and two whose content is nothing that this version knows.
    let (below, secrets) = (Arc::new(MemoryStore::new()), MemorySecrets::new());
    let sealed = SealedStore::open(below.clone(), &secrets, "x").await.expect("opens");
    let write = |store: &'_ dyn CredentialStore, content: &[u8], number: u32| {
        let (table, id) = (Table::Credentials, id(number).to_string());
        let change = Change::Put { table, id, content: content.to_vec(), expected: Expected::Anything };
        futures_util::FutureExt::now_or_never(store.commit(vec![change])).expect("no waiting").expect("written");
    };
    sealed.commit((0..8).map(|number| testing::store(&testing::credential(number))).collect()).await.expect("stored");
    for number in [0, 3, 4] {
        write(&*below, b"damaged", number);
    }
    write(&sealed, b"{}", 5);
    write(&sealed, b"", 7);
    let wallet = over(sealed);
    assert_eq!(numbers(&wallet.credentials().await.expect("a list")), [1, 2, 6]);

    let page = wallet.find(&CredentialQuery { limit: 2, ..Default::default() }).await.expect("a page");
    assert_eq!((numbers(&page.credentials), page.unreadable), (vec![1, 2], vec![id(0)]));
    let rest = CredentialQuery { after: page.next, ..Default::default() };
    let page = wallet.find(&rest).await.expect("a page");
    assert_eq!((numbers(&page.credentials), page.next), (vec![6], None));
    assert_eq!(page.unreadable, [id(3), id(4), id(5), id(7)]);
    // Whether they would fit, nobody knows.
    let query = CredentialQuery { formats: vec![Format::LdpVc], ..Default::default() };
    assert_eq!(wallet.find(&query).await.expect("a page").unreadable.len(), 5);

    let error = wallet.credential(&id(3)).await.expect_err("it does not open");
    assert_eq!(error.code(), ErrorCode::RecordDamaged);
    for number in [0, 3, 4, 5, 7] {
        wallet.forget(&id(number)).await.expect("forgotten");
    }
    let page = wallet.find(&CredentialQuery::default()).await.expect("a page");
    assert_eq!((numbers(&page.credentials), page.unreadable), (vec![1, 2, 6], vec![]));
}

#[tokio::test]
async fn the_copy_that_was_used_least_is_taken_and_each_use_is_told() {
    let (wallet, store) = with(1).await;
    let mut changes = wallet.changes();
    let handle = |taken: &TakenInstance| taken.instance.key.as_ref().expect("a key").handle.to_string();
    let mut taken = Vec::new();
    for (uses, unused) in [(1, 1), (1, 0), (2, 0), (2, 0), (3, 0)] {
        let one = wallet.take_instance(&id(0)).await.expect("a copy");
        assert_eq!((one.instance.uses, one.unused), (uses, unused));
        assert!(one.instance.last_used_at.is_some());
        taken.push(handle(&one));
        // Written down, also for the next process.
        let stored = over(store.clone()).credential(&id(0)).await.expect("there");
        assert_eq!(
            stored.instances.iter().map(|copy| copy.uses).sum::<u32>(),
            u32::try_from(taken.len()).expect("few")
        );
    }
    assert_eq!(taken, ["key-0-0", "key-0-1", "key-0-0", "key-0-1", "key-0-0"]);
    drop(wallet);
    for _ in 0..5 {
        assert_eq!(changes.next().await, Some(CredentialChange::Changed(id(0))));
    }
    assert_eq!(changes.next().await, None);
}

#[tokio::test]
async fn what_can_not_be_shown_is_not_taken() {
    let (wallet, store) = with(8).await;
    let code = async |number| wallet.take_instance(&id(number)).await.expect_err("nothing to take").code();
    assert_eq!(code(7).await, ErrorCode::CredentialQuarantined);
    assert_eq!(code(8).await, ErrorCode::CredentialUnknown);

    let mut credential = testing::credential(2);
    credential.instances[0].missing_key = credential.instances[0].key.take().map(|key| key.public_jwk);
    store.commit(vec![put_credential(&credential, Expected::Anything)]).await.expect("stored");
    // The other one has its key.
    for uses in [1, 2] {
        let taken = wallet.take_instance(&id(2)).await.expect("a copy");
        assert_eq!((taken.instance.uses, taken.unused, taken.instance.missing_key), (uses, 0, None));
    }
    credential.instances[1].missing_key = credential.instances[1].key.take().map(|key| key.public_jwk);
    store.commit(vec![put_credential(&credential, Expected::Anything)]).await.expect("stored");
    let error = wallet.take_instance(&id(2)).await.expect_err("no key");
    assert_eq!((error.code(), error.advice()), (ErrorCode::KeyMissing, crate::error::Advice::Renew));
}

/// Lets somebody else in before each commit.
struct Shared(Arc<MemoryStore>);

#[async_trait]
impl CredentialStore for Shared {
    async fn commit(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        tokio::task::yield_now().await;
        self.0.commit(changes).await
    }

    async fn get(&self, table: Table, id: &str) -> Result<Option<Record>, StoreError> {
        tokio::task::yield_now().await;
        self.0.get(table, id).await
    }

    async fn list(&self, table: Table) -> Result<Vec<Record>, StoreError> {
        self.0.list(table).await
    }

    async fn page(&self, table: Table, after: Option<&str>, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.0.page(table, after, limit).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_at_the_same_time_take_different_copies() {
    let store = Arc::new(MemoryStore::new());
    let mut credential = testing::credential(0);
    credential.instances = (0..24).map(|_| credential.instances[0].clone()).collect();
    for (number, copy) in credential.instances.iter_mut().enumerate() {
        copy.raw = number.into();
    }
    store.commit(vec![testing::store(&credential)]).await.expect("stored");
    // Two wallets, as two processes over one store would be, and several calls in each.
    let wallets = [over(Shared(store.clone())), over(Shared(store.clone()))];
    let mut tasks = Vec::new();
    for number in 0..24 {
        let wallet = wallets[number % 2].clone();
        tasks.push(tokio::spawn(async move { wallet.take_instance(&id(0)).await }));
    }
    let mut taken = Vec::new();
    for task in tasks {
        let one = task.await.expect("no panic").expect("a copy");
        assert_eq!(one.instance.uses, 1);
        taken.push(one.instance.raw.as_u64().expect("a number"));
    }
    taken.sort_unstable();
    assert_eq!(taken, (0..24).collect::<Vec<u64>>());
    assert!(wallets[0].credential(&id(0)).await.expect("there").instances.iter().all(|copy| copy.uses == 1));
}

/// Loses the last records of each page right after it was read.
struct Crumbling {
    store: MemoryStore,
    losing: std::sync::Mutex<Vec<usize>>,
}

#[async_trait]
impl CredentialStore for Crumbling {
    async fn commit(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        self.store.commit(changes).await
    }

    async fn get(&self, table: Table, id: &str) -> Result<Option<Record>, StoreError> {
        self.store.get(table, id).await
    }

    async fn list(&self, table: Table) -> Result<Vec<Record>, StoreError> {
        self.store.list(table).await
    }

    async fn page(&self, table: Table, after: Option<&str>, limit: usize) -> Result<Vec<Record>, StoreError> {
        let page = self.store.page(table, after, limit).await?;
        let lost = if page.is_empty() { None } else { self.losing.lock().unwrap().pop() };
        let lost = page.iter().rev().take(lost.unwrap_or(0));
        self.store.commit(lost.map(|record| Change::Remove { table, id: record.id.clone() }).collect()).await?;
        Ok(page)
    }
}

#[tokio::test]
async fn what_is_forgotten_meanwhile_is_no_end_and_nothing_comes_twice() {
    for losing in [vec![1], vec![3], vec![3, 3], vec![0, 2, 3, 1], vec![3, 3, 3, 3]] {
        let store = Crumbling { store: MemoryStore::new(), losing: losing.clone().into() };
        let id = |number: usize| format!("{number:02}");
        let put = |number| Change::Put {
            table: Table::Credentials,
            id: id(number),
            content: Vec::new(),
            expected: Expected::Nothing,
        };
        store.commit((0..11).map(put).collect()).await.expect("stored");
        let mut reader = Reader::new(&store, Table::Credentials, None);
        let mut seen = Vec::new();
        while let Piece::Records(records) = reader.next(3).await.expect("a piece") {
            seen.extend(records.into_iter().map(|record| record.id));
        }
        assert!(seen.iter().cloned().eq((0..11).map(id)), "{losing:?}: {seen:?}");
    }
}
