//! What a token must be to be accepted.

use crate::algorithm::Algorithm;

/// What a verifier expects of every token. Closed by default: [`Expected::new`] is the strictest form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// `iss`, compared character by character.
    pub issuer: String,
    /// Who the token must be for.
    pub audience: Audience,
    /// Algorithms that may be tried at all; nothing else ever is.
    pub algorithms: Vec<Algorithm>,
    /// Accepted `typ` values without `application/`, in any case; `None` stands for a token without `typ`.
    /// Only for issuers that are not Prolong should this differ from `at+jwt` (RFC 9068 §4).
    pub types: Vec<Option<String>>,
    /// Seconds by which `exp` is stretched; 0 unless clocks are known to be bad.
    pub exp_leeway: i64,
    /// Seconds by which `nbf` and `iat` may lie ahead.
    pub future_leeway: i64,
    /// Accept a token that expired less than so many seconds ago, and say so by [`crate::Claims::expired`]. For the
    /// authority (`accept_expired`, `require_access_token`); an API leaves it at 0.
    pub expired_for: i64,
    /// What a passed `softexp` means.
    pub soft_expiry: SoftExpiry,
}

/// The audience rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// `aud` must hold one of these.
    OneOf(Vec<String>),
    /// Any audience; `aud` must still be there. For the authority itself.
    Any,
}

/// What a passed `softexp` means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SoftExpiry {
    /// The token is served, and [`crate::Claims::renewal_due`] tells.
    #[default]
    Hint,
    /// Past `softexp` it is `EXPIRED_TOKEN` (renew), past `exp` it is `INVALID_TOKEN` (sign in).
    Reject,
}

impl Expected {
    /// Access tokens (`at+jwt`) of `issuer` for `audience`, signed with any asymmetric algorithm that the key has.
    #[must_use]
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            audience: Audience::OneOf(vec![audience.into()]),
            algorithms: Algorithm::ALL.to_vec(),
            types: vec![Some("at+jwt".to_owned())],
            exp_leeway: 0,
            future_leeway: 30,
            expired_for: 0,
            soft_expiry: SoftExpiry::Hint,
        }
    }

    pub(crate) fn accepts_type(&self, typ: Option<&str>) -> bool {
        if self.types.iter().any(|accepted| accepted.as_deref() == typ) {
            return true;
        }
        let short = typ.map(short_media_type);
        self.types.iter().any(|accepted| match (accepted, short) {
            (Some(accepted), Some(short)) => accepted.eq_ignore_ascii_case(short),
            (None, None) => true,
            _ => false,
        })
    }
}

impl Audience {
    /// Whether a token's `aud` is right.
    pub(crate) fn accepts<'a>(&self, mut aud: impl Iterator<Item = &'a str>) -> bool {
        match self {
            Self::Any => aud.next().is_some(),
            Self::OneOf(ours) => aud.any(|theirs| ours.iter().any(|one| one == theirs)),
        }
    }
}

/// RFC 7515 §4.1.9: `application/` is understood where no other slash is.
fn short_media_type(typ: &str) -> &str {
    match typ.split_at_checked("application/".len()) {
        Some((prefix, rest))
            if prefix.eq_ignore_ascii_case("application/") && !rest.contains('/') =>
        {
            rest
        }
        _ => typ,
    }
}
