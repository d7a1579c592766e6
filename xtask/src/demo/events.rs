//! The event stream of the demo, read in a thread of its own.

use std::sync::mpsc::Sender;

use super::state::Happening;
use crate::client::Client;

/// Follows the stream until nobody listens to `sender`; its first message is that the stream is open.
pub(super) fn follow(client: Client, sender: Sender<Happening>) {
    std::thread::spawn(move || {
        let events = match client.events(None) {
            Ok(events) => events,
            Err(error) => return failed(&sender, &error),
        };
        let mut is_heard = sender.send(Happening::StreamOpen).is_ok();
        for event in events {
            if !is_heard {
                return;
            }
            match event {
                Ok(event) => {
                    let (name, data) = (event.name, event.data);
                    is_heard = sender.send(Happening::Event { name, data }).is_ok();
                }
                Err(error) => return failed(&sender, &error),
            }
        }
    });
}

fn failed(sender: &Sender<Happening>, error: &anyhow::Error) {
    let _ = sender.send(Happening::StreamFailed(format!("{error:#}")));
}
