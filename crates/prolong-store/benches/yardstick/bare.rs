//! The yardstick of durable writes: a bare SQLite on the same disk.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

/// Id, hash, two numbers; one thread; the store's file settings and its checkpoints.
pub(crate) fn rows_per_second(path: &Path, sessions: u64, time: Duration) -> f64 {
    let mut db = Connection::open(path).unwrap();
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; \
         CREATE TABLE s (id BLOB PRIMARY KEY, hash BLOB, generation INTEGER, ends INTEGER) STRICT, WITHOUT ROWID;",
    )
    .unwrap();
    let fill = db.transaction().unwrap();
    for n in 0..sessions {
        let values = params![id(n), [7_u8; 32], 0, 0];
        fill.execute("INSERT INTO s VALUES (?1, ?2, ?3, ?4)", values)
            .unwrap();
    }
    fill.commit().unwrap();
    let checkpoint = |db: &Connection| {
        db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
            .unwrap();
    };
    checkpoint(&db);
    let (start, mut rows, mut random) = (Instant::now(), 0_u64, 1_u64);
    while start.elapsed() < time {
        let step = db.transaction().unwrap();
        {
            let sql = "UPDATE s SET generation = generation + 1, hash = ?3, ends = ?2 WHERE id = ?1 AND hash = ?3";
            let mut update = step.prepare_cached(sql).unwrap();
            for _ in 0..50 {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let values = params![id((random >> 33) % sessions), 1, [7_u8; 32]];
                assert_eq!(update.execute(values).unwrap(), 1);
            }
        }
        step.commit().unwrap();
        rows += 50;
        // 50 scattered rows are about 50 pages.
        if rows % 8_000 == 0 {
            checkpoint(&db);
        }
    }
    rows as f64 / start.elapsed().as_secs_f64()
}

/// Scattered over the table, as random ids are.
fn id(n: u64) -> [u8; 16] {
    u128::from(n.wrapping_mul(0x9E37_79B9_7F4A_7C15))
        .rotate_left(64)
        .to_be_bytes()
}
