//! Every target over its corpus, and over inputs made from it with a fixed seed: the same ones in every run, on any
//! toolchain. What coverage-guided fuzzing found is in the corpus, so it is found again here.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot set its scene should stop"
)]

use std::path::PathBuf;
use std::sync::mpsc;

use prolong_fuzz::{TARGETS, Target};

/// How long an input made here may become, bytes.
const LONGEST: usize = 4096;

struct Corpus {
    inputs: Vec<(String, Vec<u8>)>,
    words: Vec<Vec<u8>>,
}

impl Corpus {
    fn of(target: &Target) -> Self {
        let fuzz = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
        let folder = fuzz.join("corpus").join(target.name);
        let mut inputs: Vec<(String, Vec<u8>)> = std::fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()))
            .collect();
        inputs.sort();
        let words = std::fs::read_to_string(fuzz.join("words").join(target.name));
        let words = words.unwrap_or_default();
        Self {
            inputs,
            words: words.lines().filter_map(word).collect(),
        }
    }
}

/// A line `"word"` of libFuzzer's dictionaries; `\xNN` is a byte.
fn word(line: &str) -> Option<Vec<u8>> {
    let mut rest = line.strip_prefix('"')?.strip_suffix('"')?.bytes();
    let mut word = Vec::new();
    while let Some(byte) = rest.next() {
        word.push(match byte {
            b'\\' => match rest.next()? {
                b'x' => {
                    let digits = [rest.next()?, rest.next()?];
                    u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
                }
                other => other,
            },
            other => other,
        });
    }
    Some(word)
}

/// Numbers that are the same in every run (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32;
        usize::try_from(drawn).unwrap() % limit.max(1)
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len()))
    }

    /// An input like one of the corpus.
    fn input(&mut self, corpus: &Corpus) -> Vec<u8> {
        let mut input = self
            .one_of(&corpus.inputs)
            .map(|(_, input)| input.clone())
            .unwrap_or_default();
        for _ in 0..=self.below(4) {
            self.change(&mut input, corpus);
        }
        input.truncate(LONGEST);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, corpus: &Corpus) {
        let from = self.below(input.len() + 1);
        let to = (from + self.below(16)).min(input.len());
        match self.below(8) {
            0 => drop(input.drain(from..to)),
            1 => {
                let again: Vec<u8> = input[from..to].to_vec();
                input.splice(from..from, again);
            }
            2 => {
                let byte = [0, 1, 0x7F, 0x80, 0xFF, b'\n', b'"', b'%', b'{', b'.'][self.below(10)];
                input.insert(from, byte);
            }
            3 => input.truncate(from),
            4 | 5 => {
                let word = self.one_of(&corpus.words).cloned().unwrap_or_default();
                input.splice(from..to, word);
            }
            6 => {
                let other = self.one_of(&corpus.inputs).map(|(_, other)| other.clone());
                let other = other.unwrap_or_default();
                let start = self.below(other.len() + 1);
                input.splice(from.., other[start..].iter().copied());
            }
            _ => {
                if let Some(byte) = input.get_mut(from) {
                    *byte ^= 1 << self.below(8);
                }
            }
        }
    }
}

/// Runs it apart, so that a panic can be told with the input that led to it.
fn run(target: &'static Target, told: &str, input: &[u8]) {
    let copy = input.to_vec();
    let outcome = std::panic::catch_unwind(move || (target.run)(&copy));
    assert!(
        outcome.is_ok(),
        "{}: {told} broke it: {:?}",
        target.name,
        String::from_utf8_lossy(input)
    );
}

fn over_its_corpus(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let (done, finished) = mpsc::channel();
    // A runtime and its threads end with this thread.
    std::thread::spawn(move || {
        let corpus = Corpus::of(target);
        assert!(
            !corpus.inputs.is_empty(),
            "{name} has no corpus",
            name = target.name
        );
        for (path, input) in &corpus.inputs {
            run(target, path, input);
        }
        let mut numbers = Numbers(0x5EED);
        for number in 0..target.tries {
            run(target, &format!("input {number}"), &numbers.input(&corpus));
        }
        done.send(()).unwrap();
    });
    finished.recv().expect("see the panic above");
}

macro_rules! targets {
    ($($name:ident),+ $(,)?) => {
        $(#[test]
        fn $name() {
            over_its_corpus(stringify!($name));
        })+

        #[test]
        fn every_target_is_run() {
            let here = [$(stringify!($name)),+];
            assert!(TARGETS.iter().map(|target| target.name).eq(here));
        }
    };
}

targets!(
    access_token,
    claims_json,
    configuration,
    credentials,
    durations,
    feed,
    feed_wire,
    forms,
    json_bodies,
    key_set,
    password_hash,
    refresh_token,
    requests,
    verify_query,
);
