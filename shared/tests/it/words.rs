//! Enums in the database: every `CHECK (column IN (…))` of the migrations lists exactly the words of its enum.

use std::collections::BTreeMap;

use shared::asset::{AssetState, Origin, Visibility};
use shared::job::{JobKind, JobState};
use shared::kind::AssetKind;
use shared::kind::RunsOn;
use shared::worker::ReportedState;

use crate::checkout;

/// Words by table and column.
type Words = BTreeMap<(String, String), Vec<String>>;

/// Splits SQL into words, quoted strings (with their quotes) and single characters; comments are removed.
fn tokens(sql: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let lines: Vec<&str> = sql
        .lines()
        .map(|line| line.split("--").next().unwrap())
        .collect();
    let text = lines.join("\n");
    let mut chars = text.chars().peekable();
    while let Some(first) = chars.next() {
        let mut token = first.to_string();
        if first == '\'' {
            token.extend(chars.by_ref().take_while(|&c| c != '\''));
        } else if first.is_alphanumeric() || first == '_' {
            while let Some(next) = chars.next_if(|c| c.is_alphanumeric() || *c == '_') {
                token.push(next);
            }
        }
        if !first.is_whitespace() {
            tokens.push(token);
        }
    }
    tokens
}

/// Every `CHECK (column IN ('a', 'b'))`, by the table of the preceding `CREATE TABLE`.
fn constraints(sql: &str) -> Words {
    let mut found = Words::new();
    let mut table = String::new();
    let tokens = tokens(sql);
    for (index, token) in tokens.iter().enumerate() {
        if token.eq_ignore_ascii_case("table") {
            let name = tokens[index + 1..].iter().find(|word| {
                !["IF", "NOT", "EXISTS"]
                    .iter()
                    .any(|skip| word.eq_ignore_ascii_case(skip))
            });
            table = name.unwrap().to_lowercase();
        }
        // Exactly `CHECK (column IN (…))`: a list within a larger condition is a different rule.
        if token.eq_ignore_ascii_case("check")
            && let Some([open, column, word, list]) = tokens.get(index + 1..index + 5)
            && (open.as_str(), list.as_str()) == ("(", "(")
            && word.eq_ignore_ascii_case("in")
        {
            let listed = tokens.get(index + 5..).unwrap_or_default();
            let end = listed.iter().position(|word| word == ")").unwrap();
            if listed.get(end + 1).is_none_or(|next| next != ")") {
                continue;
            }
            let words = listed[..end]
                .iter()
                .filter_map(|word| word.strip_prefix('\''))
                .map(str::to_owned)
                .collect();
            found.insert((table.clone(), column.to_lowercase()), words);
        }
    }
    found
}

#[test]
fn the_reader_finds_constraints() {
    let sql = "
        -- kind IN ('comment')
        CREATE TABLE IF NOT EXISTS assets (
            kind TEXT NOT NULL CHECK (kind IN ('image', 'video')), -- CHECK (x IN ('y'))
            state TEXT check(state in('ready'))
        ) STRICT;
        create table jobs (state TEXT, CHECK (state IN ('queued','it is, (so)')),
            CHECK ((state IN ('queued')) = (ended_at IS NULL)), CHECK (state IN ('x') OR ended_at > 0));
        CREATE INDEX open ON jobs (id) WHERE state IN ('queued');";
    let key = |table: &str, column: &str| (table.to_owned(), column.to_owned());
    let words = |words: &[&str]| {
        words
            .iter()
            .map(|&word| word.to_owned())
            .collect::<Vec<_>>()
    };
    let expected = Words::from([
        (key("assets", "kind"), words(&["image", "video"])),
        (key("assets", "state"), words(&["ready"])),
        (key("jobs", "state"), words(&["queued", "it is, (so)"])),
    ]);
    assert_eq!(constraints(sql), expected);
}

fn words<Word: Copy>(all: &[Word], as_str: fn(Word) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|&word| as_str(word)).collect()
}

#[test]
fn constraints_of_the_migrations_list_the_same_words() {
    let migrations = checkout::read_all("edge/migrations", ".sql");
    let mut found = constraints(&migrations.join("\n"));
    // A job that waits for an upload is not stored.
    let mut stored_jobs = JobState::ALL.to_vec();
    stored_jobs.retain(|state| *state != JobState::AwaitingUpload);
    let columns = [
        ("assets", "kind", words(AssetKind::ALL, AssetKind::as_str)),
        (
            "assets",
            "state",
            words(AssetState::ALL, AssetState::as_str),
        ),
        (
            "assets",
            "visibility",
            words(Visibility::ALL, Visibility::as_str),
        ),
        ("assets", "origin", words(Origin::ALL, Origin::as_str)),
        ("jobs", "kind", words(JobKind::ALL, JobKind::as_str)),
        ("jobs", "state", words(&stored_jobs, JobState::as_str)),
        ("jobs", "runs_on", words(RunsOn::ALL, RunsOn::as_str)),
        (
            "workers",
            "state",
            words(ReportedState::ALL, ReportedState::as_str),
        ),
    ];
    for (table, column, expected) in columns {
        let in_database = found.remove(&(table.to_owned(), column.to_owned()));
        if !migrations.is_empty() {
            let mut in_database =
                in_database.unwrap_or_else(|| panic!("{table}.{column} has no CHECK (… IN (…))"));
            let mut expected = expected;
            in_database.sort();
            expected.sort_unstable();
            assert_eq!(in_database, expected, "{table}.{column}");
        }
    }
    assert_eq!(
        found,
        Words::new(),
        "lists that this test compares with no enum"
    );
}
