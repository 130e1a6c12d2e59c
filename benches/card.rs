//! The card of a credential with many claims.

#![allow(missing_docs)] // the macros of criterion make functions without

use std::hint::black_box;

use billfold_benches::{received, runtime, with_claims};
use criterion::{Criterion, criterion_group, criterion_main};

fn card(criterion: &mut Criterion) {
    let (credential, _) = runtime().block_on(received("dc+sd-jwt"));
    for claims in [5, 50, 500] {
        let credential = with_claims(&credential, claims);
        assert_eq!(credential.card(Some("de-CH")).claims.len(), claims);
        criterion.bench_function(&format!("card of {claims} claims"), |bencher| {
            bencher.iter(|| black_box(credential.card(Some("de-CH"))));
        });
    }
}

criterion_group!(benches, card);
criterion_main!(benches);
