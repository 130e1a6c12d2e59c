//! Where the work runs: threads of this library, so that a caller who stops waiting stops nothing.

use std::future::Future;
use std::sync::OnceLock;

use billfold::model::ids::SessionId;
use tokio::runtime::{Builder, Runtime};

use crate::error::WalletError;

/// The work waits nearly all the time; two threads keep it going while one signs or verifies.
const THREADS: usize = 2;

static RUNTIME: OnceLock<Runtime> = OnceLock::new();

fn runtime() -> Result<&'static Runtime, WalletError> {
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let made = Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name("billfold")
        .enable_all()
        .build()
        .map_err(|error| WalletError::internal(&format!("the runtime did not start: {error}"), None))?;
    Ok(RUNTIME.get_or_init(|| made))
}

/// Runs `work` to its end, even when the caller goes away. A panic in it comes back as an error.
pub(crate) async fn run<T, F>(session: Option<SessionId>, work: F) -> Result<T, WalletError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, billfold::Error>> + Send + 'static,
{
    match runtime()?.spawn(work).await {
        Ok(result) => result.map_err(WalletError::from),
        // The panic's own text may quote anything, so it stays out.
        Err(_) => Err(WalletError::internal("an invariant inside the library was broken", session)),
    }
}

/// Runs a test of the app's, and gives the text of the panic that it ends with.
pub(crate) async fn try_out(test: impl AsyncFnOnce() + Send + 'static) -> Result<(), String> {
    let runtime = runtime().map_err(|_| String::from("the runtime did not start"))?;
    // On one thread: its futures need not be able to move.
    let Err(error) = runtime.spawn_blocking(|| runtime.block_on(test())).await else { return Ok(()) };
    let panic = error.try_into_panic().map_err(|_| String::from("the test was cut off"))?;
    let text = panic.downcast_ref::<String>().cloned();
    Err(text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_panic_becomes_an_error() {
        let session = SessionId::from("7f");
        let result = runtime().expect("starts").block_on(run::<(), _>(Some(session), async { panic!("token=abc") }));
        let WalletError::Unsupported { details } = result.expect_err("a panic") else { panic!("another kind") };
        assert_eq!(details.code, "internal");
        assert_eq!(details.session.as_deref(), Some("7f"));
        assert!(!details.detail.contains("abc"));
    }

    #[test]
    fn work_goes_on_when_nobody_waits() {
        let (tell, told) = tokio::sync::oneshot::channel();
        let (start, started) = tokio::sync::oneshot::channel::<()>();
        let waiting = run(None, async move {
            started.await.expect("started");
            tell.send(()).expect("somebody listens");
            Ok(())
        });
        runtime().expect("starts").block_on(async {
            assert!(tokio::time::timeout(Duration::from_millis(20), waiting).await.is_err(), "gave up waiting");
            start.send(()).expect("the work is still there");
            told.await.expect("the work came to its end");
        });
    }
}
