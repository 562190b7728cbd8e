//! What a token costs at first sight and when it was seen before: `cargo bench -p prolong-verify --bench sight`.
//!
//! `-- count WHAT TIMES` runs one thing so often and no more, to count its instructions:
//! `valgrind --tool=callgrind target/release/deps/sight-… count seen 10000`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench that cannot set its scene should stop, and it prints"
)]

use std::{
    cell::RefCell,
    collections::HashMap,
    hint::black_box,
    thread,
    time::{Duration, Instant},
};

use prolong_verify::{Algorithm, Expected, Key, Keys, Revoked, SeenTokens, verify};
use serde_json::json;

mod entries;
#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../tests/verifier/mint.rs"]
mod mint;
mod rounds;

use entries::{SALT, revoked};
use mint::{ISSUED_BY, ISSUER, NOW, expected, jwk};
use rounds::{Rounds, median};

const ENTRIES: u64 = 10_000;
const TOKENS: usize = 100_000;
/// So many tokens are copied from where they were long in memory, as a socket would bring them; then each is looked at.
const ARRIVE: usize = 64;
const ROUNDS: usize = 3000;
const ALGORITHMS: [Algorithm; 4] = [
    Algorithm::Es256,
    Algorithm::EdDsa,
    Algorithm::Rs256,
    Algorithm::Ps256,
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().position(|word| word == "count") {
        Some(at) => count(&arguments[at + 1], arguments[at + 2].parse().unwrap()),
        None => measure(),
    }
}

/// The claims and their order are those of the authority.
fn claims(number: usize) -> String {
    let id = |what: u64| {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(
            &(number as u64)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .to_le_bytes(),
        );
        bytes[8..].copy_from_slice(&what.to_le_bytes());
        mint::b64(bytes)
    };
    format!(
        r#"{{"iss":"{ISSUER}","sub":"{:08x}-0000-4000-8000-{number:012x}","aud":"orders-api","client_id":"web","iat":{},"exp":{},"jti":"{}","scope":"orders:read","sid":"{}","auth_time":{},"jwt_version":1}}"#,
        number,
        NOW - 60,
        NOW + 840,
        id(1),
        id(2),
        NOW - 600,
    )
}

fn header(algorithm: Algorithm) -> String {
    let kid = ISSUED_BY.public(algorithm).thumbprint();
    let name = algorithm.as_str();
    format!(r#"{{"typ":"at+jwt","alg":"{name}","kid":"{kid}"}}"#)
}

fn token(algorithm: Algorithm, number: usize) -> String {
    mint::signed(algorithm, &header(algorithm), claims(number).as_bytes())
}

/// By thumbprint, as the authority names them; RS256 and PS256 are the same key here, so each has a set of its own.
fn set(algorithm: Algorithm) -> Keys {
    let mut jwk = jwk(algorithm);
    jwk["kid"] = ISSUED_BY.public(algorithm).thumbprint().into();
    Keys::from_jwks(json!({ "keys": [jwk] }).to_string()).unwrap()
}

fn measure() {
    let revoked = revoked(ENTRIES);
    println!(
        "{ENTRIES} feed entries; a token of {} bytes",
        token(Algorithm::Es256, 0).len()
    );
    println!("the quietest twentieth of {ROUNDS} short batches in turns, ns a token\n");
    first_sight(&revoked);
    seen_before(&revoked);
    threads(&revoked);
}

fn first_sight(revoked: &Revoked) {
    println!(
        "| first sight | raw aws-lc-rs | above raw | of that, {ENTRIES} feed entries | ratio | to remember it |"
    );
    println!("|---|---|---|---|---|---|");
    let none = Revoked::new(SALT);
    for algorithm in ALGORITHMS {
        let (keys, expected) = (set(algorithm), expected());
        let token = token(algorithm, 0);
        let message = token.rsplit_once('.').unwrap().0.as_bytes();
        let signature = mint::unb64(token.rsplit_once('.').unwrap().1);
        let key = Key::new("k", algorithm, &ISSUED_BY.public(algorithm)).unwrap();
        let forgetful = Forgetful::new(algorithm, &keys, &expected, revoked);
        let forgetful = RefCell::new(forgetful);
        let mut rounds = Rounds::new();
        rounds.add("raw", || {
            assert!(key.signed(black_box(message), &signature));
        });
        rounds.add("verify", || {
            verify(black_box(&token), &keys, &expected, revoked, NOW).unwrap()
        });
        rounds.add("empty feed", || {
            verify(black_box(&token), &keys, &expected, &none, NOW).unwrap()
        });
        rounds.add("many", || {
            let token = forgetful.borrow_mut().next();
            verify(&token, &keys, &expected, revoked, NOW).unwrap()
        });
        rounds.add("many, remembered", || {
            let token = forgetful.borrow_mut().next();
            let seen = &forgetful.borrow().seen;
            seen.verify(&token, &keys, &expected, revoked, NOW).unwrap()
        });
        rounds.run(ROUNDS);
        println!(
            "| {} | {:.0} | {:+.0} | {:+.0} | {:.3} | {:+.0} |",
            algorithm.as_str(),
            rounds.of("raw"),
            rounds.above("verify", "raw"),
            rounds.above("verify", "empty feed"),
            rounds.ratio("verify", "raw"),
            rounds.above("many, remembered", "many"),
        );
    }
}

/// First sights with memory, over and over: each token displaces the one before it, since those that stay expire later.
struct Forgetful {
    seen: SeenTokens,
    tokens: Vec<String>,
    next: usize,
}

impl Forgetful {
    fn new(algorithm: Algorithm, keys: &Keys, expected: &Expected, revoked: &Revoked) -> Self {
        let seen = SeenTokens::new(1, &[1; 32]);
        for number in 0..8 {
            let expires = |at: i64| format!(r#""exp":{at}"#);
            let later = claims(number).replace(&expires(NOW + 840), &expires(NOW + 900));
            let token = mint::signed(algorithm, &header(algorithm), later.as_bytes());
            seen.verify(&token, keys, expected, revoked, NOW).unwrap();
        }
        Self {
            seen,
            tokens: (8..40).map(|number| token(algorithm, number)).collect(),
            next: 0,
        }
    }

    fn next(&mut self) -> String {
        self.next = (self.next + 1) % self.tokens.len();
        self.tokens[self.next].clone()
    }
}

fn seen_before(revoked: &Revoked) {
    let (keys, expected) = (set(Algorithm::EdDsa), expected());
    let none = Revoked::new(SALT);
    let tokens: Vec<String> = (0..TOKENS)
        .map(|number| token(Algorithm::EdDsa, number))
        .collect();
    let seen = SeenTokens::new(TOKENS, &[1; 32]);
    for token in &tokens {
        seen.verify(token, &keys, &expected, revoked, NOW).unwrap();
    }
    println!("\n{} of {TOKENS} tokens remembered, EdDSA\n", seen.len());
    let bare: HashMap<&str, i64> = tokens
        .iter()
        .map(|token| (token.as_str(), NOW + 840))
        .collect();
    let hot = &tokens[0];
    let mut order = Shuffled::new();
    let orders = [(); 4].map(|()| order.next_order(TOKENS));
    let mut at = [0; 4];
    let mut next = |which: usize| {
        at[which] = (at[which] + 1) % TOKENS;
        &tokens[orders[which][at[which]]]
    };
    let look = |token: &str, revoked: &Revoked| {
        seen.verify(black_box(token), &keys, &expected, revoked, NOW)
            .unwrap()
    };
    let mut rounds = Rounds::new();
    rounds.add("bare, hot", || bare[black_box(hot.as_str())] > NOW);
    rounds.add("hot", || look(hot, revoked));
    rounds.add("hot, empty feed", || look(hot, &none));
    rounds.run(ROUNDS);
    println!("| seen before | ns |\n|---|---|");
    println!("| one hot token | {:.0} |", rounds.of("hot"));
    println!(
        "| the same in a bare `HashMap<&str, exp>` (SipHash) | {:.0} |",
        rounds.of("bare, hot")
    );
    println!(
        "| of that, {ENTRIES} feed entries instead of none | {:+.0} |",
        rounds.above("hot", "hot, empty feed")
    );
    drop(rounds);

    let next = RefCell::new(&mut next);
    let arrived = RefCell::new(vec![String::with_capacity(hot.len()); ARRIVE]);
    let arrive = |which| {
        for buffer in arrived.borrow_mut().iter_mut() {
            buffer.clear();
            buffer.push_str(next.borrow_mut()(which));
        }
    };
    let mut rounds = Rounds::new();
    rounds.add("long in memory", || look(next.borrow_mut()(0), revoked));
    rounds.add_prepared(
        "arrived",
        ARRIVE,
        || arrive(1),
        |at| look(&arrived.borrow()[at], revoked),
    );
    rounds.add_prepared(
        "arrived, empty feed",
        ARRIVE,
        || arrive(2),
        |at| look(&arrived.borrow()[at], &none),
    );
    rounds.add_prepared(
        "arrived, bare",
        ARRIVE,
        || arrive(3),
        |at| bare[arrived.borrow()[at].as_str()] > NOW,
    );
    rounds.run(ROUNDS);
    println!(
        "| one of {TOKENS} at random, of {ARRIVE} that have just arrived | {:.0} |",
        rounds.of("arrived")
    );
    println!(
        "| of that, {ENTRIES} feed entries instead of none | {:+.0} |",
        rounds.above("arrived", "arrived, empty feed")
    );
    println!(
        "| the same in the bare map | {:.0} |",
        rounds.of("arrived, bare")
    );
    println!(
        "| one of {TOKENS} at random whose text was long in memory | {:.0} |",
        rounds.of("long in memory")
    );
}

/// Random orders, the same in every run.
struct Shuffled(u64);

impl Shuffled {
    const fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    fn next_order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for at in (1..count).rev() {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            let other = usize::try_from(self.0 % (at as u64 + 1)).unwrap();
            order.swap(at, other);
        }
        order
    }
}

/// Random tokens of 10,000, for half a second, by one thread and by two at once, in turns.
fn threads(revoked: &Revoked) {
    const SOME: usize = 10_000;
    let (keys, expected) = (set(Algorithm::EdDsa), expected());
    let tokens: Vec<String> = (0..SOME)
        .map(|number| token(Algorithm::EdDsa, number))
        .collect();
    let seen = SeenTokens::new(SOME, &[1; 32]);
    let order = Shuffled::new().next_order(SOME);
    let look = |at: usize| seen.verify(&tokens[order[at % SOME]], &keys, &expected, revoked, NOW);
    for at in 0..SOME {
        look(at).unwrap();
    }
    let work = |from: usize| {
        let (begun, mut done) = (Instant::now(), 0);
        while begun.elapsed() < Duration::from_millis(500) {
            for at in 0..1000 {
                black_box(look(from + done + at).unwrap());
            }
            done += 1000;
        }
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let rate = done as f64 / begun.elapsed().as_secs_f64();
        rate
    };
    let (mut one, mut two) = (Vec::new(), Vec::new());
    for _ in 0..7 {
        one.push(work(0));
        two.push(thread::scope(|scope| {
            let other = scope.spawn(|| work(SOME / 2));
            work(0) + other.join().unwrap()
        }));
    }
    let (one, two) = (median(one), median(two));
    println!(
        "\nlooks a second at {SOME} tokens in random order: one thread {one:.0}, two threads {two:.0} ({:.2} times)",
        two / one
    );
}

fn count(what: &str, times: u64) {
    let (keys, expected, revoked) = (set(Algorithm::Es256), expected(), revoked(ENTRIES));
    let token = token(Algorithm::Es256, 0);
    let message = token.rsplit_once('.').unwrap().0.as_bytes();
    let signature = mint::unb64(token.rsplit_once('.').unwrap().1);
    let key = Key::new("k", Algorithm::Es256, &ISSUED_BY.public(Algorithm::Es256)).unwrap();
    let seen = SeenTokens::new(1000, &[1; 32]);
    for _ in 0..times {
        match what {
            "raw" => assert!(key.signed(black_box(message), &signature)),
            "first" => drop(verify(black_box(&token), &keys, &expected, &revoked, NOW).unwrap()),
            "seen" => drop(
                seen.verify(black_box(&token), &keys, &expected, &revoked, NOW)
                    .unwrap(),
            ),
            other => panic!("nothing is called {other}: raw, first, seen"),
        }
    }
}
