//! A batch that the disk had no room for never was: neither in the file nor in what the writer remembers. After one that
//! failed for good nothing is written.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::writer::{Failure, Job, Work, Writer, run};
use super::{copier, open};
use crate::conformance::{session, user};
use crate::{Change, Found, NotCommitted, Transaction, User};

#[test]
fn a_user_that_was_written_in_vain_is_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("prolong.db");
    let writer = writer(&path);
    let start = [
        Change::InsertUser(user(1)),
        Change::StartSession(session(1, 1)),
    ];
    let (job, mut answer) = job(Work::Write(Transaction {
        changes: start.into(),
    }));
    writer.write(vec![job]).unwrap();
    assert!(answer.try_recv().unwrap().is_ok());
    assert_eq!(looked_at_in(&writer, Vec::new()).revision, 0);

    let pages: i64 = number(&writer, "page_count");
    writer
        .db
        .pragma_update(None, "max_page_count", pages)
        .unwrap();
    let mut disabled = user(1);
    disabled.standing.disabled = true;
    let (first, mut first_answer) = job_of(Change::ReplaceUser(disabled));
    let mut too_large = user(2);
    too_large.claims = "x".repeat(100_000);
    let (last, mut last_answer) = job_of(Change::InsertUser(too_large));
    let seen = looked_at_in(&writer, vec![first, last]);
    assert!(seen.standing.disabled, "within the batch it was so");
    for answer in [&mut first_answer, &mut last_answer] {
        let told = answer.try_recv().unwrap();
        assert!(matches!(told, Err(NotCommitted::Failed(_))), "{told:?}");
    }
    let seen = looked_at_in(&writer, Vec::new());
    assert!(!seen.standing.disabled && seen.revision == 0);
}

#[test]
fn what_waits_when_the_disk_has_failed_is_never_written() {
    let dir = tempfile::tempdir().unwrap();
    let writer = Mutex::new(writer(&dir.path().join("prolong.db")));
    // As a lone write leaves it, in the moment between its end and the thread's turn.
    *writer.lock().failure.lock() = Some("the disk is gone".to_owned());
    let (calls, called) = sync_channel(1);
    let (job, mut answer) = job_of(Change::InsertUser(user(1)));
    calls.send(Some(job)).unwrap();
    run(&writer, &called);
    drop(called);
    assert!(answer.try_recv().is_err(), "somebody was told something");
    assert_eq!(writer.lock().commits(), 0);
}

#[test]
fn an_idle_log_is_copied_back_though_lone_writes_filled_it() {
    let dir = tempfile::tempdir().unwrap();
    let writer = writer(&dir.path().join("prolong.db"));
    let wrote = writer.write_alone(Work::Write(Transaction::of(Change::InsertUser(user(1)))));
    assert!(wrote.unwrap().is_ok());
    writer.wal_pages.store(1, Ordering::Relaxed);
    let (writer, (calls, called)) = (Arc::new(Mutex::new(writer)), sync_channel(1));
    let shared = Arc::clone(&writer);
    let thread = std::thread::spawn(move || run(&shared, &called));
    let until = Instant::now() + Duration::from_secs(30);
    while writer.lock().wal_pages.load(Ordering::Relaxed) > 0 {
        assert!(Instant::now() < until, "nobody copies it back");
        std::thread::park_timeout(Duration::from_millis(50));
    }
    drop(calls);
    thread.join().unwrap();
}

/// What a turn sees of the user, after the first of `others` and before the last.
fn looked_at_in(writer: &Writer, mut others: Vec<Job>) -> User {
    let (tell, mut told) = oneshot::channel();
    let look = move |found: Option<Found>| {
        drop(tell.send(found.unwrap().user));
        Transaction::default()
    };
    let (turn, _answer) = job(Work::Turn(session(1, 1).id, Box::new(look)));
    others.insert(others.len().min(1), turn);
    writer.write(others).unwrap();
    told.try_recv().unwrap()
}

type Answered = oneshot::Receiver<Result<crate::Committed, NotCommitted>>;

fn job_of(change: Change) -> (Job, Answered) {
    job(Work::Write(Transaction::of(change)))
}

fn job(work: Work) -> (Job, Answered) {
    let (answer, answered) = oneshot::channel();
    let runtime = None;
    (
        Job {
            work,
            answer,
            runtime,
        },
        answered,
    )
}

fn writer(path: &std::path::Path) -> Writer {
    let (failure, counters) = (Failure::default(), Arc::default());
    let db = open::writer(path, [1; 16]).unwrap();
    let copier = copier::Copier::start(
        open::copier(path).unwrap(),
        Arc::clone(&failure),
        Arc::clone(&counters),
    );
    Writer {
        copier: copier.unwrap(),
        db,
        failure,
        wal_pages: Arc::new(AtomicUsize::new(0)),
        counters,
        users: RefCell::default(),
    }
}

fn number(writer: &Writer, pragma: &str) -> i64 {
    writer
        .db
        .pragma_query_value(None, pragma, |row| row.get(0))
        .unwrap()
}
