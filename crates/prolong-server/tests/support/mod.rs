//! What the stories need: the files as read, and an authority of their own, and how a story is told.

pub(crate) mod authority;
pub(crate) mod scenario;
pub(crate) mod story;
