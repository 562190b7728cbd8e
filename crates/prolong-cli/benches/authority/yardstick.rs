//! What the figures are compared with, measured in the same run.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};

use crate::house::runtime;
use crate::http::Connection;
use crate::load::{self, Outcome, Times};

/// A bare axum that says hello, on a thread of its own, asked by the same load generator.
pub(crate) fn hello(clients: usize, time: Duration) -> Outcome {
    hello_on(runtime, clients, time)
}

/// The same on the runtime that the real server has: a thread for each processor, all shared with the load.
pub(crate) fn hello_as_served(clients: usize, time: Duration) -> Outcome {
    let many = || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build();
        runtime.unwrap()
    };
    hello_on(many, clients, time)
}

fn hello_on(runtime: fn() -> tokio::runtime::Runtime, clients: usize, time: Duration) -> Outcome {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = std::thread::spawn(move || {
        runtime().block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let app = axum::Router::new().route("/", axum::routing::get(|| async { "hello" }));
            tokio::select! {
                served = std::future::IntoFuture::into_future(axum::serve(listener, app)) => served.unwrap(),
                _ = stopped => {}
            }
        });
    });
    let request = format!("GET / HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let (outcome, _) = load::run(clients, time, |_, end| {
        same(address.clone(), request.clone(), end)
    });
    drop(stop);
    server.join().unwrap();
    outcome
}

/// A client that sends the same request until the end, and wants 200 each time.
pub(crate) async fn same(address: String, request: String, end: Instant) -> (Times, ()) {
    let mut connection = Connection::open(&address).await;
    let mut times = Times::default();
    while Instant::now() < end {
        let begun = Instant::now();
        let answer = connection.exchange(request.as_bytes()).await;
        times.note(begun.elapsed());
        assert_eq!(answer.status, 200);
    }
    (times, ())
}

/// Milliseconds that 4 KiB take to the disk, overwritten in a file that does not grow: half of the times, and 99 in 100.
pub(crate) fn fdatasync(folder: &Path) -> (f64, f64) {
    let mut file = File::create(folder.join("fdatasync")).unwrap();
    file.write_all(&vec![b'x'; 1 << 20]).unwrap();
    file.sync_all().unwrap();
    let mut times: Vec<f64> = (0..1000)
        .map(|n| {
            file.seek(SeekFrom::Start(n % 256 * 4096)).unwrap();
            file.write_all(&[b'y'; 4096]).unwrap();
            let begun = Instant::now();
            file.sync_data().unwrap();
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_unstable_by(f64::total_cmp);
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

/// Microseconds of a raw signature over as many bytes as a token has, the key parsed once.
pub(crate) fn sign(algorithm: &str) -> f64 {
    let (random, message) = (SystemRandom::new(), [b'x'; 480]);
    let es256 = &ECDSA_P256_SHA256_FIXED_SIGNING;
    match algorithm {
        "EdDSA" => {
            let pkcs8 = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
            let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
            micros(|| _ = std::hint::black_box(pair.sign(&message)))
        }
        "ES256" => {
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(es256, &random).unwrap();
            let pair = EcdsaKeyPair::from_pkcs8(es256, pkcs8.as_ref()).unwrap();
            micros(|| _ = std::hint::black_box(pair.sign(&random, &message).unwrap()))
        }
        other => panic!("no yardstick for {other}"),
    }
}

fn micros(one: impl Fn()) -> f64 {
    let batch = || {
        let begun = Instant::now();
        (0..500).for_each(|_| one());
        begun.elapsed().as_secs_f64() * 1e6 / 500.0
    };
    (0..9).map(|_| batch()).fold(f64::INFINITY, f64::min)
}
