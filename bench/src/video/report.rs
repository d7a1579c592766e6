//! The tables of `cargo xtask bench video`.

use std::time::Duration;

use shared::video::rational::Rational;

use super::clip::Clip;
use super::course::percent;
use super::ours::Worked;
use super::shaka;
use super::{Cost, Measured};
use crate::report::stats::{float, median};
use crate::report::table::Table;

/// Both tables with their explanation.
pub(super) fn text(clip: &Clip, measured: &Measured) -> String {
    let duration = Duration::from_millis(clip.source.duration_ms.unwrap_or_default());
    let video = measured.plan.video.as_ref();
    let rungs = video.map_or(&[][..], |video| &video.rungs);
    let rungs: Vec<&str> = rungs.iter().map(|rung| rung.name.as_str()).collect();
    format!(
        "### A video\n\n{}: {:.0} s of {} with audio, {:.1} MB. Output: HLS with the rungs {} and audio; x264 `veryfast`. Medians of \
         {} alternating runs, after one warm-up run and one run with a viewer. Ferrotype's worker shares the cores with a \
         complete local stack, including edge and buckets. *encode* is the ffmpeg run for the ladder, plus the worker itself \
         during that run. *job* is the worker and all its children from `processing_started` to `processing_complete`: download, \
         check, probe, remux, ladder, upload, MP4, poster, storyboard. Its CPU time excludes edge and buckets; its wall time \
         includes them. Bare ffmpeg has the same arguments as *encode*. Separate runs are one such run per rung, each with the \
         audio. Shaka Streamer {} brings its own ffmpeg; its preset was changed from `slow` to `veryfast`, and its bit rates are \
         the maximum rates of our rungs.\n\n{}\n\n{}",
        clip.description,
        duration.as_secs_f64(),
        format(clip),
        mb(clip.size_bytes),
        rungs.join(", "),
        measured.ours.len(),
        shaka::VERSION,
        costs(measured),
        goals(clip, duration, measured),
    )
}

/// Dimensions, frame rate, codec and bit rate.
fn format(clip: &Clip) -> String {
    let Some(video) = &clip.source.video else {
        return "no video".to_owned();
    };
    format!(
        "{} × {} at {:.2} frames per second, {}, {:.1} Mbit/s,",
        video.width,
        video.height,
        video.frame_rate.map_or(0.0, Rational::value),
        video.codec.as_deref().unwrap_or("unknown"),
        mb(clip.source.bitrate_bps.unwrap_or_default()),
    )
}

fn costs(measured: &Measured) -> String {
    let mut table = Table::new(&["", "CPU", "CPU ratio", "goal", "wall", "wall ratio", "goal"]);
    let encode: Vec<Cost> = measured
        .ours
        .iter()
        .map(|worked| Cost {
            cpu: worked.usage.encode_cpu,
            wall: worked.usage.encode_wall,
        })
        .collect();
    let job: Vec<Cost> = measured
        .ours
        .iter()
        .map(|worked| Cost {
            cpu: worked.usage.cpu,
            wall: worked.wall,
        })
        .collect();
    let bare = middle(&measured.bare);
    let mut row = |name: &str, costs: &[Cost], goals: [&str; 2]| {
        let cost = middle(costs);
        let ratio = |one: Duration, other: Duration| {
            format!(
                "{:.2}",
                one.as_secs_f64() / other.as_secs_f64().max(f64::EPSILON)
            )
        };
        let [cpu_goal, wall_goal] = goals;
        table.row([
            name.to_owned(),
            format!("{:.2} s", cost.cpu.as_secs_f64()),
            ratio(cost.cpu, bare.cpu),
            cpu_goal.to_owned(),
            format!("{:.2} s", cost.wall.as_secs_f64()),
            ratio(cost.wall, bare.wall),
            wall_goal.to_owned(),
        ]);
    };
    row("bare ffmpeg", &measured.bare, ["", ""]);
    row("Ferrotype, encode", &encode, ["≤ 1.03", "≤ 1.05"]);
    row("Ferrotype, job", &job, ["", ""]);
    row("separate ffmpeg runs", &measured.separate, ["", ""]);
    row("Shaka Streamer", &measured.shaka, ["", ""]);
    table.markdown()
}

fn goals(clip: &Clip, duration: Duration, measured: &Measured) -> String {
    let all: Vec<&Worked> = measured
        .ours
        .iter()
        .chain([&measured.watched.worked])
        .collect();
    let mut table = Table::new(&["Ferrotype", "measured", "goal"]);
    let rows = std::iter::once(saved(measured))
        .chain(waiting(duration, measured, &all))
        .chain(progress(&all, &measured.pace))
        .chain(room(clip, &all));
    for row in rows {
        table.row(row);
    }
    table.markdown()
}

/// Name, value, goal.
type Row = [String; 3];

fn row(name: &str, value: String, goal: &str) -> Row {
    [name.to_owned(), value, goal.to_owned()]
}

/// The saving of decoding once.
fn saved(measured: &Measured) -> Row {
    let encode: Vec<Duration> = measured
        .ours
        .iter()
        .map(|worked| worked.usage.encode_cpu)
        .collect();
    let separate = middle(&measured.separate).cpu.as_secs_f64();
    let share = 1.0 - median(&encode).as_secs_f64() / separate.max(f64::EPSILON);
    row(
        "CPU of *encode* saved, compared with separate runs",
        percent(share),
        "≥ 25 %",
    )
}

fn waiting(duration: Duration, measured: &Measured, all: &[&Worked]) -> [Row; 3] {
    let watched = &measured.watched;
    let segment = Duration::from_millis(measured.plan.segment_ms.into());
    let encode = watched.worked.usage.encode_wall.as_secs_f64();
    let speed = duration.as_secs_f64() / encode.max(f64::EPSILON);
    let first = segment.as_secs_f64() / speed + 2.0;
    [
        row(
            "call of `complete` to `processing_started`, longest",
            longest(all, |worked| worked.wait),
            "",
        ),
        row(
            "response of `complete` to playback of the original",
            format!("{:.2} s", watched.original.as_secs_f64()),
            "≤ 1 s",
        ),
        row(
            "`processing_started` to playback of the first segment of every rung",
            format!("{:.2} s", watched.rungs.as_secs_f64()),
            &format!("≤ {first:.2} s (segment ÷ speed + 2 s)"),
        ),
    ]
}

fn progress(all: &[&Worked], pace: &[f64]) -> [Row; 5] {
    let courses = || all.iter().map(|worked| worked.course);
    let steady = courses().filter(|course| course.is_monotonic).count();
    let error = courses().map(|course| course.error).fold(0.0, f64::max);
    let events = courses().map(|course| course.count).min();
    [
        row(
            "longest time between two events",
            longest(all, |worked| worked.course.silence),
            "≤ 1 s",
        ),
        row(
            "fewest progress events of a job",
            events.unwrap_or_default().to_string(),
            "",
        ),
        row(
            "jobs whose progress never decreased",
            format!("{steady} of {}", all.len()),
            "all",
        ),
        row(
            "largest difference between encode progress and elapsed time",
            percent(error),
            "≤ 2 %",
        ),
        row(
            "the same for the frames of bare ffmpeg (frames differ in cost)",
            percent(pace.iter().copied().fold(0.0, f64::max)),
            "",
        ),
    ]
}

fn room(clip: &Clip, all: &[&Worked]) -> [Row; 3] {
    let largest = |value: fn(&Worked) -> u64| {
        all.iter()
            .map(|worked| value(worked))
            .max()
            .unwrap_or_default()
    };
    let scratch = largest(|worked| worked.usage.scratch_bytes).saturating_sub(clip.size_bytes);
    let resident = largest(|worked| worked.usage.resident_bytes);
    let edge: Vec<Duration> = all.iter().map(|worked| worked.edge).collect();
    [
        row(
            "CPU time of edge and buckets per video, on the same cores",
            format!("{:.2} s", median(&edge).as_secs_f64()),
            "",
        ),
        row(
            "scratch disk besides the original, peak",
            format!("{:.1} MB", mb(scratch)),
            "≤ 64 MB",
        ),
        row(
            "memory of the worker itself, peak",
            format!("{:.1} MB", mb(resident)),
            "≤ 64 MB",
        ),
    ]
}

fn longest(all: &[&Worked], value: fn(&Worked) -> Duration) -> String {
    let longest = all.iter().map(|worked| value(worked)).max();
    format!("{:.2} s", longest.unwrap_or_default().as_secs_f64())
}

fn middle(costs: &[Cost]) -> Cost {
    let of = |value: fn(&Cost) -> Duration| {
        let values: Vec<Duration> = costs.iter().map(value).collect();
        median(&values)
    };
    Cost {
        cpu: of(|cost| cost.cpu),
        wall: of(|cost| cost.wall),
    }
}

fn mb(bytes: u64) -> f64 {
    float(usize::try_from(bytes / 100_000).unwrap_or(usize::MAX)) / 10.0
}
