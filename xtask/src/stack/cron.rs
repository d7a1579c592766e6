//! The clock of the cron triggers: wrangler never fires them by itself.

use std::time::{Duration, Instant};

/// `* * * * *`, as in wrangler.toml.
const PERIOD: Duration = Duration::from_mins(1);
const PATH: &str = "/cdn-cgi/local/scheduled?cron=*+*+*+*+*";

/// Fires the edge's `scheduled` once a minute.
#[derive(Debug)]
pub(super) struct Cron {
    url: String,
    due: Instant,
}

impl Cron {
    /// A clock whose first minute starts now.
    pub(super) fn new(origin: &str) -> Self {
        Self {
            url: format!("{origin}{PATH}"),
            due: Instant::now() + PERIOD,
        }
    }

    /// Fires if a minute has passed. The answer is not waited for: it comes when the work is done.
    pub(super) fn tick(&mut self) {
        let now = Instant::now();
        if now < self.due {
            return;
        }
        self.due = now + PERIOD;
        let url = self.url.clone();
        // The edge logs a run that fails.
        std::thread::spawn(move || client::probe(&url, PERIOD));
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn fires_when_due_and_not_before() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut cron = Cron::new(&format!("http://{}", listener.local_addr().unwrap()));
        cron.tick();
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err(), "it fired at once");
        listener.set_nonblocking(false).unwrap();

        cron.due = Instant::now();
        cron.tick();
        let (stream, _) = listener.accept().unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        assert_eq!(line.trim_end(), format!("GET {PATH} HTTP/1.1"));
        assert!(cron.due > Instant::now() + PERIOD / 2);
    }
}
