//! Refresh tokens and master keys: what opens was sealed here, in exactly these characters.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prolong_core::{Generation, KeyId, SessionId};
use prolong_server::entropy::Entropy;
use prolong_server::keys::{MasterKeys, RefreshKeys, SessionSecret};

use crate::cut::Cut;

const MASTER: &str = "7 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n3 ISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0-P0A\n";

static KEYS: LazyLock<RefreshKeys> =
    LazyLock::new(|| RefreshKeys::derive(&MasterKeys::parse(MASTER).unwrap()));

pub(crate) fn run(input: &[u8]) {
    let mut cut = Cut::new(input);
    match cut.byte() % 3 {
        0 => foreign(&cut.text()),
        1 => ours(cut),
        _ => master_keys(&cut.text()),
    }
}

/// Whatever opens is what sealing gives: there is no second spelling, and nobody else's token.
fn foreign(text: &str) {
    if let Some(opened) = KEYS.open(text) {
        let sealed = KEYS.seal(
            opened.session,
            opened.key,
            opened.generation,
            &opened.secret,
        );
        assert_eq!(sealed.as_deref(), Some(text));
    }
}

/// A token of ours opens to what it was made of; with anything changed it does not open at all.
fn ours(mut cut: Cut<'_>) {
    let key = KeyId([7, 3, cut.byte()][cut.below(3)]);
    let session = SessionId(cut.bytes());
    let generation = Generation(u64::from_be_bytes(cut.bytes()) >> (cut.byte() % 64));
    let secret = SessionSecret::draw(&Given(cut.bytes()));
    let Some(token) = KEYS.seal(session, key, generation, &secret) else {
        assert!(![7, 3].contains(&key.0) || generation.0 >= 1 << 48);
        return;
    };
    let opened = KEYS.open(&token).expect("a token that was just sealed");
    assert_eq!(
        (opened.key, opened.session, opened.generation),
        (key, session, generation)
    );
    assert_eq!(
        KEYS.seal(session, key, generation, &opened.secret),
        Some(token.clone())
    );
    let mut bytes = token.clone().into_bytes();
    let place = cut.below(bytes.len());
    match cut.byte() % 4 {
        0 => bytes[place] = cut.byte(),
        1 => bytes.insert(place, cut.byte()),
        2 => drop(bytes.remove(place)),
        _ => bytes.extend_from_slice(cut.rest()),
    }
    let changed = String::from_utf8_lossy(&bytes);
    assert_eq!(KEYS.open(&changed).is_some(), changed == token, "{changed}");
}

/// A list of keys is read to falling ids, which is what is derived, and says where it is wrong but never what stands there.
fn master_keys(text: &str) {
    match MasterKeys::parse(text) {
        Ok(keys) => {
            let ids: Vec<KeyId> = keys.ids().collect();
            assert!(!ids.is_empty() && ids.windows(2).all(|two| two[0] > two[1]));
            let derived = RefreshKeys::derive(&keys);
            assert!(derived.ids().eq(ids.iter().copied()));
            assert_eq!(derived.newest(), ids[0]);
        }
        Err(fault) => {
            let sentence = fault.to_string();
            let shows = |line: &str| {
                let mut words = line.split_whitespace();
                words.any(|word| {
                    URL_SAFE_NO_PAD.decode(word).is_ok_and(|key| key.len() > 16)
                        && sentence.contains(word)
                })
            };
            assert!(!text.lines().any(shows), "{sentence}");
        }
    }
}

struct Given([u8; 16]);

impl Entropy for Given {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.0[..bytes.len()]);
    }
}
