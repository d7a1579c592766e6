//! Uploads.

pub(crate) mod verify;
