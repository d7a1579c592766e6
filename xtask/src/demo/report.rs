//! The report on an asset that is ready: its outputs, each downloaded from its URL and saved, and the URLs of its playback
//! document.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use client::{Client, hls};
use fs_err as fs;
use indicatif::DecimalBytes;
use shared::api::Playback;
use shared::asset::{Asset, Output};
use shared::kind::AssetKind;

use super::input::Source;
use super::view;
use crate::say;

/// Media type of an HLS playlist.
const HLS: &str = "application/vnd.apple.mpegurl";

/// The line above an asset's table.
pub(super) fn heading(source: &Source, asset: &Asset, took: Duration) {
    let facts = [
        Some(source.name.clone()),
        dimensions(asset.width, asset.height),
        asset
            .duration_ms
            .map(|ms| format!("{:.2} s", Duration::from_millis(ms).as_secs_f64())),
        Some(DecimalBytes(source.size_bytes).to_string()),
        Some(asset.content_type.clone()),
        Some(view::short(asset.id)),
    ];
    say::line(format_args!(
        "\n{}: ready {:.2} s after complete",
        facts.into_iter().flatten().collect::<Vec<_>>().join("  "),
        took.as_secs_f64()
    ));
}

/// The table of an asset's outputs: each is downloaded from its URL and saved under `folder`.
pub(super) fn outputs(client: &Client, asset: &Asset, folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    let mut saved = Vec::new();
    for output in &asset.outputs {
        saved.push(if output.content_type == HLS {
            playlists(client, output, folder)?
        } else {
            file(client, output, folder)?
        });
    }
    if saved.is_empty() {
        bail!("{} is ready but has no outputs", asset.id);
    }
    let saved = saved.join(", ");
    say::line(format_args!("  saved in {}: {saved}", folder.display()));
    Ok(())
}

fn file(client: &Client, output: &Output, folder: &Path) -> Result<String> {
    let bytes = client.download(&output.url)?;
    check_size(output, &bytes)?;
    row(output, output.size_bytes);
    // Under its own name: other outputs may refer to it, as a storyboard does to its sprite.
    let path = output.url.split('?').next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default().to_owned();
    save(&folder.join(&name), &bytes)?;
    Ok(name)
}

fn playlists(client: &Client, output: &Output, folder: &Path) -> Result<String> {
    let files = hls::files(|url| client.download(url), &output.url)?;
    let master = files.first().context("there is no master playlist")?;
    check_size(output, &master.bytes)?;
    let total: usize = files.iter().map(|file| file.bytes.len()).sum();
    row(output, u64::try_from(total)?);
    let (playlists, others): (Vec<_>, Vec<_>) = files.iter().partition(|file| file.is_playlist());
    for playlist in playlists.iter().skip(1) {
        say::line(format_args!("  {:<17} {}", "", playlist.url));
    }
    say::line(format_args!(
        "  {:<17} and {} media files",
        "",
        others.len()
    ));
    for file in &files {
        save(&folder.join(&output.name).join(&file.path), &file.bytes)?;
    }
    Ok(format!("{}/{}", output.name, master.path))
}

fn row(output: &Output, size_bytes: u64) {
    say::line(format_args!(
        "  {:<17} {:>11} {:>10}  {}",
        output.name,
        dimensions(output.width, output.height).unwrap_or_default(),
        DecimalBytes(size_bytes).to_string(),
        output.url
    ));
}

fn dimensions(width: Option<u32>, height: Option<u32>) -> Option<String> {
    Some(format!("{}×{}", width?, height?))
}

fn check_size(output: &Output, bytes: &[u8]) -> Result<()> {
    let (url, found, expected) = (&output.url, bytes.len(), output.size_bytes);
    if u64::try_from(found) == Ok(expected) {
        return Ok(());
    }
    bail!("{url} has {found} bytes instead of the asset's {expected}")
}

fn save(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write(path, bytes)?)
}

/// What a player starts from: the URLs of the playback document, each one requested.
pub(super) fn playback(client: &Client, source: &Source, asset: &Asset) -> Result<Playback> {
    let playback = client.playback(asset.id)?;
    let urls = [
        ("hls", &playback.hls_url),
        ("mp4", &playback.mp4_url),
        ("poster", &playback.poster_url),
        ("storyboard", &playback.storyboard_url),
        ("original", &playback.original_url),
    ];
    say::line("  to play it:");
    for (name, url) in urls {
        let Some(url) = url else {
            continue;
        };
        let (length, expected) = (client.length(url)?, source.size_bytes);
        if name == "original" && length != expected {
            bail!("{url} has {length} bytes instead of the original's {expected}");
        }
        say::line(format_args!("  {name:<17} {url}"));
    }
    let required = match asset.kind {
        AssetKind::Video => [&playback.hls_url, &playback.mp4_url, &playback.original_url].to_vec(),
        AssetKind::Audio => [&playback.hls_url, &playback.original_url].to_vec(),
        AssetKind::Image | AssetKind::Document | AssetKind::Package => Vec::new(),
    };
    if required.iter().any(|url| url.is_none()) {
        bail!("{} is ready but cannot be played: {playback:?}", asset.id);
    }
    Ok(playback)
}
