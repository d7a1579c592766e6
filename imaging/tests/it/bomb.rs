//! Images that are too large are rejected by their header, before memory is allocated for their pixels.
#![expect(
    unsafe_code,
    reason = "measuring allocations requires a global allocator"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use imaging::{Probe, probe};
use shared::image::{EDGE_MEMORY_MAX_BYTES, ImagePlan, PIXELS_MAX};
use shared::problem::ErrorCode;

use crate::run;
use crate::samples::{Jpeg, gif, photo_of, png_claim, quarters, webp};
use crate::tiff::file::{COMPRESSION, HEIGHT, JPEG, ROWS_PER_STRIP, Tiff, WIDTH, YCBCR};
use crate::tiff::kinds::{jpeg, palette};

/// The system allocator, which also records the largest allocation of this thread.
struct Watched;

thread_local! {
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system allocator. The cell holds a number and has no destructor.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.set(LARGEST.get().max(layout.size()));
        // SAFETY: the caller fulfils the contract of the system allocator.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watched = Watched;

/// Largest allocation of a rejection: the message and small buffers.
const ALLOCATION_MAX_BYTES: usize = 64 * 1024;

fn edge() -> ImagePlan {
    ImagePlan::standard(PIXELS_MAX, EDGE_MEMORY_MAX_BYTES)
}

/// Checks that the file is rejected with `expected`, by `probe` and by `Session::open`, without a large allocation.
fn check(name: &str, file: &[u8], expected: ErrorCode) {
    let plan = edge();
    LARGEST.set(0);
    let size_bytes = u64::try_from(file.len()).unwrap();
    assert_eq!(
        probe(file, size_bytes, &plan).map_err(|failure| failure.code),
        Err(expected),
        "{name}"
    );
    assert_eq!(
        run(file, &plan).map(|_| ()).map_err(|failure| failure.code),
        Err(expected),
        "{name}"
    );
    assert!(
        LARGEST.get() <= ALLOCATION_MAX_BYTES.max(file.len()),
        "{name}: {} bytes at once",
        LARGEST.get()
    );
}

/// A small JPEG whose frame header declares another size.
fn jpeg_claim(width: u16, height: u16, progressive: bool) -> Vec<u8> {
    let mut file = Jpeg {
        progressive,
        subsampled: true,
        ..Jpeg::default()
    }
    .of(&quarters(16, 16));
    let marker = [0xff, if progressive { 0xc2 } else { 0xc0 }];
    let at = file.windows(2).position(|bytes| bytes == marker).unwrap();
    file[at + 5..at + 7].copy_from_slice(&height.to_be_bytes());
    file[at + 7..at + 9].copy_from_slice(&width.to_be_bytes());
    file
}

#[test]
fn png_bombs() {
    for (name, width, height, expected) in [
        ("17 000", 17_000, 17_000, ErrorCode::ImageTooLarge),
        ("65 500", 65_500, 65_500, ErrorCode::ImageTooLarge),
        (
            "31 bits",
            0x7fff_ffff,
            0x7fff_ffff,
            ErrorCode::ImageTooLarge,
        ),
        ("32 bits", 0xffff_ffff, 1, ErrorCode::ImageDimensionsInvalid),
        ("no width", 0, 10, ErrorCode::ImageDimensionsInvalid),
        ("no height", 10, 0, ErrorCode::ImageDimensionsInvalid),
    ] {
        check(name, &png_claim(width, height), expected);
    }
}

#[test]
fn jpeg_bombs() {
    for (name, width, height, progressive, expected) in [
        ("17 000", 17_000, 17_000, false, ErrorCode::ImageTooLarge),
        ("65 500", 65_500, 65_500, true, ErrorCode::ImageTooLarge),
        ("no width", 0, 10, false, ErrorCode::ImageDimensionsInvalid),
        ("no height", 10, 0, false, ErrorCode::ImageDimensionsInvalid),
        (
            "50 MP of coefficients",
            8_700,
            5_800,
            true,
            ErrorCode::ImageMemoryExceeded,
        ),
    ] {
        check(name, &jpeg_claim(width, height, progressive), expected);
    }
}

#[test]
fn gif_bombs() {
    let mut file = gif(&[quarters(8, 8)]);
    file[6..10].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
    check("screen", &file, ErrorCode::ImageTooLarge);
    file[6..10].copy_from_slice(&[0x70, 0x17, 0x70, 0x17]);
    check("36 MP screen", &file, ErrorCode::ImageMemoryExceeded);
    file[6..10].copy_from_slice(&[0, 0, 1, 0]);
    check("no width", &file, ErrorCode::ImageDimensionsInvalid);
}

#[test]
fn webp_bomb() {
    let mut file = webp(&quarters(16, 16).into());
    // Width and height of the key frame, of 14 bits each.
    file[26..30].copy_from_slice(&[0xff, 0x3f, 0xff, 0x3f]);
    check("16 383", &file, ErrorCode::ImageTooLarge);
    file[26..30].copy_from_slice(&[0, 0, 16, 0]);
    check("no width", &file, ErrorCode::ImageDimensionsInvalid);
}

#[test]
fn tiff_bombs() {
    let claim = |tiff: Tiff, side: u32| {
        let strips = u32::try_from(tiff.parts.len()).unwrap();
        tiff.longs(WIDTH, &[side])
            .longs(HEIGHT, &[side])
            .longs(ROWS_PER_STRIP, &[side.div_ceil(strips)])
            .file()
    };
    check(
        "pixels",
        &claim(palette(8), 17_000),
        ErrorCode::ImageTooLarge,
    );
    check(
        "palette",
        &claim(palette(8), 5_000),
        ErrorCode::ImageMemoryExceeded,
    );
    check(
        "JPEG",
        &claim(jpeg(true), 3_600),
        ErrorCode::ImageMemoryExceeded,
    );
    // A tile may be larger than the image.
    for (name, tile) in [
        (
            "wide tile",
            Tiff::tiles((16, 16), (0xffff_ffff, 16), vec![vec![0; 768]]),
        ),
        (
            "tile of JPEG",
            Tiff::tiles((16, 16), (5_000, 5_000), vec![vec![0; 768]]).shorts(COMPRESSION, &[JPEG]),
        ),
    ] {
        check(
            name,
            &tile.of(YCBCR, 3, 8).file(),
            ErrorCode::ImageMemoryExceeded,
        );
    }
}

#[test]
fn a_file_larger_than_the_memory_limit_is_rejected_unread() {
    let plan = edge();
    let result = probe(&[], plan.memory_max_bytes + 1, &plan).map_err(|failure| failure.code);
    assert_eq!(result, Err(ErrorCode::ImageMemoryExceeded));
}

#[test]
fn a_prefix_is_enough() {
    let file = Jpeg::default().of(&photo_of(400, 300));
    let (plan, size_bytes) = (edge(), u64::try_from(file.len()).unwrap());
    assert_eq!(probe(&file[..20], size_bytes, &plan), Ok(Probe::NeedMore));
    match probe(&file[..1000], size_bytes, &plan) {
        Ok(Probe::Ready(summary)) => assert_eq!((summary.width, summary.height), (400, 300)),
        other => panic!("{other:?}"),
    }
}
