//! Signed URLs: presigned S3 requests and path tokens, and the `Content-Disposition` of their responses.

pub mod disposition;
pub mod path_token;
pub mod s3;
