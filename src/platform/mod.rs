//! What billfold needs from the machine that it runs on: traits, and a default for each.

pub mod address;
pub mod clock;
pub mod did_resolver;
pub mod http;
pub mod http_did_resolver;
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

/// Runs work that goes on when nobody waits for it any more: as a task of tokio's where there is a runtime, else here.
pub(crate) async fn to_the_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => done(runtime.spawn(work)).await,
        Err(_) => work.await,
    }
}

/// Runs work that blocks: on a thread of tokio's where there is a runtime, else here.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return work() };
    done(runtime.spawn_blocking(work)).await
}

async fn done<T>(work: tokio::task::JoinHandle<T>) -> T {
    match work.await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is shutting down and did not begin the work; nobody waits for it any more.
            Err(_) => std::future::pending().await,
        },
    }
}
