//! `cargo xtask bench api`: registering files on 16 connections, against a bare JavaScript Worker that runs the same database
//! batch under the same wrangler. Ferrotype also verifies a token, signs a URL and delivers the event.

mod load;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use client::Client;
use serde::Deserialize;
use shared::api::{AssetPage, LIMIT_MAX};

use xtask::paths::Paths;
use xtask::say;
use xtask::stack::Stack;

use self::load::Turn;
use crate::Output;
use crate::environment::Environment;
use crate::report::stats::{float, median, ms, percentile};
use crate::report::table::Table;

/// Time in which a user's log must have been replayed.
const REPLAY: Duration = Duration::from_mins(2);
const CONNECTIONS: usize = 16;
const PEER: &str = "bench/peers/create";
const BODY: &str = r#"{"filename":"photo.jpg","content_type":"image/jpeg","size_bytes":3141592}"#;
const CREATED: u16 = 201;
/// The least requests per second, as a share of the peer's.
const GOAL: f64 = 0.9;
/// The runtime is idle when it uses less CPU time than `QUIET_CPU` in `QUIET_TIME`. After `QUIET_MAX` the wait ends anyway.
const QUIET_TIME: Duration = Duration::from_millis(500);
const QUIET_CPU: Duration = Duration::from_millis(30);
const QUIET_MAX: Duration = Duration::from_secs(10);

/// How to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Length of one turn, in seconds.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Turns of each, in alternation, after a warm-up.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// One that is measured.
struct Subject<'a> {
    name: &'static str,
    stack: &'a Stack,
    requests: Vec<Vec<u8>>,
    rounds: Vec<Round>,
    /// All answers, including those of the warm-up.
    created: usize,
}

/// One turn, and the CPU time of the runtime until it was idle again.
struct Round {
    turn: Turn,
    cpu: Duration,
}

impl Round {
    fn rate(&self) -> f64 {
        float(self.turn.answers()) / self.turn.took.as_secs_f64()
    }

    /// CPU time per answer, in milliseconds.
    fn cpu_ms(&self) -> f64 {
        ms(self.cpu) / float(self.turn.answers()).max(1.0)
    }
}

impl<'a> Subject<'a> {
    fn new(name: &'static str, stack: &'a Stack, users: &[Client]) -> Self {
        let request = |user: &Client| load::post(stack.origin(), "/v1/assets", user.token(), BODY);
        let requests = users.iter().cycle().take(CONNECTIONS).map(request);
        Self {
            name,
            stack,
            requests: requests.collect(),
            rounds: Vec::new(),
            created: 0,
        }
    }

    fn turn(&mut self, seconds: u64, counts: bool) -> Result<()> {
        let before = self.stack.runtime_cpu();
        let duration = Duration::from_secs(seconds);
        let turn = load::run(self.stack.origin(), &self.requests, CREATED, duration)
            .with_context(|| self.name)?;
        self.created += turn.answers();
        let cpu = quiet(self.stack).saturating_sub(before);
        let round = Round { turn, cpu };
        say::note(format_args!(
            "  ..  {}: {:.0} requests/s, {:.2} ms of CPU each",
            self.name,
            round.rate(),
            round.cpu_ms()
        ));
        if counts {
            self.rounds.push(round);
        }
        Ok(())
    }
}

/// Waits until the runtime of `stack` is idle; returns the CPU time that it has used by then.
fn quiet(stack: &Stack) -> Duration {
    let started = Instant::now();
    loop {
        let before = stack.runtime_cpu();
        std::thread::sleep(QUIET_TIME);
        let after = stack.runtime_cpu();
        if after.saturating_sub(before) < QUIET_CPU || started.elapsed() > QUIET_MAX {
            return after;
        }
    }
}

/// Measures; returns the table.
pub(crate) fn run(paths: &Paths, options: &Options) -> Result<String> {
    let environment = Environment::new(paths, "api")?;
    let peer = environment.stack(&paths.root.join(PEER), "peer", Vec::new())?;
    let ours = environment.stack(&paths.root, "ours", Vec::new())?;
    let one = vec![environment.user(&ours, "one")?];
    let many = (1..=CONNECTIONS)
        .map(|number| environment.user(&ours, &format!("user-{number}")))
        .collect::<Result<Vec<_>>>()?;
    let cursors = one
        .iter()
        .chain(&many)
        .map(cursor)
        .collect::<Result<Vec<_>>>()?;
    let nobody = [environment.user(&peer, "peer")?];
    let mut subjects = [
        Subject::new("bare Worker", &peer, &nobody),
        Subject::new("Ferrotype, one user", &ours, &one),
        Subject::new("Ferrotype, 16 users", &ours, &many),
    ];
    for round in 0..=options.rounds {
        for subject in &mut subjects {
            environment.stop.check()?;
            subject.turn(options.seconds, round > 0)?;
        }
    }
    let [of_peer, of_one, of_many] = &subjects;
    check_peer(&nobody, of_peer.created)?;
    let (cursors_one, cursors_many) = cursors.split_at(one.len());
    check_ours(&one, cursors_one, of_one.created)?;
    check_ours(&many, cursors_many, of_many.created)?;
    let text = report(of_peer, &[of_one, of_many], options);
    drop(subjects);
    ours.stop();
    peer.stop();
    environment.clean()?;
    Ok(text)
}

/// The cursor of the end of the user's log.
fn cursor(user: &Client) -> Result<String> {
    let first = user
        .events(None)?
        .next()
        .context("the event stream is empty")??;
    Ok(first.id)
}

/// Counts the rows: without one for each answer, the figures mean nothing.
fn check_peer(peer: &[Client], created: usize) -> Result<()> {
    #[derive(Deserialize)]
    struct Count {
        assets: usize,
        events: usize,
    }
    for client in peer {
        let count: Count = client.get("/count")?;
        if count.assets != created || count.events != created {
            bail!(
                "the peer answered {created} times and has {} assets and {} events",
                count.assets,
                count.events
            );
        }
    }
    Ok(())
}

/// Lists the assets and replays the logs: there must be one of each for each answer.
fn check_ours(users: &[Client], cursors: &[String], created: usize) -> Result<()> {
    let (mut assets, mut events) = (0, 0);
    for (user, cursor) in users.iter().zip(cursors) {
        let listed = list(user)?;
        assets += listed;
        let replay = user.replay(cursor, REPLAY)?.take(listed);
        for event in replay {
            if event?.name == "upload_started" {
                events += 1;
            }
        }
    }
    if assets != created || events != created {
        bail!("Ferrotype answered {created} times, lists {assets} assets and has {events} events");
    }
    Ok(())
}

fn list(user: &Client) -> Result<usize> {
    let first = format!("/v1/assets?limit={LIMIT_MAX}");
    let mut path = first.clone();
    let mut count = 0;
    loop {
        let page: AssetPage = user.get(&path)?;
        count += page.items.len();
        let Some(next) = page.next_cursor else {
            return Ok(count);
        };
        path = format!("{first}&cursor={next}");
    }
}

fn report(peer: &Subject, ours: &[&Subject], options: &Options) -> String {
    let mut table = Table::new(&[
        "",
        "requests/s (min–max)",
        "ratio (min–max)",
        "goal",
        "p50",
        "p99",
        "CPU per request",
        "CPU ratio",
    ]);
    for subject in std::iter::once(&peer).chain(ours) {
        let is_peer = std::ptr::eq(*subject, peer);
        let rates: Vec<f64> = subject.rounds.iter().map(Round::rate).collect();
        let cpu: Vec<f64> = subject.rounds.iter().map(Round::cpu_ms).collect();
        let latencies: Vec<Duration> = subject
            .rounds
            .iter()
            .flat_map(|round| round.turn.latencies.iter().flatten().copied())
            .collect();
        table.row([
            subject.name.to_owned(),
            spread(&rates, 0),
            if is_peer {
                "1".to_owned()
            } else {
                spread(&ratios(subject, peer, Round::rate), 2)
            },
            if is_peer {
                String::new()
            } else {
                format!("≥ {GOAL}")
            },
            format!("{:.1} ms", ms(median(&latencies))),
            format!("{:.1} ms", ms(percentile(&latencies, 99))),
            format!("{:.2} ms", median(&cpu)),
            format!("{:.2}", median(&ratios(subject, peer, Round::cpu_ms))),
        ]);
    }
    format!(
        "### Registering files\n\n`POST /v1/assets` over {CONNECTIONS} persistent connections, in {} alternating runs of {} s each, \
         after one warm-up run. The peer ([`{PEER}`](../{PEER}/create.mjs)) is a bare JavaScript Worker that runs the same two \
         INSERTs on the same schema under the same wrangler; it checks no token, signs no URL and delivers no event. Rates and \
         ratios are medians of the runs. CPU is measured for the runtime's processes until the work after the responses is done. \
         Every response is a 201. Afterwards every asset is listed and every event is replayed.\n\n{}",
        options.rounds,
        options.seconds,
        table.markdown()
    )
}

/// The ratios of neighbouring turns: other load on the machine affects both.
fn ratios(subject: &Subject, peer: &Subject, value: fn(&Round) -> f64) -> Vec<f64> {
    let pairs = subject.rounds.iter().zip(&peer.rounds);
    pairs
        .map(|(one, other)| value(one) / value(other))
        .collect()
}

/// The median with the range in parentheses.
fn spread(values: &[f64], digits: usize) -> String {
    format!(
        "{:.digits$} ({:.digits$}–{:.digits$})",
        median(values),
        percentile(values, 0),
        percentile(values, 100)
    )
}
