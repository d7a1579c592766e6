//! Tests of the native worker: its settings, its endpoints in process, and the program itself.

#[cfg(test)]
mod config;
#[cfg(test)]
mod http;
#[cfg(test)]
mod ops;
#[cfg(test)]
mod program;
#[cfg(test)]
mod sandbox;
