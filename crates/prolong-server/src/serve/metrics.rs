//! What the authority counts. Labels come from closed lists; nothing here names a user, a session or a token.

use core::sync::atomic::AtomicU64;
use std::collections::BTreeMap;

use prolong_core::{Class, EndReason, Refusal};
use prolong_protocol::problem::Code;
use prolong_store::{Counts, SealedKey, WriterStats};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::writer_metrics::WriterMetrics;

/// Counters and gauges, and the registry that writes them down (`OpenMetrics` text).
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    refreshes: Family<ByClass, Counter>,
    ends: Family<ByReason, Counter>,
    over: Family<ByReason, Counter>,
    sign_ins: Family<ByResult, Counter>,
    connections: Gauge,
    feed_streams: Gauge,
    stored: Family<ByKind, Gauge>,
    key_age: Family<ByState, Gauge<f64, AtomicU64>>,
    writer: WriterMetrics,
}

impl Metrics {
    /// All zero.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("prolong");
        let refreshes = Family::default();
        registry.register(
            "refreshes",
            "Outcomes of prolonging, by class",
            refreshes.clone(),
        );
        let ends = Family::default();
        registry.register("ends", "Sessions ended, by reason", ends.clone());
        let over = Family::default();
        let help = "Prolongings refused since the session was over, by reason; deadlines end nothing, and show here alone";
        registry.register("over", help, over.clone());
        let sign_ins = Family::default();
        registry.register("sign_ins", "Sign-ins, by result", sign_ins.clone());
        let connections = Gauge::default();
        registry.register("connections", "Connections open now", connections.clone());
        let feed_streams = Gauge::default();
        registry.register(
            "feed_streams",
            "Followers of the feed now",
            feed_streams.clone(),
        );
        let stored = Family::default();
        registry.register("stored", "Rows in the store, by kind", stored.clone());
        let key_age = Family::default();
        let help = "Age of the newest signing key in each state";
        registry.register_with_unit("signing_key_age", help, Unit::Seconds, key_age.clone());
        // Series that are there from the start: what has not happened yet is 0, not unknown, so alerts can ask for it.
        for class in CLASSES {
            drop(refreshes.get_or_create(&ByClass { class }));
        }
        for end in EndReason::ALL {
            let reason = end.as_str();
            if !is_computed(end) {
                drop(ends.get_or_create(&ByReason { reason }));
            }
            drop(over.get_or_create(&ByReason { reason }));
        }
        for result in RESULTS {
            drop(sign_ins.get_or_create(&ByResult { result }));
        }
        let writer = WriterMetrics::default();
        registry.register_collector(Box::new(writer.clone()));
        Self {
            registry,
            refreshes,
            ends,
            over,
            sign_ins,
            connections,
            feed_streams,
            stored,
            key_age,
            writer,
        }
    }

    /// Prolonging came to this: a class of the core, or a refusal's word from a closed list.
    pub fn refresh(&self, class: &'static str) {
        self.refreshes.get_or_create(&ByClass { class }).inc();
    }

    /// A session ended.
    pub fn ended(&self, reason: EndReason) {
        self.ends
            .get_or_create(&ByReason {
                reason: reason.as_str(),
            })
            .inc();
    }

    /// Somebody tried to prolong a session that is over.
    pub(crate) fn over(&self, reason: EndReason) {
        self.over
            .get_or_create(&ByReason {
                reason: reason.as_str(),
            })
            .inc();
    }

    /// A sign-in came to this: `ok`, or a problem code.
    pub fn sign_in(&self, result: &'static str) {
        self.sign_ins.get_or_create(&ByResult { result }).inc();
    }

    /// A connection opened; it counts until what is returned is dropped.
    pub(super) fn connection(&self) -> OpenConnection {
        self.connections.inc();
        OpenConnection(self.connections.clone())
    }

    /// So many follow the feed now.
    pub(super) fn following(&self, streams: usize) {
        self.feed_streams
            .set(i64::try_from(streams).unwrap_or(i64::MAX));
    }

    /// The page for scrapers, with what only the store knows as of now.
    pub(super) fn page(
        &self,
        (counts, writer): (Counts, WriterStats),
        keys: &[SealedKey],
        now: prolong_core::Timestamp,
    ) -> String {
        let set = |kind, count: u64| {
            self.stored
                .get_or_create(&ByKind { kind })
                .set(i64::try_from(count).unwrap_or(i64::MAX));
        };
        self.writer.set(writer);
        set("users", counts.users);
        set("sessions", counts.sessions);
        set("sessions_not_ended", counts.sessions_not_ended);
        set("feed_entries", counts.feed_entries);
        set("audit_lines", counts.audit_lines);
        self.key_age.clear();
        let mut youngest: BTreeMap<&'static str, f64> = BTreeMap::new();
        for key in keys {
            let age = now.since(key.created_at).as_secs_f64();
            let known = youngest.entry(key.state.as_str()).or_insert(age);
            *known = known.min(age);
        }
        for (state, age) in youngest {
            self.key_age.get_or_create(&ByState { state }).set(age);
        }
        let mut text = String::new();
        match prometheus_client::encoding::text::encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(_) => String::new(),
        }
    }
}

/// What refreshing can come to.
const CLASSES: [&str; 21] = [
    Class::Coalesced.as_str(),
    Class::Rotated.as_str(),
    Class::Retry.as_str(),
    Class::Concurrent.as_str(),
    Class::Forgiven.as_str(),
    Class::Adopted.as_str(),
    Class::AccessToken.as_str(),
    Refusal::ForeignClient.as_str(),
    Refusal::KeyLeak.as_str(),
    Refusal::Over {
        reason: EndReason::SignedOut,
        disclose: false,
    }
    .as_str(),
    Refusal::Reuse.as_str(),
    Refusal::SpentToken.as_str(),
    Refusal::Superseded.as_str(),
    Refusal::TooManyConcurrent.as_str(),
    Refusal::TooFarAhead.as_str(),
    Refusal::AccessTokenMissing.as_str(),
    Refusal::AccessTokenForeign.as_str(),
    Refusal::WrongCredential.as_str(),
    "invalid_scope",
    "user_table_refused",
    "unavailable",
];

/// What signing in comes to where nobody has made a mistake in a program.
const RESULTS: [&str; 4] = [
    "ok",
    Code::InvalidCredentials.as_str(),
    Code::SignInRefused.as_str(),
    Code::TooManyRequests.as_str(),
];

/// Such an end is never stored, so that a clock or a policy can be put right, and whoever comes back finds the session.
const fn is_computed(reason: EndReason) -> bool {
    matches!(
        reason,
        EndReason::IdleTimeout
            | EndReason::LifetimeReached
            | EndReason::SignInTooOld
            | EndReason::ReauthRequired
    )
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// Counts one connection until it is dropped.
pub(super) struct OpenConnection(Gauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ByClass {
    class: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ByReason {
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ByResult {
    result: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ByKind {
    kind: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ByState {
    state: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_what_was_counted() {
        let metrics = Metrics::new();
        metrics.refresh("A2_rotated");
        metrics.ended(EndReason::SignedOut);
        metrics.sign_in("ok");
        let open = metrics.connection();
        let page = metrics.page(
            (
                Counts {
                    users: 3,
                    ..Counts::default()
                },
                WriterStats {
                    transactions: 7,
                    ..WriterStats::default()
                },
            ),
            &[],
            prolong_core::Timestamp::EPOCH,
        );
        for line in [
            "prolong_refreshes_total{class=\"A2_rotated\"} 1",
            "prolong_ends_total{reason=\"signed_out\"} 1",
            "prolong_sign_ins_total{result=\"ok\"} 1",
            "prolong_refreshes_total{class=\"C2_reuse\"} 0",
            "prolong_refreshes_total{class=\"Q_access_token_missing\"} 0",
            "prolong_ends_total{reason=\"reuse_detected\"} 0",
            "prolong_over_total{reason=\"idle_timeout\"} 0",
            "prolong_sign_ins_total{result=\"INVALID_CREDENTIALS\"} 0",
            "prolong_connections 1",
            "prolong_stored{kind=\"users\"} 3",
            "prolong_store_transactions_total 7",
            "# EOF",
        ] {
            assert!(page.contains(line), "{line} is missing in\n{page}");
        }
        // A deadline is never counted as an end, so no series says that none was reached.
        assert!(!page.contains("prolong_ends_total{reason=\"idle_timeout\"}"));
        drop(open);
        assert_eq!(metrics.connections.get(), 0);
    }
}
