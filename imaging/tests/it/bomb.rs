//! Headers that promise too much are refused before memory is taken for what they promise.
#![expect(
    unsafe_code,
    reason = "watching allocations takes an allocator of our own"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use imaging::{Probe, probe};
use shared::image::{EDGE_MEMORY_MAX_BYTES, ImagePlan, PIXELS_MAX};
use shared::problem::ErrorCode;

use crate::made::{Jpeg, gif, photo_of, png_claim, quarters, webp};
use crate::run;
use crate::tiff_file::{COMPRESSION, HEIGHT, JPEG, ROWS_PER_STRIP, Tiff, WIDTH, YCBCR};
use crate::tiff_kinds::{jpeg, palette};

/// The system's allocator that remembers this thread's largest request.
struct Watched;

thread_local! {
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: passes everything on to the system's allocator; the cell is a plain number without a destructor.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.set(LARGEST.get().max(layout.size()));
        // SAFETY: the caller's contract is the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watched = Watched;

/// A refusal may take this much: the file, its text.
const ALLOCATION_MAX_BYTES: usize = 64 * 1024;

fn edge() -> ImagePlan {
    ImagePlan::standard(PIXELS_MAX, EDGE_MEMORY_MAX_BYTES)
}

/// The file is refused with `expected`, by the header alone and as a whole, and cheaply.
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

/// A small JPEG whose frame header says something else.
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
    check(
        "17 000",
        &png_claim(17_000, 17_000),
        ErrorCode::ImageTooLarge,
    );
    check(
        "65 500",
        &png_claim(65_500, 65_500),
        ErrorCode::ImageTooLarge,
    );
    check(
        "31 bits",
        &png_claim(0x7fff_ffff, 0x7fff_ffff),
        ErrorCode::ImageTooLarge,
    );
    check(
        "32 bits",
        &png_claim(0xffff_ffff, 1),
        ErrorCode::ImageDimensionsInvalid,
    );
    check(
        "no width",
        &png_claim(0, 10),
        ErrorCode::ImageDimensionsInvalid,
    );
    check(
        "no height",
        &png_claim(10, 0),
        ErrorCode::ImageDimensionsInvalid,
    );
}

#[test]
fn jpeg_bombs() {
    check(
        "17 000",
        &jpeg_claim(17_000, 17_000, false),
        ErrorCode::ImageTooLarge,
    );
    check(
        "65 500",
        &jpeg_claim(65_500, 65_500, true),
        ErrorCode::ImageTooLarge,
    );
    check(
        "no width",
        &jpeg_claim(0, 10, false),
        ErrorCode::ImageDimensionsInvalid,
    );
    check(
        "no height",
        &jpeg_claim(10, 0, false),
        ErrorCode::ImageDimensionsInvalid,
    );
    check(
        "50 MP of coefficients",
        &jpeg_claim(8_700, 5_800, true),
        ErrorCode::ImageMemoryExceeded,
    );
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
    // The width and height of the key frame: 14 bits each.
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
    // A tile may be larger than its image.
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
fn a_file_above_the_memory_is_refused_unread() {
    let plan = edge();
    let refusal = probe(&[], plan.memory_max_bytes + 1, &plan).map_err(|failure| failure.code);
    assert_eq!(refusal, Err(ErrorCode::ImageMemoryExceeded));
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
