//! Stories on the shared stack, each in tenants of its own.

mod bad_files;
mod bad_requests;
mod before_upload;
mod cancel;
mod complete;
mod content_types;
mod delete;
mod delivery;
mod isolation;
mod limits;
mod lists;
mod many;
pub(crate) mod private_urls;
mod queries;
mod redrive;
mod roles;
mod signed_url;
mod stream;
mod tokens;
