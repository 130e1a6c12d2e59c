//! Generates the Kotlin and Swift sources from a built `billfold-ffi` library.

fn main() {
    uniffi::uniffi_bindgen_main();
}
