//! `native-worker --check`: tries everything that a job needs, and says what works.

use std::fmt;

use futures_util::future::join;
use shared::worker::WorkerState;

use crate::config::Config;
use crate::host::guard;
use crate::host::scratch;
use crate::host::tools::{self, Tools};
use crate::worker::{Worker, registration};

/// What was tried, and how it went.
#[derive(Debug, Default)]
pub struct Report(Vec<(&'static str, Result<String, String>)>);

impl Report {
    /// Whether all of it works.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.0.iter().all(|(_, result)| result.is_ok())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, result) in &self.0 {
            match result {
                Ok(how) => writeln!(f, "ok      {what}: {how}")?,
                Err(why) => writeln!(f, "FAILED  {what}: {why}")?,
            }
        }
        Ok(())
    }
}

/// Tries everything. It registers the worker at the edge; it takes no work.
pub async fn check(config: Config) -> Report {
    let mut report = Report::default();
    report.0.push(("scratch", try_scratch(&config)));
    let worker = match Worker::new(config) {
        Ok(worker) => worker,
        Err(error) => {
            report.0.push(("edge", Err(error.to_string())));
            return report;
        }
    };
    let id = &worker.config.worker_id;
    let (tools, buckets) = join(tools::prove(&worker.config), worker.buckets.test(id)).await;
    let buckets = buckets.map(|()| "put, looked at, got and deleted an object in each".to_owned());
    report
        .0
        .push(("ffmpeg", tools.as_ref().map(told).map_err(Clone::clone)));
    report.0.push(("buckets", buckets));
    // The edge is asked even without tools: each fault is to be seen at once.
    let tools = tools.unwrap_or_else(|_| Tools {
        ffmpeg_version: "none".to_owned(),
        encoders: Vec::new(),
        warnings: Vec::new(),
    });
    let registration = registration(&worker.config, tools, WorkerState::Active);
    let edge = worker.edge.register(&registration).await;
    let edge = edge.map(|registered| format!("registered as {}", registered.id));
    report
        .0
        .push(("edge", edge.map_err(|error| error.to_string())));
    report
}

fn try_scratch(config: &Config) -> Result<String, String> {
    scratch::sweep(&config.scratch).map_err(|error| error.to_string())?;
    match guard::obstacles(config).as_slice() {
        [] => Ok("there is room".to_owned()),
        obstacles => Err(obstacles.join("; ")),
    }
}

fn told(tools: &Tools) -> String {
    let names: Vec<&str> = tools.encoders.iter().map(|one| one.name.as_str()).collect();
    let told = format!("{} with {}", tools.ffmpeg_version, names.join(", "));
    let warnings = tools.warnings.iter().map(String::as_str);
    std::iter::once(told.as_str())
        .chain(warnings)
        .collect::<Vec<_>>()
        .join("; ")
}
