//! Images that are generated for the tests, in every format.

use std::io::Cursor;

use image::codecs::gif::GifEncoder;
use image::{DynamicImage, Frame, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use shared::image::Fit;

use crate::{plan, read, run};

/// A photo of 1800 × 1200.
pub(crate) fn photo() -> RgbImage {
    image::load_from_memory(&read("exif-orientation/Landscape_1.jpg"))
        .unwrap()
        .into_rgb8()
}

/// The photo at a size.
pub(crate) fn photo_of(width: u32, height: u32) -> RgbImage {
    image::imageops::resize(
        &photo(),
        width,
        height,
        image::imageops::FilterType::Triangle,
    )
}

/// The photo, tiled to a size. Neighbouring tiles are mirrored, so that there is no seam.
pub(crate) fn mosaic(width: u32, height: u32) -> RgbImage {
    let photo = photo();
    let fold = |at: u32, side: u32| {
        if (at / side).is_multiple_of(2) {
            at % side
        } else {
            side - 1 - at % side
        }
    };
    RgbImage::from_fn(width, height, |x, y| {
        *photo.get_pixel(fold(x, photo.width()), fold(y, photo.height()))
    })
}

/// Four quarters of different colours, so that the orientation is visible.
pub(crate) fn quarters(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        match (x < width / 2, y < height / 2) {
            (true, true) => Rgb([220, 40, 40]),
            (false, true) => Rgb([40, 200, 40]),
            (true, false) => Rgb([40, 60, 220]),
            (false, false) => Rgb([230, 220, 60]),
        }
    })
}

/// Opaque in the middle, and invisible at the edges, where the colour is bright red.
pub(crate) fn faded(width: u32, height: u32) -> RgbaImage {
    RgbaImage::from_fn(width, height, |x, y| {
        let away = |at: u32, side: u32| f64::from(at.abs_diff(side / 2)) / f64::from(side);
        let distance = away(x, width).max(away(y, height));
        if distance < 0.25 {
            Rgba([20, 120, 220, 255])
        } else if distance < 0.35 {
            Rgba([20, 120, 220, 128])
        } else {
            Rgba([255, 0, 0, 0])
        }
    })
}

pub(crate) fn file(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

pub(crate) fn png(image: RgbImage) -> Vec<u8> {
    file(&DynamicImage::from(image), ImageFormat::Png)
}

/// Options of a JPEG.
#[derive(Default)]
pub(crate) struct Jpeg {
    pub(crate) progressive: bool,
    pub(crate) subsampled: bool,
    pub(crate) restart: Option<u16>,
    pub(crate) exif: Option<Vec<u8>>,
    pub(crate) icc: Option<Vec<u8>>,
}

impl Jpeg {
    pub(crate) fn of(self, image: &RgbImage) -> Vec<u8> {
        self.encode(
            image.as_raw(),
            (image.width(), image.height()),
            ColorType::Rgb,
        )
    }

    pub(crate) fn encode(
        self,
        samples: &[u8],
        (width, height): (u32, u32),
        colour: ColorType,
    ) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, 95);
        encoder.set_progressive(self.progressive);
        encoder.set_sampling_factor(if self.subsampled {
            SamplingFactor::F_2_2
        } else {
            SamplingFactor::F_1_1
        });
        if let Some(interval) = self.restart {
            encoder.set_restart_interval(interval);
        }
        if let Some(exif) = self.exif {
            encoder.add_app_segment(1, exif).unwrap();
        }
        if let Some(icc) = self.icc {
            encoder.add_icc_profile(&icc).unwrap();
        }
        encoder
            .encode(
                samples,
                u16::try_from(width).unwrap(),
                u16::try_from(height).unwrap(),
                colour,
            )
            .unwrap();
        bytes
    }
}

/// An EXIF block that contains only an orientation.
pub(crate) fn exif(orientation: u8, is_little_endian: bool) -> Vec<u8> {
    if is_little_endian {
        [
            b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".as_slice(),
            &[orientation, 0, 0, 0, 0, 0, 0, 0],
        ]
        .concat()
    } else {
        [
            b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01".as_slice(),
            &[0, orientation, 0, 0, 0, 0, 0, 0],
        ]
        .concat()
    }
}

/// A lossy WebP file, encoded by the codec itself.
pub(crate) fn webp(image: &DynamicImage) -> Vec<u8> {
    let plan = plan(&[("webp", image.width(), image.height(), Fit::Inside)]);
    run(&file(image, ImageFormat::Png), &plan)
        .unwrap()
        .0
        .remove(0)
        .1
}

/// A `RIFF` chunk.
pub(crate) fn chunk(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_le_bytes();
    let padding: &[u8] = if body.len().is_multiple_of(2) {
        &[]
    } else {
        &[0]
    };
    [kind.as_slice(), &length, body, padding].concat()
}

/// An extended WebP file with these chunks.
pub(crate) fn canvas(flags: u8, width: u32, height: u32, chunks: &[Vec<u8>]) -> Vec<u8> {
    let side = |length: u32| (length - 1).to_le_bytes()[..3].to_vec();
    let head = chunk(
        *b"VP8X",
        &[vec![flags, 0, 0, 0], side(width), side(height)].concat(),
    );
    chunk(
        *b"RIFF",
        &[b"WEBP".to_vec(), head, chunks.concat()].concat(),
    )
}

/// The chunks of a WebP file that contain its image: alpha and bitstream.
pub(crate) fn image_chunks(webp: &[u8]) -> Vec<u8> {
    let mut at = 12;
    let mut image = Vec::new();
    while let Some(head) = webp.get(at..at + 8) {
        let length = usize::try_from(u32::from_le_bytes(head[4..].try_into().unwrap())).unwrap();
        let end = (at + 8 + length + length % 2).min(webp.len());
        if matches!(&head[..4], b"ALPH" | b"VP8 " | b"VP8L") {
            image.extend_from_slice(&webp[at..end]);
        }
        at = end;
    }
    image
}

/// A WebP animation of two frames: `first` at the offset (20, 10), and a green frame.
pub(crate) fn animation(width: u32, height: u32, first: &RgbImage) -> Vec<u8> {
    let frame = |left: u32, top: u32, image: &RgbImage| {
        let field = |value: u32| value.to_le_bytes()[..3].to_vec();
        let (across, down) = (field(image.width() - 1), field(image.height() - 1));
        let head = [
            field(left / 2),
            field(top / 2),
            across,
            down,
            field(100),
            vec![0],
        ]
        .concat();
        chunk(
            *b"ANMF",
            &[head, image_chunks(&webp(&image.clone().into()))].concat(),
        )
    };
    let last = RgbImage::from_pixel(width, height, Rgb([9, 200, 9]));
    let chunks = [
        chunk(*b"ANIM", &[0; 6]),
        frame(20, 10, first),
        frame(0, 0, &last),
    ];
    canvas(0x02, width, height, &chunks)
}

pub(crate) fn gif(frames: &[RgbImage]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    for frame in frames {
        let pixels = DynamicImage::from(frame.clone()).into_rgba8();
        encoder.encode_frame(Frame::new(pixels)).unwrap();
    }
    drop(encoder);
    bytes
}

/// A PNG chunk.
pub(crate) fn png_chunk(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
    let sum = crc(&[kind.as_slice(), body].concat());
    [
        &u32::try_from(body.len()).unwrap().to_be_bytes(),
        kind.as_slice(),
        body,
        &sum.to_be_bytes(),
    ]
    .concat()
}

/// A PNG that declares this size and has no pixels.
pub(crate) fn png_claim(width: u32, height: u32) -> Vec<u8> {
    let head = [
        &width.to_be_bytes(),
        &height.to_be_bytes(),
        [8, 2, 0, 0, 0].as_slice(),
    ]
    .concat();
    let chunks = [
        png_chunk(*b"IHDR", &head),
        png_chunk(*b"IDAT", &[0x78, 0x9c, 3, 0]),
        png_chunk(*b"IEND", &[]),
    ];
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunks.concat()].concat()
}

/// The checksum of PNG, CRC-32.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 * (sum & 1))
        })
    })
}
