//! What the stories need: the files as read, and an authority of their own.

pub(crate) mod authority;
pub(crate) mod scenario;
