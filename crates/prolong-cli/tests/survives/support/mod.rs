//! The stories as `prolong-server` tells them, in another house.

pub(crate) mod authority;
#[path = "../../../../prolong-server/tests/support/scenario.rs"]
pub(crate) mod scenario;
#[path = "../../../../prolong-server/tests/support/story.rs"]
pub(crate) mod story;
