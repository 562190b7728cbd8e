//! Key sets: whatever a document says, each of its keys is used or told why not, and reading it again says the same.

use prolong_verify::{Keys, KeysRefused};
use serde_json::Value;

use crate::cut::Cut;
use crate::mint;
use prolong_verify::Algorithm;

pub(crate) fn run(input: &[u8]) {
    let mut cut = Cut::new(input);
    if cut.byte().is_multiple_of(2) {
        read(cut.rest());
        return;
    }
    // A good key, with some members replaced: `{"x": …}`.
    let algorithm = Algorithm::ALL[cut.below(Algorithm::ALL.len())];
    let mut jwk = mint::jwk(algorithm);
    if let Ok(Value::Object(changes)) = serde_json::from_slice(cut.rest()) {
        for (name, value) in changes {
            jwk[name] = value;
        }
    }
    read(
        serde_json::json!({ "keys": [jwk, mint::jwk(Algorithm::EdDsa)] })
            .to_string()
            .as_bytes(),
    );
}

fn read(document: &[u8]) {
    match Keys::from_jwks(document) {
        Err(KeysRefused::DuplicateKid(kid)) => {
            let document: Value = serde_json::from_slice(document).unwrap();
            let same = |key: &&Value| key["kid"] == kid.as_str();
            assert!(
                document["keys"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter(same)
                    .count()
                    > 1
            );
        }
        Err(_) => {}
        Ok(keys) => {
            let document: Value = serde_json::from_slice(document).unwrap();
            let listed = document["keys"].as_array().unwrap();
            assert_eq!(keys.len() + keys.left_out().len(), listed.len());
            let mut found = 0;
            for jwk in listed {
                let Some(key) = jwk["kid"].as_str().and_then(|kid| keys.get(kid)) else {
                    continue;
                };
                let told = keys
                    .left_out()
                    .iter()
                    .any(|left| left.kid.as_deref() == Some(key.kid()));
                assert!(told || jwk.get("d").is_none(), "a private half was let in");
                assert!(told || jwk["kty"] != "oct", "a symmetric key was let in");
                found += 1;
            }
            assert!(found >= keys.len(), "a key that the document does not have");
            for left in keys.left_out() {
                assert!(!left.to_string().is_empty());
            }
        }
    }
}
