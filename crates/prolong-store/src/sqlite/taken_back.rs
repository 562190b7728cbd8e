//! A batch that the disk had no room for never was: neither in the file nor in what the writer remembers.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use tokio::sync::oneshot;

use super::writer::{Failure, Job, Work, Writer};
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
