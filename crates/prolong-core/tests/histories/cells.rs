//! Every cell of the table: each combination of what a refresh token may be and what the row may hold, at the edges of
//! every span.

use std::collections::BTreeSet;

use prolong_core::{
    EndReason, Event, Flags, Generation, KeyId, Life, Limit, PlainPredecessor, Policy,
    PresentedAccessToken, ProducedBy, Refresh, SecretHash, Session, Standing, Timestamp, decide,
};

use crate::case::case;
use crate::oracle::{Presented, expected};
use crate::support::{at, attempt, refresh, secs, start, user};

const CURRENT: u64 = 12;

fn base() -> Policy {
    Policy {
        access: secs(300),
        idle: Limit::After(secs(9_000)),
        ..Policy::defaults()
    }
}

fn policies() -> [Policy; 7] {
    let plain = |plain_predecessor| Policy {
        plain_predecessor,
        ..base()
    };
    [
        base(),
        plain(PlainPredecessor::Deny),
        plain(PlainPredecessor::Revoke),
        Policy {
            grace: secs(0),
            min_rotation_interval: secs(0),
            ..base()
        },
        Policy {
            grace: secs(0),
            ..base()
        },
        Policy {
            rotate: false,
            ..base()
        },
        Policy {
            require_access_token: true,
            ..base()
        },
    ]
}

/// Milliseconds since the last rotation: a clock that went back, and each side of grace and of ρ.
const AGES: [i64; 8] = [-1_000, 0, 1, 10_000, 10_001, 29_999, 30_000, 3_600_000];

struct Cells {
    cases: BTreeSet<&'static str>,
    seen: u64,
}

impl Cells {
    fn look(
        &mut self,
        row: &Session,
        user: &Standing,
        token: &Refresh<'_>,
        now: Timestamp,
        policy: &Policy,
    ) {
        let presented = Presented {
            row,
            user,
            token,
            now,
            policy,
        };
        let decision = decide(row, user, &Event::Refresh(token.clone()), now, policy);
        let expected = expected(&presented);
        assert_eq!(decision, expected, "{row:?}\n{token:?}\n{now:?} {policy:?}");
        self.cases
            .insert(case(row, token.generation, &decision.verdict));
        self.seen += 1;
    }

    fn rows(&mut self, policy: &Policy, mut look: impl FnMut(&mut Self, &Session)) {
        let session = start(at(0), policy);
        let by = [
            ProducedBy::Unnamed,
            ProducedBy::Attempt(attempt(1, CURRENT - 1)),
            ProducedBy::Adopted,
        ];
        for produced_by in by {
            for predecessor_attempt in [None, Some(attempt(1, CURRENT - 2))] {
                for forgiven in [
                    None,
                    Some(CURRENT - 1),
                    Some(CURRENT - 2),
                    Some(CURRENT - 7),
                ] {
                    for attempts_seen in [false, true] {
                        let row = Session {
                            generation: Generation(CURRENT),
                            key: KeyId(5),
                            previous_key: KeyId(4),
                            produced_by,
                            predecessor_attempt,
                            forgiven: forgiven.map(Generation),
                            flags: Flags {
                                attempts_seen,
                                ..session.flags
                            },
                            ..session.clone()
                        };
                        look(self, &row);
                    }
                }
            }
        }
    }
}

fn tokens(policy: &Policy, mut each: impl FnMut(&Refresh<'static>)) {
    let own = [PresentedAccessToken::Authentic];
    let any = [
        PresentedAccessToken::Absent,
        PresentedAccessToken::Foreign,
        PresentedAccessToken::Authentic,
    ];
    let access_tokens: &[_] = if policy.require_access_token {
        &any
    } else {
        &own
    };
    for ahead in [-12_i64, -3, -2, -1, 0, 1, 2, 8, 9] {
        let generation = CURRENT.checked_add_signed(ahead).unwrap();
        for key in 3..=6 {
            for id in [None, Some(1), Some(2)] {
                for access_token in access_tokens {
                    for (concurrent_answers, restore_declared) in
                        [(0, false), (19, true), (20, false)]
                    {
                        each(&Refresh {
                            key: KeyId(key),
                            newest_key: KeyId(6),
                            access_token: *access_token,
                            concurrent_answers,
                            restore_declared,
                            ..refresh(generation, id)
                        });
                    }
                }
            }
        }
    }
}

#[test]
fn every_cell_of_generation_key_attempt_and_age_is_as_the_table_says() {
    let mut cells = Cells {
        cases: BTreeSet::new(),
        seen: 0,
    };
    let user = user(at(0));
    for policy in policies() {
        cells.rows(&policy, |cells, row| {
            tokens(&policy, |token| {
                for age in AGES {
                    let now = Timestamp::from_millis(row.rotated_at.as_millis() + age);
                    cells.look(row, &user, token, now, &policy);
                }
            });
        });
    }
    let cases: Vec<_> = cells.cases.into_iter().collect();
    let all = [
        "A1",
        "A2",
        "B1",
        "B2",
        "B2:too-many",
        "B3:denied",
        "B3:forgiven",
        "B3:reuse",
        "C1",
        "C2",
        "D",
        "D:too-far",
        "Q:foreign",
        "Q:missing",
        "R1",
    ];
    assert_eq!(cases, all);
    assert_eq!(cells.seen, 1_119_744, "cells");
}

/// What comes before the generation counts: whose token it is, its secret, whether the session is over.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn every_cell_of_client_secret_end_and_user_is_as_the_table_says() {
    let mut cells = Cells {
        cases: BTreeSet::new(),
        seen: 0,
    };
    let fine = user(at(0));
    let users = [
        fine,
        Standing {
            deleted: true,
            ..fine
        },
        Standing {
            disabled: true,
            ..fine
        },
        Standing { version: 2, ..fine },
        Standing {
            reauth_at: Some(at(0)),
            ..fine
        },
        Standing {
            reauth_at: Some(at(1)),
            ..fine
        },
        Standing {
            version: 2,
            reauth_at: Some(at(1)),
            ..fine
        },
        Standing {
            deleted: true,
            disabled: true,
            version: 2,
            reauth_at: Some(at(1)),
            last_sign_in: None,
        },
        Standing {
            last_sign_in: None,
            ..fine
        },
    ];
    let policies = [
        base(),
        Policy {
            sign_in_within: Some(secs(3_000)),
            ..base()
        },
        Policy {
            lifetime: Limit::After(secs(4_000)),
            ..base()
        },
        Policy {
            idle: Limit::Never,
            lifetime: Limit::Never,
            ..base()
        },
        Policy {
            prolong_with: prolong_core::ProlongWith::AccessToken,
            ..base()
        },
    ];
    let ended = Life::Ended {
        reason: EndReason::Displaced,
        at: at(1),
    };
    for policy in policies {
        let session = Session {
            generation: Generation(CURRENT),
            key: KeyId(5),
            previous_key: KeyId(4),
            absolute_end: Some(at(8_000)),
            ..start(at(0), &base())
        };
        for life in [Life::Live, ended] {
            for idle in [
                Limit::After(secs(5_000)),
                Limit::After(secs(1_000)),
                Limit::Never,
            ] {
                let row = Session {
                    life,
                    idle,
                    ..session.clone()
                };
                for ahead in [-3_i64, -2, -1, 0, 1] {
                    let generation = CURRENT.checked_add_signed(ahead).unwrap();
                    let key = if ahead == -1 { KeyId(4) } else { KeyId(5) };
                    for client in [None, Some("web"), Some("other")] {
                        for secret in [row.secret, SecretHash([8; 32])] {
                            let token = Refresh {
                                key,
                                client,
                                secret,
                                newest_key: KeyId(5),
                                ..refresh(generation, Some(1))
                            };
                            for edge in [1_000, 3_000, 4_000, 5_000, 8_000, 9_000] {
                                for now in
                                    [at(edge), Timestamp::from_millis(at(edge).as_millis() - 1)]
                                {
                                    for user in &users {
                                        cells.look(&row, user, &token, now, &policy);
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    for case in ["R0", "R1", "R2", "R3", "A2", "wrong kind"] {
        assert!(cells.cases.contains(case), "{case}");
    }
    assert_eq!(cells.seen, 97_200, "cells");
}

/// What an answer without a new generation stores, and how long its token lives.
#[test]
fn every_cell_of_activity_is_as_the_table_says() {
    let mut cells = Cells {
        cases: BTreeSet::new(),
        seen: 0,
    };
    let fine = user(at(0));
    for activity in prolong_core::Activity::WORDS {
        let activity = prolong_core::Activity::parse(activity).unwrap();
        for (access, soft) in [(30, None), (300, Some(secs(20))), (300, Some(secs(299)))] {
            for (idle, lifetime) in [(300, 300), (600, 700), (1_600, 5_000), (0, 5_000)] {
                for rotate in [true, false] {
                    let limit = |seconds| match seconds {
                        0 => Limit::Never,
                        seconds => Limit::After(secs(seconds)),
                    };
                    let policy = Policy {
                        access: secs(access),
                        soft,
                        idle: limit(idle),
                        lifetime: limit(lifetime),
                        activity,
                        rotate,
                        ..Policy::defaults()
                    };
                    for frozen in [300, 1_000, 0] {
                        for evidence_seen in [false, true] {
                            let row = Session {
                                generation: Generation(CURRENT),
                                idle: limit(frozen),
                                absolute_end: limit(5_000).end(at(0)),
                                flags: Flags {
                                    evidence_seen,
                                    ..Flags::default()
                                },
                                ..start(at(0), &policy)
                            };
                            for idle_for in [None, Some(0), Some(7), Some(500)] {
                                for generation in [CURRENT, CURRENT - 1] {
                                    let token = Refresh {
                                        idle_for: idle_for.map(secs),
                                        ..refresh(generation, None)
                                    };
                                    let edges = [
                                        0, 1, 9, 10, 18, 19, 29, 59, 60, 61, 239, 240, 241, 270,
                                        299,
                                    ];
                                    for seconds in edges {
                                        let row = Session {
                                            rotated_at: at(seconds - 5),
                                            ..row.clone()
                                        };
                                        for now in [
                                            at(seconds),
                                            Timestamp::from_millis(at(seconds).as_millis() + 750),
                                        ] {
                                            cells.look(&row, &fine, &token, now, &policy);
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    assert_eq!(cells.seen, 138_240, "cells");
}
