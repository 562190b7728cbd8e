//! A token at first sight, by this verifier and by two other libraries, in turns beside the raw signature:
//! `cargo run --release` in this folder.
#![expect(dead_code, reason = "the tests use more of the issuer")]

use std::hint::black_box;

use jwt_simple::prelude::{
    ECDSAP256PublicKeyLike as _, ES256PublicKey, Ed25519PublicKey, EdDSAPublicKeyLike as _,
    PS256PublicKey, RS256PublicKey, RSAPublicKeyLike as _, UnixTimeStamp, VerificationOptions,
};
use prolong_verify::{Algorithm, Key, Keys, PublicKeyBytes, Revoked, verify};
use serde_json::{Value, json};

#[path = "../../tests/verifier/mint.rs"]
mod mint;
#[path = "../../benches/rounds/mod.rs"]
mod rounds;

use mint::{ISSUED_BY, ISSUER, NOW, claims, expected, header, jwk, signed};
use rounds::Rounds;

fn main() {
    println!(
        "| | raw aws-lc-rs, ns | prolong-verify | jsonwebtoken 11.1, aws-lc-rs | jwt-simple 0.15, pure Rust |"
    );
    println!("|---|---|---|---|---|");
    for algorithm in [
        Algorithm::Es256,
        Algorithm::EdDsa,
        Algorithm::Rs256,
        Algorithm::Ps256,
    ] {
        let token = signed(
            algorithm,
            &header(algorithm).to_string(),
            claims().to_string().as_bytes(),
        );
        let (message, signature) = token.rsplit_once('.').unwrap();
        let signature = mint::unb64(signature);
        let key = Key::new("k", algorithm, &ISSUED_BY.public(algorithm)).unwrap();
        let keys = Keys::from_jwks(json!({ "keys": [jwk(algorithm)] }).to_string()).unwrap();
        let (expected, revoked) = (expected(), Revoked::default());
        let (theirs, rules) = jsonwebtoken(algorithm);
        let simple = jwt_simple(algorithm);
        let mut rounds = Rounds::new();
        rounds.add("raw", || {
            assert!(key.signed(black_box(message.as_bytes()), &signature))
        });
        rounds.add("ours", || {
            verify(black_box(&token), &keys, &expected, &revoked, NOW).unwrap()
        });
        rounds.add("jsonwebtoken", || {
            jsonwebtoken::decode::<Value>(black_box(&token), &theirs, &rules).unwrap()
        });
        rounds.add("jwt-simple", || simple(black_box(&token)));
        rounds.run(3000);
        let ratio = |name| rounds.ratio(name, "raw");
        println!(
            "| {} | {:.0} | {:.3} | {:.3} | {:.3} |",
            algorithm.as_str(),
            rounds.of("raw"),
            ratio("ours"),
            ratio("jsonwebtoken"),
            ratio("jwt-simple"),
        );
    }
}

fn jsonwebtoken(algorithm: Algorithm) -> (jsonwebtoken::DecodingKey, jsonwebtoken::Validation) {
    let mut rules = jsonwebtoken::Validation::new(algorithm.as_str().parse().unwrap());
    rules.set_issuer(&[ISSUER]);
    rules.set_audience(&["orders-api"]);
    // It reads the system's clock, and the token is of another time.
    rules.validate_exp = false;
    let key = serde_json::from_value(jwk(algorithm)).unwrap();
    (jsonwebtoken::DecodingKey::from_jwk(&key).unwrap(), rules)
}

fn jwt_simple(algorithm: Algorithm) -> Box<dyn Fn(&str)> {
    let options = VerificationOptions {
        artificial_time: Some(UnixTimeStamp::from_secs(u64::try_from(NOW).unwrap())),
        allowed_issuers: Some([ISSUER.to_owned()].into()),
        allowed_audiences: Some(["orders-api".to_owned()].into()),
        ..VerificationOptions::default()
    };
    macro_rules! checking {
        ($key:expr) => {{
            let key = $key;
            Box::new(move |token| {
                black_box(
                    key.verify_token::<Value>(token, Some(options.clone()))
                        .unwrap(),
                );
            })
        }};
    }
    match (ISSUED_BY.public(algorithm), algorithm) {
        (PublicKeyBytes::P256 { x, y }, _) => {
            checking!(ES256PublicKey::from_bytes(&[&[4][..], &x, &y].concat()).unwrap())
        }
        (PublicKeyBytes::Ed25519(x), _) => checking!(Ed25519PublicKey::from_bytes(&x).unwrap()),
        (PublicKeyBytes::Rsa { n, e }, Algorithm::Rs256) => {
            checking!(RS256PublicKey::from_components(&n, &e).unwrap())
        }
        (PublicKeyBytes::Rsa { n, e }, _) => {
            checking!(PS256PublicKey::from_components(&n, &e).unwrap())
        }
    }
}
