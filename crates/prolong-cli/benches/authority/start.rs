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
        let file = std::fs::metadata(house.database()).map_or(0, |file| file.len());
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
            print!(
                "; after {time:?} of refreshing by 64 clients {after:.1} MiB ({:.0}/s); file {:.0} MB when filled, {:.0} \
                 bytes a session with half a user",
                outcome.rate,
                file as f64 / 1e6,
                file as f64 / sessions as f64
            );
        }
        println!();
        drop(server);
    }
}
