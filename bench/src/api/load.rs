//! Load: a thread per kept connection, each with one request after the other.
//!
//! HTTP without a library: what a library does around a request would be a good part of what is measured.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The result of one turn.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// From the first request to the last answer.
    pub(super) took: Duration,
    /// One per answer, by connection.
    pub(super) latencies: Vec<Vec<Duration>>,
}

impl Turn {
    /// The number of answers.
    pub(super) fn answers(&self) -> usize {
        self.latencies.iter().map(Vec::len).sum()
    }
}

/// The bytes of a `POST` of `body` to `path`.
pub(super) fn post(origin: &str, path: &str, token: &str, body: &str) -> Vec<u8> {
    let host = origin.trim_start_matches("http://");
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Sends each of `requests` on a connection of its own, again and again for `duration`; every answer must have `status`.
pub(super) fn run(
    origin: &str,
    requests: &[Vec<u8>],
    status: u16,
    duration: Duration,
) -> Result<Turn> {
    let address = origin.trim_start_matches("http://");
    let mut connections = requests
        .iter()
        .map(|request| Connection::open(address, request))
        .collect::<Result<Vec<_>>>()?;
    let started = Instant::now();
    let latencies = std::thread::scope(|scope| {
        let threads: Vec<_> = connections
            .iter_mut()
            .map(|connection| scope.spawn(move || connection.repeat(status, started + duration)))
            .collect();
        threads
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .map_err(|_| anyhow!("a thread of the load panicked"))?
            })
            .collect::<Result<Vec<_>>>()
    })?;
    Ok(Turn {
        took: started.elapsed(),
        latencies,
    })
}

struct Connection<'a> {
    request: &'a [u8],
    reader: BufReader<TcpStream>,
    body: Vec<u8>,
}

impl<'a> Connection<'a> {
    fn open(address: &str, request: &'a [u8]) -> Result<Self> {
        let stream = TcpStream::connect(address).context("cannot connect")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        Ok(Self {
            request,
            reader: BufReader::new(stream),
            body: Vec::new(),
        })
    }

    fn repeat(&mut self, status: u16, until: Instant) -> Result<Vec<Duration>> {
        let mut latencies = Vec::new();
        let mut sent = Instant::now();
        while sent < until {
            let found = self.call().context("a request of the load")?;
            if found != status {
                let text = String::from_utf8_lossy(&self.body);
                bail!("an answer has status {found} instead of {status}: {text}");
            }
            let now = Instant::now();
            latencies.push(now.duration_since(sent));
            sent = now;
        }
        Ok(latencies)
    }

    /// Sends one request and reads its whole answer; returns the status.
    fn call(&mut self) -> Result<u16> {
        self.reader.get_mut().write_all(self.request)?;
        let first = self.line()?;
        let status = first.split(' ').nth(1).and_then(|word| word.parse().ok());
        let status = status.with_context(|| format!("not a status line: {first}"))?;
        let (mut length, mut is_chunked) = (0, false);
        loop {
            let line = self.line()?.to_ascii_lowercase();
            match line.split_once(':') {
                None => break,
                Some(("content-length", value)) => length = value.trim().parse()?,
                Some(("transfer-encoding", value)) => is_chunked = value.trim() == "chunked",
                Some(_) => {}
            }
        }
        self.body.clear();
        if is_chunked {
            self.chunks()?;
        } else {
            self.read(length)?;
        }
        Ok(status)
    }

    fn chunks(&mut self) -> Result<()> {
        loop {
            let line = self.line()?;
            let length = u64::from_str_radix(line.split(';').next().unwrap_or_default(), 16)?;
            self.read(length)?;
            self.line()?;
            if length == 0 {
                return Ok(());
            }
        }
    }

    fn read(&mut self, length: u64) -> Result<()> {
        let found = self
            .reader
            .by_ref()
            .take(length)
            .read_to_end(&mut self.body)?;
        if u64::try_from(found)? == length {
            Ok(())
        } else {
            bail!("the answer broke off")
        }
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.reader.read_line(&mut line)? == 0 {
            bail!("the connection was closed");
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }
}
