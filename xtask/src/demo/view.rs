//! What the demo shows while it runs: a line per event, and on a terminal a bar per file and per rendition of it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar};
use serde_json::Value;
use shared::id::AssetId;

use super::input::Source;
use super::state::{Happening, Progress};
use crate::say;

/// The running view.
pub(super) struct View {
    bars: MultiProgress,
    files: Vec<ProgressBar>,
    names: Vec<String>,
    /// By file and name of the rendition, as events bring them.
    renditions: RefCell<BTreeMap<(usize, String), ProgressBar>>,
}

impl View {
    /// A bar for each file, at nothing.
    pub(super) fn new(sources: &[Source]) -> Self {
        let bars = say::bars();
        let bar =
            |source: &Source| say::byte_bar(&bars, source.name().to_owned(), source.size_bytes());
        let files = sources.iter().map(bar).collect();
        Self {
            bars,
            files,
            names: sources
                .iter()
                .map(|source| source.name().to_owned())
                .collect(),
            renditions: RefCell::default(),
        }
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
            Happening::Playable { index, what, after } => self.line(&format!(
                "              playable              {} from {what}, {:.2} s after complete",
                self.names.get(*index).map_or("", String::as_str),
                after.as_secs_f64()
            )),
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
        let index = asset
            .parse::<AssetId>()
            .ok()
            .and_then(|id| progress.index_of(id));
        if let Some(index) = index {
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
            self.show_renditions(index, &event);
        }
        // A terminal has bars for that, which tell as much and do not scroll.
        if say::is_interactive() && renditions(&event).next().is_some() {
            return;
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
        self.line(format!("{time:<12}  {name:<20}  {asset:<30}  {detail}").trim_end());
    }

    /// A bar for each rendition that an event names, below that of its file.
    fn show_renditions(&self, index: usize, event: &Value) {
        let mut bars = self.renditions.borrow_mut();
        for (name, ratio) in renditions(event) {
            let bar = bars.entry((index, name.to_owned())).or_insert_with(|| {
                let bar = say::share_bar(name.to_owned());
                match self.files.get(index) {
                    Some(file) => self.bars.insert_after(file, bar),
                    None => self.bars.add(bar),
                }
            });
            if let Some(ratio) = ratio {
                bar.set_position(hundredths(ratio));
            }
        }
    }

    fn line(&self, text: &str) {
        self.bars.suspend(|| say::line(text));
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

/// The renditions of a progress event, each with its share when that is known.
fn renditions(event: &Value) -> impl Iterator<Item = (&str, Option<f64>)> {
    let renditions = event
        .pointer("/progress/renditions")
        .and_then(Value::as_array);
    renditions.into_iter().flatten().filter_map(|rendition| {
        let name = rendition.get("name")?.as_str()?;
        Some((name, rendition.get("ratio").and_then(Value::as_f64)))
    })
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
        let speed = event.pointer("/progress/speed").and_then(Value::as_f64);
        let eta = event.pointer("/progress/eta_ms").and_then(Value::as_u64);
        let each: Vec<String> = renditions(event)
            .map(|(name, ratio)| match ratio {
                Some(ratio) => format!("{name} {:.0} %", ratio * 100.0),
                None => name.to_owned(),
            })
            .collect();
        let parts = [
            ratio.map(|ratio| format!("{:>3.0} %", ratio * 100.0)),
            text("/progress/stage"),
            // Where each has its own share, that of one is no news.
            text("/progress/rendition").filter(|_| each.is_empty()),
            speed.map(|speed| format!("{speed:.1}×")),
            eta.map(|ms| format!("{} to go", say::seconds(Duration::from_millis(ms)))),
            (!each.is_empty()).then(|| format!("({})", each.join(", "))),
            text("/progress/message"),
        ];
        return parts.into_iter().flatten().collect::<Vec<_>>().join("  ");
    }
    if let (Some(assets), Some(jobs)) = (count("/assets"), count("/jobs")) {
        return format!("{assets} assets and {jobs} jobs under way");
    }
    text("/reason").unwrap_or_default()
}
