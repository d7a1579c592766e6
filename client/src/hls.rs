//! An HLS output as a player reads it: the master playlist, the playlists that it names, the segments that those name.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};

/// A file of an output.
pub struct File {
    /// Its path below the folder of the first file.
    pub path: String,
    /// Its URL.
    pub url: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

impl File {
    /// Whether it is a playlist and not media.
    pub fn is_playlist(&self) -> bool {
        is_playlist(&self.path)
    }
}

/// The file at `url`, and if it is a playlist all files that it leads to, each fetched once.
///
/// # Errors
///
/// When a file cannot be fetched, is empty, or is not the playlist that its name promises.
pub fn files(fetch: impl Fn(&str) -> Result<Vec<u8>>, url: &str) -> Result<Vec<File>> {
    let mut files = Vec::new();
    let mut open = vec![url.to_owned()];
    let mut seen = BTreeSet::from([url.to_owned()]);
    while let Some(next) = open.pop() {
        let bytes = fetch(&next)?;
        if bytes.is_empty() {
            bail!("{next} is empty");
        }
        if is_playlist(&next) {
            for uri in uris(&text(&next, &bytes)?) {
                let found = resolve(&next, &uri);
                if seen.insert(found.clone()) {
                    open.push(found);
                }
            }
        }
        files.push(File {
            path: below(url, &next),
            url: next,
            bytes,
        });
    }
    Ok(files)
}

/// Fetches the first segment of each rung that the master playlist at `url` names, as a starting player does; returns the number
/// of rungs.
///
/// # Errors
///
/// When a file cannot be fetched or is empty, or a playlist names none.
pub fn first_segments(fetch: impl Fn(&str) -> Result<Vec<u8>>, url: &str) -> Result<usize> {
    let master = text(url, &fetch(url)?)?;
    let mut count = 0;
    for variant in lines(&master) {
        let variant = resolve(url, variant);
        let playlist = text(&variant, &fetch(&variant)?)?;
        let segment = lines(&playlist).next();
        let segment = segment.with_context(|| format!("{variant} names no segment"))?;
        let segment = resolve(&variant, segment);
        if fetch(&segment)?.is_empty() {
            bail!("{segment} is empty");
        }
        count += 1;
    }
    if count == 0 {
        bail!("{url} names no variant");
    }
    Ok(count)
}

fn text(url: &str, bytes: &[u8]) -> Result<String> {
    let text = String::from_utf8(bytes.to_vec());
    let text = text.with_context(|| format!("{url} is not a playlist"))?;
    if text.starts_with("#EXTM3U") {
        Ok(text)
    } else {
        bail!("{url} is not a playlist: it does not begin with #EXTM3U")
    }
}

fn is_playlist(url: &str) -> bool {
    path(url).rsplit('.').next() == Some("m3u8")
}

/// All URIs that a playlist names.
fn uris(playlist: &str) -> Vec<String> {
    let attributes = playlist
        .lines()
        .filter(|line| line.starts_with("#EXT-X-M"))
        .filter_map(|line| line.split_once("URI=\"")?.1.split('"').next());
    lines(playlist)
        .chain(attributes)
        .map(ToOwned::to_owned)
        .collect()
}

/// Its lines that are URIs.
fn lines(playlist: &str) -> impl Iterator<Item = &str> {
    playlist
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// The URL of `uri` in the document at `base`. Our playlists only name files below their own folder.
fn resolve(base: &str, uri: &str) -> String {
    if uri.contains("://") {
        return uri.to_owned();
    }
    let folder = path(base).rsplit_once('/').map_or("", |(folder, _)| folder);
    format!("{folder}/{uri}")
}

/// A URL without its query.
fn path(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

/// The path of `url` below the folder of `base`.
fn below(base: &str, url: &str) -> String {
    let folder = path(base).rsplit_once('/').map_or("", |(folder, _)| folder);
    let path = path(url);
    let relative = path.strip_prefix(folder).unwrap_or(path);
    relative.trim_start_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_uris_of_a_playlist_are_found() {
        let master = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,NAME=\"a\",URI=\"audio-0/index.m3u8\"\n\
                      #EXT-X-STREAM-INF:BANDWIDTH=1\n360p/index.m3u8\n\n";
        assert_eq!(uris(master), ["360p/index.m3u8", "audio-0/index.m3u8"]);
        let playlist =
            "#EXTM3U\n#EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:4,\n00000.m4s\n#EXT-X-ENDLIST\n";
        assert_eq!(uris(playlist), ["00000.m4s", "init.mp4"]);
    }

    #[test]
    fn uris_are_relative_to_the_playlist() {
        let master = "http://host/media/a/hls/master.m3u8";
        let variant = resolve(master, "360p/index.m3u8");
        assert_eq!(variant, "http://host/media/a/hls/360p/index.m3u8");
        assert_eq!(below(master, &variant), "360p/index.m3u8");
        assert_eq!(resolve(&variant, "https://cdn/x.m4s"), "https://cdn/x.m4s");
    }
}
