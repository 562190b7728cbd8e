//! The file of master keys: killed at any step of making it, made by several at once, left to another user.

use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use crate::house::House;
use crate::server::{bad, good, prolong, run};
use crate::world::World;

const ROTATE: [&str; 3] = ["key", "rotate", "--refresh"];
const SIGKILL: i32 = 9;
/// Opening, emptying, mode, writing, two syncs, renaming: fewer would mean that nothing was hooked.
const STEPS: u32 = 6;

/// Before any step: the file is the old list or the new one, and the next try needs nobody's hand.
#[tokio::test]
async fn a_rotation_that_is_killed_loses_no_key_and_blocks_nothing() {
    let mut house = House::open("");
    house.calls().add_user("maryo").await;
    let mut token = house.sign_in("maryo").await;
    house.stop_server();
    let mut died = 0;
    loop {
        let before = keys(&house);
        house.world.kill_at(died + 1);
        let mut rotate = prolong(house.path(), &ROTATE);
        house.world.enter(&mut rotate);
        let ended = rotate.output().unwrap();
        house.world.kill_at(0);
        let after = keys(&house);
        if ended.status.success() {
            break;
        }
        assert_eq!(ended.status.signal(), Some(SIGKILL), "{ended:?}");
        died += 1;
        assert!(
            after == before || (after.ends_with(&before) && ids(&after) == ids(&before) + 1),
            "killed at step {died}: {} keys became {}",
            ids(&before),
            ids(&after)
        );
        good(&run(house.path(), &ROTATE, ""));
        assert_eq!(ids(&keys(&house)), ids(&after) + 1, "after step {died}");
        assert!(keys(&house).ends_with(&after));
        assert_eq!(left(&house), ["master.key"], "after step {died}");
    }
    assert!(died >= STEPS, "only {died} steps were seen");
    house.start();
    token = house.refreshed(&token).await;
    house.refreshed(&token).await;
    house.stop();
}

/// A new house, in the same way: its first key, which is what `serve` makes in an empty folder, and its configuration.
#[test]
fn a_house_whose_making_is_killed_is_made_again() {
    let mut died = 0;
    loop {
        let folder = tempfile::tempdir().unwrap();
        let world = World::new(folder.path());
        world.kill_at(died + 1);
        let mut init = prolong(folder.path(), &["config", "init"]);
        world.enter(&mut init);
        let ended = init.output().unwrap();
        world.kill_at(0);
        if ended.status.success() {
            break;
        }
        assert_eq!(ended.status.signal(), Some(SIGKILL), "{ended:?}");
        died += 1;
        let whole = folder.path().join("prolong.toml").exists();
        let again = run(folder.path(), &["config", "init"], "");
        // A configuration is whole, with its key, or it is not there.
        if whole {
            assert!(bad(&again).contains("is there already"), "{again:?}");
        } else {
            good(&again);
        }
        good(&run(folder.path(), &["config", "check"], ""));
        let mut made = names(folder.path());
        made.sort();
        assert_eq!(
            made,
            ["pretended-world", "prolong-data", "prolong.toml"],
            "after step {died}"
        );
        let data = folder.path().join("prolong-data");
        let text = std::fs::read_to_string(data.join("master.key")).unwrap();
        assert_eq!(ids(&text), 1, "after step {died}");
        assert_eq!(names(&data), ["master.key"], "after step {died}");
    }
    assert!(died >= 2 * STEPS, "only {died} steps were seen");
}

/// Each adds its own; none is lost, no id is drawn twice.
#[tokio::test]
async fn rotations_at_the_same_moment_add_one_key_each() {
    let mut house = House::closed("");
    let folder = house.path().to_owned();
    let running: Vec<_> = (0..12)
        .map(|_| {
            let folder = folder.clone();
            std::thread::spawn(move || good(&run(&folder, &ROTATE, "")))
        })
        .collect();
    let mut said: Vec<String> = running
        .into_iter()
        .map(|one| one.join().unwrap())
        .map(|said| said.split_whitespace().nth(2).unwrap().to_owned())
        .collect();
    said.sort_by_key(|id| id.parse::<u32>().unwrap());
    let expected: Vec<String> = (2..14).map(|id: u32| id.to_string()).collect();
    assert_eq!(said, expected);
    assert_eq!(ids(&keys(&house)), 13);
    assert_eq!(left(&house), ["master.key"]);
    house.start();
    house.stop();
}

/// A key that is not on the disk yet does not count: a loss of power would take the new list and the old one.
#[test]
fn a_key_that_cannot_be_made_durable_is_none() {
    let house = House::closed("");
    let before = keys(&house);
    let mut rotate = prolong(house.path(), &ROTATE);
    house.world.enter(&mut rotate);
    house.world.fail_syncs(crate::world::BROKEN);
    let said = bad(&rotate.output().unwrap());
    house.world.fail_syncs(0);
    assert!(said.contains("cannot write the master key"), "{said}");
    assert_eq!(keys(&house), before);
    assert_eq!(left(&house), ["master.key"]);
}

/// What a killed process left may be longer than what is made now, and readable for more.
#[test]
fn nothing_of_what_was_left_over_stays() {
    use std::os::unix::fs::PermissionsExt as _;
    let house = House::closed("");
    let before = keys(&house);
    let making = house.data("master.key.making");
    std::fs::write(&making, "9 of another time\n".repeat(100)).unwrap();
    std::fs::set_permissions(&making, std::fs::Permissions::from_mode(0o666)).unwrap();
    good(&run(house.path(), &ROTATE, ""));
    let after = keys(&house);
    assert!(after.ends_with(&before) && ids(&after) == 2);
    let facts = std::fs::metadata(house.data("master.key")).unwrap();
    assert_eq!(facts.mode() & 0o777, 0o600);
    assert_eq!(left(&house), ["master.key"]);
}

/// A new key beside an old database could open nothing of what the old one sealed.
#[test]
fn beside_a_database_no_key_is_made() {
    let mut house = House::open("");
    house.stop_server();
    let whole = keys(&house);
    std::fs::remove_file(house.data("master.key")).unwrap();
    let said = bad(&run(
        house.path(),
        &["serve", "--listen", "127.0.0.1:0"],
        "",
    ));
    assert!(said.contains("there is no master key"), "{said}");
    assert!(left(&house).is_empty());
    std::fs::write(house.data("master.key"), whole).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(house.data("master.key"), mode).unwrap();
    house.start();
    house.stop();
}

/// The administrator replaces the key, and the server, which is another user, still reads it. Only root can try.
#[test]
fn whoever_rotates_the_file_keeps_its_owner() {
    let house = House::closed("");
    let file = house.data("master.key");
    if std::os::unix::fs::chown(&file, Some(65_534), Some(65_534)).is_err() {
        println!("not tested: only root can give a file away");
        return;
    }
    good(&run(house.path(), &ROTATE, ""));
    let facts = std::fs::metadata(&file).unwrap();
    assert_eq!((facts.uid(), facts.gid()), (65_534, 65_534));
    assert_eq!(facts.mode() & 0o777, 0o600);
}

/// A link under the name of what is made could lead the keys into a file that others read.
#[test]
fn a_link_is_not_followed() {
    let house = House::closed("");
    let before = keys(&house);
    let elsewhere = house.path().join("elsewhere");
    std::fs::write(&elsewhere, "mine").unwrap();
    std::os::unix::fs::symlink(&elsewhere, house.data("master.key.making")).unwrap();
    let said = bad(&run(house.path(), &ROTATE, ""));
    assert!(said.contains("master.key.making"), "{said}");
    assert_eq!(std::fs::read_to_string(&elsewhere).unwrap(), "mine");
    assert_eq!(keys(&house), before);
}

/// Half of a list, another list, no list: refused with the name of the file and what is wrong, and nothing is touched.
#[test]
fn a_file_that_is_no_list_of_keys_is_refused_and_kept() {
    let mut house = House::open("");
    house.stop_server();
    good(&run(house.path(), &ROTATE, ""));
    let whole = keys(&house);
    let (first, second) = whole.split_once('\n').unwrap();
    for (case, text) in [
        ("emptied", String::new()),
        ("cut", whole[..20].to_owned()),
        ("without its ids", whole.replace("2 ", "").replace("1 ", "")),
        ("older key first", format!("{second}{first}\n")),
        ("twice the same id", format!("{first}\n{whole}")),
        ("bytes of no text", "\u{0}\u{1}".to_owned()),
    ] {
        std::fs::write(house.data("master.key"), &text).unwrap();
        for args in [&ROTATE[..], &["serve", "--listen", "127.0.0.1:0"]] {
            let said = bad(&run(house.path(), args, ""));
            assert!(
                said.contains("master.key") && said.contains("cannot be used"),
                "{case}: {said}"
            );
            assert!(!said.contains("panicked"), "{case}: {said}");
            for secret in [first, second] {
                assert!(!said.contains(secret.split(' ').nth(1).unwrap()), "{case}");
            }
        }
        assert_eq!(keys(&house), text, "{case}");
        assert!(!house.data("master.key.making").exists(), "{case}");
    }
    // Another house's key: well made, and not the one that sealed what is here.
    let other = House::closed("");
    std::fs::write(house.data("master.key"), keys(&other)).unwrap();
    let said = bad(&run(
        house.path(),
        &["serve", "--listen", "127.0.0.1:0"],
        "",
    ));
    assert!(said.contains("id was used twice"), "{said}");
    std::fs::write(house.data("master.key"), &whole).unwrap();
    house.start();
    house.stop();
}

fn keys(house: &House) -> String {
    std::fs::read_to_string(house.data("master.key")).unwrap()
}

fn ids(text: &str) -> usize {
    text.lines().count()
}

/// What of the key's files is in the data folder.
fn left(house: &House) -> Vec<String> {
    let mut names = names(&house.data(""));
    names.retain(|name| name.starts_with("master"));
    names
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}
