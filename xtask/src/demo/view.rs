//! What the demo shows: a bar per file, a line per event, a table per asset.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use indicatif::{MultiProgress, ProgressBar};
use serde_json::Value;
use shared::asset::Asset;
use shared::id::AssetId;

use super::client::Client;
use super::input::Source;
use super::state::{Happening, Progress};
use crate::say;

/// The running view.
pub(super) struct View {
    bars: MultiProgress,
    files: Vec<ProgressBar>,
}

impl View {
    /// A bar for each file, at nothing.
    pub(super) fn new(sources: &[Source]) -> Self {
        let bars = say::bars();
        let bar =
            |source: &Source| say::byte_bar(&bars, source.name().to_owned(), source.size_bytes());
        let files = sources.iter().map(bar).collect();
        Self { bars, files }
    }

    /// Shows what happened.
    pub(super) fn show(&self, happening: &Happening, progress: &Progress) {
        match happening {
            Happening::Sent { index, sent_bytes } => {
                self.bar(*index, |bar| bar.set_position(*sent_bytes));
            }
            Happening::Created { index, .. } => self.bar(*index, |bar| bar.set_prefix("uploading")),
            Happening::Uploaded { index, .. } => self.bar(*index, |bar| {
                say::count_shares(bar);
                bar.set_prefix("uploaded");
            }),
            Happening::Failed { index, .. } => self.bar(*index, |bar| bar.set_prefix("failed")),
            Happening::Event { name, data } => self.event(name, data, progress),
            Happening::StreamOpen | Happening::StreamFailed(_) => {}
        }
    }

    /// Takes the bars away.
    pub(super) fn finish(&self) {
        let _ = self.bars.clear();
    }

    fn event(&self, name: &str, data: &str, progress: &Progress) {
        let event: Value = serde_json::from_str(data).unwrap_or_default();
        let asset = event
            .get("asset_id")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let detail = detail(&event);
        if let Some(index) = asset
            .parse::<AssetId>()
            .ok()
            .and_then(|id| progress.index_of(id))
        {
            self.bar(index, |bar| {
                bar.set_prefix(format!("{name}  {}", detail.trim_start()));
                // Only what the event says: a ratio that is not known moves nothing.
                if let Some(ratio) = event.pointer("/progress/ratio").and_then(Value::as_f64) {
                    bar.set_position(hundredths(ratio));
                }
                if name.ends_with("_complete") && event.get("result").is_some() {
                    bar.set_position(100);
                }
            });
        }
        let time = event
            .get("time")
            .and_then(Value::as_str)
            .unwrap_or_default();
        // hh:mm:ss.mmm out of an RFC 3339 time.
        let time: String = time
            .chars()
            .skip(11)
            .take_while(|letter| *letter != 'Z')
            .collect();
        self.bars.suspend(|| {
            say::line(format!("{time:<12}  {name:<20}  {asset:<30}  {detail}").trim_end());
        });
    }

    fn bar(&self, index: usize, change: impl FnOnce(&ProgressBar)) {
        if let Some(bar) = self.files.get(index) {
            change(bar);
        }
    }
}

/// A share in hundredths; through text, because no conversion from floats is lossless.
fn hundredths(ratio: f64) -> u64 {
    format!("{:.0}", ratio.clamp(0.0, 1.0) * 100.0)
        .parse()
        .unwrap_or_default()
}

/// The detail of an event in words.
fn detail(event: &Value) -> String {
    let text = |pointer: &str| {
        event
            .pointer(pointer)
            .and_then(Value::as_str)
            .map(ToOwned::to_owned)
    };
    let count = |pointer: &str| {
        event
            .pointer(pointer)
            .and_then(Value::as_array)
            .map(Vec::len)
    };
    if let Some(code) = text("/error/code") {
        return format!("{code}: {}", text("/error/detail").unwrap_or_default());
    }
    if let Some(outputs) = count("/result/outputs") {
        return format!("{outputs} outputs");
    }
    if event.get("progress").is_some() {
        let ratio = event.pointer("/progress/ratio").and_then(Value::as_f64);
        let parts = [
            ratio.map(|ratio| format!("{:>3.0} %", ratio * 100.0)),
            text("/progress/stage"),
            text("/progress/rendition"),
            text("/message"),
        ];
        return parts.into_iter().flatten().collect::<Vec<_>>().join("  ");
    }
    if let (Some(assets), Some(jobs)) = (count("/assets"), count("/jobs")) {
        return format!("{assets} assets and {jobs} jobs under way");
    }
    text("/reason").unwrap_or_default()
}

/// The line above an asset's table.
pub(super) fn heading(source: &Source, asset: &Asset, took: Duration) {
    let number =
        |value: Option<u32>| value.map_or_else(|| "?".to_owned(), |value| value.to_string());
    say::line(format_args!(
        "\n{}  {}×{}  {}  {}: ready {:.2} s after complete",
        source.name(),
        number(asset.width),
        number(asset.height),
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
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut saved = Vec::new();
    for output in &asset.outputs {
        let bytes = client.download(&output.url)?;
        if u64::try_from(bytes.len()).ok() != Some(output.size_bytes) {
            bail!(
                "{} has {} bytes, not the {} of the asset",
                output.url,
                bytes.len(),
                output.size_bytes
            );
        }
        let size = match (output.width, output.height) {
            (Some(width), Some(height)) => format!("{width}×{height}"),
            _ => String::new(),
        };
        say::line(format_args!(
            "  {:<12} {size:>11} {:>9} B  {}",
            output.name, output.size_bytes, output.url
        ));
        let extension = output.content_type.rsplit('/').next().unwrap_or("bin");
        let name = format!("{}.{extension}", output.name);
        let file = folder.join(&name);
        fs::write(&file, &bytes).with_context(|| format!("cannot write {}", file.display()))?;
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
