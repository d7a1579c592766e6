//! The machine and the versions that the figures were measured on: without them they mean nothing.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use serde_json::Value;
use shared::time::Timestamp;
use xtask::paths::Paths;
use xtask::run;

/// One line: date, machine, versions.
pub(crate) fn describe(paths: &Paths) -> Result<String> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .context("the clock is before 1970")?;
    let now = Timestamp::from_ms(u64::try_from(now.as_millis())?).to_string();
    let date = now.split('T').next().unwrap_or_default();
    let rustc = run::capture(Command::new("rustc").arg("--version"))?;
    let rustc: Vec<&str> = rustc.split_whitespace().take(2).collect();
    Ok(format!(
        "Measured on {date}: {}, {} cores, {} of memory, {} {}; wrangler {}, workerd {}, {}.",
        cpu(),
        std::thread::available_parallelism().map_or(1, usize::from),
        memory(),
        std::env::consts::OS,
        read("/proc/sys/kernel/osrelease")
            .lines()
            .next()
            .unwrap_or("?"),
        version(paths, "wrangler"),
        version(paths, "workerd"),
        rustc.join(" "),
    ))
}

fn cpu() -> String {
    value(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

fn memory() -> String {
    let total = value(&read("/proc/meminfo"), "MemTotal");
    let kib = total.and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
    kib.map_or_else(
        || "?".to_owned(),
        |kib| format!("{} GiB", kib.div_ceil(1 << 20)),
    )
}

/// The text after `name` and a colon.
fn value(text: &str, name: &str) -> Option<String> {
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = lines.find(|(key, _)| key.trim() == name)?;
    Some(value.trim().to_owned())
}

fn read(path: &str) -> String {
    fs_err::read_to_string(path).unwrap_or_default()
}

fn version(paths: &Paths, package: &str) -> String {
    let file = paths
        .root
        .join("node_modules")
        .join(package)
        .join("package.json");
    let text = fs_err::read_to_string(file).unwrap_or_default();
    let package: Value = serde_json::from_str(&text).unwrap_or_default();
    let version = package.get("version").and_then(Value::as_str);
    version.unwrap_or("?").to_owned()
}
