//! Tests of the core, one module for each noun.
//!
//! Vectors come from standards, readers and writers of other hands are the judges where there are any, properties say
//! what must hold for every input, and snapshots show each table as a whole, so that a change of it shows in a diff.

#[cfg(test)]
mod api;
#[cfg(test)]
mod asset;
#[cfg(test)]
mod auth;
#[cfg(test)]
mod checkout;
#[cfg(test)]
mod event;
#[cfg(test)]
mod id;
#[cfg(test)]
mod image;
#[cfg(test)]
mod job;
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
