//! A page that plays the demo's outputs in a browser: hls.js and a few lines of script, served on a port of its own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use shared::api::Playback;

use crate::paths::Paths;

const PAGE: &str = include_str!("player.html");

/// Where the page has its list of videos, and hls.js.
const VIDEOS: &str = "/*VIDEOS*/[]";
const SCRIPT: &str = "/*HLS.JS*/";

/// The full build: the light one does not support separate audio renditions.
const HLS: &str = "node_modules/hls.js/dist/hls.min.js";

/// Longest wait for a request.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Serves a page with these videos, by their names, until this process ends; returns its URL.
pub(super) fn serve(paths: &Paths, videos: &[(String, Playback)]) -> Result<String> {
    let hls = fs_err::read_to_string(paths.root.join(HLS))?;
    let videos: Vec<Value> = videos
        .iter()
        .map(|(name, playback)| {
            json!({
                "name": name, "hls_url": playback.hls_url, "mp4_url": playback.mp4_url,
                "poster_url": playback.poster_url, "original_url": playback.original_url,
            })
        })
        .collect();
    // In a script element, `</script>` would end it: a file's name may contain that.
    let videos = Value::Array(videos).to_string().replace('<', "\\u003c");
    let page = PAGE.replace(VIDEOS, &videos).replace(SCRIPT, &hls);
    let page: Arc<str> = page.into();
    let listener =
        TcpListener::bind(("127.0.0.1", 0)).context("there is no free port for the player")?;
    let url = format!("http://{}/", listener.local_addr()?);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let page = Arc::clone(&page);
            std::thread::spawn(move || answer(&page, stream));
        }
    });
    Ok(url)
}

/// Answers one request with the page, whatever its path. After an error the browser asks again.
fn answer(page: &str, mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    // To the end of the headers: closing with unread bytes resets the connection.
    for line in BufReader::new(stream.try_clone()?).lines() {
        if line?.is_empty() {
            break;
        }
    }
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{page}",
        page.len()
    )?;
    stream.flush()
}
