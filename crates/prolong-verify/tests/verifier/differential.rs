//! Thousands of changed tokens, before this verifier and before `jsonwebtoken`. Where the two differ, a lenient reading
//! of the token must show the rule that makes the difference; and every rule listed here makes one at least once.

use std::collections::BTreeMap;

use crate::{
    corpus::{Signer, mutate::Mutations},
    differences::difference,
    mint::check,
};

const TOKENS: usize = 6000;

#[test]
fn every_difference_to_jsonwebtoken_is_explained() {
    let signer = Signer::fresh();
    let mut mutations = Mutations::new(2026, &signer);
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    let mut accepted = 0;
    for number in 0..TOKENS {
        let (kind, token) = mutations.next();
        let ours = check(&token);
        accepted += usize::from(ours.is_ok());
        let reason = difference(&token, &ours).unwrap_or_else(|theirs| {
            panic!("token {number} ({kind}): we say {ours:?}, they {theirs}: {token:?}")
        });
        if let Some(reason) = reason {
            *reasons.entry(reason).or_default() += 1;
        }
    }
    println!("{accepted} of {TOKENS} accepted; differences: {reasons:#?}");
    assert!(
        accepted > TOKENS / 20 && accepted < TOKENS / 2,
        "{accepted}"
    );
    for reason in [
        "it does not ask for a typ",
        "it was handed the key",
        "it takes the last of two members",
        "it does not ask for a kid",
        "it does not look at crit and b64",
        "RFC 9068 asks for more claims, and types",
        "it was told not to look at times",
        "we do not look at jku, jwk, cty and zip, whatever their type",
    ] {
        assert!(reasons.contains_key(reason), "never met: {reason}");
    }
}
