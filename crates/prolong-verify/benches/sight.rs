//! The cost of a token at first sight and when seen before, beside the raw signature and `jsonwebtoken`.
//!
//! `cargo bench -p prolong-verify`
#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot set its scene should stop"
)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use prolong_protocol::feed::{Entry, Kind};
use prolong_verify::{Algorithm, Key, Revoked, SeenTokens, verify};
use serde_json::Value;

#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../tests/verifier/mint.rs"]
mod mint;

use mint::{ISSUED_BY, ISSUER, NOW, claims, expected, header, jwk, keys, signed};

fn sight(bench: &mut Criterion) {
    let mut revoked = Revoked::new([9; 16]);
    for seq in 0..10_000_u64 {
        let key = Revoked::key_of(&[9; 16], &seq.to_string());
        revoked
            .apply(&Entry {
                seq,
                kind: Kind::SESSION,
                key,
                arg: 0,
                until: u64::MAX,
            })
            .unwrap();
    }
    let (keys, expected) = (keys(), expected());
    for algorithm in [
        Algorithm::Es256,
        Algorithm::EdDsa,
        Algorithm::Rs256,
        Algorithm::Ps256,
    ] {
        let mut group = bench.benchmark_group(algorithm.as_str());
        let token = signed(
            algorithm,
            &header(algorithm).to_string(),
            claims().to_string().as_bytes(),
        );
        let message = token.rsplit_once('.').unwrap().0.as_bytes();
        let signature = ISSUED_BY.sign(algorithm, message);
        let key = Key::new("k", algorithm, &ISSUED_BY.public(algorithm)).unwrap();
        group.bench_function("raw signature", |b| {
            b.iter(|| assert!(key.signed(black_box(message), &signature)));
        });
        group.bench_function("first sight", |b| {
            b.iter(|| verify(black_box(&token), &keys, &expected, &revoked, NOW).unwrap());
        });
        let seen = SeenTokens::new(1000, &[1; 32]);
        group.bench_function("seen before", |b| {
            b.iter(|| {
                seen.verify(black_box(&token), &keys, &expected, &revoked, NOW)
                    .unwrap()
            });
        });
        let name: jsonwebtoken::Algorithm = algorithm.as_str().parse().unwrap();
        let mut rules = jsonwebtoken::Validation::new(name);
        rules.set_issuer(&[ISSUER]);
        rules.set_audience(&["orders-api"]);
        rules.validate_exp = false;
        let theirs = serde_json::from_value(jwk(algorithm)).unwrap();
        let theirs = jsonwebtoken::DecodingKey::from_jwk(&theirs).unwrap();
        group.bench_function("jsonwebtoken", |b| {
            b.iter(|| jsonwebtoken::decode::<Value>(black_box(&token), &theirs, &rules).unwrap());
        });
    }
}

criterion_group!(benches, sight);
criterion_main!(benches);
