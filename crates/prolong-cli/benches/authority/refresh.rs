//! Durable refreshes a second through HTTP. Every answer must be a rotation of the session that was asked for, and
//! after the server is killed the store must hold exactly the generations that were acknowledged.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prolong_core::Generation;

use crate::house::{House, Server};
use crate::http::{Connection, after};
use crate::load::{self, Outcome, Times};
use crate::options::Options;
use crate::{bare, yardstick};

pub(crate) fn run(options: &Options) {
    let (sessions, time) = (options.sessions(100_000), options.time(4));
    let clients = options.clients(&[1, 16, 64, 256]);
    println!("{sessions} sessions, {time:?} a row after 1 s of warming up");
    let hello = yardstick::hello(64, time.min(YARDSTICK));
    println!("bare axum hello, 64 clients:   {hello}");
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let alone = yardstick::hello(1, time.min(YARDSTICK));
    println!("bare axum hello, one client:   {alone}");
    let (half, most) = yardstick::fdatasync(folder.path());
    println!("fdatasync of 4 KiB: p50 {half:.3} ms, p99 {most:.3} ms");
    let rows = bare::rows_per_second(
        &folder.path().join("bare.db"),
        sessions,
        time.min(YARDSTICK),
    );
    println!("bare SQLite, 50 rows a commit: {rows:>8.0} rows/s");
    for algorithm in options.algorithms() {
        println!(
            "raw {algorithm} sign: {:.1} µs",
            yardstick::sign(&algorithm)
        );
        let house = House::with_sessions(sessions, &algorithm);
        let mut load = Load::new(&house);
        let server = house.serve(&options.server);
        // The store's log grows until it is copied back for the first time, and growing costs double: that is not the rule.
        while load.acknowledged() < ONCE_AROUND {
            load.run(&server, 64, Duration::from_secs(1));
        }
        for &clients in &clients {
            load.run(&server, clients, Duration::from_secs(1));
            let before = server.processor_seconds();
            let outcome = load.run(&server, clients, time);
            println!(
                "{algorithm} {clients:>4} clients: {outcome}; {:.2} of bare SQLite; server {:.1} µs each",
                outcome.rate / rows,
                server.micros_each(before, &outcome)
            );
        }
        let done = load.acknowledged();
        drop(server);
        load.verify(&house);
        println!(
            "{algorithm}: {done} rotations acknowledged, and exactly these found after the kill"
        );
    }
}

/// More refreshes than the log has pages.
const ONCE_AROUND: u64 = 60_000;

/// The yardsticks run so long at most.
const YARDSTICK: Duration = Duration::from_secs(3);

/// What the clients know: the newest token of every session.
pub(crate) struct Load {
    tokens: Vec<Box<str>>,
}

impl Load {
    pub(crate) fn new(house: &House) -> Self {
        let token = |n| house.token(n, Generation(0)).into_boxed_str();
        Self {
            tokens: (0..house.sessions).map(token).collect(),
        }
    }

    /// Each client refreshes random sessions of its own.
    pub(crate) fn run(&mut self, server: &Server, clients: usize, time: Duration) -> Outcome {
        let share = self.tokens.len() / clients;
        let mut tokens = std::mem::take(&mut self.tokens);
        let rest = tokens.split_off(share * clients);
        let mut shares: Vec<Vec<Box<str>>> = Vec::with_capacity(clients);
        for _ in 1..clients {
            let others = tokens.split_off(share);
            shares.push(std::mem::replace(&mut tokens, others));
        }
        shares.push(tokens);
        let shares = std::cell::RefCell::new(shares);
        let (outcome, shares) = load::run(clients, time, |n, end| {
            let mine = std::mem::take(&mut shares.borrow_mut()[n]);
            client(server.address.clone(), n as u64, mine, end)
        });
        self.tokens = shares.into_iter().flatten().chain(rest).collect();
        outcome
    }

    pub(crate) fn acknowledged(&self) -> u64 {
        self.tokens.iter().map(|token| generation(token)).sum()
    }

    pub(crate) fn verify(&self, house: &House) {
        for (n, stored) in house.generations().into_iter().enumerate() {
            assert_eq!(stored, generation(&self.tokens[n]), "session {n}");
        }
    }
}

async fn client(
    address: String,
    n: u64,
    mut tokens: Vec<Box<str>>,
    end: Instant,
) -> (Times, Vec<Box<str>>) {
    let mut connection = Connection::open(&address).await;
    let (mut times, mut random) = (Times::default(), n + 1);
    let body = "grant_type=refresh_token&client_id=web&refresh_token=";
    let head = format!(
        "POST /oauth/token HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Origin: https://app.example\r\nContent-Length: {}\r\n\r\n{body}",
        body.len() + tokens[0].len()
    );
    let mut request = Vec::with_capacity(head.len() + 80);
    while Instant::now() < end {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let place = usize::try_from(random >> 33).unwrap() % tokens.len();
        let token = &mut tokens[place];
        request.clear();
        request.extend_from_slice(head.as_bytes());
        request.extend_from_slice(token.as_bytes());
        let begun = Instant::now();
        let answer = connection.exchange(&request).await;
        times.note(begun.elapsed());
        let text = || String::from_utf8_lossy(answer.body);
        assert_eq!(answer.status, 200, "{}", text());
        let at =
            after(answer.body, br#""refresh_token":""#).unwrap_or_else(|| panic!("{}", text()));
        let next = std::str::from_utf8(&answer.body[at..at + token.len()]).unwrap();
        assert_eq!(
            next[..SESSION_ENDS],
            token[..SESSION_ENDS],
            "another session"
        );
        assert_eq!(generation(next), generation(token) + 1, "no rotation");
        *token = next.into();
    }
    (times, tokens)
}

/// In `plr1_` and base64url: version, key and session, 18 bytes; then six of the generation.
const SESSION_ENDS: usize = 5 + 24;

fn generation(token: &str) -> u64 {
    let mut bytes = [0; 8];
    URL_SAFE_NO_PAD
        .decode_slice(&token[SESSION_ENDS..SESSION_ENDS + 8], &mut bytes[2..])
        .unwrap();
    u64::from_be_bytes(bytes)
}
