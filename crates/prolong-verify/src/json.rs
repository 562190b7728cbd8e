//! JSON objects whose member names are unique at every level (RFC 7515 §4, RFC 7519 §4: reject).

use std::{borrow::Cow, collections::HashSet, fmt, mem};

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::{numeric_date::Number, plain_json};

/// From so many unknown members on, their names are hashed instead of compared one by one.
const FEW: usize = 16;

/// A member's value as far as tokens use it. What lies deeper is checked, and not kept.
pub(crate) enum Scanned<'a> {
    Text(Cow<'a, str>),
    Number(Number),
    /// An array: its strings, or `None` if it holds anything else.
    List(Option<Vec<Cow<'a, str>>>),
    Other,
}

/// Names of members that are looked for.
pub(crate) struct Known<const N: usize> {
    names: [&'static str; N],
    beginnings: [Beginning; N],
}

/// A name as a member begins with it: between quotation marks, and a colon. Of 16 bytes, those beyond are 0 in both.
#[derive(Clone, Copy)]
struct Beginning {
    bytes: u128,
    mask: u128,
}

impl<const N: usize> Known<N> {
    /// In the order in which they are expected; each of at most 13 bytes.
    pub(crate) const fn new(names: [&'static str; N]) -> Self {
        let mut beginnings = [Beginning { bytes: 0, mask: 0 }; N];
        let mut at = 0;
        while at < N {
            beginnings[at] = Beginning::of(names[at].as_bytes());
            at += 1;
        }
        Self { names, beginnings }
    }

    /// Which name the member that stands here has, from `next` on, and where its value begins. `None`: none of them, or it
    /// is written in another way, or stands too near to the end.
    #[inline]
    pub(crate) fn begins(&self, member: &[u8], next: usize) -> Option<(usize, usize)> {
        let here = u128::from_le_bytes(*member.first_chunk()?);
        let after = self.beginnings.get(next..)?;
        let place = after.iter().position(|one| here & one.mask == one.bytes)?;
        let length = self.names.get(next + place)?.len() + 3;
        Some((next + place, length))
    }

    /// Which of the names this is. Whoever writes tokens writes their members in one order: the next one is looked for from
    /// where the last one was.
    pub(crate) fn place_of(&self, name: &str, next: &mut usize) -> Option<usize> {
        let (before, after) = self.names.split_at_checked(*next)?;
        let is_it = |known: &&str| *known == name;
        let place = match after.iter().position(is_it) {
            Some(place) => Some(*next + place),
            None => before.iter().position(is_it),
        };
        *next = place.map_or(*next, |place| place + 1);
        place
    }
}

impl Beginning {
    const fn of(name: &[u8]) -> Self {
        let mut bytes = [0; 16];
        bytes[0] = b'"';
        let mut at = 0;
        while at < name.len() {
            bytes[at + 1] = name[at];
            at += 1;
        }
        bytes[at + 1] = b'"';
        bytes[at + 2] = b':';
        Self {
            bytes: u128::from_le_bytes(bytes),
            mask: u128::MAX >> (8 * (16 - name.len() - 3)),
        }
    }
}

/// The values of these members of one JSON object, in the order of `known`, borrowed where nothing is escaped.
pub(crate) fn members<'a, const N: usize>(
    text: &'a str,
    known: &Known<N>,
) -> Option<[Option<Scanned<'a>>; N]> {
    plain_json::members(text, known).or_else(|| parsed(text, known))
}

/// The same by a whole parser.
#[cold]
#[inline(never)]
pub(crate) fn parsed<'a, const N: usize>(
    text: &'a str,
    known: &Known<N>,
) -> Option<[Option<Scanned<'a>>; N]> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let found = deserializer.deserialize_map(TopVisitor(known)).ok()?;
    deserializer.end().ok()?;
    Some(found)
}

/// Parses one JSON object in UTF-8 and nothing after it. Nesting is limited by `serde_json` (128 levels).
pub(crate) fn object(bytes: &[u8]) -> Option<Map<String, Value>> {
    match serde_json::from_slice::<Unique>(bytes) {
        Ok(Unique(Value::Object(members))) => Some(members),
        _ => None,
    }
}

struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor).map(Self)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without duplicate members")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some((name, Unique(value))) = access.next_entry::<String, Unique>()? {
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("duplicate member"));
            }
        }
        Ok(Value::Object(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Unique(item)) = access.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
}

struct TopVisitor<'n, const N: usize>(&'n Known<N>);

impl<'de, const N: usize> Visitor<'de> for TopVisitor<'_, N> {
    type Value = [Option<Scanned<'de>>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object without duplicate members")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut found = [const { None }; N];
        let mut others = Names::default();
        let mut next = 0;
        while let Some(Text(name)) = access.next_key()? {
            let place = self.0.place_of(&name, &mut next);
            let value = Some(access.next_value()?);
            let again = match place {
                Some(place) => mem::replace(&mut found[place], value).is_some(),
                None => !others.insert(name),
            };
            if again {
                return Err(A::Error::custom("duplicate member"));
            }
        }
        Ok(found)
    }
}

/// Names seen in one object.
#[derive(Default)]
pub(crate) struct Names<'a> {
    few: Vec<Cow<'a, str>>,
    many: HashSet<Cow<'a, str>>,
}

impl<'a> Names<'a> {
    /// Whether the name is new.
    pub(crate) fn insert(&mut self, name: Cow<'a, str>) -> bool {
        if self.few.contains(&name) {
            false
        } else if self.few.len() < FEW {
            self.few.push(name);
            true
        } else {
            self.many.insert(name)
        }
    }
}

struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor).map(Self)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(value.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Scanned<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScannedVisitor)
    }
}

struct ScannedVisitor;

impl<'de> Visitor<'de> for ScannedVisitor {
    type Value = Scanned<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without duplicate members")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Scanned<'de>, A::Error> {
        let mut names = Names::default();
        while let Some(Text(name)) = access.next_key()? {
            if !names.insert(name) {
                return Err(A::Error::custom("duplicate member"));
            }
            access.next_value::<Scanned<'de>>()?;
        }
        Ok(Scanned::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Scanned<'de>, A::Error> {
        let mut strings = Some(Vec::new());
        while let Some(item) = access.next_element()? {
            strings = match (strings, item) {
                (Some(mut all), Scanned::Text(text)) => {
                    all.push(text);
                    Some(all)
                }
                _ => None,
            };
        }
        Ok(Scanned::List(strings))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Scanned<'de>, E> {
        Ok(Scanned::Other)
    }

    fn visit_i64<E>(self, value: i64) -> Result<Scanned<'de>, E> {
        Ok(Scanned::Number(Number::Signed(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Scanned<'de>, E> {
        let number = i64::try_from(value).map_or(Number::Unsigned(value), Number::Signed);
        Ok(Scanned::Number(number))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Scanned<'de>, E> {
        Ok(Scanned::Number(Number::Float(value)))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Scanned<'de>, E> {
        Ok(Scanned::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Scanned<'de>, E> {
        Ok(Scanned::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Scanned<'de>, E> {
        Ok(Scanned::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both readers must agree on what is an object with unique members.
    #[test]
    fn scanning_refuses_what_reading_refuses() {
        let many: Vec<_> = (0..40).map(|n| format!("\"m{n}\":{n}")).collect();
        let many = many.join(",");
        for (text, good) in [
            (r#"{"a":"x","n":1,"l":["y"]}"#.to_owned(), true),
            (r#"{"a":1,"a":2}"#.to_owned(), false),
            (r#"{"a":1,"\u0061":2}"#.to_owned(), false),
            (r#"{"z":1,"\u007a":2}"#.to_owned(), false),
            (r#"{"z":{"q":1,"q":2}}"#.to_owned(), false),
            (r#"{"z":[{"q":1,"q":2}]}"#.to_owned(), false),
            (r#"{"a":{"a":{"a":1}}}"#.to_owned(), true),
            (format!("{{{many}}}"), true),
            (format!("{{{many},\"m39\":0}}"), false),
            (format!("{{{many},\"m3\":0}}"), false),
            ("{} x".to_owned(), false),
            ("[]".to_owned(), false),
            ("\"a\"".to_owned(), false),
            (
                format!("{{\"z\":{}1{}}}", "[".repeat(200), "]".repeat(200)),
                false,
            ),
        ] {
            assert_eq!(members(&text, &Known::new(["a"])).is_some(), good, "{text}");
            assert_eq!(object(text.as_bytes()).is_some(), good, "{text}");
        }
    }
}
