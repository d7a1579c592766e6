//! `native-worker --check`: tests everything that a job needs and reports what works.

use std::fmt;
use std::time::Duration;

use futures_util::future::join3;

use crate::child::{sandbox, trial};
use crate::config::Config;
use crate::edge::{Edge, EdgeError};
use crate::host::guard;
use crate::host::scratch;
use crate::host::tools::{self, Tools};
use crate::worker::{Phase, Worker, registration};

/// The results of all tests.
#[derive(Debug, Default)]
pub struct Report(Vec<(&'static str, Result<String, String>)>);

impl Report {
    fn add(&mut self, what: &'static str, result: Result<String, String>) {
        self.0.push((what, result));
    }

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

/// Tests everything that a job needs. It registers the worker at the edge and pulls from the queue, but takes no jobs.
pub async fn check(config: Config) -> Report {
    let mut report = Report::default();
    report.add("scratch", test_scratch(&config));
    let memory = guard::check_memory(&config);
    report.add("memory", memory.map(|()| "enough is available".to_owned()));
    let worker = match Worker::new(config) {
        Ok(worker) => worker,
        Err(error) => {
            report.add("edge", Err(error.to_string()));
            return report;
        }
    };
    let config = &worker.config;
    let (tools, sandbox, buckets) = join3(
        tools::test(config),
        trial::test(config),
        worker.buckets.test(&config.worker_id),
    )
    .await;
    report.add("ffmpeg", tools.as_ref().map(summary).map_err(Clone::clone));
    let level = sandbox::level().describe();
    report.add("sandbox", sandbox.map(|()| level.to_owned()));
    let buckets = buckets.map(|()| "wrote, read and deleted an object in each".to_owned());
    report.add("buckets", buckets);
    // The edge is tested even if ffmpeg does not work, so that all faults are reported at once.
    let tools = tools.unwrap_or_else(|_| Tools {
        ffmpeg_version: "none".to_owned(),
        encoders: Vec::new(),
        warnings: Vec::new(),
    });
    let registration = registration(config, tools, Phase::Running);
    let edge = worker.edge.register(&registration).await;
    let edge = edge.map(|registered| format!("registered as {}", registered.id));
    report.add("edge", edge.map_err(|error| error.to_string()));
    let queue = test_queue(&worker.edge).await;
    report.add("queue", queue.map_err(|error| error.to_string()));
    report
}

fn test_scratch(config: &Config) -> Result<String, String> {
    let tested = scratch::sweep(&config.scratch).map_err(|error| error.to_string());
    tested
        .and_then(|_| guard::check_disk(config, 0))
        .map(|()| "enough space is free".to_owned())
        .map_err(|why| guard::of_folder(config, &why))
}

/// Pulls once without waiting. A pulled hint is given back.
async fn test_queue(edge: &Edge) -> Result<String, EdgeError> {
    let hints = edge.pull(1, Duration::ZERO).await?;
    if hints.is_empty() {
        return Ok("pulled, and no job is waiting".to_owned());
    }
    edge.give_back(&hints).await?;
    Ok("pulled the hint of a job, and gave it back".to_owned())
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
