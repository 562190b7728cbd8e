//! The whole decision, in the order of FEED.md: key → signature → issuer and audience → times → revocation.

use std::sync::Arc;

use crate::{
    claims::{Body, Claims},
    expected::{Expected, SoftExpiry},
    keys::Keys,
    rejection::Rejection,
    revoked::Revoked,
    token::Authentic,
};

/// Verifies an access token. Pure: the same arguments always give the same answer.
///
/// `now` is in seconds since the epoch.
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
    let authentic = Authentic::read(token, keys, expected)
        .map_err(|rejection| Authentic::without_key(token, rejection, revoked))?;
    judge(Arc::new(authentic), expected, revoked, now)
}

/// Everything that is asked on every sight, once the signature is known to hold.
pub(crate) fn judge(
    authentic: Arc<Authentic>,
    expected: &Expected,
    revoked: &Revoked,
    now: i64,
) -> Result<Claims, Rejection> {
    let body = &authentic.body;
    if body.iss() != expected.issuer {
        return Err(Rejection::WrongIssuer);
    }
    if !expected.accepts_audience(body.aud()) {
        return Err(Rejection::WrongAudience);
    }
    let times = Times::of(body, expected, now)?;
    revoked.check(authentic.key.kid(), body, authentic.subjects.as_ref())?;
    Ok(Claims::new(authentic, times.expired, times.renewal_due))
}

struct Times {
    expired: bool,
    renewal_due: bool,
}

impl Times {
    /// Every limit is half-open: at `exp` it is over.
    fn of(body: &Body, expected: &Expected, now: i64) -> Result<Self, Rejection> {
        let latest_start = now.saturating_add(expected.future_leeway);
        if body.iat > latest_start || body.nbf.is_some_and(|nbf| nbf > latest_start) {
            return Err(Rejection::NotYetValid);
        }
        let enforced = expected.soft_expiry == SoftExpiry::Reject && body.softexp.is_some();
        let end = body.exp.saturating_add(expected.exp_leeway);
        let expired = now >= end;
        if expired && now >= end.saturating_add(expected.expired_for) {
            return Err(if enforced {
                Rejection::RenewalMissed
            } else {
                Rejection::Expired
            });
        }
        let renewal_due = body.softexp.is_some_and(|softexp| now >= softexp);
        if enforced && renewal_due && !expired {
            return Err(Rejection::SoftExpired);
        }
        Ok(Self {
            expired,
            renewal_due,
        })
    }
}
