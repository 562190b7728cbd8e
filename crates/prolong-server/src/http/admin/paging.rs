//! Query parameters of listings.

use axum::extract::Query;
use http::Uri;
use prolong_protocol::problem::Code;
use prolong_store::Page;

use crate::http::problem::Failure;
use crate::http::sessions::fields::invalid;

/// Query parameters; none twice.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads them; `known` are all there may be, beside `limit` and `after`.
    pub(super) fn read(uri: &Uri, known: &[&str]) -> Result<Self, Failure> {
        let Query(pairs): Query<Vec<(String, String)>> =
            Query::try_from_uri(uri).map_err(|error| {
                Failure::new(Code::InvalidRequest, "the query string cannot be read").cause(error)
            })?;
        for (at, (name, _)) in pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) && name != "limit" && name != "after" {
                let list = known.join(", ");
                return Err(invalid(
                    "query",
                    format_args!(
                        "has a parameter that is not known here; known are: limit, after, {list}"
                    ),
                ));
            }
            if pairs.iter().skip(at + 1).any(|(other, _)| other == name) {
                return Err(invalid(name, "is given twice"));
            }
        }
        Ok(Self(pairs))
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let pair = self.0.iter().find(|(one, _)| one == name)?;
        Some(pair.1.as_str()).filter(|text| !text.is_empty())
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, Failure> {
        match self.text(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(invalid(name, "must be true or false")),
        }
    }

    pub(super) fn page(&self) -> Result<Page, Failure> {
        let limit = match self.text("limit") {
            None => 100,
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=1000).contains(limit))
                .ok_or_else(|| invalid("limit", "must be a number from 1 to 1000"))?,
        };
        Ok(Page {
            after: self.text("after").map(ToOwned::to_owned),
            limit,
        })
    }
}

/// Where the next page begins: after the last item of a full one.
pub(super) fn next<T>(items: &[T], page: &Page, key: impl Fn(&T) -> String) -> Option<String> {
    items.last().filter(|_| items.len() >= page.limit).map(key)
}
