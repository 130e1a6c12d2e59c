//! A credential's whole check, against its bare signature check: the ratio is what counts.

#![allow(missing_docs)] // the macros of criterion make functions without

use std::hint::black_box;

use billfold::{Format, Verifier};
use billfold_benches::{Bare, received, runtime};
use criterion::{Criterion, criterion_group, criterion_main};
use futures_util::FutureExt as _;

/// The check of a credential by a key that is known, with nothing to fetch.
fn check(verifier: &Verifier, format: &Format, credential: &[u8]) {
    let verification = verifier.verify(format, credential).now_or_never().expect("nothing waits");
    let verification = verification.expect("a known format");
    assert!(verification.report.verdict.is_usable(), "{:?}", verification.report);
    black_box(verification);
}

fn verify(criterion: &mut Criterion) {
    let runtime = runtime();
    for name in ["dc+sd-jwt", "jwt_vc_json", "mso_mdoc", "ldp_vc"] {
        let (credential, trust) = runtime.block_on(received(name));
        let text = credential.instances[0].to_text();
        let bare = match name {
            "mso_mdoc" => Bare::of_mdoc(&text),
            "ldp_vc" => Bare::of_two_digests(),
            _ => Bare::of_jws(&text),
        };
        let mut group = criterion.benchmark_group(name);
        group.bench_function("bare cryptography", |bencher| bencher.iter(|| bare.verify()));
        let by_key = Verifier::new().issuer_keys(bare.jwk());
        if name != "ldp_vc" {
            group.bench_function("whole check, key known", |bencher| {
                bencher.iter(|| check(&by_key, &credential.format, text.as_bytes()));
            });
        }
        let by_chain = match name {
            "ldp_vc" => Verifier::new(),
            _ => Verifier::new().trust_anchors(&trust).expect("anchors"),
        };
        group.bench_function("whole check, key from the credential", |bencher| {
            bencher.iter(|| check(&by_chain, &credential.format, text.as_bytes()));
        });
        group.finish();
    }
}

criterion_group!(benches, verify);
criterion_main!(benches);
