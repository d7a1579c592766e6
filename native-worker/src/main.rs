//! native-worker

fn main() {}
