//! The words of the claims: where each stands in their JSON, which is decoded only when somebody asks.

use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value};

use crate::{base64url, json};

/// Where a string stands in the claims' JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    start: u16,
    end: u16,
}

impl Place {
    /// The member is not there. No string begins at 0: there is a brace.
    pub(crate) const ABSENT: Self = Self { start: 0, end: 0 };
    /// It is written with escapes, or is a list: [`Wording::raw`] has it.
    pub(crate) const NOT_PLAIN: Self = Self {
        start: u16::MAX,
        end: 0,
    };

    /// `part` is a part of `json`.
    pub(crate) fn of(json: &str, part: &str) -> Self {
        let start = part.as_ptr().addr().wrapping_sub(json.as_ptr().addr());
        match (u16::try_from(start), u16::try_from(start + part.len())) {
            (Ok(start), Ok(end)) => Self { start, end },
            _ => Self::NOT_PLAIN,
        }
    }
}

/// Where the strings stand that are asked for one by one; and the claims themselves in the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Places {
    pub(crate) parts: Parts,
    pub(crate) iss: Place,
    pub(crate) sub: Place,
    pub(crate) aud: Place,
    pub(crate) client_id: Place,
    pub(crate) jti: Place,
    pub(crate) sid: Place,
    pub(crate) scope: Place,
    pub(crate) acr: Place,
}

/// How long the token's first and last part are. The claims are what is between them, without the dots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Parts {
    pub(crate) header: u16,
    pub(crate) signature: u16,
}

impl Parts {
    /// Of a token and its last two parts. `None`: a part is longer than any token that is read.
    pub(crate) fn of(token: &str, claims: &str, signature: &str) -> Option<Self> {
        let after_header = claims.len() + signature.len() + 2;
        Some(Self {
            header: token.len().checked_sub(after_header)?.try_into().ok()?,
            signature: signature.len().try_into().ok()?,
        })
    }

    fn claims_in(self, token: &[u8]) -> Option<&[u8]> {
        let end = token.len().checked_sub(usize::from(self.signature) + 1)?;
        token.get(usize::from(self.header) + 1..end)
    }
}

impl Places {
    /// A user's token has a session, a machine's has none.
    pub(crate) fn has_session(&self) -> bool {
        self.sid != Place::ABSENT
    }
}

/// Where the claims of a token that was seen before can be read: in the token, which is good already.
#[derive(Clone, Debug)]
pub(crate) enum Payload {
    Copied(Arc<[u8]>),
    /// A part of the request's field, which is shared instead of copied.
    #[cfg(feature = "tower")]
    Field {
        field: http::HeaderValue,
        start: usize,
        end: usize,
    },
    /// They were decoded.
    Read(String),
}

impl Payload {
    fn token(&self) -> &[u8] {
        match self {
            Self::Copied(token) => token,
            #[cfg(feature = "tower")]
            Self::Field { field, start, end } => {
                field.as_bytes().get(*start..*end).unwrap_or_default()
            }
            Self::Read(_) => &[],
        }
    }
}

/// What was decoded because somebody asked.
#[derive(Debug)]
struct Words {
    /// Empty where the payload has it.
    json: String,
    raw: OnceLock<Map<String, Value>>,
}

/// Clones share what was decoded before them.
#[derive(Clone, Debug)]
pub(crate) struct Wording {
    pub(crate) places: Places,
    payload: Payload,
    words: OnceLock<Arc<Words>>,
}

impl Wording {
    pub(crate) const fn read(places: Places, json: String) -> Self {
        Self::remembered(places, Payload::Read(json))
    }

    pub(crate) const fn remembered(places: Places, payload: Payload) -> Self {
        Self {
            places,
            payload,
            words: OnceLock::new(),
        }
    }

    fn words(&self) -> &Words {
        self.words.get_or_init(|| {
            let claims = self.places.parts.claims_in(self.payload.token());
            let json = claims.and_then(base64url::decode);
            let json = json.and_then(|json| String::from_utf8(json).ok());
            Arc::new(Words {
                json: json.unwrap_or_default(),
                raw: OnceLock::new(),
            })
        })
    }

    fn json(&self) -> &str {
        if let Payload::Read(json) = &self.payload {
            json
        } else {
            &self.words().json
        }
    }

    /// Every member.
    pub(crate) fn raw(&self) -> &Map<String, Value> {
        let all = || json::object(self.json().as_bytes()).unwrap_or_default();
        self.words().raw.get_or_init(all)
    }

    /// The string of a member that stands at this place.
    pub(crate) fn text(&self, place: Place, name: &str) -> Option<&str> {
        match place {
            Place::ABSENT => None,
            Place::NOT_PLAIN => self.raw().get(name)?.as_str(),
            Place { start, end } => self.json().get(usize::from(start)..usize::from(end)),
        }
    }

    pub(crate) fn iss(&self) -> &str {
        self.text(self.places.iss, "iss").unwrap_or_default()
    }

    pub(crate) fn sub(&self) -> &str {
        self.text(self.places.sub, "sub").unwrap_or_default()
    }

    pub(crate) fn client_id(&self) -> &str {
        self.text(self.places.client_id, "client_id")
            .unwrap_or_default()
    }

    pub(crate) fn jti(&self) -> &str {
        self.text(self.places.jti, "jti").unwrap_or_default()
    }

    pub(crate) fn sid(&self) -> Option<&str> {
        self.text(self.places.sid, "sid")
    }

    pub(crate) fn scope(&self) -> Option<&str> {
        self.text(self.places.scope, "scope")
    }

    pub(crate) fn acr(&self) -> Option<&str> {
        self.text(self.places.acr, "acr")
    }

    /// One or several.
    pub(crate) fn aud(&self) -> impl Iterator<Item = &str> {
        let one = match self.places.aud {
            Place::NOT_PLAIN => None,
            place => self.text(place, "aud"),
        };
        let others = match one {
            Some(_) => None,
            None => self.raw().get("aud"),
        };
        let several = others.and_then(Value::as_array).into_iter().flatten();
        one.into_iter()
            .chain(others.and_then(Value::as_str))
            .chain(several.filter_map(Value::as_str))
    }
}
