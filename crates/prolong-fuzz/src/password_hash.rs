//! Password hashes from elsewhere: what is taken can be verified at a bounded cost, and no password that we make up fits.

use std::cell::LazyCell;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prolong_server::entropy::PredictableEntropy;
use prolong_server::settings::Limits;
use prolong_server::users::{HashFault, PasswordHash, PasswordPool};
use tokio::runtime::{Builder, Runtime};

thread_local! {
    static RUNTIME: LazyCell<Runtime> = LazyCell::new(|| Builder::new_current_thread().build().unwrap());
    static POOL: LazyCell<PasswordPool> = LazyCell::new(|| {
        let limits = Limits { argon2_memory_kib: 8, argon2_passes: 1, ..Limits::default() };
        PasswordPool::new(&limits, &PredictableEntropy::new())
    });
}

pub(crate) fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match PasswordHash::parse(&text) {
        Err(HashFault::Unknown) => {
            assert!(!text.starts_with("$2b$") && !text.starts_with("pbkdf2_sha256$"));
        }
        Err(fault) => assert!(text.len() < 32 || !fault.to_string().contains(&*text)),
        Ok(hash) => {
            assert!(!format!("{hash:?}").contains(&*text), "a hash shows itself");
            let cost = Cost::of(&text);
            assert!(cost.within_bounds(), "{text}: {cost:?}");
            if cost.is_small() {
                verify(&text);
            }
        }
    }
}

fn verify(text: &str) {
    RUNTIME.with(|runtime| {
        POOL.with(|pool| {
            for password in ["no such password", "", "\0", &"x".repeat(200)] {
                let verified = runtime.block_on(pool.verify("ann", password, Some(text)));
                assert_eq!(verified, Ok(false), "{password:?} fits {text}");
            }
            let foreign = !text.starts_with("$argon2id$");
            assert!(!foreign || pool.needs_rehash(text, "a short one"), "{text}");
        });
    });
}

/// What a hash says that it costs, read apart from the one that is tested.
#[derive(Debug)]
enum Cost {
    Argon2 {
        kib: u64,
        passes: u64,
        lanes: u64,
        output: usize,
    },
    Bcrypt(u64),
    Pbkdf2 {
        rounds: u64,
        output: usize,
    },
}

impl Cost {
    fn of(text: &str) -> Self {
        let parts: Vec<&str> = text.split('$').collect();
        if text.starts_with("$2") {
            return Self::Bcrypt(parts[2].parse().unwrap());
        }
        if text.starts_with("pbkdf2") {
            let output = STANDARD.decode(parts[3]).unwrap().len();
            return Self::Pbkdf2 {
                rounds: parts[1].parse().unwrap(),
                output,
            };
        }
        let parameter = |name: &str, usual| {
            let all = parts.iter().flat_map(|part| part.split(','));
            let mut found = all.filter_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            found.next().map_or(usual, |value| value.parse().unwrap())
        };
        Self::Argon2 {
            kib: parameter("m", 19_456),
            passes: parameter("t", 2),
            lanes: parameter("p", 1),
            output: parts.last().unwrap().len() * 3 / 4,
        }
    }

    fn within_bounds(&self) -> bool {
        match *self {
            Self::Argon2 {
                kib,
                passes,
                lanes,
                output,
            } => kib <= 256 * 1024 && passes <= 16 && lanes <= 16 && output <= 64,
            Self::Bcrypt(cost) => (4..=15).contains(&cost),
            Self::Pbkdf2 { rounds, output } => (1..=5_000_000).contains(&rounds) && output == 32,
        }
    }

    fn is_small(&self) -> bool {
        match *self {
            Self::Argon2 { kib, passes, .. } => kib * passes <= 512,
            Self::Bcrypt(cost) => cost == 4,
            Self::Pbkdf2 { rounds, .. } => rounds <= 500,
        }
    }
}
