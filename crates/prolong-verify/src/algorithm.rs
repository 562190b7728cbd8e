//! The signature algorithms that exist here. HMAC and `none` do not: they cannot even be named.

/// A JWS algorithm (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2), by its exact name in the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// ECDSA over P-256 with SHA-256.
    Es256,
    /// Ed25519 under its older name `EdDSA`.
    EdDsa,
    /// Ed25519 under its fully-specified name; a key has this name or `EdDSA`, never both.
    Ed25519,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PSS with SHA-256, salt of 32 bytes.
    Ps256,
}

impl Algorithm {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Es256,
        Self::EdDsa,
        Self::Ed25519,
        Self::Rs256,
        Self::Ps256,
    ];

    /// The name in a header or JWK.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Ed25519 => "Ed25519",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
        }
    }

    /// The algorithm of a name, case-exact.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|algorithm| algorithm.as_str() == name)
    }
}
