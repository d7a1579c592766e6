//! Time and randomness of the runtime. No other module reads either.

use shared::time::Timestamp;

/// The current time. In production it advances only with I/O: Workers freezes it while code computes, to prevent timing attacks.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "milliseconds since 1970 fit 53 bits"
)]
pub(crate) fn now() -> Timestamp {
    Timestamp::from_ms(js_sys::Date::now().max(0.0) as u64)
}

/// 128 random bits from the runtime's cryptographic generator.
pub(crate) fn random() -> u128 {
    u128::from_ne_bytes(random_bytes())
}

/// 64 random bits.
pub(crate) fn random_u64() -> u64 {
    u64::from_ne_bytes(random_bytes())
}

fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    js::get_random_values(&mut bytes);
    bytes
}

/// A random token of 128 bits, in hexadecimal.
pub(crate) fn random_token() -> String {
    format!("{:032x}", random())
}

mod js {
    use wasm_bindgen::prelude::wasm_bindgen;

    #[wasm_bindgen]
    extern "C" {
        #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
        pub(super) fn get_random_values(bytes: &mut [u8]);
    }
}
