//! The test issuer as a program: prints one JSON line and serves until it is stopped.

mod arguments;

use std::error::Error;
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::process::ExitCode;

use billfold_test_issuer::{Decision, Login, TestIssuer, open, sign_in};
use clap::Parser as _;

use crate::arguments::{Arguments, Serve, Task};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.task {
        None => serve(arguments.serve).await,
        Some(Task::SignIn { user, password, deny, no_open, url }) => {
            let decision = if deny { Decision::Deny } else { Decision::Allow };
            play_user(&url, &Login { user, password }, decision, !no_open).await
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: Serve) -> Result<(), Box<dyn Error>> {
    let running = TestIssuer::start(arguments.into()).await?;
    // Before the line is out: who has read it may send a signal at once.
    let end = listen_for_the_end()?;
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{}", running.announcement())?;
    stdout.flush()?;
    drop(stdout);
    tokio::select! {
        () = stdin_closed() => {}
        () = end => {}
    }
    running.stop();
    Ok(())
}

async fn play_user(url: &str, login: &Login, decision: Decision, follow: bool) -> Result<(), Box<dyn Error>> {
    let redirect = sign_in(url, login, decision).await?;
    println!("{redirect}");
    let loopback = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
    if follow && loopback.iter().any(|start| redirect.starts_with(start)) {
        open(&redirect).await?;
    }
    Ok(())
}

/// Waits until standard input ends. One that was never open to anybody (`/dev/null`, as a shell
/// gives it to background jobs) says nothing and is not waited for.
async fn stdin_closed() {
    if !has_somebody_behind() {
        std::future::pending::<()>().await;
    }
    let (ended, end) = tokio::sync::oneshot::channel();
    // A plain thread: tokio's own standard input would keep the runtime from ending.
    std::thread::spawn(move || {
        let mut buffer = [0; 1024];
        let mut stdin = std::io::stdin().lock();
        while matches!(stdin.read(&mut buffer), Ok(read) if read > 0) {}
        let _ = ended.send(());
    });
    let _ = end.await;
}

#[cfg(unix)]
fn has_somebody_behind() -> bool {
    use std::os::fd::AsFd as _;
    use std::os::unix::fs::FileTypeExt as _;
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return true;
    }
    let Ok(copy) = stdin.as_fd().try_clone_to_owned() else {
        return false;
    };
    std::fs::File::from(copy)
        .metadata()
        .is_ok_and(|metadata| metadata.file_type().is_fifo() || metadata.file_type().is_socket())
}

#[cfg(not(unix))]
fn has_somebody_behind() -> bool {
    true
}

#[cfg(unix)]
fn listen_for_the_end() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn listen_for_the_end() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
