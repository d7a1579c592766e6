//! Rust bindings of the codec module. `js/codec.js` owns the instance.

use serde::de::DeserializeOwned;
use shared::image::{ImagePlan, ImageReport, Variant};
use shared::problem::{ErrorCode, Failure};
use wasm_bindgen::{JsCast as _, JsValue};
use worker::ResponseBody;

use crate::clock;
use crate::error::{Error, Result};

mod js {
    use wasm_bindgen::JsValue;
    use wasm_bindgen::prelude::wasm_bindgen;
    #[wasm_bindgen(module = "/js/codec.js")]
    extern "C" {
        pub(super) fn codec_acquire(now_ms: f64) -> u32;
        #[wasm_bindgen(catch)]
        pub(super) async fn codec_open(
            token: u32,
            stream: JsValue,
            size_bytes: f64,
            plan: &str,
        ) -> Result<JsValue, JsValue>;
        #[wasm_bindgen(catch)]
        pub(super) fn codec_next(token: u32) -> Result<JsValue, JsValue>;
        #[wasm_bindgen(catch)]
        pub(super) fn codec_report(token: u32) -> Result<String, JsValue>;
        #[wasm_bindgen(catch)]
        pub(super) fn codec_trap(token: u32) -> Result<JsValue, JsValue>;
        pub(super) fn codec_release(token: u32);
    }
}

/// The only codec of this isolate, held for one image and released on drop.
#[derive(Debug)]
pub(super) struct Codec {
    token: u32,
}

impl Drop for Codec {
    fn drop(&mut self) {
        js::codec_release(self.token);
    }
}

/// An encoded variant.
pub(super) struct Encoded {
    pub(super) variant: Variant,
    pub(super) bytes: Vec<u8>,
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "sizes and times are below 2^53"
)]
const fn double(value: u64) -> f64 {
    value as f64
}

impl Codec {
    /// Acquires the codec; `None` while another image has it.
    pub(super) fn acquire() -> Option<Self> {
        match js::codec_acquire(double(clock::now().ms())) {
            0 => None,
            token => Some(Self { token }),
        }
    }

    /// Streams an image into the codec's memory and decodes it.
    pub(super) async fn open(
        &self,
        body: ResponseBody,
        size_bytes: u64,
        plan: &ImagePlan,
    ) -> Result<()> {
        let ResponseBody::Stream(stream) = body else {
            return Err(Error::internal("the body of an object is not a stream"));
        };
        let plan = serde_json::to_string(plan)?;
        js::codec_open(self.token, stream.into(), double(size_bytes), &plan)
            .await
            .map_err(|error| from_js(&error))?;
        Ok(())
    }

    /// Makes the next variant; `None` after the last.
    pub(super) fn next(&self) -> Result<Option<Encoded>> {
        let made = js::codec_next(self.token).map_err(|error| from_js(&error))?;
        if made.is_null() || made.is_undefined() {
            return Ok(None);
        }
        let variant = parse(&get(&made, "meta").as_string().unwrap_or_default())?;
        let bytes = get(&made, "bytes")
            .unchecked_into::<js_sys::Uint8Array>()
            .to_vec();
        Ok(Some(Encoded { variant, bytes }))
    }

    /// What the codec found out about the image.
    pub(super) fn report(&self) -> Result<ImageReport> {
        parse(&js::codec_report(self.token).map_err(|error| from_js(&error))?)
    }

    /// Makes the codec trap, as a corrupt image could.
    pub(super) fn trap(&self) -> Result<()> {
        js::codec_trap(self.token)
            .map(|_| ())
            .map_err(|error| from_js(&error))
    }
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T> {
    Ok(serde_json::from_str(text)?)
}

fn get(object: &JsValue, name: &str) -> JsValue {
    js_sys::Reflect::get(object, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

/// An error thrown by `js/codec.js`: one of our codes, or something unexpected.
fn from_js(error: &JsValue) -> Error {
    let text = |name| get(error, name).as_string();
    match text("code").and_then(|code| code.parse::<ErrorCode>().ok()) {
        Some(code) => Error::Problem(Failure::new(
            code,
            text("detail").unwrap_or_else(|| code.title().to_owned()),
        )),
        None => Error::internal(format!("codec: {error:?}")),
    }
}
