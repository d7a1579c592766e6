//! Ports, endpoints and credentials of a stack on this machine.

use std::net::TcpListener;

use anyhow::{Context as _, Result};

/// The S3 credentials of the local buckets, as in `wrangler.toml`.
pub(super) const S3_ACCESS_KEY_ID: &str = "local";
pub(super) const S3_SECRET_ACCESS_KEY: &str = "local-secret-not-for-production";

/// Variables of the caller that would send requests elsewhere than to this machine.
pub(super) const PROXIES: [&str; 6] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
];

/// The S3 endpoint of the local buckets of the edge at `origin`.
pub(super) fn s3_endpoint(origin: &str) -> String {
    format!("{origin}/cdn-cgi/local/r2/s3/")
}

/// `wanted` if it is free, or any free port for 0.
pub(super) fn free_port(wanted: u16) -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", wanted)).with_context(|| {
        format!("port {wanted} of 127.0.0.1 cannot be used: choose another with --port N (0 chooses a free one)")
    })?;
    Ok(listener.local_addr().context("the port")?.port())
}
