//! The memory estimate: which images the edge accepts, and which are left to native workers.

use imaging::{Probe, probe};
use shared::image::{EDGE_MEMORY_MAX_BYTES, ImagePlan, PIXELS_MAX};
use shared::problem::ErrorCode;

use crate::samples::{Jpeg, mosaic, png_claim};
use crate::{code, run};

/// The estimate in MiB for a PNG of this size whose file has `size_bytes`. `None` if it is rejected.
fn estimate(width: u32, height: u32, size_bytes: u64) -> Option<u64> {
    let plan = ImagePlan::standard(PIXELS_MAX, EDGE_MEMORY_MAX_BYTES);
    match probe(&png_claim(width, height), size_bytes, &plan) {
        Ok(Probe::Ready(summary)) => Some(summary.memory_bytes >> 20),
        Ok(Probe::NeedMore) => panic!("the header is complete"),
        Err(_) => None,
    }
}

#[test]
fn large_png_images_need_little_memory() {
    assert!(
        estimate(5_477, 3_652, 20 << 20).is_some_and(|mib| mib <= 40),
        "20 MP"
    );
    assert!(estimate(10_000, 10_000, 30 << 20).is_some(), "100 MP");
}

#[test]
fn the_size_of_the_file_counts() {
    assert!(estimate(5_477, 3_652, 50 << 20).is_some());
    assert!(estimate(5_477, 3_652, 65 << 20).is_none());
}

/// The decoder holds all coefficients of a progressive image until the last scan. That is too much for the edge.
#[test]
fn a_progressive_image_of_24_mp_is_for_native_workers() {
    let file = Jpeg {
        progressive: true,
        subsampled: true,
        ..Jpeg::default()
    }
    .of(&mosaic(6_000, 4_000));
    let edge = ImagePlan::standard(PIXELS_MAX, EDGE_MEMORY_MAX_BYTES);
    assert_eq!(code(&file, &edge), ErrorCode::ImageMemoryExceeded);
    let native = ImagePlan::standard(PIXELS_MAX, 1 << 30);
    let (variants, report) = run(&file, &native).unwrap();
    assert_eq!((report.width, report.height), (6_000, 4_000));
    assert_eq!(variants.len(), 4);
}
