//! What 10,000 live feed entries cost a token that was seen before: a hash look-up each of session and user, beside the
//! same token with an empty feed and beside a bare hash map.
//!
//! `cargo bench -p prolong-verify --bench revocation`
#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot set its scene should stop"
)]

use std::{collections::HashMap, hint::black_box};

use criterion::{Criterion, criterion_group, criterion_main};
use prolong_protocol::feed::{Entry, Kind};
use prolong_verify::{Revoked, SeenTokens};

#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../tests/verifier/mint.rs"]
mod mint;

use mint::{NOW, expected, keys, token};

const SALT: [u8; 16] = [9; 16];

fn revoked(entries: u64) -> Revoked {
    let mut revoked = Revoked::new(SALT);
    for seq in 0..entries {
        let kind = [Kind::SESSION, Kind::USER, Kind::GENERATION][usize::try_from(seq % 3).unwrap()];
        let key = Revoked::key_of(&SALT, &seq.to_string());
        let entry = Entry {
            seq,
            kind,
            key,
            arg: 1,
            until: u64::MAX,
        };
        revoked.apply(&entry).unwrap();
    }
    revoked
}

fn entries(bench: &mut Criterion) {
    let (keys, expected) = (keys(), expected());
    let token = token(&serde_json::json!({}), &serde_json::json!({}));
    let mut group = bench.benchmark_group("seen token, entries");
    for count in [0, 100, 10_000, 1_000_000] {
        let revoked = revoked(count);
        let seen = SeenTokens::new(1000, &[1; 32]);
        group.bench_function(count.to_string(), |b| {
            b.iter(|| {
                seen.verify(black_box(&token), &keys, &expected, &revoked, NOW)
                    .unwrap()
            });
        });
    }
    let bare: HashMap<[u8; 8], u64> = (0..10_000_u64)
        .map(|seq| (Revoked::key_of(&SALT, &seq.to_string()), seq))
        .collect();
    group.bench_function("yardstick: three look-ups in a bare HashMap", |b| {
        b.iter(|| (0..3_u8).all(|n| !bare.contains_key(black_box(&[n; 8]))));
    });
}

criterion_group!(benches, entries);
criterion_main!(benches);
