//! What the demo tells of an asset that is ready: its table of outputs, each fetched from its URL and saved, and the URLs of
//! its playback document.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use shared::api::Playback;
use shared::asset::{Asset, Output};
use shared::kind::AssetKind;

use super::input::Source;
use crate::client::Client;
use crate::{hls, say};

/// Media type of an HLS playlist.
const HLS: &str = "application/vnd.apple.mpegurl";

/// The line above an asset's table.
pub(super) fn heading(source: &Source, asset: &Asset, took: Duration) {
    let size = match (asset.width, asset.height) {
        (Some(width), Some(height)) => format!("{width}×{height}  "),
        _ => String::new(),
    };
    let duration = asset.duration_ms.map_or_else(String::new, |ms| {
        format!("{:.2} s  ", Duration::from_millis(ms).as_secs_f64())
    });
    say::line(format_args!(
        "\n{}  {size}{duration}{}  {}: ready {:.2} s after complete",
        source.name(),
        asset.content_type,
        asset.id,
        took.as_secs_f64()
    ));
}

/// The table of an asset's outputs: each is fetched from its URL and saved under `folder`.
pub(super) fn outputs(client: &Client, asset: &Asset, folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    let mut saved = Vec::new();
    for output in &asset.outputs {
        let name = if output.content_type == HLS {
            playlists(client, output, folder)?
        } else {
            file(client, output, folder)?
        };
        saved.push(name);
    }
    if saved.is_empty() {
        bail!("{} is ready but has no outputs", asset.id);
    }
    say::line(format_args!(
        "  saved in {}: {}",
        folder.display(),
        saved.join(", ")
    ));
    Ok(())
}

fn file(client: &Client, output: &Output, folder: &Path) -> Result<String> {
    let bytes = client.download(&output.url)?;
    check_size(output, &bytes)?;
    row(output, output.size_bytes);
    // Its own name: others may name it, as a storyboard does its sprite.
    let path = output.url.split('?').next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default().to_owned();
    save(&folder.join(&name), &bytes)?;
    Ok(name)
}

fn playlists(client: &Client, output: &Output, folder: &Path) -> Result<String> {
    let files = hls::files(|url| client.download(url), &output.url)?;
    let master = files.first().context("no master playlist")?;
    check_size(output, &master.bytes)?;
    let total: usize = files.iter().map(|file| file.bytes.len()).sum();
    row(output, u64::try_from(total)?);
    let (playlists, others): (Vec<_>, Vec<_>) = files.iter().partition(|file| file.is_playlist());
    for playlist in playlists.iter().skip(1) {
        say::line(format_args!("  {:<17} {}", "", playlist.url));
    }
    say::line(format_args!(
        "  {:<17} and {} files of media",
        "",
        others.len()
    ));
    for file in &files {
        save(&folder.join(&output.name).join(&file.path), &file.bytes)?;
    }
    Ok(format!("{}/{}", output.name, master.path))
}

fn row(output: &Output, size_bytes: u64) {
    let size = match (output.width, output.height) {
        (Some(width), Some(height)) => format!("{width}×{height}"),
        _ => String::new(),
    };
    say::line(format_args!(
        "  {:<17} {size:>11} {size_bytes:>9} B  {}",
        output.name, output.url
    ));
}

fn check_size(output: &Output, bytes: &[u8]) -> Result<()> {
    if u64::try_from(bytes.len()).ok() == Some(output.size_bytes) {
        return Ok(());
    }
    bail!(
        "{} has {} bytes, not the {} of the asset",
        output.url,
        bytes.len(),
        output.size_bytes
    )
}

fn save(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// What a player starts from: the URLs of the playback document, each one asked for.
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
        let length = client.length(url)?;
        if name == "original" && length != source.size_bytes() {
            bail!(
                "{url} has {length} bytes, not the {} of the original",
                source.size_bytes()
            );
        }
        say::line(format_args!("  {name:<17} {url}"));
    }
    let must_have = match asset.kind {
        AssetKind::Video => [&playback.hls_url, &playback.mp4_url, &playback.original_url].to_vec(),
        AssetKind::Audio => [&playback.hls_url, &playback.original_url].to_vec(),
        AssetKind::Image | AssetKind::Document | AssetKind::Package => Vec::new(),
    };
    if must_have.iter().any(|url| url.is_none()) {
        bail!("{} is ready but cannot be played: {playback:?}", asset.id);
    }
    Ok(playback)
}
