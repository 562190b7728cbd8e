//! 100,000 connections of garbage. A client with a session goes on meanwhile; afterwards the server holds no more memory,
//! files or sockets than before.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use crate::house::House;
use crate::server::{PATIENCE, pause};
use crate::wire::{connect, reset, serves};

const CONNECTIONS: u64 = 100_000;
/// So many at one time, each thread one batch.
const THREADS: u64 = 2;
const BATCH: u64 = 50;
/// What the server may hold more than before, kB: buffers and what the allocator keeps. A connection that is never let go
/// costs more than a kilobyte.
const MORE: u64 = 64 * 1024;

/// Numbers that are the same in every run (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn garbage(&mut self) -> Vec<u8> {
        let noise: Vec<u8> = (0..self.next() % 12)
            .flat_map(|_| self.next().to_le_bytes())
            .collect();
        let beginnings: [&[u8]; 8] = [
            b"",
            b"GET / HTTP/1.1\r\nHost: x\r\n",
            b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\n",
            b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n",
            b"GET /v1/verify HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
        ];
        let beginning = beginnings[usize::try_from(self.next() % 8).unwrap()];
        [beginning, &noise].concat()
    }
}

/// Batch after batch: opened, given garbage, and left: most with a reset, some politely, some after a look at the answer.
fn flood(house: &House, seed: u64, opened: &AtomicU64) {
    let mut numbers = Numbers(seed);
    while opened.fetch_add(BATCH, Ordering::Relaxed) < CONNECTIONS {
        let mut streams = Vec::new();
        for _ in 0..BATCH {
            let mut stream = connect(house);
            let _ = stream.write_all(&numbers.garbage());
            streams.push(stream);
        }
        for mut stream in streams {
            if numbers.next().is_multiple_of(16) {
                let _ = stream.shutdown(Shutdown::Write);
                let _ = stream.read(&mut [0; 256]);
            }
            // A port that was closed politely waits for a minute: there are not enough of them for everybody.
            reset(stream);
        }
    }
}

/// How many files and sockets the server has open.
fn open_files(house: &House) -> usize {
    let folder = format!("/proc/{}/fd", house.server().id());
    std::fs::read_dir(folder).unwrap().count()
}

/// A line of the server's memory, kB: `VmRSS` now, `VmHWM` at its peak.
fn memory(house: &House, line: &str) -> u64 {
    let path = format!("/proc/{}/status", house.server().id());
    let text = std::fs::read_to_string(path).unwrap();
    let found = text.lines().find_map(|found| found.strip_prefix(line));
    let number = found.and_then(|rest| rest.split_whitespace().nth(1));
    number.unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_connections_of_garbage_pass_and_a_client_goes_on() {
    let house = House::open("");
    house.calls().add_user("maryo").await;
    let mut token = house.sign_in("maryo").await;
    // What is opened once and kept is open already: the store's readers, the client's own connection.
    for _ in 0..20 {
        token = house.refreshed(&token).await;
        serves(&house);
    }
    let (files, before) = (open_files(&house), memory(&house, "VmRSS"));
    let (opened, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let (mut refreshes, mut most_files) = (0, 0);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|seed| {
                scope.spawn({
                    let (house, opened) = (&house, &opened);
                    move || flood(house, seed, opened)
                })
            })
            .collect();
        let over = &over;
        scope.spawn(move || {
            for thread in threads {
                thread.join().unwrap();
            }
            over.store(true, Ordering::Release);
        });
        tokio::task::block_in_place(|| {
            let runtime = tokio::runtime::Handle::current();
            while !over.load(Ordering::Acquire) {
                token = runtime.block_on(house.refreshed(&token));
                refreshes += 1;
                most_files = most_files.max(open_files(&house));
            }
        });
    });
    // A client that is served only between two floods would have come to a handful.
    assert!(refreshes >= 50, "{refreshes}");
    let flood = usize::try_from(THREADS * BATCH).unwrap();
    println!("{refreshes} refreshes, {most_files} open files at most");
    serves(&house);
    house.refreshed(&token).await;
    let until = Instant::now() + PATIENCE;
    while open_files(&house) > files {
        assert!(
            Instant::now() < until,
            "{} files are open, {files} were",
            open_files(&house)
        );
        pause();
    }
    let (now, peak) = (memory(&house, "VmRSS"), memory(&house, "VmHWM"));
    println!(
        "{before} kB before, {now} kB after, {peak} kB at most; {flood} connections at a time"
    );
    assert!(
        peak < before + MORE,
        "{before} kB before, {peak} kB at most"
    );
    // A panic of the server's, or a token in its log, is found when it stops.
    house.stop();
}
