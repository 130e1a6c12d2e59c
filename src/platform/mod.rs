//! What billfold needs from the machine that it runs on: traits, and a default for each.

pub mod address;
pub mod clock;
pub mod did_resolver;
pub mod http;
#[cfg(feature = "keyring")]
pub mod keyring;
pub mod keys;
pub mod memory;
mod private;
pub mod provider;
#[cfg(feature = "reqwest")]
pub mod reqwest;
pub(crate) mod seal;
pub mod sealed;
pub mod secret;
pub mod software_keys;
#[cfg(feature = "sqlite")]
pub mod sqlite;
pub mod store;
#[cfg(feature = "testing")]
pub mod store_suite;

/// Random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0_u8; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// Runs work that blocks: on a thread of tokio's where there is a runtime, else here.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return work() };
    match runtime.spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is shutting down and did not begin the work; nobody waits for it any more.
            Err(_) => std::future::pending().await,
        },
    }
}
