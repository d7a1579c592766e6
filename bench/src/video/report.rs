//! The tables of `cargo xtask bench video`.

use std::time::Duration;

use shared::video::rational::Rational;

use super::clip::Clip;
use super::ours::Worked;
use super::progress::percent;
use super::shaka;
use super::{Cost, Measured};
use crate::report::stats::{float, median};
use crate::report::table::Table;

/// Both tables with what there is to know of them.
pub(super) fn text(clip: &Clip, measured: &Measured) -> String {
    let duration = Duration::from_millis(clip.source.duration_ms.unwrap_or_default());
    let video = measured.plan.video.as_ref();
    let rungs = video.map_or(&[][..], |video| &video.rungs);
    let rungs: Vec<&str> = rungs.iter().map(|rung| rung.name.as_str()).collect();
    format!(
        "### A film\n\n{}: {:.0} s of {} with sound, {:.1} MB, to HLS with the rungs {} \
         and sound; x264 `veryfast`. {} turns in alternation after one that is not counted, and one that is watched; medians. Ferrotype's worker runs on \
         a whole local stack on the same cores, edge and buckets included; *encode* is its run of ffmpeg for the ladder and \
         the worker itself meanwhile, *job* all that it and its children do from `processing_started` to `processing_complete`: \
         download, check, probe, remux, ladder, upload, MP4, poster, storyboard. CPU time of edge and buckets is not in it; time \
         on the clock is. Bare ffmpeg has the very arguments of *encode*; separate runs are one of them for each rung, with the \
         sound. Shaka Streamer {} brings an ffmpeg of its own; its preset was set from `slow` to `veryfast`, its bitrates are the \
         ceilings of our rungs.\n\n{}\n\n{}",
        clip.description,
        duration.as_secs_f64(),
        picture(clip),
        mb(clip.size_bytes),
        rungs.join(", "),
        measured.ours.len(),
        shaka::VERSION,
        costs(measured),
        goals(clip, duration, measured),
    )
}

/// What is to be seen: size, rate and codec.
fn picture(clip: &Clip) -> String {
    let Some(video) = &clip.source.video else {
        return "no picture".to_owned();
    };
    format!(
        "{} × {} at {:.2} frames a second, {}, {:.1} Mbit/s,",
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

/// Name, figure, goal.
type Row = [String; 3];

fn row(name: &str, value: String, goal: &str) -> Row {
    [name.to_owned(), value, goal.to_owned()]
}

/// What one decode saves.
fn saved(measured: &Measured) -> Row {
    let encode: Vec<Duration> = measured
        .ours
        .iter()
        .map(|worked| worked.usage.encode_cpu)
        .collect();
    let separate = middle(&measured.separate).cpu.as_secs_f64();
    let share = 1.0 - median(&encode).as_secs_f64() / separate.max(f64::EPSILON);
    row(
        "CPU of *encode* less than that of separate runs",
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
            "`complete` called to `processing_started`, longest",
            longest(all, |worked| worked.wait),
            "",
        ),
        row(
            "`complete` answered to the original played",
            format!("{:.2} s", watched.original.as_secs_f64()),
            "≤ 1 s",
        ),
        row(
            "`processing_started` to the first segment of all rungs played",
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
            "fewest events of progress",
            events.unwrap_or_default().to_string(),
            "",
        ),
        row(
            "jobs whose progress never fell",
            format!("{steady} of {}", all.len()),
            "all",
        ),
        row(
            "progress of the encoding off from its time, at most",
            percent(error),
            "≤ 2 %",
        ),
        row(
            "the same of bare ffmpeg's frames: no film is equally hard everywhere",
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
            "CPU time of edge and buckets for one film, on the same cores",
            format!("{:.2} s", median(&edge).as_secs_f64()),
            "",
        ),
        row(
            "scratch, less the original, at most",
            format!("{:.1} MB", mb(scratch)),
            "≤ 64 MB",
        ),
        row(
            "memory of the worker itself, at most",
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
