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

/// Where the page has its list of videos.
const VIDEOS: &str = "/*VIDEOS*/[]";

/// The full build: the light one does not support separate audio renditions.
const HLS: &str = "node_modules/hls.js/dist/hls.min.js";

/// Longest wait for a request.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What is served.
struct Site {
    page: String,
    hls: Vec<u8>,
}

/// Serves a page with these videos, by their names, until this process ends; returns its URL.
pub(super) fn serve(paths: &Paths, videos: &[(String, Playback)]) -> Result<String> {
    let hls = fs_err::read(paths.root.join(HLS))?;
    let videos: Vec<Value> = videos
        .iter()
        .map(|(name, playback)| {
            json!({
                "name": name, "hls_url": playback.hls_url, "mp4_url": playback.mp4_url,
                "poster_url": playback.poster_url, "original_url": playback.original_url,
            })
        })
        .collect();
    // In a script element, `</script>` in a file's name would end it.
    let videos = Value::Array(videos).to_string().replace('<', "\\u003c");
    let site = Arc::new(Site {
        page: PAGE.replace(VIDEOS, &videos),
        hls,
    });
    let listener =
        TcpListener::bind(("127.0.0.1", 0)).context("there is no free port for the player")?;
    let url = format!("http://{}/", listener.local_addr()?);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let site = Arc::clone(&site);
            std::thread::spawn(move || answer(&site, stream));
        }
    });
    Ok(url)
}

/// Answers one request. After an error the browser asks again.
fn answer(site: &Site, mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    // To the end of the headers: closing with unread bytes resets the connection.
    while lines
        .next()
        .transpose()?
        .is_some_and(|line| !line.is_empty())
    {}
    let (status, content_type, body) = match request.split(' ').nth(1) {
        Some("/") => ("200 OK", "text/html", site.page.as_bytes()),
        Some("/hls.js") => ("200 OK", "text/javascript", site.hls.as_slice()),
        Some(_) | None => ("404 Not Found", "text/plain", b"not found".as_slice()),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    )?;
    stream.write_all(body)?;
    stream.flush()
}
