//! What the store's writer did, as metrics: how large the batches are, and how long a durable commit takes.

use std::fmt::Error;
use std::sync::Arc;

use parking_lot::Mutex;
use prolong_store::WriterStats;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::registry::Unit;

/// The writer's numbers as of the last look.
#[derive(Clone, Debug, Default)]
pub(super) struct WriterMetrics(Arc<Mutex<WriterStats>>);

impl WriterMetrics {
    /// Looks again.
    pub(super) fn set(&self, stats: WriterStats) {
        *self.0.lock() = stats;
    }
}

impl Collector for WriterMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let stats = *self.0.lock();
        let mut counter = |name, help, value: u64| {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)
        };
        counter(
            "store_transactions",
            "Transactions answered by the store, conflicts included",
            stats.transactions,
        )?;
        counter(
            "store_conflicts",
            "Transactions whose guard did not hold",
            stats.conflicts,
        )?;
        counter(
            "store_failures",
            "Batches taken back, as on a full disk",
            stats.failures,
        )?;
        counter(
            "store_checkpoints",
            "Copies of the write-ahead log into the database",
            stats.checkpoints,
        )?;
        histogram(
            &mut encoder,
            ("store_commit_transactions", "Transactions in one commit"),
            None,
            number(stats.transactions),
            &buckets(WriterStats::BOUNDS_SIZE.map(number), stats.size_buckets),
        )?;
        histogram(
            &mut encoder,
            (
                "store_commit",
                "Time of one commit, until it is on the disk",
            ),
            Some(&Unit::Seconds),
            seconds(stats.commit_micros),
            &buckets(
                WriterStats::BOUNDS_MICROS.map(seconds),
                stats.commit_buckets,
            ),
        )?;
        let time = ConstCounter::new(seconds(stats.checkpoint_micros));
        time.encode(encoder.encode_descriptor(
            "store_checkpoint",
            "Time of all checkpoints, in which nothing is committed",
            Some(&Unit::Seconds),
            MetricType::Counter,
        )?)
    }
}

fn histogram(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help): (&str, &str),
    unit: Option<&Unit>,
    sum: f64,
    buckets: &[(f64, u64)],
) -> Result<(), Error> {
    let count = buckets.iter().map(|(_, count)| count).sum();
    encoder
        .encode_descriptor(name, help, unit, MetricType::Histogram)?
        .encode_histogram::<[(&str, &str); 0]>(sum, count, buckets, None)
}

/// Bounds with their counts; the encoder adds them up and names the last one `+Inf`.
fn buckets<const BOUNDS: usize, const COUNTS: usize>(
    bounds: [f64; BOUNDS],
    counts: [u64; COUNTS],
) -> Vec<(f64, u64)> {
    bounds
        .into_iter()
        .chain([f64::INFINITY])
        .zip(counts)
        .collect()
}

fn seconds(micros: u64) -> f64 {
    number(micros) / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;

    #[test]
    fn batches_and_times_are_told_as_histograms() {
        let metrics = WriterMetrics::default();
        let mut registry = Registry::with_prefix("prolong");
        registry.register_collector(Box::new(metrics.clone()));
        let mut stats = WriterStats {
            commits: 3,
            transactions: 610,
            conflicts: 2,
            commit_micros: 1_500,
            checkpoints: 1,
            checkpoint_micros: 250_000,
            ..WriterStats::default()
        };
        stats.size_buckets[0] = 1;
        stats.size_buckets[10] = 2;
        stats.commit_buckets[1] = 3;
        metrics.set(stats);
        let mut page = String::new();
        encode(&mut page, &registry).unwrap();
        for line in [
            "prolong_store_transactions_total 610",
            "prolong_store_conflicts_total 2",
            "prolong_store_failures_total 0",
            "prolong_store_checkpoints_total 1",
            "prolong_store_checkpoint_seconds_total 0.25",
            "prolong_store_commit_transactions_sum 610.0",
            "prolong_store_commit_transactions_count 3",
            "prolong_store_commit_transactions_bucket{le=\"1.0\"} 1",
            "prolong_store_commit_transactions_bucket{le=\"512.0\"} 1",
            "prolong_store_commit_transactions_bucket{le=\"+Inf\"} 3",
            "prolong_store_commit_seconds_sum 0.0015",
            "prolong_store_commit_seconds_bucket{le=\"0.0001\"} 0",
            "prolong_store_commit_seconds_bucket{le=\"0.00025\"} 3",
            "prolong_store_commit_seconds_bucket{le=\"+Inf\"} 3",
        ] {
            assert!(
                page.lines().any(|one| one == line),
                "{line} is missing in\n{page}"
            );
        }
    }
}
