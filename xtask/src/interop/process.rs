//! Children in process groups of their own, so that what they start in turn ends with them.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// How long a child has to end by itself after it was asked to.
const GRACE: Duration = Duration::from_secs(10);
const TICK: Duration = Duration::from_millis(20);

static RUNNING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From here on Ctrl-C (and TERM, HUP) ends the children and makes every wait here fail, so that the main thread
/// goes back through its clean-up. A second Ctrl-C ends everything at once.
pub(super) fn catch_signals() -> Result<(), String> {
    let mut signals =
        Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(|error| format!("signals cannot be caught: {error}"))?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            // Only a person's second Ctrl-C is impatience: a parent may send TERM twice and mean it once.
            let again = INTERRUPTED.swap(true, Ordering::SeqCst) && signal == SIGINT;
            for group in running().iter() {
                let how = if again { Signal::KILL } else { Signal::TERM };
                // A group that is gone already is what we want.
                let _ = kill_process_group(*group, how);
            }
            if again {
                std::process::exit(128 + signal);
            }
        }
    });
    Ok(())
}

/// Fails once the user pressed Ctrl-C.
pub(super) fn check_interrupt() -> Result<(), String> {
    if INTERRUPTED.load(Ordering::SeqCst) {
        return Err("interrupted".into());
    }
    Ok(())
}

/// Sleeps until the user presses Ctrl-C.
pub(super) fn wait_for_interrupt() {
    while check_interrupt().is_ok() {
        std::thread::sleep(TICK);
    }
}

/// Asks again and again until there is an answer, the time is over, or the user interrupts.
pub(super) fn poll<T>(
    limit: Duration,
    mut ask: impl FnMut() -> Result<Option<T>, String>,
) -> Result<Option<T>, String> {
    let end = Instant::now() + limit;
    loop {
        check_interrupt()?;
        if let Some(answer) = ask()? {
            return Ok(Some(answer));
        }
        if Instant::now() >= end {
            return Ok(None);
        }
        std::thread::sleep(TICK);
    }
}

fn running() -> std::sync::MutexGuard<'static, Vec<Pid>> {
    RUNNING.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A child with everything that it starts; dropping it stops them all.
pub(super) struct Group {
    leader: Child,
    id: Pid,
    log: PathBuf,
}

impl Group {
    /// Starts `command` in a group of its own, with both outputs in the file `log`.
    pub(super) fn spawn(command: &mut Command, log: &Path) -> Result<Self, String> {
        let file = create(log)?;
        let errors = file.try_clone().map_err(|error| format!("{}: {error}", log.display()))?;
        Self::spawn_into(command, file, errors, log)
    }

    /// Starts `command` in a group of its own, standard output in one file and standard error in another.
    pub(super) fn spawn_split(command: &mut Command, out: &Path, err: &Path) -> Result<Self, String> {
        Self::spawn_into(command, create(out)?, create(err)?, err)
    }

    fn spawn_into(command: &mut Command, out: File, err: File, log: &Path) -> Result<Self, String> {
        check_interrupt()?;
        let leader = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .map_err(|error| format!("{} did not start: {error}", command.get_program().display()))?;
        let id = Pid::from_child(&leader);
        running().push(id);
        Ok(Self { leader, id, log: log.to_owned() })
    }

    /// The number that the group and its leader share.
    pub(super) fn id(&self) -> u32 {
        self.leader.id()
    }

    /// What the leader ended with, if it has ended.
    pub(super) fn ended(&mut self) -> Result<Option<ExitStatus>, String> {
        self.leader.try_wait().map_err(|error| format!("a child cannot be waited for: {error}"))
    }

    /// Waits until the leader ends.
    pub(super) fn wait(&mut self, limit: Duration) -> Result<ExitStatus, String> {
        poll(limit, || self.ended())?.ok_or_else(|| format!("still running after {} s", limit.as_secs()))
    }

    /// What it has written so far.
    pub(super) fn log(&self) -> String {
        std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// The end of what it has written, for an error text.
    pub(super) fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    fn stop(&mut self) {
        let _ = kill_process_group(self.id, Signal::TERM);
        if !self.gone_within(GRACE) {
            let _ = kill_process_group(self.id, Signal::KILL);
            self.gone_within(GRACE);
        }
        running().retain(|group| *group != self.id);
    }

    /// Waits for the leader and for the rest of the group, also when the user has interrupted.
    fn gone_within(&mut self, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        loop {
            // Without this the leader would stay in the table as a zombie and keep the group alive.
            let _ = self.leader.try_wait();
            if test_kill_process_group(self.id).is_err() {
                return true;
            }
            if Instant::now() >= end {
                return false;
            }
            std::thread::sleep(TICK);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.stop();
    }
}

fn create(path: &Path) -> Result<File, String> {
    File::create(path).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stopping_a_group_ends_the_children_of_the_child() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("log");
        let mut group =
            Group::spawn(Command::new("sh").args(["-c", "sleep 600 & echo $!; wait"]), &log).expect("a shell");
        let child = poll(Duration::from_secs(5), || Ok(group.log().trim().parse::<i32>().ok()))
            .expect("no interrupt")
            .expect("the shell names its child");
        let child = Pid::from_raw(child).expect("a process id");
        assert!(group.ended().expect("a child").is_none());
        assert!(rustix::process::test_kill_process(child).is_ok());
        let id = group.id;
        drop(group);
        assert!(test_kill_process_group(id).is_err());
    }

    #[test]
    fn a_wait_has_an_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("log");
        let mut group = Group::spawn(Command::new("sleep").arg("600"), &log).expect("a child");
        let error = group.wait(Duration::from_millis(50)).expect_err("no end in so short a time");
        assert!(error.contains("still running"), "{error}");
    }
}
