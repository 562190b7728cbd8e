//! A restore that is killed at any step: the folder holds what it held, or what was restored.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use crate::house::House;
use crate::server::{good, prolong, run};

const RESTORE: [&str; 3] = ["restore", "yesterday.db", "--keep-sessions"];
const SIGKILL: i32 = 9;
/// Copying takes many; putting in place, six: two renames, a sync, and the replaced database with its log.
const STEPS: u32 = 12;

/// The server was killed, so the database in place has its last commits in its log alone.
#[tokio::test]
async fn a_restore_that_is_killed_leaves_the_old_database_or_the_new_one() {
    let mut house = House::open("");
    house.calls().add_user("maryo").await;
    good(&run(house.path(), &["backup", "yesterday.db"], ""));
    house.calls().add_user("tess").await;
    house.take_server().kill();
    let before = tempfile::tempdir().unwrap();
    let data = house.data("");
    copy(&data, before.path());
    assert!(before.path().join("prolong.db-wal").exists());
    let (mut died, mut old, mut new) = (0, 0, 0);
    loop {
        std::fs::remove_dir_all(&data).unwrap();
        copy(before.path(), &data);
        house.world.kill_at(died + 1);
        let mut restore = prolong(house.path(), &RESTORE);
        house.world.enter(&mut restore);
        let ended = restore.output().unwrap();
        house.world.kill_at(0);
        if ended.status.success() {
            break;
        }
        assert_eq!(ended.status.signal(), Some(SIGKILL), "{ended:?}");
        died += 1;
        let users = good(&run(house.path(), &["user", "list"], ""));
        assert!(users.contains("maryo"), "after step {died}: {users}");
        if users.contains("tess") {
            assert_eq!(new, 0, "after step {died} it is old again");
            old += 1;
        } else {
            new += 1;
        }
        // And the next try is in nobody's way: now and then, for each takes its time.
        if died % 5 == 0 {
            good(&run(house.path(), &RESTORE, ""));
            let users = good(&run(house.path(), &["user", "list"], ""));
            assert!(users.contains("maryo") && !users.contains("tess"));
        }
    }
    assert!(died >= STEPS, "only {died} steps were seen");
    assert!(old > 0 && new > 0, "{old} times old, {new} times new");
    let users = good(&run(house.path(), &["user", "list"], ""));
    assert!(users.contains("maryo") && !users.contains("tess"));
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}
