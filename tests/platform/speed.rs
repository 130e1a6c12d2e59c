//! How long it takes to open a big store and to look into it. For people: `cargo test --release --test platform
//! speed -- --ignored --nocapture`.

use std::sync::Arc;
use std::time::Instant;

use billfold::platform::memory::MemorySecrets;
use billfold::platform::software_keys::SoftwareKeys;
use billfold::platform::sqlite::SqliteStore;
use billfold::platform::store::CredentialStore;
use billfold::{CredentialQuery, Format, Wallet, testing};

#[tokio::test]
#[ignore = "measures"]
async fn big_stores() {
    for count in [10, 1_000, 10_000_u32] {
        let (dir, secrets) = (tempfile::tempdir().unwrap(), Arc::new(MemorySecrets::new()));
        let store = SqliteStore::open(dir.path(), secrets.clone()).await.unwrap();
        let began = Instant::now();
        for first in (0..count).step_by(500) {
            let some = (first..count.min(first + 500)).map(|number| testing::store(&testing::credential(number)));
            store.commit(some.collect()).await.unwrap();
        }
        println!("{count}: filled in {:?}", began.elapsed());
        drop(store);
        let began = Instant::now();
        let store = SqliteStore::open(dir.path(), secrets.clone()).await.unwrap();
        let opened = began.elapsed();
        let wallet = Wallet::builder("me").keys(SoftwareKeys::new()).store(store.clone()).build().unwrap();
        let page = wallet.find(&CredentialQuery::default()).await.unwrap();
        println!(
            "{count}: opened in {opened:?}, with the first page of {} in {:?}",
            page.credentials.len(),
            began.elapsed()
        );
        let time = async |what: &str, query: CredentialQuery| {
            let began = Instant::now();
            let page = wallet.find(&query).await.unwrap();
            println!("{count}: {what}, {} found: {:?}", page.credentials.len(), began.elapsed());
        };
        let last = Some(testing::credential(count * 9 / 10).id);
        time("a page far behind", CredentialQuery { after: last, ..Default::default() }).await;
        time("a common format", CredentialQuery { formats: vec![Format::MsoMdoc], ..Default::default() }).await;
        time("nothing", CredentialQuery { formats: vec![Format::LdpVc], ..Default::default() }).await;
        let began = Instant::now();
        println!("{count}: all {} in {:?}", wallet.credentials().await.unwrap().len(), began.elapsed());
        let began = Instant::now();
        wallet.take_instance(&testing::credential(count / 2).id).await.unwrap();
        println!("{count}: a copy taken in {:?}", began.elapsed());
        let began = Instant::now();
        store.change_key().await.unwrap();
        println!("{count}: key changed in {:?}", began.elapsed());
    }
}
