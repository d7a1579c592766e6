//! Geometry of the variants: never enlarged, inside the box, with the right aspect ratio, never empty.

use std::fmt::Write as _;

use proptest::prelude::*;
use shared::image::{Fit, Geometry, ImagePlan, VariantFormat, VariantSpec};

const EPSILON: f64 = 1e-6;

fn spec(width: u32, height: u32, fit: Fit) -> VariantSpec {
    VariantSpec {
        name: "x".to_owned(),
        width,
        height,
        fit,
        quality: 80,
        format: VariantFormat::Webp,
    }
}

#[test]
fn sizes() {
    let sources = [
        (3000, 2000),
        (2000, 3000),
        (6000, 4000),
        (1200, 1200),
        (1201, 1200),
        (1199, 3),
        (800, 600),
        (600, 600),
        (320, 240),
        (321, 240),
        (320, 241),
        (240, 320),
        (150, 150),
        (149, 151),
        (100, 1000),
        (1000, 100),
        (64, 48),
        (3, 2),
        (2, 3),
        (1, 1),
        (1, 65_535),
        (65_535, 1),
        (16_383, 16_383),
        (10_000, 10_000),
        (4000, 3),
        (1920, 1080),
    ];
    let plan = ImagePlan::standard(1, 1);
    let mut table = format!("{:13}", "source");
    for variant in &plan.variants {
        write!(table, " {:40}", variant.name).unwrap();
    }
    table.push('\n');
    for (width, height) in sources {
        write!(table, "{:13}", format!("{width}×{height}")).unwrap();
        for variant in &plan.variants {
            let Geometry {
                crop,
                width,
                height,
            } = variant.geometry(width, height);
            let crop = format!(
                "{:.2}×{:.2}+{:.2}+{:.2}",
                crop.width, crop.height, crop.left, crop.top
            );
            write!(table, " {:40}", format!("{width}×{height} of {crop}")).unwrap();
        }
        table.push('\n');
    }
    let lines: Vec<&str> = table.lines().map(str::trim_end).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn zero_counts_as_one() {
    for fit in [Fit::Inside, Fit::Cover] {
        let geometry = spec(0, 0, fit).geometry(0, 0);
        assert_eq!(geometry, spec(1, 1, fit).geometry(1, 1));
        assert_eq!((geometry.width, geometry.height), (1, 1));
    }
}

fn lengths() -> impl Strategy<Value = u32> {
    prop_oneof![1..=40_u32, 1..=5_000_u32, 1..=u32::MAX]
}

fn boxes() -> impl Strategy<Value = u32> {
    prop_oneof![1..=20_u32, 1..=3_000_u32]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]
    #[test]
    fn inside(width in lengths(), height in lengths(), box_width in boxes(), box_height in boxes()) {
        let made = spec(box_width, box_height, Fit::Inside).geometry(width, height);
        prop_assert!((1..=width.min(box_width)).contains(&made.width), "{made:?}");
        prop_assert!((1..=height.min(box_height)).contains(&made.height), "{made:?}");
        // The whole source is used.
        prop_assert_eq!((made.crop.left, made.crop.top), (0.0, 0.0));
        prop_assert_eq!((made.crop.width, made.crop.height), (f64::from(width), f64::from(height)));
        // As large as possible: it fills the box in one dimension or has the size of the source.
        let fills = made.width == box_width || made.height == box_height;
        prop_assert!(fills || (made.width, made.height) == (width, height), "{made:?}");
        // The aspect ratio is right within half a pixel, except for sides that would be rounded to zero.
        let exact_height = f64::from(made.width) * f64::from(height) / f64::from(width);
        let exact_width = f64::from(made.height) * f64::from(width) / f64::from(height);
        let near = |made: u32, exact: f64| (f64::from(made) - exact).abs() <= 0.5 + EPSILON || (made == 1 && exact < 1.0);
        prop_assert!(near(made.height, exact_height) || near(made.width, exact_width), "{made:?}");
    }

    #[test]
    fn cover(width in lengths(), height in lengths(), box_width in boxes(), box_height in boxes()) {
        let made = spec(box_width, box_height, Fit::Cover).geometry(width, height);
        prop_assert!((1..=width.min(box_width)).contains(&made.width), "{made:?}");
        prop_assert!((1..=height.min(box_height)).contains(&made.height), "{made:?}");
        let crop = made.crop;
        let (width, height) = (f64::from(width), f64::from(height));
        let slack = EPSILON * width.max(height);
        // The crop is inside the source, centred, and touches two of its sides.
        prop_assert!(crop.width > 0.0 && crop.height > 0.0 && crop.left >= 0.0 && crop.top >= 0.0, "{made:?}");
        prop_assert!(crop.left + crop.width <= width, "{made:?}");
        prop_assert!(crop.top + crop.height <= height, "{made:?}");
        prop_assert!((crop.left * 2.0 + crop.width - width).abs() <= slack, "{made:?}");
        prop_assert!((crop.top * 2.0 + crop.height - height).abs() <= slack, "{made:?}");
        // It has the aspect ratio of the box.
        let aspect = f64::from(box_width) / f64::from(box_height);
        prop_assert!((crop.width / crop.height / aspect - 1.0).abs() <= EPSILON, "{made:?}");
        // It is never enlarged, except for sides that would be rounded to zero.
        prop_assert!(f64::from(made.width) <= (crop.width + 0.5 + EPSILON).max(1.0), "{made:?}");
        prop_assert!(f64::from(made.height) <= (crop.height + 0.5 + EPSILON).max(1.0), "{made:?}");
        // A source that is at least as large as the box fills it.
        if width >= f64::from(box_width) && height >= f64::from(box_height) {
            prop_assert_eq!((made.width, made.height), (box_width, box_height));
            prop_assert!((crop.width - width).abs() <= slack || (crop.height - height).abs() <= slack, "{made:?}");
        }
    }
}
