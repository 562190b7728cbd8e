//! What `prolong demo` says to try is tried, word for word.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use crate::server::{PATIENCE, prolong};

/// Ends the demo whatever happens to the test.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

#[test]
fn what_the_demo_says_to_try_works() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = prolong(folder.path(), &["demo"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let demo = Demo(process);
    let mut said = Vec::new();
    for line in lines {
        said.push(line.unwrap());
        if said.last().unwrap().starts_with("Stop with Ctrl-C") {
            break;
        }
    }
    assert!((8..=15).contains(&said.len()), "a dozen lines: {said:#?}");
    assert!(said[0].starts_with("Open http://"), "{said:#?}");
    let commands: Vec<&str> = said
        .iter()
        .filter_map(|line| line.strip_prefix("  "))
        .collect();
    let at = |part: &str| {
        let found = commands.iter().position(|line| line.contains(part));
        found.unwrap_or_else(|| panic!("no {part} in {said:#?}"))
    };
    let (orders, ban) = (commands[at("curl -i")], at("user disable"));
    // The API hears of the ban soon; how soon is another test's concern.
    let script = format!(
        "{}\n{}\nfor _ in $(seq 300); do\n\
         again=$({orders}); case $again in *' 401 '*) break ;; esac; sleep 0.1\ndone\necho \"$again\"\n{}\n",
        commands[..ban].join("\n"),
        commands[ban],
        commands[ban + 1..].join("\n")
    );
    let ran = Command::new("timeout")
        .args([&PATIENCE.as_secs().to_string(), "bash", "-euc", &script])
        .output()
        .unwrap();
    let told = format!(
        "{script}\n{}\n{}",
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr)
    );
    assert!(ran.status.success(), "{told}");
    let answers: Vec<&str> = told
        .lines()
        .filter_map(|line| line.strip_prefix("HTTP/1.1 "))
        .map(|line| &line[..3])
        .collect();
    assert_eq!(answers, ["200", "401"], "{told}");
    assert!(told.contains("\"code\":\"INVALID_TOKEN\""), "{told}");
    drop(demo);
}
