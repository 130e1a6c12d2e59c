//! The library's log events, for an app that keeps a log.

use std::fmt::{self, Write as _};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// How much an event matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, uniffi::Enum)]
pub enum LogLevel {
    /// A fault in the library.
    Error,
    /// Something that the app's developer should look at.
    Warn,
    /// Milestones.
    Info,
    /// For who follows one issuance.
    Debug,
    /// Everything.
    Trace,
}

impl From<Level> for LogLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::ERROR => Self::Error,
            Level::WARN => Self::Warn,
            Level::INFO => Self::Info,
            Level::DEBUG => Self::Debug,
            _ => Self::Trace,
        }
    }
}

/// Takes log events. They hold no token, code, key or claim at any level.
#[uniffi::export(foreign)]
pub trait LogSink: Send + Sync {
    /// One event; called from any thread, and to return soon.
    fn log(&self, level: LogLevel, target: String, text: String);
}

/// Sends the library's events of `level` and above to `sink`, until the process ends.
///
/// The first call decides; a later one changes nothing and gives `false`.
#[uniffi::export]
pub fn set_log_sink(sink: Arc<dyn LogSink>, level: LogLevel) -> bool {
    tracing::subscriber::set_global_default(Forwarder { sink, level, spans: AtomicU64::new(1) }).is_ok()
}

/// Hands events on and keeps no spans: their fields would need the same care a second time.
struct Forwarder {
    sink: Arc<dyn LogSink>,
    level: LogLevel,
    spans: AtomicU64,
}

impl Subscriber for Forwarder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Libraries beneath log what they send.
        let own = metadata.target() == "billfold" || metadata.target().starts_with("billfold::");
        own && LogLevel::from(*metadata.level()) <= self.level
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed).max(1))
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let metadata = event.metadata();
        let (level, target) = ((*metadata.level()).into(), metadata.target().to_owned());
        // A sink that throws comes back as a panic. It must not end the work that wanted to log.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| self.sink.log(level, target, line.text())));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// An event's message, then its other fields.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Line {
    fn text(mut self) -> String {
        self.message.push_str(&self.fields);
        self.message
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let written = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else {
            write!(self.fields, " {}={value:?}", field.name())
        };
        written.expect("a String takes every write");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Kept(Mutex<Vec<(LogLevel, String, String)>>);

    impl LogSink for Kept {
        fn log(&self, level: LogLevel, target: String, text: String) {
            self.0.lock().expect("not poisoned").push((level, target, text));
        }
    }

    #[test]
    fn only_own_events_of_the_level_arrive() {
        let kept = Arc::new(Kept::default());
        let sink: Arc<dyn LogSink> = kept.clone();
        let forwarder = Forwarder { sink, level: LogLevel::Info, spans: AtomicU64::new(1) };
        tracing::subscriber::with_default(forwarder, || {
            tracing::info!(target: "billfold::issuance", step = "review", "moved");
            tracing::debug!(target: "billfold::issuance", "too fine");
            tracing::error!(target: "billfolder", "another library");
            tracing::error!(target: "hyper", "another library");
        });
        let seen = kept.0.lock().expect("not poisoned").clone();
        assert_eq!(seen, [(LogLevel::Info, String::from("billfold::issuance"), String::from("moved step=\"review\""))]);
    }
}
