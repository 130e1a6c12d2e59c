//! Putting, listing and finding credentials in the SQLite store, at three sizes.

#![allow(missing_docs)] // the macros of criterion make functions without

use std::hint::black_box;
use std::sync::Arc;

use billfold::platform::memory::MemorySecrets;
use billfold::platform::sqlite::SqliteStore;
use billfold::platform::store::{Change, CredentialStore as _, Expected, Table};
use billfold::{CredentialQuery, Format};
use billfold_benches::{received, records, runtime, wallet};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

fn put((id, content): (String, Vec<u8>)) -> Change {
    Change::Put { table: Table::Credentials, id, content, expected: Expected::Nothing }
}

fn store(criterion: &mut Criterion) {
    let runtime = runtime();
    let (credential, _) = runtime.block_on(received("dc+sd-jwt"));
    for size in [10, 1_000, 10_000] {
        let folder = tempfile::tempdir().expect("a folder");
        let secrets = Arc::new(MemorySecrets::new());
        let open = || runtime.block_on(SqliteStore::open(folder.path(), secrets.clone())).expect("it opens");
        let all = open();
        for some in records(&credential, size).chunks(500) {
            runtime.block_on(all.commit(some.iter().cloned().map(put).collect())).expect("it is written");
        }
        drop(all);
        let mut group = criterion.benchmark_group(format!("{size} credentials"));
        group.sample_size(20);
        let first_page = CredentialQuery { limit: 50, ..CredentialQuery::default() };
        group.bench_function("open, and list the first page of 50", |bencher| {
            bencher.iter(|| {
                let wallet = wallet(open());
                black_box(runtime.block_on(wallet.find(&first_page)).expect("a page"));
            });
        });
        let whole = open();
        let over = wallet(whole.clone());
        group.bench_function("list all", |bencher| {
            bencher.iter(|| black_box(runtime.block_on(over.credentials()).expect("all")));
        });
        let none = CredentialQuery { formats: vec![Format::MsoMdoc], limit: 50, ..CredentialQuery::default() };
        group.bench_function("find what is not there", |bencher| {
            bencher.iter(|| black_box(runtime.block_on(over.find(&none)).expect("a page")));
        });
        // Last: it makes the store larger.
        group.bench_function("put one", |bencher| {
            bencher.iter_batched(
                || put(records(&credential, 1).remove(0)),
                |change| runtime.block_on(whole.commit(vec![change])).expect("it is written"),
                BatchSize::SmallInput,
            );
        });
        group.finish();
    }
}

criterion_group!(benches, store);
criterion_main!(benches);
