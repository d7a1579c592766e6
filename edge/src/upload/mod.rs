//! Uploads: from the signed URL to the verified file.

pub(crate) mod end;
pub(crate) mod sign;
pub(crate) mod verify;
