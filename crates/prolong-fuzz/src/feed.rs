//! The follower of the feed, between an authority that commits, prunes and is restored, and a network that loses, repeats,
//! reorders and spoils what it is given.
//!
//! 1. Nothing is un-learnt before its `until`: what a frame or a snapshot taught refuses its tokens.
//! 2. Nothing is made up: a token that no entry is about is accepted.
//! 3. Fresh as of a time means that everything committed by then is known. A kind that is not known ends freshness.
//! 4. A frame with a gap, a hole or another chain moves nothing.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use prolong_protocol::feed::{Chain, Entry, Frame, Heartbeat, Kind, Snapshot};
use prolong_verify::{
    Algorithm, Expected, Follower, Keys, Need, Rejection, Revoked, SeenTokens, verify,
};
use serde_json::json;

use crate::cut::Cut;
use crate::mint::{NOW, claims, expected, header, keys, signed};

const SALTS: [[u8; 16]; 2] = [[3; 16], [4; 16]];
const KINDS: [Kind; 7] = [
    Kind::SESSION,
    Kind::USER,
    Kind::GENERATION,
    Kind::SIGNING_KEY,
    Kind::CLIENT,
    Kind::GLOBAL,
    Kind::SESSION,
];
const START: u64 = NOW as u64;

struct Token {
    text: String,
    sid: String,
    sub: String,
    client: String,
    kid: &'static str,
}

static KEYS: LazyLock<Keys> = LazyLock::new(keys);
static EXPECTED: LazyLock<Expected> = LazyLock::new(expected);
static TOKENS: LazyLock<Vec<Token>> = LazyLock::new(|| {
    let token = |i: usize| {
        let (sid, sub, client) = (
            format!("s{i}"),
            format!("u{}", i % 2),
            format!("c{}", i / 2),
        );
        let algorithm = if i == 3 {
            Algorithm::Es256
        } else {
            Algorithm::EdDsa
        };
        let mut claims = claims();
        for (name, value) in [("sid", &sid), ("sub", &sub), ("client_id", &client)] {
            claims[name] = json!(value);
        }
        let text = signed(
            algorithm,
            &header(algorithm).to_string(),
            claims.to_string().as_bytes(),
        );
        Token {
            text,
            sid,
            sub,
            client,
            kid: algorithm.as_str(),
        }
    };
    (0..4).map(token).collect()
});

impl Token {
    /// Whether an entry refuses it. Its claims: `jwt_version` 3, `gen` 5, `iat` a minute before the start.
    fn is_met_by(&self, entry: &Entry, salt: [u8; 16]) -> bool {
        let about = |name: &str| entry.key == Revoked::key_of(&salt, name);
        match entry.kind {
            Kind::SESSION => about(&self.sid),
            Kind::USER => about(&self.sub) && entry.arg > 3,
            Kind::GENERATION => about(&self.sid) && entry.arg > 5,
            Kind::SIGNING_KEY => about(self.kid),
            Kind::CLIENT => about(&self.client) && entry.arg > START - 60,
            Kind::GLOBAL => entry.arg > START - 60,
            _ => false,
        }
    }
}

/// What the authority has committed: the entries of an epoch, when, and the chain after each.
#[derive(Clone)]
struct Log {
    epoch: u64,
    salt: [u8; 16],
    entries: Vec<(Entry, u64)>,
    chains: Vec<Chain>,
}

impl Log {
    fn commit(&mut self, mut entry: Entry, now: u64) {
        entry.seq = self.head() + 1;
        self.chains.push(
            self.chains
                .last()
                .copied()
                .unwrap_or_default()
                .extend(&entry, sha256),
        );
        self.entries.push((entry, now));
    }

    fn head(&self) -> u64 {
        self.entries.len() as u64
    }

    fn chain(&self, seq: u64) -> Chain {
        usize::try_from(seq)
            .unwrap()
            .checked_sub(1)
            .map_or(Chain::default(), |at| self.chains[at])
    }

    fn frame(&self, first: u64, last: u64) -> Frame {
        let place = |seq: u64| usize::try_from(seq).unwrap();
        let entries = self.entries[place(first) - 1..place(last)]
            .iter()
            .map(|(entry, _)| *entry);
        Frame {
            first,
            last,
            chain: self.chain(last),
            entries: entries.collect(),
            sig: None,
        }
    }

    fn snapshot(&self, seq: u64, now: u64) -> Snapshot {
        let known = self.entries.iter().take(usize::try_from(seq).unwrap());
        let entries = known
            .map(|(entry, _)| *entry)
            .filter(|entry| now < entry.until);
        Snapshot {
            epoch: self.epoch.to_string(),
            seq,
            chain: self.chain(seq),
            salt: self.salt,
            entries: entries.collect(),
        }
    }
}

/// An entry that was taught, under the salt of its log.
type Taught = (Entry, [u8; 16]);

struct World {
    log: Log,
    follower: Follower,
    seen: SeenTokens,
    now: u64,
    pruned: u64,
    learnt: Vec<Taught>,
    unknown_met: bool,
    /// Sent a while ago, from whatever epoch, and still under way.
    under_way: Vec<(Heartbeat, Log)>,
}

pub(crate) fn run(input: &[u8]) {
    let mut cut = Cut::new(input);
    let log = Log {
        epoch: 0,
        salt: SALTS[0],
        entries: Vec::new(),
        chains: Vec::new(),
    };
    let mut world = World {
        log,
        follower: Follower::default(),
        seen: SeenTokens::new(16, &[7; 32]),
        now: START,
        pruned: 0,
        learnt: Vec::new(),
        unknown_met: false,
        under_way: Vec::new(),
    };
    for token in TOKENS.iter() {
        let clear = Revoked::new(SALTS[0]);
        assert_eq!(world.answer(token, &clear), Ok(()), "{}", token.sid);
    }
    for _ in 0..64 {
        if cut.is_empty() {
            break;
        }
        world.step(&mut cut);
        world.check();
    }
    let revoked = world.follower.revoked();
    for token in TOKENS.iter() {
        let anew = verify(&token.text, &KEYS, &EXPECTED, revoked, NOW).map(drop);
        assert_eq!(world.answer(token, revoked), anew, "{}", token.sid);
    }
}

impl World {
    fn step(&mut self, cut: &mut Cut<'_>) {
        let head = usize::try_from(self.log.head()).unwrap();
        match cut.byte() % 10 {
            0 | 1 => {
                let entry = entry(cut, self.log.salt, self.now);
                self.log.commit(entry, self.now);
            }
            2 | 3 if head > 0 => {
                let (first, last) = (1 + cut.below(head), 1 + cut.below(head));
                let (first, last) = (first.min(last) as u64, first.max(last) as u64);
                let mut frame = self.log.frame(first, last);
                let spoilt = cut.byte();
                if spoilt > 200 {
                    spoil(&mut frame, cut);
                }
                self.frame(&frame);
            }
            4 => {
                let snapshot = self.log.snapshot(cut.below(head + 1) as u64, self.now);
                self.follower.snapshot(&snapshot);
                self.unknown_met |= snapshot
                    .entries
                    .iter()
                    .any(|entry| entry.kind.letter() == b'Z');
                let salt = snapshot.salt;
                self.learnt
                    .extend(snapshot.entries.into_iter().map(|entry| (entry, salt)));
            }
            5 => {
                let beat = Heartbeat {
                    head: self.log.head(),
                    chain: self.log.chain(self.log.head()),
                    as_of: self.now,
                    sig: None,
                };
                self.under_way.push((beat, self.log.clone()));
            }
            6 if !self.under_way.is_empty() => {
                let which = cut.below(self.under_way.len());
                let (beat, _) = self.under_way[which].clone();
                let before = self.follower.cursor().cloned();
                let need = self.follower.heartbeat(&beat, self.now);
                let at_head =
                    before.is_some_and(|at| (at.seq, at.chain) == (beat.head, beat.chain));
                assert_eq!(need == Need::Nothing, at_head, "{need:?}");
            }
            7 => self.now += u64::from(cut.byte() % 8),
            8 => {
                self.follower.prune(self.now);
                self.pruned = self.now;
            }
            9 if cut.byte() < 40 => {
                // Restored from an earlier backup, and said so: another epoch, perhaps another salt.
                let kept = cut.below(head + 1);
                self.log.epoch += 1;
                self.log.entries.truncate(kept);
                self.log.chains.truncate(kept);
                if cut.byte() < 30 {
                    self.log.salt = SALTS[1];
                    self.log.entries.clear();
                    self.log.chains.clear();
                }
                self.under_way.clear();
                assert_eq!(self.follower.cursor_refused(), Need::Snapshot);
            }
            _ => {}
        }
    }

    fn frame(&mut self, frame: &Frame) {
        let before = self.follower.cursor().cloned();
        let held = self.follower.revoked().len();
        let need = self.follower.frame(frame);
        let fits = before.as_ref().is_some_and(|at| {
            let chain = frame
                .entries
                .iter()
                .fold(at.chain, |chain, entry| chain.extend(entry, sha256));
            let numbers = frame.entries.iter().map(|entry| entry.seq);
            at.seq + 1 == frame.first
                && numbers.eq(frame.first..=frame.last)
                && chain == frame.chain
        });
        let after = self.follower.cursor();
        if fits {
            assert!(after.is_some_and(|at| at.seq == frame.last && at.chain == frame.chain));
            assert_eq!(need, Need::Nothing);
            self.unknown_met |= frame
                .entries
                .iter()
                .any(|entry| entry.kind.letter() == b'Z');
            let salt = *self.follower.revoked().salt();
            self.learnt
                .extend(frame.entries.iter().map(|entry| (*entry, salt)));
        } else {
            assert!(
                after.is_none() || after == before.as_ref(),
                "moved by a frame that does not fit"
            );
            assert_eq!(
                self.follower.revoked().len(),
                held,
                "learnt from a frame that does not fit"
            );
            let old = before.is_some_and(|at| frame.last <= at.seq);
            assert!(old || need != Need::Nothing, "a gap was passed over");
        }
    }

    /// From memory: the signature is not what is tested here.
    fn answer(&self, token: &Token, revoked: &Revoked) -> Result<(), Rejection> {
        let answer = self
            .seen
            .verify(&token.text, &KEYS, &EXPECTED, revoked, NOW);
        answer.map(drop)
    }

    fn check(&self) {
        let revoked = self.follower.revoked();
        for token in TOKENS.iter() {
            let answer = self.answer(token, revoked);
            let met = |taught: &&Taught| token.is_met_by(&taught.0, taught.1);
            let must = self
                .learnt
                .iter()
                .filter(met)
                .any(|(entry, _)| self.pruned < entry.until);
            let may = self.learnt.iter().any(|taught| met(&taught));
            assert!(answer.is_err() || !must, "un-learnt: {}", token.sid);
            assert!(answer.is_ok() || may, "made up: {} {answer:?}", token.sid);
            if let Some(staleness) = self.follower.staleness(self.now) {
                let as_of = self.now - staleness;
                assert!(
                    !self.unknown_met,
                    "fresh in spite of a kind that is not known"
                );
                let known = self
                    .log
                    .entries
                    .iter()
                    .filter(|(_, committed)| *committed < as_of);
                let missed =
                    known.filter(|(entry, _)| self.pruned < entry.until && self.now < entry.until);
                for (entry, _) in missed {
                    let refuses = token.is_met_by(entry, self.log.salt);
                    assert!(
                        !refuses || answer.is_err(),
                        "fresh as of {as_of} without {entry:?}"
                    );
                }
            }
        }
    }
}

fn entry(cut: &mut Cut<'_>, salt: [u8; 16], now: u64) -> Entry {
    let kind = match cut.byte() {
        250.. => Kind::new(b'Z').unwrap(),
        letter => KINDS[usize::from(letter) % KINDS.len()],
    };
    let which = cut.below(4);
    let name = match kind {
        Kind::USER => format!("u{which}"),
        Kind::SIGNING_KEY => ["EdDSA", "ES256", "RS256", "x"][which].to_owned(),
        Kind::CLIENT => format!("c{which}"),
        _ => format!("s{which}"),
    };
    let arg = match kind {
        Kind::CLIENT | Kind::GLOBAL => START - 62 + u64::from(cut.byte() % 4),
        _ => u64::from(cut.byte() % 8),
    };
    Entry {
        seq: 0,
        kind,
        key: Revoked::key_of(&salt, &name),
        arg,
        until: now + 1 + u64::from(cut.byte() % 16),
    }
}

fn spoil(frame: &mut Frame, cut: &mut Cut<'_>) {
    let place = cut.below(frame.entries.len());
    match cut.byte() % 6 {
        0 => drop(frame.entries.remove(place)),
        1 => frame.entries[place].key[0] ^= 1 | cut.byte(),
        2 => frame.entries[place].until += 1,
        3 => frame.chain.0[0] ^= 1 | cut.byte(),
        4 => frame.last += 1,
        _ => frame.entries.push(frame.entries[place]),
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().unwrap()
}
