//! Signed URLs, path tokens and the disposition of what they serve.

mod disposition;
mod path_token;
mod s3;
