//! Signed URLs, path tokens and content dispositions.

mod disposition;
mod path_token;
mod s3;
