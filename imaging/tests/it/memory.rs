//! The estimate against the plan: what the edge takes and what it leaves to the native worker.

use imaging::{Probe, probe};
use shared::image::{EDGE_MEMORY_MAX_BYTES, ImagePlan, PIXELS_MAX};

use crate::made::png_claim;

/// Estimate for a PNG of this size whose file has `size_bytes`, in MiB; `None` if it is refused.
fn estimate(width: u32, height: u32, size_bytes: u64) -> Option<u64> {
    let plan = ImagePlan::standard(PIXELS_MAX, EDGE_MEMORY_MAX_BYTES);
    match probe(&png_claim(width, height), size_bytes, &plan) {
        Ok(Probe::Ready(summary)) => Some(summary.memory_bytes >> 20),
        Ok(Probe::NeedMore) => panic!("the header is there"),
        Err(_) => None,
    }
}

#[test]
fn rows_make_large_png_files_small() {
    assert!(
        estimate(5_477, 3_652, 20 << 20).is_some_and(|mib| mib <= 40),
        "20 MP"
    );
    assert!(estimate(10_000, 10_000, 30 << 20).is_some(), "100 MP");
}

#[test]
fn the_file_counts() {
    assert!(estimate(5_477, 3_652, 50 << 20).is_some());
    assert!(estimate(5_477, 3_652, 65 << 20).is_none());
}
