//! Presets: missing members have defaults, and invalid values are rejected with a reason.

use shared::video::Preset;

#[test]
fn missing_members_have_defaults() {
    assert_eq!(Preset::parse("{}").unwrap(), Preset::default());
    let preset = Preset::parse(
        r#"{"speed":"medium","fps_max":30,"rungs":[{"short_side":540,"maxrate_bps":2000000,"crf":21}],"limits":{"side_max":4096}}"#,
    )
    .unwrap();
    assert_eq!(preset.rungs.len(), 1);
    assert_eq!(preset.speed.as_str(), "medium");
    assert_eq!(preset.limits.side_max, 4_096);
    assert_eq!(
        preset.limits.streams_max,
        Preset::default().limits.streams_max
    );
    assert_eq!(preset.audio_bitrate_bps, 128_000);
}

#[test]
fn the_default_is_valid_and_shown() {
    let preset = Preset::default();
    preset.check().unwrap();
    let json = serde_json::to_string_pretty(&preset).unwrap();
    assert_eq!(Preset::parse(&json).unwrap(), preset);
    insta::assert_snapshot!(json);
}

#[test]
fn rejections() {
    let rungs = |rungs: &str| format!(r#"{{"rungs":[{rungs}]}}"#);
    let cases = [
        r#"{"rung":[]}"#.to_owned(),
        r#"{"speed":"warp"}"#.to_owned(),
        r#"{"audio_bitrate_bps":1}"#.to_owned(),
        r#"{"fps_max":0}"#.to_owned(),
        r#"{"fps_max":61}"#.to_owned(),
        r#"{"segment_ms":3000}"#.to_owned(),
        r#"{"segment_ms":0}"#.to_owned(),
        r#"{"segment_ms":12000}"#.to_owned(),
        r#"{"mp4_short_side_max":0}"#.to_owned(),
        r#"{"limits":{"duration_max_ms":0}}"#.to_owned(),
        r#"{"limits":{"side_max":1}}"#.to_owned(),
        r#"{"limits":{"side_max":8193}}"#.to_owned(),
        r#"{"limits":{"streams_max":0}}"#.to_owned(),
        r#"{"limits":{"sides":0}}"#.to_owned(),
        rungs(""),
        rungs(r#"{"short_side":361,"maxrate_bps":800000,"crf":23}"#),
        rungs(r#"{"short_side":0,"maxrate_bps":800000,"crf":23}"#),
        rungs(r#"{"short_side":360,"maxrate_bps":1,"crf":23}"#),
        rungs(r#"{"short_side":360,"maxrate_bps":800000,"crf":0}"#),
        rungs(r#"{"short_side":360,"maxrate_bps":800000,"crf":52}"#),
        rungs(
            r#"{"short_side":360,"maxrate_bps":800000,"crf":23},{"short_side":360,"maxrate_bps":900000,"crf":23}"#,
        ),
        rungs(r#"{"short_side":360}"#),
    ];
    let table: Vec<String> = cases
        .iter()
        .map(|json| format!("{json}\n    {}", Preset::parse(json).unwrap_err()))
        .collect();
    insta::assert_snapshot!(table.join("\n"));
}

#[test]
fn short_sources_have_short_segments() {
    let preset = Preset::default();
    assert_eq!(preset.segment_ms(None), 2_000);
    assert_eq!(preset.segment_ms(Some(59_999)), 2_000);
    assert_eq!(preset.segment_ms(Some(60_000)), 4_000);
    let preset = Preset::parse(r#"{"segment_ms":6000}"#).unwrap();
    assert_eq!(preset.segment_ms(Some(1_000)), 6_000);
}
