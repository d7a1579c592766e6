//! Stories on the shared stack, each in tenants of its own.

mod bad_files;
mod bad_requests;
mod before_upload;
mod cancel;
mod complete;
mod delete;
mod delivery;
mod isolation;
mod lists;
mod many;
mod redrive;
mod roles;
mod signed_url;
mod stream;
mod tokens;
