//! Killed hundreds of times under load, at moments that nobody chose, with time passing while it is down. What was
//! acknowledged is kept: sign-ins, ends, password changes. A client that names its attempts is never signed out, and
//! nothing is minted for a session whose end was acknowledged.
//!
//! A kill comes after a random number of answers, while others are under way; every eighth hits a server that is only
//! starting. The seed of the randomness is printed.

mod clients;
mod passwords;
mod signing;

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::sync::watch;

use crate::calls::{Answer, Answered, Calls, SECRET_HASH, client};
use crate::server::{PATIENCE, Server, good, prolong, run};
use crate::world::World;

const ROUNDS: u64 = 300;
/// Time that passes between a kill and the next start: the default policy's rotation interval, and a second.
const DOWN: u64 = 31;

/// `strict` rotates at every refresh, `usual` once in 30 s: between two kills, once.
const CONFIGURATION: &str = "
issuer = \"https://auth.example.com\"
[policies.strict]
preset = \"refresh\"
lifetime = \"90d\"
grace = \"0s\"
min_rotation_interval = \"0s\"
[policies.usual]
preset = \"refresh\"
lifetime = \"90d\"
[limits]
argon2_memory_kib = 7168
argon2_passes = 1
[[clients]]
id = \"strict\"
policy = \"strict\"
audience = \"api\"
password_sign_in = true
[[clients]]
id = \"usual\"
policy = \"usual\"
audience = \"api\"
password_sign_in = true
[[clients]]
id = \"ops\"
kind = \"confidential\"
scopes = [\"prolong:admin\", \"prolong:sign-in\"]
";

/// What was seen, so that a search that became empty shows.
#[derive(Debug, Default)]
struct Seen {
    answered: AtomicU64,
    /// Requests that were under way when the server died.
    lost: AtomicU64,
    rotated: AtomicU64,
    /// Rotations whose answer came only at a second try.
    retried: AtomicU64,
    signed_in: AtomicU64,
    ended: AtomicU64,
    /// Ends that came while their session was being refreshed.
    raced: AtomicU64,
    passwords: AtomicU64,
    /// Plain clients that lost two answers running, and so had to sign in.
    unlucky: AtomicU64,
}

fn count(counter: &AtomicU64) -> u64 {
    counter.fetch_add(1, Ordering::Relaxed) + 1
}

/// A session whose end was acknowledged.
#[derive(Clone)]
struct Over {
    refresh: String,
    access: String,
}

/// The server that comes and goes, as its clients see it.
struct Place {
    calls: watch::Receiver<Option<Calls>>,
    seen: Seen,
    over: Mutex<Vec<Over>>,
    seed: u64,
    draws: AtomicU64,
    stopping: watch::Receiver<bool>,
}

impl Place {
    /// Asks until somebody answers, with the same question. Whether an earlier answer may have been lost.
    async fn answer<F: Future<Output = Answered>>(
        &self,
        ask: impl Fn(Calls) -> F,
    ) -> (Answer, bool) {
        let mut lost = false;
        let mut calls = self.calls.clone();
        loop {
            let here = calls.wait_for(Option::is_some).await.unwrap().clone();
            match ask(here.unwrap()).await {
                Ok(answer) if !answer.status.is_server_error() => {
                    count(&self.seen.answered);
                    return (answer, lost);
                }
                Ok(_) => {}
                Err(error) if error.is_connect() => {}
                Err(_) => {
                    count(&self.seen.lost);
                    lost = true;
                }
            }
            // The next server, or a breath: this one may only be going down, or its queue full.
            let _ = tokio::time::timeout(Duration::from_millis(20), calls.changed()).await;
        }
    }

    /// Numbers that differ from run to run (splitmix64).
    fn draw(&self) -> u64 {
        let n = self.draws.fetch_add(1, Ordering::Relaxed);
        let mut z = (self.seed ^ n).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z ^ (z >> 27)
    }

    fn attempt(&self) -> String {
        let (a, b) = (self.draw(), self.draw());
        crate::support::authority::attempt_id(&format!("{a} {b}"))
    }

    fn goes_on(&self) -> bool {
        !*self.stopping.borrow()
    }

    /// Some session that ended before.
    fn some_over(&self) -> Option<Over> {
        let over = self.over.lock().unwrap();
        let at = usize::try_from(self.draw()).unwrap() % over.len().max(1);
        over.get(at).cloned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_hundreds_of_times_and_nothing_acknowledged_is_lost() {
    let folder = TempDir::new().unwrap();
    let configuration = format!("{CONFIGURATION}secret_hash = \"{SECRET_HASH}\"\n");
    std::fs::write(folder.path().join("prolong.toml"), configuration).unwrap();
    let key = ["--config", "other.toml", "config", "init"];
    good(&run(folder.path(), &key, ""));
    let mut world = World::new(folder.path());
    let first = Server::start(folder.path(), Some(&world));
    let users: HashSet<String> = passwords::users().chain(clients::users()).collect();
    for user in &users {
        Calls::new(first.address()).add_user(user).await;
    }
    drop(first);

    let seed = RandomState::new().hash_one(ROUNDS);
    println!("seed {seed}");
    let (here, calls) = watch::channel(None);
    let (stop, stopping) = watch::channel(false);
    let place = Arc::new(Place {
        calls,
        seen: Seen::default(),
        over: Mutex::default(),
        seed,
        draws: AtomicU64::new(0),
        stopping,
    });
    let mut tasks = tokio::task::JoinSet::new();
    clients::begin(&place, &mut tasks);
    signing::begin(&place, &mut tasks);
    passwords::begin(&place, &mut tasks);
    for round in 0..ROUNDS {
        if round % 8 == 7 {
            killed_at_birth(folder.path(), &world, place.draw() % 60);
        }
        let server = Server::start(folder.path(), Some(&world));
        let enough = place.seen.answered.load(Ordering::Relaxed) + 10 + place.draw() % 80;
        here.send_replace(Some(Calls::with(client(64), server.address())));
        let until = Instant::now() + PATIENCE;
        while place.seen.answered.load(Ordering::Relaxed) < enough {
            if let Some(broken) = tasks.try_join_next() {
                broken.unwrap();
                panic!("a client stopped by itself");
            }
            assert!(
                Instant::now() < until,
                "{:?}\n{}",
                place.seen,
                server.log().text()
            );
            tokio::time::sleep(Duration::from_micros(place.draw() % 3_000)).await;
        }
        here.send_replace(None);
        server.kill();
        world.pass(DOWN);
    }

    stop.send_replace(true);
    let server = Server::start(folder.path(), Some(&world));
    here.send_replace(Some(Calls::with(client(64), server.address())));
    // Each finds its session alive once more, and stops.
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let over = place.over.lock().unwrap().clone();
    for session in &over {
        signing::stays_over(&place, session).await;
    }
    server.stop();
    let mut doctor = prolong(folder.path(), &["doctor"]);
    world.enter(&mut doctor);
    good(&doctor.output().unwrap());
    let counted = &place.seen;
    println!("{ROUNDS} kills: {counted:?}");
    let least = |counter: &AtomicU64, least| {
        assert!(
            counter.load(Ordering::Relaxed) >= least,
            "too little happened: {counted:?}"
        );
    };
    least(&counted.rotated, ROUNDS * 5);
    least(&counted.lost, ROUNDS);
    least(&counted.retried, ROUNDS / 4);
    least(&counted.ended, ROUNDS / 2);
    least(&counted.raced, ROUNDS / 8);
    least(&counted.passwords, ROUNDS / 8);
}

/// An empty folder, and a server that dies somewhere in its first moments, three times running.
#[test]
fn killed_while_it_makes_its_folder_it_makes_it_at_the_next_start() {
    for after in 0..15 {
        let folder = TempDir::new().unwrap();
        let world = World::new(folder.path());
        for _ in 0..3 {
            killed_at_birth(folder.path(), &world, after);
        }
        Server::start(folder.path(), Some(&world)).stop();
    }
}

/// A server that does not live to be ready.
fn killed_at_birth(folder: &std::path::Path, world: &World, after: u64) {
    let mut command = prolong(folder, &["serve", "--listen", "127.0.0.1:0"]);
    world.enter(&mut command);
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    for _ in 0..after {
        crate::server::pause();
    }
    child.kill().unwrap();
    child.wait().unwrap();
}
