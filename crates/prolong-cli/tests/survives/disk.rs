//! Disks that are full, broken, read-only, or hold something else than they should.

use std::process::Command;

use reqwest::StatusCode;

use crate::calls::{Answered, PASSWORD};
use crate::house::{ATTEMPT, House, is_try_again};
use crate::server::{bad, good, prolong, run};
use crate::world::{BROKEN, NO_SPACE};

pub(crate) fn refused_for_now(answer: &Answered) {
    let answer = answer.as_ref().unwrap();
    assert!(
        is_try_again(answer.status.as_u16(), &answer.body),
        "{} {}",
        answer.status,
        answer.body
    );
}

/// While nothing can be written, nothing is promised; what was promised before is kept, and goes on when there is room.
#[tokio::test]
async fn a_full_disk_refuses_for_now() {
    let house = House::open("");
    house.calls().add_user("maryo").await;
    let token = house.sign_in("maryo").await;
    house.world.fail_writes(NO_SPACE);
    for _ in 0..3 {
        refused_for_now(&house.calls().refresh(&token, Some(ATTEMPT)).await);
        refused_for_now(&house.calls().sign_in("web", "maryo", PASSWORD).await);
    }
    for path in ["/healthz", "/readyz"] {
        let answer = house.calls().get(path, None).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK, "{path}");
    }
    let told = house.metric("prolong_store_failures_total").await;
    assert!(told >= Some(6), "{told:?}");
    house.world.fail_writes(0);
    let token = house.refreshed(&token).await;
    house.refreshed(&token).await;
    house.stop();
}

/// After a sync that failed nobody knows what is on the disk: it says so and ends, and what it had promised is there.
#[tokio::test]
async fn a_broken_disk_ends_the_server_and_nothing_acknowledged_is_lost() {
    let mut house = House::open("");
    house.calls().add_user("maryo").await;
    let token = house.sign_in("maryo").await;
    let token = house.refreshed(&token).await;
    house.world.fail_syncs(BROKEN);
    // It may end before it can say that.
    if let Ok(answer) = house.calls().refresh(&token, Some(ATTEMPT)).await {
        assert!(answer.status.is_server_error(), "{}", answer.body);
    }
    let (status, said) = house.take_server().wait();
    assert!(!status.success(), "it went on");
    assert!(
        said.contains("the store has failed; stopping at once"),
        "{said}"
    );
    house.world.fail_syncs(0);
    house.start();
    house.refreshed(&token).await;
    house.stop();
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_told() {
    let house = House::closed("");
    let file = house.path().join("file");
    std::fs::write(&file, "in the way").unwrap();
    for place in ["/proc/self", "/proc/nowhere", "file", "file/below"] {
        let said = bad(&run(
            house.path(),
            &["--data-dir", place, "serve", "--listen", "127.0.0.1:0"],
            "",
        ));
        assert!(said.contains(place), "{place}: {said}");
    }
    assert_eq!(std::fs::read_to_string(file).unwrap(), "in the way");
}

/// Mounted read-only, which stops the superuser too.
#[tokio::test]
async fn a_folder_that_became_read_only_is_told_and_left_alone() {
    let mut house = House::open("");
    house.calls().add_user("maryo").await;
    house.stop_server();
    let before = std::fs::read(house.data("prolong.db")).unwrap();
    let read_only = "mount --bind prolong-data prolong-data && mount -o remount,ro,bind prolong-data && \
                     exec \"$0\" serve --listen 127.0.0.1:0";
    let output = Command::new("unshare")
        .args([
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            read_only,
        ])
        .arg(crate::server::binary())
        .current_dir(house.path())
        .output();
    let said = output.map_or_else(|error| error.to_string(), |output| bad(&output));
    if !said.contains("prolong:") {
        println!("not tested: nothing can be mounted here: {said}");
        return;
    }
    assert!(said.contains("cannot write to the data folder"), "{said}");
    assert_eq!(std::fs::read(house.data("prolong.db")).unwrap(), before);
    house.start();
    house.sign_in("maryo").await;
    house.stop();
}

/// A key that is missing, wrong, empty, no key, or for everybody's eyes.
#[tokio::test]
async fn a_master_key_that_will_not_do_is_told_by_its_fault() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut house = House::open("");
    house.calls().add_user("maryo").await;
    let token = house.sign_in("maryo").await;
    house.stop_server();
    let key = house.data("master.key");
    let own = std::fs::read_to_string(&key).unwrap();
    let secret = own.split_whitespace().nth(1).unwrap();
    let other = "1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n";
    let cases: [(&str, Option<&str>, &str); 6] = [
        ("missing", None, "there is no master key at"),
        ("empty", Some(""), "there is no master key"),
        ("no key", Some("\u{0}\u{1}"), "line 1"),
        ("of another length", Some("1 AAECAwQF"), "line 1"),
        ("twice", Some(&format!("{own}{own}")), "line 2"),
        ("another", Some(other), "master key"),
    ];
    for (case, text, expected) in cases {
        match text {
            Some(text) => {
                std::fs::write(&key, text).unwrap();
                std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
            }
            None => std::fs::remove_file(&key).unwrap(),
        }
        let said = house
            .try_start()
            .err()
            .unwrap_or_else(|| panic!("{case}: it started"));
        assert!(said.contains(expected), "{case}: {said}");
        assert!(
            !said.contains(secret) && !said.contains("panicked"),
            "{case}: {said}"
        );
    }
    std::fs::remove_file(&key).ok();
    std::fs::create_dir(&key).unwrap();
    let said = house.try_start().err().unwrap();
    assert!(
        said.contains("master key") && !said.contains("panicked"),
        "{said}"
    );
    std::fs::remove_dir(&key).unwrap();
    std::fs::write(&key, &own).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = house.try_start().err().unwrap();
    assert!(said.contains("chmod 600"), "{said}");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    house.start();
    house.refreshed(&token).await;
    house.stop();
}

/// A key that cannot be written: nothing is half made, and the one that is there stays as it is.
#[tokio::test]
async fn a_master_key_that_cannot_be_written_is_told_and_the_old_one_stays() {
    let mut house = House::open("");
    house.calls().add_user("maryo").await;
    let token = house.sign_in("maryo").await;
    let files = |house: &House| {
        let names = std::fs::read_dir(house.data("")).unwrap();
        let mut keys: Vec<_> = names
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with("master"))
            .collect();
        keys.sort();
        keys
    };
    let own = std::fs::read_to_string(house.data("master.key")).unwrap();
    let mut rotate = prolong(house.path(), &["key", "rotate", "--refresh"]);
    house.world.enter(&mut rotate);
    for errno in [NO_SPACE, BROKEN] {
        house.world.fail_writes(errno);
        let said = bad(&rotate.output().unwrap());
        house.world.fail_writes(0);
        assert!(said.contains("cannot write the master key"), "{said}");
        assert!(said.contains("master.key"), "{said}");
        let now = std::fs::read_to_string(house.data("master.key")).unwrap();
        assert_eq!(now, own, "the key was changed");
        assert_eq!(files(&house), ["master.key"], "something was left behind");
    }
    // What is in the way of the new one is no file.
    std::fs::create_dir(house.data("master.key.making")).unwrap();
    let said = bad(&run(house.path(), &["key", "rotate", "--refresh"], ""));
    assert!(said.contains("master.key.making"), "{said}");
    std::fs::remove_dir(house.data("master.key.making")).unwrap();
    let token = house.refreshed(&token).await;
    house.stop_server();

    // Nor can a new house get one.
    let folder = tempfile::TempDir::new().unwrap();
    let mut init = prolong(folder.path(), &["config", "init"]);
    house.world.enter(&mut init);
    house.world.fail_writes(NO_SPACE);
    let said = bad(&init.output().unwrap());
    house.world.fail_writes(0);
    assert!(said.contains("cannot write"), "{said}");
    let key = folder.path().join("prolong-data/master.key");
    assert!(!key.exists(), "half a key");
    assert!(
        !folder.path().join("prolong.toml").exists(),
        "half a configuration"
    );
    good(&run(folder.path(), &["config", "init"], ""));
    house.start();
    house.refreshed(&token).await;
    house.stop();
}

/// Any bytes turned over: told, or served without a panic and without an answer that claims success falsely.
#[tokio::test]
async fn a_database_with_bytes_turned_over_is_told_or_served_without_a_panic() {
    let mut house = House::open("");
    for n in 0..8 {
        house.calls().add_user(&format!("user-{n}")).await;
    }
    let token = house.sign_in("user-1").await;
    house.stop_server();
    let whole = std::fs::read(house.data("prolong.db")).unwrap();
    let (mut seed, mut told) = (0x9E37_79B9_7F4A_7C15_u64, 0);
    for round in 0..40 {
        let mut bytes = whole.clone();
        for _ in 0..1 << (round % 8) {
            seed = seed.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
            let at = usize::try_from(seed >> 20).unwrap() % bytes.len();
            bytes[at] ^= u8::try_from(seed >> 56).unwrap() | 1;
        }
        put_database(&house, &bytes);
        if let Err(said) = house.try_start() {
            assert!(
                said.contains("prolong: ") && !said.contains("panicked"),
                "{said}"
            );
            told += 1;
        } else {
            let calls = house.calls();
            let answers = [
                calls.refresh(&token, Some(ATTEMPT)).await,
                calls.sign_in("web", "user-2", PASSWORD).await,
                calls.get("/v1/verify", Some("x")).await,
            ];
            // Never 500; a store that ended itself says nothing at all.
            for answer in answers.into_iter().flatten() {
                assert_ne!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
            }
            drop(house.take_server());
        }
    }
    assert!(told > 0, "nothing was found in forty damaged databases");
    put_database(&house, &whole);
    house.start();
    house.refreshed(&token).await;
    house.stop();
}

fn put_database(house: &House, bytes: &[u8]) {
    for name in ["prolong.db-wal", "prolong.db-shm"] {
        let _ = std::fs::remove_file(house.data(name));
    }
    std::fs::write(house.data("prolong.db"), bytes).unwrap();
}

#[tokio::test]
async fn a_database_cut_short_emptied_or_of_another_kind_is_told() {
    let mut house = House::open("");
    house.calls().add_user("maryo").await;
    let token = house.sign_in("maryo").await;
    house.stop_server();
    let whole = std::fs::read(house.data("prolong.db")).unwrap();
    let number = |at: usize, value: u32| {
        let mut bytes = whole.clone();
        bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
        bytes
    };
    let cases: [(&str, Vec<u8>, &str); 6] = [
        (
            "cut in the middle",
            whole[..whole.len() / 2].to_vec(),
            "restore a backup",
        ),
        ("cut to a page", whole[..4096].to_vec(), "restore a backup"),
        ("emptied", Vec::new(), "restore a backup"),
        (
            "a text",
            b"not a database, but a letter to my aunt".repeat(200),
            "restore a backup",
        ),
        // The header's user_version and application_id.
        ("of a newer prolong", number(60, 99), "run a newer prolong"),
        (
            "of another program",
            number(68, 7),
            "database of another program",
        ),
    ];
    for (case, bytes, expected) in cases {
        put_database(&house, &bytes);
        let said = house
            .try_start()
            .err()
            .unwrap_or_else(|| panic!("{case}: it started"));
        assert!(
            said.contains(expected) && !said.contains("panicked"),
            "{case}: {said}"
        );
        let left = std::fs::read(house.data("prolong.db")).unwrap();
        assert_eq!(left.len(), bytes.len(), "{case}: it was changed");
    }
    put_database(&house, &whole);
    house.start();
    house.refreshed(&token).await;
    house.stop();
}

/// Removed with its log left behind, which must not be played back over a new one.
#[tokio::test]
async fn a_database_that_is_gone_without_its_log_is_told() {
    let mut house = House::open("");
    house.calls().add_user("maryo").await;
    let backup = house.path().join("copy.db");
    good(&run(house.path(), &["backup", "copy.db"], ""));
    house.take_server().kill();
    assert!(house.data("prolong.db-wal").exists());
    std::fs::remove_file(house.data("prolong.db")).unwrap();
    let said = house.try_start().err().unwrap();
    assert!(said.contains("prolong.db-wal is there"), "{said}");
    let backup = backup.to_str().unwrap();
    good(&run(
        house.path(),
        &["restore", backup, "--keep-sessions"],
        "",
    ));
    house.start();
    house.sign_in("maryo").await;
    house.stop();
}

/// A killed server's last commits may be in the WAL alone. Without it they are gone, which no file can tell; clients
/// that are ahead of what is left are believed.
#[tokio::test]
async fn without_the_wal_of_a_killed_server_clients_go_on() {
    let mut house = House::open("");
    house.calls().add_user("maryo").await;
    let mut token = house.sign_in("maryo").await;
    house.stop_server();
    house.start();
    for _ in 0..5 {
        token = house.refreshed(&token).await;
    }
    house.take_server().kill();
    for name in ["prolong.db-wal", "prolong.db-shm"] {
        std::fs::remove_file(house.data(name)).unwrap();
    }
    house.start();
    let answer = house.calls().refresh(&token, Some(ATTEMPT)).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    good(&run(
        house.path(),
        &["session", "list", "--user", "maryo"],
        "",
    ));
    house.stop();
}
