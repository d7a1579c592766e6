//! Tests of the core. The modules mirror those of `src`.
//!
//! Test vectors come from standards. Where a third-party implementation exists, it checks ours. Property tests state what holds
//! for every input. Snapshots show each table as a whole, so that a change is visible in the diff.

#[cfg(test)]
mod api;
#[cfg(test)]
mod asset;
#[cfg(test)]
mod auth;
#[cfg(test)]
mod checkout;
#[cfg(test)]
mod delivery;
#[cfg(test)]
mod event;
#[cfg(test)]
mod id;
#[cfg(test)]
mod image;
#[cfg(test)]
mod job;
#[cfg(test)]
mod json;
#[cfg(test)]
mod key;
#[cfg(test)]
mod message;
#[cfg(test)]
mod problem;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod sign;
#[cfg(test)]
mod time;
#[cfg(test)]
mod video;
#[cfg(test)]
mod words;
#[cfg(test)]
mod worker;
