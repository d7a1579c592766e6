//! The wasm module in Node, through `edge/js/codec.js`. It makes the same bytes as the native build.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use image::{DynamicImage, ImageFormat};
use imaging::{Probe, probe};
use jpeg_encoder::ColorType;
use moxcms::ColorProfile;
use serde_json::{Value, json};
use shared::image::{EDGE_MEMORY_MAX_BYTES, ImagePlan, PIXELS_MAX};

use crate::samples::{
    self, Jpeg, animation, faded, file, gif, mosaic, photo, photo_of, png_claim, webp,
};
use crate::{decoded, read, run};

/// The path of the built module. It is not a fixture, because a stale module would prove nothing.
fn module() -> PathBuf {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../edge/imaging.wasm");
    let path = std::env::var_os("FERROTYPE_IMAGING_WASM").map_or(default, PathBuf::from);
    assert!(
        path.exists(),
        "the wasm module is not built: run `cargo xtask test`, or set FERROTYPE_IMAGING_WASM"
    );
    path
}

/// A temporary folder of one test. Dropping it removes the folder.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("ferrotype-imaging-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _removed = std::fs::remove_dir_all(&self.0);
    }
}

/// Sends requests to one instance of the module, one after another.
fn drive(requests: &[Value]) -> Vec<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut node = Command::new("node")
        .arg(root.join("tests/codec.mjs"))
        .arg(root.join("../edge/js/codec.js"))
        .arg(module())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = node.stdin.take().unwrap();
    for request in requests {
        writeln!(stdin, "{request}").unwrap();
    }
    drop(stdin);
    let output = node.wait_with_output().unwrap();
    let answers = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<Value> = answers
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), requests.len());
    answers
}

fn edge() -> ImagePlan {
    ImagePlan::standard(PIXELS_MAX, EDGE_MEMORY_MAX_BYTES)
}

/// Images that together run all code: all decoders, both kinds of alpha, profiles, all paths of the encoder.
fn images() -> Vec<(&'static str, Vec<u8>)> {
    let small = photo_of(333, 222);
    let image = DynamicImage::from(small.clone());
    let inks: Vec<u8> = small
        .pixels()
        .flat_map(|pixel| [255 - pixel[0], 255 - pixel[1], 255 - pixel[2], 9])
        .collect();
    let mut overlaid = DynamicImage::from(photo()).into_rgba8();
    // Many combinations of colour and alpha.
    for (x, y, pixel) in overlaid.enumerate_pixels_mut() {
        pixel[3] = u8::try_from((x * 7 + y * 3) % 256).unwrap();
    }
    let overlaid = DynamicImage::from(overlaid);
    let profile = Some(ColorProfile::new_display_p3().encode().unwrap());
    vec![
        ("photo", read("exif-orientation/Landscape_1.jpg")),
        ("turned", read("exif-orientation/Landscape_7.jpg")),
        (
            "progressive",
            Jpeg {
                progressive: true,
                subsampled: true,
                ..Jpeg::default()
            }
            .of(&photo()),
        ),
        (
            "p3",
            Jpeg {
                icc: profile,
                ..Jpeg::default()
            }
            .of(&small),
        ),
        (
            "cmyk",
            Jpeg::default().encode(&inks, small.dimensions(), ColorType::Cmyk),
        ),
        (
            "grey",
            Jpeg::default().encode(
                DynamicImage::from(photo()).into_luma8().as_raw(),
                (1800, 1200),
                ColorType::Luma,
            ),
        ),
        ("png", samples::png(photo())),
        ("alpha png", file(&overlaid, ImageFormat::Png)),
        ("faded png", file(&faded(640, 480).into(), ImageFormat::Png)),
        ("interlaced png", read("pngsuite/basi6a16.png")),
        ("lossy webp", webp(&photo().into())),
        ("alpha webp", webp(&overlaid)),
        ("lossless webp", file(&image, ImageFormat::WebP)),
        ("animated webp", animation(400, 300, &small)),
        ("gif", gif(&[small])),
    ]
}

#[test]
fn the_module_makes_the_same_bytes_as_the_native_build() {
    let folder = Folder::new("same");
    let images = images();
    let requests: Vec<Value> = images
        .iter()
        .map(|(name, bytes)| {
            let out = folder.0.join(format!("{name} variants"));
            std::fs::create_dir_all(&out).unwrap();
            json!({"file": folder.write(name, bytes), "out": out, "plan": edge()})
        })
        .collect();
    for (((name, bytes), request), answer) in images.iter().zip(&requests).zip(drive(&requests)) {
        let (variants, report) = run(bytes, &edge()).unwrap();
        assert_eq!(
            answer["report"]["placeholder"], report.placeholder,
            "{name}: {answer}"
        );
        for (variant, native) in variants {
            let module = std::fs::read(
                Path::new(request["out"].as_str().unwrap()).join(format!("{}.webp", variant.name)),
            )
            .unwrap();
            if module != native {
                let (module, native) = (decoded(&module), decoded(&native));
                let distance = module
                    .iter()
                    .zip(native.iter())
                    .map(|(module, native)| module.abs_diff(*native))
                    .max();
                panic!(
                    "{name}, {}: the bytes differ, and the pixels by up to {distance:?}",
                    variant.name
                );
            }
        }
    }
}

/// The edge depends on this: the real memory for large images is limited, and the estimate is not below it.
#[test]
fn memory_stays_below_the_estimate() {
    let folder = Folder::new("memory");
    let large = mosaic(6000, 4000);
    let files = [
        (
            "24 MP JPEG",
            Jpeg {
                subsampled: true,
                ..Jpeg::default()
            }
            .of(&large),
            64,
        ),
        (
            "12 MP progressive",
            Jpeg {
                progressive: true,
                subsampled: true,
                ..Jpeg::default()
            }
            .of(&mosaic(4000, 3000)),
            72,
        ),
        ("20 MP PNG", samples::png(mosaic(5477, 3652)), 72),
        ("4 MP GIF", gif(&[mosaic(2400, 1600)]), 72),
    ];
    for (name, bytes, max_mib) in files {
        let request = json!({"file": folder.write("image", &bytes), "plan": edge()});
        let answer = drive(&[request]).remove(0);
        let peak = answer["report"]["peak_memory_bytes"]
            .as_u64()
            .unwrap_or_else(|| panic!("{name}: {answer}"));
        let Ok(Probe::Ready(summary)) = probe(&bytes, u64::try_from(bytes.len()).unwrap(), &edge())
        else {
            panic!("{name} is rejected")
        };
        assert!(peak <= max_mib << 20, "{name}: {peak} bytes");
        assert!(
            peak <= summary.memory_bytes,
            "{name}: {peak} bytes, estimated {}",
            summary.memory_bytes
        );
    }
}

/// The module works on one image at a time. The lock of a cancelled request expires, and late calls of that request
/// have no effect.
#[test]
fn a_stale_lock_expires() {
    let answers = drive(&[json!({"lock": true})]);
    assert_eq!(
        answers[0]["checks"],
        json!([true, true, true, true, true, true]),
        "{answers:?}"
    );
}

/// Rejections, short bodies and traps give error codes, and the next image works.
#[test]
fn failures_have_codes() {
    let folder = Folder::new("failures");
    let good = folder.write("good", &Jpeg::default().of(&photo_of(64, 48)));
    let size = std::fs::metadata(&good).unwrap().len();
    let cut = std::fs::read(&good).unwrap();
    let cut = folder.write("cut", &cut[..cut.len() / 2]);
    let wraps = crate::fixture("damaged/profile-tag-wraps.webp");
    let bomb = folder.write("bomb", &png_claim(65_500, 65_500));
    let tiff = folder.write("tiff", &file(&photo_of(64, 48).into(), ImageFormat::Tiff));
    let requests = [
        (json!({"file": good, "plan": edge()}), Value::Null),
        (
            json!({"file": good, "plan": edge(), "trap": true}),
            json!("image_codec_trapped"),
        ),
        (json!({"file": good, "plan": edge()}), Value::Null),
        (json!({"file": wraps, "plan": edge()}), Value::Null),
        (
            json!({"file": cut, "plan": edge()}),
            json!("image_truncated"),
        ),
        (
            json!({"file": bomb, "plan": edge()}),
            json!("image_too_large"),
        ),
        (
            json!({"file": good, "plan": edge(), "size": size + 1}),
            json!("unavailable"),
        ),
        (
            json!({"file": good, "plan": edge(), "size": 80 << 20}),
            json!("image_memory_exceeded"),
        ),
        (
            json!({"file": good, "plan": ImagePlan::native(PIXELS_MAX, EDGE_MEMORY_MAX_BYTES)}),
            json!("image_unsupported"),
        ),
        (
            json!({"file": crate::fixture("heif/libaom-420-8.avif"), "plan": edge()}),
            json!("image_unsupported"),
        ),
        (
            json!({"file": crate::fixture("heif/x265-420-8.heic"), "plan": edge()}),
            json!("image_unsupported"),
        ),
        (
            json!({"file": tiff, "plan": edge()}),
            json!("image_unsupported"),
        ),
        (json!({"file": good, "plan": edge()}), Value::Null),
    ];
    let sent: Vec<Value> = requests
        .iter()
        .map(|(request, _)| request.clone())
        .collect();
    for ((request, expected), answer) in requests.iter().zip(drive(&sent)) {
        assert_eq!(&answer["code"], expected, "{request}: {answer}");
    }
}
