//! Tests of the native worker: its settings, its modules against real servers, its endpoints, and the program itself.

#[cfg(test)]
mod bucket;
#[cfg(test)]
mod check;
#[cfg(test)]
mod config;
#[cfg(test)]
mod edge;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod http;
#[cfg(test)]
mod lease;
#[cfg(test)]
mod ops;
#[cfg(test)]
mod program;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod sandbox;
#[cfg(test)]
mod scratch;
#[cfg(test)]
mod storage;
#[cfg(test)]
mod tools;
#[cfg(test)]
mod video;
#[cfg(test)]
mod worker;
