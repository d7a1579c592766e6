//! What a benchmark prints: order statistics, a table, the machine that it was measured on, and the page of published tables.

pub(crate) mod machine;
pub(crate) mod page;
pub(crate) mod stats;
pub(crate) mod table;
