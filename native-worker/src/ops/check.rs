//! `native-worker --check`: tests everything that a job needs and reports what works.

use std::fmt;

use futures_util::future::join;
use shared::worker::WorkerState;

use crate::config::Config;
use crate::host::guard;
use crate::host::scratch;
use crate::host::tools::{self, Tools};
use crate::worker::{Worker, registration};

/// The results of all tests.
#[derive(Debug, Default)]
pub struct Report(Vec<(&'static str, Result<String, String>)>);

impl Report {
    /// Whether every test passed.
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

/// Tests everything that a job needs. It registers the worker at the edge, but takes no jobs.
pub async fn check(config: Config) -> Report {
    let mut report = Report::default();
    report.0.push(("scratch", test_scratch(&config)));
    let worker = match Worker::new(config) {
        Ok(worker) => worker,
        Err(error) => {
            report.0.push(("edge", Err(error.to_string())));
            return report;
        }
    };
    let id = &worker.config.worker_id;
    let (tools, buckets) = join(tools::test(&worker.config), worker.buckets.test(id)).await;
    let buckets = buckets.map(|()| "wrote, read and deleted an object in each".to_owned());
    report
        .0
        .push(("ffmpeg", tools.as_ref().map(summary).map_err(Clone::clone)));
    report.0.push(("buckets", buckets));
    // The edge is tested even if ffmpeg does not work, so that all faults are reported at once.
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

fn test_scratch(config: &Config) -> Result<String, String> {
    scratch::sweep(&config.scratch).map_err(|error| error.to_string())?;
    match guard::obstacles(config).as_slice() {
        [] => Ok("enough free space".to_owned()),
        obstacles => Err(obstacles.join("; ")),
    }
}

fn summary(tools: &Tools) -> String {
    let names: Vec<&str> = tools.encoders.iter().map(|one| one.name.as_str()).collect();
    let summary = format!("{} with {}", tools.ffmpeg_version, names.join(", "));
    let warnings = tools.warnings.iter().map(String::as_str);
    std::iter::once(summary.as_str())
        .chain(warnings)
        .collect::<Vec<_>>()
        .join("; ")
}
