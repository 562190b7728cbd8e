//! Tokens that were changed at random, from a seed: characters of a good token, and members of tokens signed anew.

use prolong_verify::Algorithm;

use super::{Group, Signer, claims, header};
use crate::mint::{ISSUER, NOW, b64, unb64};

/// How many of them are in the corpus.
const IN_CORPUS: usize = 1100;

/// `SplitMix64` (public domain): small, and the same everywhere.
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    fn pick<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }
}

/// An endless row of changed tokens.
pub(crate) struct Mutations<'s> {
    rng: Rng,
    signer: &'s Signer,
    bases: [String; 3],
}

impl<'s> Mutations<'s> {
    pub(crate) fn new(seed: u64, signer: &'s Signer) -> Self {
        let bases = [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256];
        Self {
            rng: Rng::new(seed),
            signer,
            bases: bases.map(|algorithm| signer.sound(algorithm)),
        }
    }

    pub(crate) fn next(&mut self) -> (&'static str, String) {
        match self.rng.below(10) {
            0..3 => ("characters", self.characters()),
            3 => ("cut", self.cut()),
            4 => ("parts", self.parts()),
            5 => ("bits", self.bits()),
            6 | 7 => ("claim", self.member(false)),
            8 => ("header", self.member(true)),
            _ => ("json", self.json()),
        }
    }

    fn base(&mut self) -> String {
        // The one of RSA is twice as long: it comes less often.
        let place = [0, 0, 0, 1, 1, 1, 1, 2][self.rng.below(8)];
        self.bases[place].clone()
    }

    fn characters(&mut self) -> String {
        let mut characters: Vec<char> = self.base().chars().collect();
        for _ in 0..=self.rng.below(3) {
            let place = self.rng.below(characters.len());
            let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            let other = if self.rng.below(6) == 0 {
                self.rng.pick(&[
                    "=", "+", "/", " ", ".", "\n", "\u{0}", "%", "é", "~", "\"", "{", ",", ":",
                ])
            } else {
                let at = self.rng.below(64);
                &alphabet[at..=at]
            };
            let other = other.chars().next().unwrap();
            match self.rng.below(8) {
                0 => characters.insert(place, other),
                1 => {
                    characters.remove(place);
                }
                2 => characters.swap(place, 0),
                _ => characters[place] = other,
            }
        }
        characters.into_iter().collect()
    }

    fn cut(&mut self) -> String {
        let base = self.base();
        let at = self.rng.below(base.len());
        match self.rng.below(4) {
            0 => base[..at].to_owned(),
            1 => base[at..].to_owned(),
            2 => format!("{base}{}", &base[at..base.len().min(at + 4)]),
            _ => {
                let to = (at + 1 + self.rng.below(8)).min(base.len());
                format!("{}{}", &base[..at], &base[to..])
            }
        }
    }

    /// Whole parts of two tokens, exchanged, repeated or left out.
    fn parts(&mut self) -> String {
        let (one, two) = (self.base(), self.base());
        let all: Vec<&str> = one.split('.').chain(two.split('.')).chain([""]).collect();
        let count = [3, 3, 3, 3, 2, 4, 5][self.rng.below(7)];
        let parts: Vec<&str> = (0..count)
            .map(|at| match self.rng.below(4) {
                0 => self.rng.pick(&all),
                1 => all[3 + at % 3],
                _ => all[at % 3],
            })
            .collect();
        parts.join(".")
    }

    /// One bit of header, claims or signature.
    fn bits(&mut self) -> String {
        let base = self.base();
        let mut parts: Vec<String> = base.split('.').map(str::to_owned).collect();
        let part = self.rng.below(3);
        let mut bytes = unb64(&parts[part]);
        let (place, bit) = (self.rng.below(bytes.len()), self.rng.below(8));
        bytes[place] ^= 1 << bit;
        parts[part] = b64(bytes);
        parts.join(".")
    }

    /// One member of a sound token has another value, or none; signed.
    fn member(&mut self, of_header: bool) -> String {
        let algorithm = self.algorithm();
        let (mut header, mut claims) = (header(algorithm), claims());
        let (object, more) = if of_header {
            (
                &mut header,
                &["crit", "b64", "jku", "jwk", "zip", "cty", "x"][..],
            )
        } else {
            (
                &mut claims,
                &[
                    "nbf",
                    "softexp",
                    "auth_time",
                    "jwt_version",
                    "gen",
                    "scope",
                    "acr",
                    "x",
                ][..],
            )
        };
        let names: Vec<String> = object
            .names()
            .chain(more.iter().copied())
            .map(Into::into)
            .collect();
        let name = names[self.rng.below(names.len())].clone();
        let value = self.value();
        *object = match self.rng.below(8) {
            0 => object.clone().without(&name),
            1 => object.clone().and(&name, value),
            _ => object.clone().set(&name, value),
        };
        self.signer
            .token(algorithm, &header.to_string(), claims.to_string())
    }

    /// The claims' text is changed; signed, so that only the reading of JSON can refuse it.
    fn json(&mut self) -> String {
        let algorithm = self.algorithm();
        let mut text: Vec<String> = claims().to_string().chars().map(Into::into).collect();
        for _ in 0..=self.rng.below(2) {
            let place = self.rng.below(text.len());
            let piece = self.rng.pick(&[
                "\"", "{", "}", "[", "]", ",", ":", " ", "\n", "\t", "\u{b}", "\\", "\\u0000",
                "\\ud800", "0", "-", "1e9", ".", "null", "true", "é", "\u{feff}", "/*x*/", "'",
                "\u{0}",
            ]);
            match self.rng.below(3) {
                0 => text[place].push_str(piece),
                1 => piece.clone_into(&mut text[place]),
                _ => text[place].clear(),
            }
        }
        self.signer
            .token(algorithm, &header(algorithm).to_string(), text.concat())
    }

    /// Mostly the one whose signatures are short and need no randomness.
    fn algorithm(&mut self) -> Algorithm {
        match self.rng.below(5) {
            0 => Algorithm::Es256,
            _ => Algorithm::EdDsa,
        }
    }

    /// Raw JSON that some member may take amiss.
    fn value(&mut self) -> String {
        let near = NOW - 40 + i64::try_from(self.rng.below(80)).unwrap();
        let issuer = format!("\"{ISSUER}\"");
        match self.rng.below(5) {
            0 => near.to_string(),
            1 => format!("{near}.{}", self.rng.below(10)),
            2 => self
                .rng
                .pick(&[
                    "0",
                    "-0",
                    "-1",
                    "1e9",
                    "1e400",
                    "-1e400",
                    "1e-400",
                    "1.8e9",
                    "17954352e2",
                    "1e30",
                    "-1e30",
                    "9007199254740991",
                    "9007199254740993",
                    "18446744073709551615",
                    "18446744073709551616",
                    "-9223372036854775808",
                    "3.0",
                    "3.5",
                    "30e-1",
                    "00",
                    "01",
                    "1.",
                    ".5",
                    "+1",
                    "0x1",
                    "NaN",
                    "Infinity",
                    "1_000",
                ])
                .to_owned(),
            3 => self
                .rng
                .pick(&[
                    issuer.as_str(),
                    "\"orders-api\"",
                    "\"ORDERS-API\"",
                    "\"orders-api \"",
                    "\"\"",
                    "\"none\"",
                    "\"HS256\"",
                    "\"ES256\"",
                    "\"EdDSA\"",
                    "\"Ed25519\"",
                    "\"at+jwt\"",
                    "\"AT+JWT\"",
                    "\"JWT\"",
                    "\"application/at+jwt\"",
                    "\"orders:read\"",
                    "\"\\u006frders-api\"",
                    "\"\\ud800\"",
                    "\"\\ud83d\\ude00\"",
                    "\"\\u0000\"",
                    "\"a\\\"b\"",
                    "\"1795435200\"",
                ])
                .to_owned(),
            _ => self
                .rng
                .pick(&[
                    "null",
                    "true",
                    "false",
                    "[]",
                    "{}",
                    "[\"orders-api\"]",
                    "[\"x\",\"orders-api\"]",
                    "[\"orders-api\",\"orders-api\"]",
                    "[\"orders-api\",1]",
                    "[[\"orders-api\"]]",
                    "[null]",
                    "[\"\"]",
                    "{\"a\":1,\"a\":1}",
                    "{\"a\":{\"b\":[1,{\"c\":2}]}}",
                    "[\"exp\"]",
                    "{\"__proto__\":1}",
                    "[,]",
                    "[1,]",
                    "{\"a\":1,}",
                ])
                .to_owned(),
        }
    }
}

pub(super) fn group(signer: &Signer) -> Group {
    let mut group = Group::new("changed at random");
    let mut mutations = Mutations::new(1, signer);
    for number in 0..IN_CORPUS {
        let (kind, token) = mutations.next();
        group.case(format!("random-{number}-{kind}"), token);
    }
    group
}
