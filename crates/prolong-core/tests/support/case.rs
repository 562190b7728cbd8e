//! The names of the table's lines.

use prolong_core::{Class, Generation, Life, Refusal, Session, Verdict};

/// Which case of the table a verdict on a refresh token is, R0 to D.
pub(crate) fn case(session: &Session, presented: Generation, verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Renewed(renewal) => match renewal.class {
            Class::Coalesced => "A1",
            Class::Rotated => "A2",
            Class::Retry => "B1",
            Class::Concurrent => "B2",
            Class::Forgiven => "B3:forgiven",
            Class::Adopted => "D",
            Class::AccessToken | Class::SignIn => "no refresh",
        },
        Verdict::Refused(refusal) => match refusal {
            Refusal::ForeignClient => "R0",
            Refusal::KeyLeak => "R1",
            Refusal::Over { .. } if session.life != Life::Live => "R2",
            Refusal::Over { .. } => "R3",
            Refusal::Reuse if presented.next() == session.generation => "B3:reuse",
            Refusal::Reuse => "C2",
            Refusal::SpentToken => "B3:denied",
            Refusal::AccessTokenMissing => "Q:missing",
            Refusal::AccessTokenForeign => "Q:foreign",
            Refusal::TooManyConcurrent => "B2:too-many",
            Refusal::Superseded => "C1",
            Refusal::TooFarAhead => "D:too-far",
            Refusal::WrongCredential => "wrong kind",
            Refusal::AccessTokenTooOld | Refusal::AccessTokenSuperseded | Refusal::NotDue => {
                "no refresh"
            }
        },
        Verdict::Ended(_) | Verdict::Noted => "no refresh",
    }
}
