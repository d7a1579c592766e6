//! The meters of `/metrics`. There is one set for the whole process.

use std::sync::LazyLock;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// All meters.
pub static METERS: LazyLock<Meters> = LazyLock::new(Meters::new);

/// Labels of ended attempts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Ended {
    /// Kind of the job.
    pub kind: &'static str,
    /// Outcome, as one word.
    pub outcome: &'static str,
}

/// Label of a stage.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Stage {
    /// Name of the stage, as in progress.
    pub stage: String,
}

/// Label of a pull.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Pulled {
    /// `messages`, `empty` or `failed`.
    pub answer: &'static str,
}

/// The meters.
#[derive(Debug)]
pub struct Meters {
    registry: Registry,
    /// Attempts that ended.
    pub ended: Family<Ended, Counter>,
    /// Running attempts.
    pub running: Gauge,
    /// Attempts that may run at the same time.
    pub slots: Gauge,
    /// Pulls from the queue.
    pub pulls: Family<Pulled, Counter>,
    /// How long heartbeats take.
    pub heartbeat: Histogram,
    /// Bytes read from buckets.
    pub bytes_in: Counter,
    /// Bytes written to buckets.
    pub bytes_out: Counter,
    /// CPU time of child programs.
    pub encoder_cpu: Counter<f64, AtomicU64>,
    stages: Family<Stage, Histogram>,
    /// Bytes in the scratch folders.
    pub scratch: Gauge,
    /// Memory of this process.
    pub resident: Gauge,
}

impl Meters {
    fn new() -> Self {
        let mut meters = Self {
            registry: Registry::with_prefix("native_worker"),
            ended: Family::default(),
            running: Gauge::default(),
            slots: Gauge::default(),
            pulls: Family::default(),
            heartbeat: Histogram::new([0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0]),
            bytes_in: Counter::default(),
            bytes_out: Counter::default(),
            encoder_cpu: Counter::default(),
            stages: Family::new_with_constructor(stage_seconds),
            scratch: Gauge::default(),
            resident: Gauge::default(),
        };
        meters.register();
        meters
    }

    fn register(&mut self) {
        let r = &mut self.registry;
        r.register("attempts", "Ended attempts", self.ended.clone());
        r.register("running", "Running attempts", self.running.clone());
        r.register(
            "slots",
            "Attempts that may run at the same time",
            self.slots.clone(),
        );
        r.register("pulls", "Pulls from the queue", self.pulls.clone());
        let (help, meter) = ("Duration of heartbeats", self.heartbeat.clone());
        r.register_with_unit("heartbeat", help, Unit::Seconds, meter);
        let (help, meter) = ("Bytes read from buckets", self.bytes_in.clone());
        r.register_with_unit("fetched", help, Unit::Bytes, meter);
        let (help, meter) = ("Bytes written to buckets", self.bytes_out.clone());
        r.register_with_unit("stored", help, Unit::Bytes, meter);
        let (help, meter) = (
            "CPU time of ffmpeg and of the image codec",
            self.encoder_cpu.clone(),
        );
        r.register_with_unit("ffmpeg_cpu", help, Unit::Seconds, meter);
        let (help, meter) = ("Duration of stages", self.stages.clone());
        r.register_with_unit("stage", help, Unit::Seconds, meter);
        let (help, meter) = ("Bytes used in the scratch folder", self.scratch.clone());
        r.register_with_unit("scratch", help, Unit::Bytes, meter);
        let (help, meter) = (
            "Resident memory of the worker itself",
            self.resident.clone(),
        );
        r.register_with_unit("resident_memory", help, Unit::Bytes, meter);
    }

    /// Records how long a stage of an attempt took.
    pub fn stage_took(&self, stage: &str, time: Duration) {
        let label = Stage {
            stage: stage.to_owned(),
        };
        let stages = self.stages.get_or_create_owned(&label);
        stages.observe(time.as_secs_f64());
    }

    /// All meters, in the text format of `OpenMetrics`.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// Awaits `work` and records how long the stage took.
pub async fn timed<T>(stage: &str, work: impl Future<Output = T>) -> T {
    let begun = Instant::now();
    let done = work.await;
    METERS.stage_took(stage, begun.elapsed());
    done
}

/// Buckets from the time of a poster to that of a video of several hours.
fn stage_seconds() -> Histogram {
    Histogram::new([
        0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1_000.0, 3_000.0, 10_000.0,
    ])
}
