//! Images that the edge cannot decode, or not within its memory: the native worker makes the same outputs as the edge, and
//! the same in AVIF.

use tests::{Clip, clip, shared_with_worker};

use super::{end, follow, upload};
use crate::images::outputs;

const TEST: &str = "-f lavfi -i testsrc2=s=1600x1200 -frames:v 1";

#[tokio::test(flavor = "multi_thread")]
async fn images_for_a_native_worker_become_webp_and_avif() {
    let stack = shared_with_worker();
    let alice = stack.caller("images", "alice", "user");
    let mut events = follow(&alice).await;
    let avif = format!("{TEST} -c:v libaom-av1 -cpu-used 8 -still-picture 1");
    // YCbCr, as ffmpeg writes a video frame.
    let tiff = format!("{TEST} -pix_fmt yuv420p");
    // Its canvas needs 144 MB, more than the edge has.
    let gif = "-f lavfi -i color=teal:s=6000x6000 -frames:v 1";
    let cases = [
        ("photo.avif", avif.as_str(), (1_600, 1_200)),
        ("scan.tiff", &tiff, (1_600, 1_200)),
        ("huge.gif", gif, (6_000, 6_000)),
    ];
    for (name, words, (width, height)) in cases {
        let created = upload(&alice, &Clip::made(name, words)).await;
        let event = end(&mut events, &created).await;
        assert_eq!(event.name, "processing_complete", "{name}: {}", event.data);
        let asset = alice.asset(&created.asset_id).await.expect(200);
        let size = (asset["width"].as_u64(), asset["height"].as_u64());
        assert_eq!(size, (Some(width.into()), Some(height.into())), "{name}");
        assert!(asset["placeholder"].is_string(), "{asset}");
        let listed = asset["outputs"].as_array().unwrap();
        assert_eq!(listed.len(), 8, "{name}: {asset}");
        for (output, width, height) in outputs(width, height) {
            for (twin, content_type, codec) in [
                (output.to_owned(), "image/webp", "webp"),
                (format!("{output}_avif"), "image/avif", "av1"),
            ] {
                let one = listed.iter().find(|one| one["name"] == twin.as_str());
                let one = one.unwrap_or_else(|| panic!("{name} has no {twin}: {asset}"));
                assert_eq!(one["content_type"], content_type, "{one}");
                let probe = clip::probe(one["url"].as_str().unwrap());
                let stream = &probe["streams"][0];
                assert_eq!(stream["codec_name"], codec, "{one}: {probe}");
                let size = (stream["width"].as_u64(), stream["height"].as_u64());
                assert_eq!(size, (Some(width.into()), Some(height.into())), "{one}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_image_fails_with_an_image_code() {
    let stack = shared_with_worker();
    let alice = stack.caller("images", "damage", "user");
    let mut events = follow(&alice).await;
    let words = format!("{TEST} -c:v libaom-av1 -cpu-used 8 -still-picture 1");
    let clip = Clip::made("photo.avif", &words).truncated();
    let created = upload(&alice, &clip).await;
    let event = end(&mut events, &created).await;
    assert_eq!(event.name, "processing_failed", "{}", event.data);
    let code = event.data["error"]["code"].as_str().unwrap_or_default();
    assert!(code.starts_with("image_"), "{}", event.data);
}
