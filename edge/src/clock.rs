//! The clock and the dice of the runtime: the only places where time and randomness enter.

use shared::time::Timestamp;

/// The time now. In production it stands still while code computes and moves with I/O (a Workers rule against timing attacks).
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "milliseconds since 1970 fit 53 bits"
)]
pub(crate) fn now() -> Timestamp {
    Timestamp::from_ms(js_sys::Date::now().max(0.0) as u64)
}

/// 128 random bits from the runtime's cryptographic generator: those of two UUIDs, without the bits that UUIDs fix.
pub(crate) fn random() -> u128 {
    u128::from(random_u64()) << 64 | u128::from(random_u64())
}

/// 64 random bits.
pub(crate) fn random_u64() -> u64 {
    let hex: String = uuid().chars().filter(char::is_ascii_hexdigit).collect();
    // A version 4 UUID has 48 random bits before its version digit and 60 after its variant bits.
    let high = hex
        .get(..8)
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .unwrap_or_default();
    let low = hex
        .get(24..)
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .unwrap_or_default();
    high << 32 | low
}

/// A random token for leases, as text.
pub(crate) fn random_token() -> String {
    format!("{:032x}", random())
}

mod js {
    use wasm_bindgen::prelude::wasm_bindgen;

    #[wasm_bindgen]
    extern "C" {
        #[wasm_bindgen(js_namespace = crypto, js_name = randomUUID)]
        pub(super) fn random_uuid() -> String;
    }
}

fn uuid() -> String {
    js::random_uuid()
}
