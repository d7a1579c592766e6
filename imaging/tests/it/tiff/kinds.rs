//! TIFF files of the kinds that the `image` crate rejects.

use image::{DynamicImage, RgbImage, Rgba, RgbaImage};
use jpeg_encoder::ColorType;
use moxcms::ColorProfile;
use shared::problem::ErrorCode;

use crate::format::check_p3;
use crate::orientation::stored;
use crate::samples::{Jpeg, photo_of, quarters};
use crate::tiff::file::{
    BITS, BLACK_IS_ZERO, COEFFICIENTS, COLOR_MAP, COMPRESSION, COMPRESSIONS, EXTRA_SAMPLES,
    FILL_ORDER, JPEG, JPEG_TABLES, LZW, ORIENTATION, PACK_BITS, PALETTE, PLANAR, PREDICTOR,
    PROFILE, REFERENCE_BLACK_WHITE, SAMPLE_FORMAT, SUBSAMPLING, Tiff, UNCOMPRESSED, WHITE_IS_ZERO,
    YCBCR, cut, full_range, indexed, packed, units, ycbcr,
};
use crate::{code, difference, pixels, whole};

/// An odd size, so that data units and tiles reach beyond the edges. The quarters end at the edges of data units.
const SIZE: (u32, u32) = (97, 65);

fn test_image() -> RgbImage {
    quarters(SIZE.0, SIZE.1)
}

/// An image with a palette, in strips of 20 rows.
pub(crate) fn palette(bits: u16) -> Tiff {
    palette_of(&test_image(), bits)
}

fn palette_of(image: &RgbImage, bits: u16) -> Tiff {
    let (map, rows) = indexed(image, bits);
    Tiff::strips(image.dimensions(), 20, cut(&rows, 20))
        .of(PALETTE, 1, bits)
        .shorts(COLOR_MAP, &map)
        .shorts(COMPRESSION, &[UNCOMPRESSED])
}

/// An image in YCbCr, in strips of 20 rows.
pub(crate) fn subsampled(across: u16, down: u16) -> Tiff {
    subsampled_of(&test_image(), across, down)
}

fn subsampled_of(image: &RgbImage, across: u16, down: u16) -> Tiff {
    let rows = units(image, (across.into(), down.into()), full_range);
    Tiff::strips(image.dimensions(), 20, cut(&rows, 20 / usize::from(down)))
        .of(YCBCR, 3, 8)
        .shorts(SUBSAMPLING, &[across, down])
        .shorts(COMPRESSION, &[UNCOMPRESSED])
}

/// An image in YCbCr with JPEG compression, in strips of 16 rows. The last strip has 16 rows too.
pub(crate) fn jpeg(has_tables: bool) -> Tiff {
    let image = test_image();
    let mut tables = Vec::new();
    let strips = (0..SIZE.1.div_ceil(16)).map(|strip| {
        let part = RgbImage::from_fn(SIZE.0, 16, |x, y| {
            *image.get_pixel(x, (strip * 16 + y).min(SIZE.1 - 1))
        });
        let file = Jpeg {
            subsampled: true,
            ..Jpeg::default()
        }
        .encode(part.as_raw(), part.dimensions(), ColorType::Rgb);
        if has_tables {
            let strip;
            (tables, strip) = without_tables(&file);
            strip
        } else {
            file
        }
    });
    let strips = strips.collect();
    let tiff = Tiff::strips(SIZE, 16, strips)
        .of(YCBCR, 3, 8)
        .shorts(SUBSAMPLING, &[2, 2])
        .shorts(COMPRESSION, &[JPEG]);
    if has_tables {
        tiff.bytes(JPEG_TABLES, &tables)
    } else {
        tiff
    }
}

/// Splits a JPEG into a file with its tables, and one with the rest.
fn without_tables(file: &[u8]) -> (Vec<u8>, Vec<u8>) {
    const START: [u8; 2] = [0xff, 0xd8];
    let (mut tables, mut rest) = (START.to_vec(), START.to_vec());
    let mut at = 2;
    while file[at + 1] != 0xda {
        let end = at + 2 + usize::from(u16::from_be_bytes([file[at + 2], file[at + 3]]));
        let is_table = matches!(file[at + 1], 0xdb | 0xc4);
        let to = if is_table { &mut tables } else { &mut rest };
        to.extend(&file[at..end]);
        at = end;
    }
    rest.extend(&file[at..]);
    tables.extend([0xff, 0xd9]);
    (tables, rest)
}

/// Grey with alpha, with 16 bits, in the byte order of the file.
fn grey_alpha(photometric: u16, extra: u16, is_big_endian: bool, samples: [u16; 2]) -> Tiff {
    let mut tiff = Tiff::strips((32, 32), 32, Vec::new())
        .of(photometric, 2, 16)
        .shorts(EXTRA_SAMPLES, &[extra]);
    tiff.is_big_endian = is_big_endian;
    let pixel: Vec<u8> = samples
        .iter()
        .flat_map(|&value| tiff.short(value))
        .collect();
    tiff.parts = vec![pixel.repeat(32 * 32)];
    tiff
}

/// Checks that the file shows the quarters.
fn check(name: &str, tiff: &Tiff) {
    let expected = DynamicImage::from(test_image()).into_rgba8();
    let difference = difference(&pixels(&tiff.file(), &whole()), &expected);
    assert!(difference < 4.0, "{name}: differs by {difference}");
}

/// Checks that the colour of the file is about `expected`.
fn check_colour(name: &str, tiff: &Tiff, expected: [u8; 4]) {
    let shown = pixels(&tiff.file(), &whole()).get_pixel(16, 16).0;
    let is_near = shown.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 2);
    assert!(is_near, "{name}: {shown:?} should be {expected:?}");
}

#[test]
fn palettes() {
    for compression in COMPRESSIONS {
        for bits in [8, 4, 2] {
            let mut tiff = palette(bits).compressed(compression);
            check(&format!("{bits} bits, compression {compression}"), &tiff);
            tiff.is_big_endian = true;
            check(&format!("big-endian, {bits} bits, {compression}"), &tiff);
        }
    }
    let two = RgbImage::from_fn(32, 32, |x, _| {
        image::Rgb(if x < 8 { [9, 9, 9] } else { [200, 120, 40] })
    });
    check_colour("1 bit", &palette_of(&two, 1), [200, 120, 40, 255]);
}

/// Some old writers store palette values of 8 bits instead of 16.
#[test]
fn a_palette_with_8_bits() {
    let (map, _) = indexed(&test_image(), 4);
    let map: Vec<u16> = map.iter().map(|value| value >> 8).collect();
    check("bytes", &palette(4).shorts(COLOR_MAP, &map));
}

#[test]
fn subsampled_chroma() {
    for compression in COMPRESSIONS {
        for (across, down) in [(1, 1), (2, 1), (2, 2), (4, 1), (1, 2), (4, 2), (4, 4)] {
            let tiff = subsampled(across, down).compressed(compression);
            check(
                &format!("{across} × {down}, compression {compression}"),
                &tiff,
            );
        }
    }
    check("2 × 2 by default", &subsampled(2, 2).without(SUBSAMPLING));
}

#[test]
fn range_and_matrix_from_tags() {
    let bt709 = [0.212, 0.715, 0.073];
    let rows = units(&test_image(), (1, 1), |rgb| {
        ycbcr(rgb, bt709, [16.0, 235.0, 112.0])
    });
    let mut tiff = subsampled(1, 1)
        .thousandths(COEFFICIENTS, &[212, 715, 73])
        .thousandths(
            REFERENCE_BLACK_WHITE,
            &[16, 235, 128, 240, 128, 240].map(|code| code * 1000),
        );
    tiff.parts = cut(&rows, 20);
    check("BT.709", &tiff);
    let invalid = subsampled(1, 1)
        .thousandths(COEFFICIENTS, &[0, 0, 0])
        .thousandths(REFERENCE_BLACK_WHITE, &[0; 6]);
    check("invalid tags", &invalid);
}

#[test]
fn jpeg_inside() {
    check("complete files", &jpeg(false));
    check("shared tables", &jpeg(true));
}

#[test]
fn horizontal_predictor() {
    let differ = |tiff: Tiff, samples: usize, row_bytes: usize| {
        let mut tiff = tiff.shorts(PREDICTOR, &[2]);
        for row in tiff
            .parts
            .iter_mut()
            .flat_map(|part| part.chunks_mut(row_bytes))
        {
            for at in (samples..row.len()).rev() {
                row[at] = row[at].wrapping_sub(row[at - samples]);
            }
        }
        tiff.compressed(LZW)
    };
    check("palette", &differ(palette(8), 1, 97));
    check("YCbCr", &differ(subsampled(1, 1), 3, 97 * 3));
}

#[test]
fn grey_with_alpha() {
    for is_big_endian in [false, true] {
        let name = format!("big-endian {is_big_endian}");
        for (photometric, extra, samples, expected) in [
            (BLACK_IS_ZERO, 2, [0x5000, 0x8000], [0x50, 0x50, 0x50, 0x80]),
            (BLACK_IS_ZERO, 1, [0x2800, 0x8000], [0x50, 0x50, 0x50, 0x80]),
            (WHITE_IS_ZERO, 2, [0x5000, 0x8000], [0xaf, 0xaf, 0xaf, 0x80]),
            (BLACK_IS_ZERO, 0, [0x5000, 0x8000], [0x50, 0x50, 0x50, 0xff]),
        ] {
            let tiff = grey_alpha(photometric, extra, is_big_endian, samples);
            check_colour(&format!("{name}, {photometric}, {extra}"), &tiff, expected);
        }
    }
    let bytes = Tiff::strips((32, 32), 16, vec![[200, 90].repeat(512); 2])
        .of(BLACK_IS_ZERO, 2, 8)
        .shorts(EXTRA_SAMPLES, &[2]);
    for compression in COMPRESSIONS {
        let name = format!("8 bits, compression {compression}");
        let tiff = bytes.clone().compressed(compression);
        check_colour(&name, &tiff, [200, 200, 200, 90]);
    }
}

#[test]
fn grey_of_other_depths() {
    let grey = |photometric: u16, bits: u16, row: Vec<u8>| {
        Tiff::strips((32, 32), 32, vec![row.repeat(32)]).of(photometric, 1, bits)
    };
    for (photometric, bits, sample, expected) in [
        (BLACK_IS_ZERO, 2, 2, 170),
        (WHITE_IS_ZERO, 2, 2, 85),
        (BLACK_IS_ZERO, 4, 5, 85),
        (WHITE_IS_ZERO, 4, 0, 255),
    ] {
        let tiff = grey(photometric, bits, packed([sample; 32].into_iter(), bits));
        let expected = [expected, expected, expected, 255];
        check_colour(&format!("{photometric}, {bits} bits"), &tiff, expected);
    }
    let unsigned = grey(BLACK_IS_ZERO, 32, 0x5a00_0000_u32.to_le_bytes().repeat(32));
    check_colour("32 bits", &unsigned, [0x5a, 0x5a, 0x5a, 255]);
    for (level, expected) in [(0.6_f32, 153), (7.0, 255), (-1.0, 0), (f32::NAN, 0)] {
        let tiff =
            grey(BLACK_IS_ZERO, 32, level.to_le_bytes().repeat(32)).shorts(SAMPLE_FORMAT, &[3]);
        let expected = [expected, expected, expected, 255];
        check_colour(&format!("float {level}"), &tiff, expected);
    }
}

#[test]
fn tiles() {
    const TILE: (u32, u32) = (32, 16);
    let (across, down) = (SIZE.0.div_ceil(TILE.0), SIZE.1.div_ceil(TILE.1));
    let image = test_image();
    let tile = |index: u32| {
        let (left, top) = (index % across * TILE.0, index / across * TILE.1);
        RgbImage::from_fn(TILE.0, TILE.1, |x, y| {
            *image.get_pixel((left + x).min(SIZE.0 - 1), (top + y).min(SIZE.1 - 1))
        })
    };
    for (h, v) in [(1, 1), (2, 2), (4, 1)] {
        let parts = (0..across * down)
            .map(|index| units(&tile(index), (h, v), full_range).concat())
            .collect();
        let tiff = Tiff::tiles(SIZE, TILE, parts)
            .of(YCBCR, 3, 8)
            .longs(SUBSAMPLING, &[h, v])
            .compressed(LZW);
        check(&format!("{h} × {v}"), &tiff);
    }
    let parts = (0..across * down)
        .map(|index| Jpeg::default().of(&tile(index)))
        .collect();
    let tiff = Tiff::tiles(SIZE, TILE, parts)
        .of(YCBCR, 3, 8)
        .shorts(COMPRESSION, &[JPEG]);
    check("JPEG", &tiff);
}

#[test]
fn orientations() {
    let upright = DynamicImage::from(test_image());
    for tag in 1..=8 {
        let stored = stored(&upright, tag).into_rgb8();
        for (name, tiff) in [
            ("palette", palette_of(&stored, 4)),
            ("YCbCr", subsampled_of(&stored, 1, 1)),
        ] {
            check(
                &format!("{name}, orientation {tag}"),
                &tiff.shorts(ORIENTATION, &[tag.into()]),
            );
        }
    }
}

#[test]
fn a_profile_is_used() {
    let profile = ColorProfile::new_display_p3().encode().unwrap();
    let colour = RgbImage::from_pixel(32, 32, image::Rgb([200, 80, 60]));
    let tiff = palette_of(&colour, 8).bytes(PROFILE, &profile);
    check_p3(&tiff.file(), [200, 80, 60]);
}

#[test]
fn cut_files_are_truncated() {
    for (name, tiff) in [
        ("palette", palette(8)),
        ("packed", palette(4).compressed(PACK_BITS)),
        ("YCbCr", subsampled(2, 2).compressed(LZW)),
        ("JPEG", jpeg(true)),
    ] {
        let file = tiff.file();
        for part in 1..32 {
            let code = code(&file[..file.len() * part / 32], &whole());
            assert_eq!(code, ErrorCode::ImageTruncated, "{name}: {part}/32");
        }
    }
}

#[test]
fn damaged_files_are_corrupt() {
    let short = |mut tiff: Tiff| {
        for part in &mut tiff.parts {
            part.truncate(part.len() / 2);
        }
        tiff
    };
    let mut narrow = jpeg(false);
    let strip = photo_of(48, 16);
    narrow.parts[0] = Jpeg::default().of(&strip);
    let mut tables_missing = jpeg(true);
    tables_missing.parts[2].clear();
    for (name, tiff) in [
        ("no palette", palette(8).without(COLOR_MAP)),
        ("short palette", palette(8).shorts(COLOR_MAP, &[0; 300])),
        ("short strip", short(palette(8).compressed(PACK_BITS))),
        ("short units", short(subsampled(2, 2).compressed(LZW))),
        ("short JPEG", short(jpeg(false))),
        ("narrow JPEG", narrow),
        ("no JPEG", tables_missing),
        (
            "long tables",
            jpeg(true).bytes(JPEG_TABLES, &vec![0; 20_000]),
        ),
    ] {
        let code = code(&tiff.file(), &whole());
        assert_eq!(code, ErrorCode::ImageCorrupt, "{name}");
    }
}

#[test]
fn other_kinds_are_unsupported() {
    let mut planes = subsampled(1, 1).shorts(PLANAR, &[2]);
    planes.parts = vec![planes.parts; 3].concat();
    for (name, tiff) in [
        ("planes", planes),
        ("low bit first", palette(4).shorts(FILL_ORDER, &[2])),
        ("old JPEG", jpeg(false).shorts(COMPRESSION, &[6])),
        ("zstd", palette(8).shorts(COMPRESSION, &[50_000])),
        ("palette in JPEG", palette(8).shorts(COMPRESSION, &[JPEG])),
        (
            "subsampling of 3",
            subsampled(1, 1).shorts(SUBSAMPLING, &[3, 1]),
        ),
        (
            "predictor with subsampling",
            subsampled(2, 1).shorts(PREDICTOR, &[2]),
        ),
        ("YCbCr of 16 bits", subsampled(1, 1).shorts(BITS, &[16; 3])),
        ("signed", palette(8).shorts(SAMPLE_FORMAT, &[2])),
    ] {
        let code = code(&tiff.file(), &whole());
        assert_eq!(code, ErrorCode::ImageUnsupported, "{name}");
    }
}

/// The meaning of a second sample without `ExtraSamples` is unknown.
#[test]
fn an_undeclared_extra_sample_is_unsupported() {
    let tiff = grey_alpha(BLACK_IS_ZERO, 2, false, [0x5000, 0x8000]).without(EXTRA_SAMPLES);
    assert_eq!(code(&tiff.file(), &whole()), ErrorCode::ImageUnsupported);
    let clear = RgbaImage::from_pixel(32, 32, Rgba([0; 4]));
    let tiff = grey_alpha(BLACK_IS_ZERO, 1, false, [0, 0]);
    assert!(difference(&pixels(&tiff.file(), &whole()), &clear) < 1.0);
}
