//! URLs that carry their own permission: presigned S3 requests and path tokens, and the disposition of what they serve.

pub mod disposition;
pub mod path_token;
pub mod s3;
