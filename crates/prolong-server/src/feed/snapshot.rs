//! Snapshots as JSON, made once for all who ask.

use bytes::Bytes;
use prolong_core::Timestamp;
use prolong_store::{FeedCursor, FeedLine};
use tokio::sync::Mutex;

use super::log::{epoch_name, snapshot_of};

/// The snapshot that was made last. While one is made, everyone else waits for it.
#[derive(Default)]
pub(super) struct Snapshots(Mutex<Option<Made>>);

struct Made {
    name: String,
    at: Timestamp,
    json: Bytes,
}

impl Snapshots {
    /// The one of this name (epoch and number), or a newer one, with its name. What is over is left out, at the latest a
    /// minute after.
    pub(super) async fn get(
        &self,
        name: &str,
        now: Timestamp,
        read: impl FnOnce() -> (FeedCursor, Vec<FeedLine>, [u8; 16]),
    ) -> (String, Bytes) {
        let mut made = self.0.lock().await;
        if let Some(made) = made.as_ref()
            && made.name == name
            && now.since(made.at).as_secs() < AGE_SECONDS
        {
            return (made.name.clone(), made.json.clone());
        }
        let (head, lines, salt) = read();
        let name = format!("{}.{}", epoch_name(&head), head.seq);
        let write = move || {
            let snapshot = snapshot_of(&head, salt, &lines, now.as_secs());
            Bytes::from(serde_json::to_vec(&snapshot).unwrap_or_default())
        };
        // Megabytes of JSON take milliseconds.
        let json = tokio::task::spawn_blocking(write).await.unwrap_or_default();
        *made = Some(Made {
            name: name.clone(),
            at: now,
            json: json.clone(),
        });
        (name, json)
    }
}

const AGE_SECONDS: u64 = 60;
