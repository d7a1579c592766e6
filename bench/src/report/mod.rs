//! What a benchmark prints: order statistics, tables, the machine, and the page of published tables.

pub(crate) mod machine;
pub(crate) mod page;
pub(crate) mod stats;
pub(crate) mod table;
