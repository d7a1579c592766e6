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

    /// Fires when a minute has passed. The answer is not waited for: it comes when the work is done.
    pub(super) fn tick(&mut self) {
        let now = Instant::now();
        if now < self.due {
            return;
        }
        self.due = now + PERIOD;
        let url = self.url.clone();
        std::thread::spawn(move || {
            let config = ureq::Agent::config_builder()
                .timeout_global(Some(PERIOD))
                .proxy(None)
                .build();
            // A cron that does not run is the edge's to log.
            let _ = config.new_agent().get(url).call();
        });
    }
}
