//! Which variants an image gets.

use shared::image::{ImagePlan, Variant, VariantFormat};

#[test]
fn the_standard_plan() {
    let plan = ImagePlan::standard(100, 200);
    let variants: Vec<String> = plan
        .variants
        .iter()
        .map(|v| {
            format!(
                "{} {}×{} {:?} q{}",
                v.name, v.width, v.height, v.fit, v.quality
            )
        })
        .collect();
    let expected = [
        "large 1200×1200 Inside q80",
        "medium 600×600 Inside q80",
        "preview 320×240 Cover q80",
        "thumbnail 150×150 Inside q80",
    ];
    assert_eq!(variants, expected);
    assert_eq!((plan.pixels_max, plan.memory_max_bytes), (100, 200));
}

#[test]
fn a_plan_round_trips_as_json() {
    let plan = ImagePlan::standard(100, 200);
    let text = serde_json::to_string(&plan).unwrap();
    assert!(text.contains(r#""fit":"inside""#) && text.contains(r#""fit":"cover""#));
    assert_eq!(serde_json::from_str::<ImagePlan>(&text).unwrap(), plan);
}

#[test]
fn the_native_plan_has_an_avif_twin_of_each_variant() {
    let (plan, standard) = (ImagePlan::native(100, 200), ImagePlan::standard(100, 200));
    let (originals, twins) = plan.variants.split_at(standard.variants.len());
    assert_eq!(originals, standard.variants);
    assert_eq!(twins.len(), originals.len());
    for (original, twin) in originals.iter().zip(twins) {
        assert_eq!(twin.name, format!("{}_avif", original.name));
        assert_eq!(
            (original.format, twin.format),
            (VariantFormat::Webp, VariantFormat::Avif)
        );
        assert_eq!(twin.geometry(3000, 2000), original.geometry(3000, 2000));
    }
    assert_eq!((plan.pixels_max, plan.memory_max_bytes), (100, 200));
}

#[test]
fn a_plan_without_a_format_means_webp() {
    let text = r#"{"variants":[{"name":"large","width":1200,"height":1200,"fit":"inside","quality":80}],"pixels_max":1,"memory_max_bytes":2}"#;
    let plan: ImagePlan = serde_json::from_str(text).unwrap();
    assert_eq!(plan.variants[0].format, VariantFormat::Webp);
    let text = r#"{"name":"large","width":3,"height":2,"size_bytes":9}"#;
    let variant: Variant = serde_json::from_str(text).unwrap();
    assert_eq!(variant.format, VariantFormat::Webp);
}

#[test]
fn names_of_the_formats() {
    for (format, word, content_type) in [
        (VariantFormat::Webp, "webp", "image/webp"),
        (VariantFormat::Avif, "avif", "image/avif"),
    ] {
        assert_eq!(serde_json::to_value(format).unwrap(), word);
        assert_eq!(format.extension(), word);
        assert_eq!(format.content_type(), content_type);
    }
}
