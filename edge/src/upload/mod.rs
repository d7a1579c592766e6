//! Uploads: from the signed URL to the verified file.

pub(crate) mod end;
pub(crate) mod single;
pub(crate) mod verify;
