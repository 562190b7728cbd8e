//! The whole decision, in this order: key → signature → issuer and audience → times → revocation.

use crate::{
    claims::Claims,
    expected::{Expected, SoftExpiry},
    facts::{Facts, Said},
    keys::Keys,
    rejection::Rejection,
    revoked::Revoked,
    token::{Authentic, without_key},
};

/// Verifies an access token. Pure: the same arguments always give the same answer.
///
/// `now` is in seconds since the epoch. Nothing is told to anybody: under a policy with `activity = "request"`, a service
/// that only calls this keeps no session alive. The layer of a `Verifier` that reports activity does.
///
/// # Errors
/// A [`Rejection`], which says what the client should do.
pub fn verify(
    token: &str,
    keys: &Keys,
    expected: &Expected,
    revoked: &Revoked,
    now: i64,
) -> Result<Claims, Rejection> {
    let terms = Terms {
        keys,
        expected,
        revoked,
        now,
    };
    let judged = Authentic::read(token, keys, expected).and_then(|authentic| {
        let times = judge(&authentic, &terms)?;
        Ok(authentic.into_claims(times))
    });
    judged.map_err(|rejection| without_key(token, rejection, revoked))
}

/// What a token is judged by.
#[derive(Clone, Copy)]
pub(crate) struct Terms<'a> {
    pub(crate) keys: &'a Keys,
    pub(crate) expected: &'a Expected,
    pub(crate) revoked: &'a Revoked,
    /// Seconds since the epoch.
    pub(crate) now: i64,
}

/// Everything that is asked on every sight, once the signature is known to hold.
pub(crate) fn judge(said: &impl Said, terms: &Terms<'_>) -> Result<Times, Rejection> {
    let expected = terms.expected;
    if !expected.accepts_type(said.typ()) {
        return Err(Rejection::WrongType);
    }
    if !expected.algorithms.contains(&said.key().algorithm()) {
        return Err(Rejection::WrongAlgorithm);
    }
    if !terms.keys.holds(said.key()) {
        return Err(Rejection::UnknownKey);
    }
    if said.issuer() != expected.issuer {
        return Err(Rejection::WrongIssuer);
    }
    if !said.is_for(&expected.audience) {
        return Err(Rejection::WrongAudience);
    }
    let times = Times::of(said.facts(), expected, terms.now)?;
    terms.revoked.check(said)?;
    Ok(times)
}

/// How a token that is good stands to its limits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) expired: bool,
    pub(crate) renewal_due: bool,
}

impl Times {
    /// Every limit is half-open: at `exp` it is over.
    fn of(facts: &Facts, expected: &Expected, now: i64) -> Result<Self, Rejection> {
        let latest_start = now.saturating_add(expected.future_leeway);
        if facts.iat > latest_start || facts.nbf.is_some_and(|nbf| nbf > latest_start) {
            return Err(Rejection::NotYetValid);
        }
        let enforced = expected.soft_expiry == SoftExpiry::Reject && facts.softexp.is_some();
        let end = facts.exp.saturating_add(expected.exp_leeway);
        let expired = now >= end;
        if expired && now >= end.saturating_add(expected.expired_for) {
            return Err(if enforced {
                Rejection::RenewalMissed
            } else {
                Rejection::Expired
            });
        }
        let renewal_due = facts.softexp.is_some_and(|softexp| now >= softexp);
        if enforced && renewal_due && !expired {
            return Err(Rejection::SoftExpired);
        }
        Ok(Self {
            expired,
            renewal_due,
        })
    }
}
