//! Many sessions, a long run, checkpoints included, beside a short one on the same data.

use std::time::Duration;

use crate::house::House;
use crate::options::Options;
use crate::refresh::Load;

pub(crate) fn run(options: &Options) {
    let (sessions, time) = (options.sessions(1_000_000), options.time(600));
    let clients = options.clients(&[64])[0];
    let algorithm = options.algorithms().pop().unwrap();
    let house = House::with_sessions(sessions, &algorithm);
    let mut load = Load::new(&house);
    let server = house.serve(&options.server);
    println!("{sessions} sessions, {clients} clients, {algorithm}");
    load.run(&server, clients, Duration::from_secs(2));
    let short = load.run(&server, clients, Duration::from_secs(5));
    println!("    5 s: {short}; {:.0} MiB", server.memory());
    let begun = std::time::Instant::now();
    let (mut done, mut minutes) = (0.0, Vec::new());
    while begun.elapsed() < time {
        let slice = Duration::from_mins(1).min(time);
        let minute = load.run(&server, clients, slice);
        println!("   60 s: {minute}; {:.0} MiB", server.memory());
        done += minute.rate * slice.as_secs_f64();
        minutes.push(minute.rate);
    }
    let rate = done / begun.elapsed().as_secs_f64();
    println!(
        "{:>5.0} s: {rate:.0}/s, {:.2} of the short run",
        begun.elapsed().as_secs_f64(),
        rate / short.rate
    );
    let size = |name: &str| {
        let file = std::fs::metadata(house.path().join("data").join(name));
        file.map_or(0.0, |file| file.len() as f64 / 1e6)
    };
    println!(
        "prolong.db {:.0} MB, WAL {:.0} MB",
        size("prolong.db"),
        size("prolong.db-wal")
    );
    drop(server);
    load.verify(&house);
    println!("every acknowledged rotation found after the kill");
}
