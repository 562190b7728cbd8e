//! What a token costs at first sight and when it was seen before: `cargo bench -p prolong-verify --bench sight`.
//!
//! `-- only first` and `-- only seen` measure a part of it; `-- count WHAT TIMES` runs one thing so often and no more, to
//! count its instructions: `valgrind --tool=callgrind target/release/deps/sight-… count seen 10000`.
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
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use prolong_verify::{Algorithm, Claims, Expected, Key, Keys, Revoked, SeenTokens, verify};

mod entries;
#[expect(
    dead_code,
    reason = "a bound below which no look can come is measured beside it"
)]
#[path = "../src/fingerprint.rs"]
mod fingerprint;
mod issued;
#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../tests/verifier/mint.rs"]
mod mint;
mod rounds;
mod shuffled;
/// As [`fingerprint`] has it.
mod token {
    pub(crate) use prolong_verify::MAX_TOKEN_BYTES;
}

use entries::{SALT, revoked};
use fingerprint::{Fingerprint, Fingerprints};
use issued::{claims, header, set, token};
use mint::{ISSUED_BY, NOW, expected};
use rounds::{Rounds, median};
use shuffled::Shuffled;

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
    let after = |name| {
        let at = arguments.iter().position(|word| word == name)?;
        Some(&arguments[at + 1..])
    };
    match (after("count"), after("only")) {
        (Some([what, times, ..]), _) => count(what, times.parse().unwrap()),
        (_, Some([part, ..])) => measure(part),
        _ => measure(""),
    }
}

/// `part`: `first`, `seen`, or everything.
fn measure(part: &str) {
    let revoked = revoked(ENTRIES);
    println!(
        "{ENTRIES} feed entries; a token of {} bytes",
        token(Algorithm::Es256, 0).len()
    );
    println!("the quietest twentieth of {ROUNDS} short batches in turns, ns a token\n");
    if part != "seen" {
        first_sight(&revoked);
    }
    if part != "first" {
        seen_before(&revoked);
        threads(&revoked);
    }
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
    let tokens: Vec<String> = (0..TOKENS)
        .map(|number| token(Algorithm::EdDsa, number))
        .collect();
    let remembered = Remembered {
        keys: set(Algorithm::EdDsa),
        expected: expected(),
        seen: SeenTokens::new(TOKENS, &[1; 32]),
        fingerprints: Fingerprints::new(&[1; 32]),
    };
    for token in &tokens {
        remembered.look(token, revoked);
    }
    let many = remembered.seen.len();
    println!("\n{many} of {TOKENS} tokens remembered, EdDSA\n");
    let bare: HashMap<&str, i64> = tokens
        .iter()
        .map(|token| (token.as_str(), NOW + 840))
        .collect();
    println!("| seen before | ns |\n|---|---|");
    hot(&remembered, &tokens[0], revoked, &bare);
    random(&remembered, &tokens, revoked, &bare);
}

struct Remembered {
    keys: Keys,
    expected: Expected,
    seen: SeenTokens,
    fingerprints: Fingerprints,
}

impl Remembered {
    fn look(&self, token: &str, revoked: &Revoked) -> Claims {
        let seen = &self.seen;
        seen.verify(black_box(token), &self.keys, &self.expected, revoked, NOW)
            .unwrap()
    }

    fn look_shared(&self, token: &Arc<str>, revoked: &Revoked) -> Claims {
        let seen = &self.seen;
        seen.verify_shared(black_box(token), &self.keys, &self.expected, revoked, NOW)
            .unwrap()
    }

    fn fingerprint(&self, token: &str) -> Fingerprint {
        let found = self.fingerprints.of(black_box(token.as_bytes()));
        found.unwrap()
    }
}

fn hot(remembered: &Remembered, hot: &str, revoked: &Revoked, bare: &HashMap<&str, i64>) {
    let (none, shared) = (Revoked::new(SALT), Arc::from(hot));
    let mut rounds = Rounds::new();
    rounds.add("fingerprint", || remembered.fingerprint(hot));
    rounds.add("bare", || bare[black_box(hot)] > NOW);
    rounds.add("shared", || remembered.look_shared(&shared, revoked));
    rounds.add("copied", || remembered.look(hot, revoked));
    rounds.add("empty feed", || remembered.look_shared(&shared, &none));
    rounds.run(ROUNDS);
    row("one hot token, shared with its claims", rounds.of("shared"));
    row("of that, its fingerprint alone", rounds.of("fingerprint"));
    println!(
        "| of that, {ENTRIES} feed entries instead of none | {:+.0} |",
        rounds.above("shared", "empty feed")
    );
    row("the same token, copied for its claims", rounds.of("copied"));
    row(
        "the same in a bare `HashMap<&str, exp>` (SipHash)",
        rounds.of("bare"),
    );
}

fn row(what: &str, ns: f64) {
    println!("| {what} | {ns:.0} |");
}

fn random(
    remembered: &Remembered,
    tokens: &[String],
    revoked: &Revoked,
    bare: &HashMap<&str, i64>,
) {
    let none = Revoked::new(SALT);
    let mut order = Shuffled::new();
    let orders = [(); 5].map(|()| order.next_order(TOKENS));
    let mut at = [0; 5];
    let next = RefCell::new(|which: usize| {
        at[which] = (at[which] + 1) % TOKENS;
        &tokens[orders[which][at[which]]]
    });
    let next = |which| next.borrow_mut()(which);
    let arrived = RefCell::new(vec![Arc::<str>::from(""); ARRIVE]);
    let arrive = |which| {
        for token in arrived.borrow_mut().iter_mut() {
            *token = next(which).as_str().into();
        }
    };
    // A table as large as that of the tokens, with nothing to find in it.
    let lines = vec![[1_u64; 8]; TOKENS / 7 * 8];
    let line_of = |token: &str| {
        let [first, second] = remembered.fingerprint(token).hash;
        let place = (u128::from(first) * lines.len() as u128) >> 64;
        lines[usize::try_from(place).unwrap()] == [second; 8]
    };
    let mut rounds = Rounds::new();
    rounds.add("long in memory", || remembered.look(next(0), revoked));
    rounds.add_prepared(
        "arrived",
        ARRIVE,
        || arrive(1),
        |at| remembered.look_shared(&arrived.borrow()[at], revoked),
    );
    rounds.add_prepared(
        "empty feed",
        ARRIVE,
        || arrive(2),
        |at| remembered.look_shared(&arrived.borrow()[at], &none),
    );
    rounds.add_prepared(
        "bare",
        ARRIVE,
        || arrive(3),
        |at| bare[&*arrived.borrow()[at]] > NOW,
    );
    rounds.add_prepared(
        "one line",
        ARRIVE,
        || arrive(4),
        |at| line_of(&arrived.borrow()[at]),
    );
    rounds.run(ROUNDS);
    row(
        &format!("one of {TOKENS} at random, of {ARRIVE} that have just arrived"),
        rounds.of("arrived"),
    );
    row(
        "of that, its fingerprint and one line of memory, alone",
        rounds.of("one line"),
    );
    println!(
        "| of that, {ENTRIES} feed entries instead of none | {:+.0} |",
        rounds.above("arrived", "empty feed")
    );
    row("the same in the bare map", rounds.of("bare"));
    row(
        &format!("one of {TOKENS} at random whose text was long in memory"),
        rounds.of("long in memory"),
    );
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
    let algorithm = match what {
        "seen" => Algorithm::EdDsa,
        _ => Algorithm::Rs256,
    };
    let (keys, expected, revoked) = (set(algorithm), expected(), revoked(ENTRIES));
    let token = token(algorithm, 0);
    let message = token.rsplit_once('.').unwrap().0.as_bytes();
    let signature = mint::unb64(token.rsplit_once('.').unwrap().1);
    let key = Key::new("k", algorithm, &ISSUED_BY.public(algorithm)).unwrap();
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
