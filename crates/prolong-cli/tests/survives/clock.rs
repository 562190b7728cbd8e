//! Clocks that are set while nobody looks.

use reqwest::StatusCode;

use crate::house::{ATTEMPT, House, is_try_again};

const HOUR: i64 = 3_600;
const YEAR: i64 = 365 * 24 * HOUR;

/// A wall clock that jumps while it runs is not believed: nothing is decided, nothing is consumed, until it is back.
#[tokio::test]
async fn a_clock_that_jumps_while_it_runs_is_not_believed() {
    let house = House::open("");
    house.calls().add_user("maryo").await;
    let mut token = house.sign_in("maryo").await;
    for jump in [-HOUR, HOUR, -YEAR, 10 * YEAR] {
        house.world.set_wall_clock(jump);
        let answer = house.calls().refresh(&token, Some(ATTEMPT)).await.unwrap();
        assert!(
            is_try_again(answer.status.as_u16(), &answer.body),
            "{jump}: {}",
            answer.body
        );
        house.world.set_wall_clock(0);
        token = house.refreshed(&token).await;
    }
    let said = house.server().log().text();
    assert!(said.contains("jumped"), "{said}");
    house.stop();
}

#[tokio::test]
async fn a_start_with_the_clock_set_back_is_refused_and_costs_nothing() {
    let mut house = House::open("");
    house.calls().add_user("maryo").await;
    let token = house.sign_in("maryo").await;
    house.stop_server();
    house.world.set_wall_clock(-HOUR);
    let said = house.try_start().err().unwrap();
    assert!(said.contains("set the clock right"), "{said}");
    house.world.set_wall_clock(0);
    house.start();
    house.refreshed(&token).await;
    house.stop();
}

/// A start is believed however far ahead: sessions are over by then, and say why.
#[tokio::test]
async fn a_start_far_ahead_is_believed() {
    let mut house = House::open("");
    house.calls().add_user("maryo").await;
    let token = house.sign_in("maryo").await;
    house.stop_server();
    // Over, and not yet old enough to be forgotten.
    house.world.set_wall_clock(8 * 24 * HOUR);
    house.start();
    let answer = house.calls().refresh(&token, Some(ATTEMPT)).await.unwrap();
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.text("reason"), "idle_timeout");
    house.stop_server();
    house.world.set_wall_clock(10 * YEAR);
    house.start();
    let token = house.sign_in("maryo").await;
    house.refreshed(&token).await;
    house.stop();
}
