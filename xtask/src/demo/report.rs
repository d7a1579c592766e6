//! The report on an asset that is ready: its outputs, each downloaded from its URL and saved, and the URLs of its playback
//! document.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use client::Client;
use fs_err as fs;
use indicatif::DecimalBytes;
use shared::api::Playback;
use shared::asset::{Asset, Output};
use shared::kind::AssetKind;

use super::input::Source;
use super::view;
use crate::say;

/// The line above an asset's table.
pub(super) fn heading(source: &Source, asset: &Asset, took: Duration) {
    let facts = [
        Some(source.file.name.clone()),
        dimensions(asset.width, asset.height),
        asset
            .duration_ms
            .map(|ms| format!("{:.2} s", Duration::from_millis(ms).as_secs_f64())),
        Some(DecimalBytes(source.file.size_bytes).to_string()),
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
    let outputs = asset.outputs.iter();
    let saved = outputs.map(|output| save(client, output, folder));
    let saved = saved.collect::<Result<Vec<_>>>()?.join(", ");
    if saved.is_empty() {
        bail!("{} is ready but has no outputs", asset.id);
    }
    say::line(format_args!("  saved in {}: {saved}", folder.display()));
    Ok(())
}

/// Downloads and saves one output; returns the path of its first file below `folder`.
fn save(client: &Client, output: &Output, folder: &Path) -> Result<String> {
    let files = client.download_output(output)?;
    let total: usize = files.iter().map(|file| file.bytes.len()).sum();
    let dimensions = dimensions(output.width, output.height).unwrap_or_default();
    let size = DecimalBytes(u64::try_from(total)?).to_string();
    let (name, url) = (&output.name, &output.url);
    say::line(format_args!(
        "  {name:<17} {dimensions:>11} {size:>10}  {url}"
    ));
    // A file keeps its own name: other outputs may refer to it, as a storyboard does to its sprite.
    let prefix = match files.len() {
        1 => String::new(),
        _ => format!("{name}/"),
    };
    for file in &files {
        let path = folder.join(format!("{prefix}{}", file.path));
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(path, &file.bytes)?;
    }
    let (playlists, media): (Vec<_>, Vec<_>) = files.iter().partition(|file| file.is_playlist());
    for playlist in playlists.iter().skip(1) {
        say::line(format_args!("  {:<17} {}", "", playlist.url));
    }
    if !playlists.is_empty() {
        say::line(format_args!("  {:<17} and {} media files", "", media.len()));
    }
    let first = files.first().map_or("", |file| &file.path);
    Ok(format!("{prefix}{first}"))
}

fn dimensions(width: Option<u32>, height: Option<u32>) -> Option<String> {
    Some(format!("{}×{}", width?, height?))
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
        let (length, expected) = (client.length(url)?, source.file.size_bytes);
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
