//! Tests of the client against servers that misbehave.

#[cfg(test)]
mod sse;
