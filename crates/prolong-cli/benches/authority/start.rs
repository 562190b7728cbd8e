//! Start-up time, memory and file size: an empty folder, and more and more sessions.

use crate::house::House;
use crate::options::Options;
use crate::refresh::Load;

pub(crate) fn run(options: &Options) {
    let sizes = match options.sessions {
        Some(sessions) => vec![0, sessions],
        None => vec![0, 100_000, 1_000_000],
    };
    for sessions in sizes {
        let house = House::with_sessions(sessions, "ES256");
        let filled = house.file_bytes();
        let mut times: Vec<f64> = (0..5)
            .map(|_| house.serve(&options.server).ready.as_secs_f64() * 1e3)
            .collect();
        times.sort_by(f64::total_cmp);
        let server = house.serve(&options.server);
        let idle = server.memory();
        print!(
            "{sessions:>8} sessions: ready after {:.0} ms (best of 5: {:.0}); idle {idle:.1} MiB",
            times[2], times[0]
        );
        if sessions > 0 {
            let time = options.time(10);
            let outcome = Load::new(&house).run(&server, 64, time);
            let after = server.memory();
            println!(
                "; after {time:?} of refreshing by 64 clients {after:.1} MiB ({:.0}/s)",
                outcome.rate
            );
            drop(server);
            // The store copies its log back when it is closed.
            drop(house.store());
            let each = |bytes: u64, count: u64| bytes as f64 / count as f64;
            print!(
                "{:>17} file: {:.0} bytes a session with its index, {:.0} a user, {:.0} MB in all; {:.0} MB after the refreshing",
                "",
                each(filled - house.users_bytes, sessions),
                each(house.users_bytes, house.users()),
                filled as f64 / 1e6,
                house.file_bytes() as f64 / 1e6
            );
        }
        println!();
    }
}
