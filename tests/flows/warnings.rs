//! What an integrator reads in the log, without asking for it.

use std::sync::{Arc, Mutex};

use billfold_test_issuer::{Dpop, Options};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::world::{SD_JWT, World, pre_authorized};

/// Keeps the text of warnings.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN && metadata.target().starts_with("billfold")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        self.0.lock().expect("no panic").push(text.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

// covers: SEC-07
#[tokio::test]
async fn a_token_that_a_thief_could_use_for_long_is_worth_a_word() {
    for (dpop, token_lifetime, warned) in [(Dpop::Off, 3600, true), (Dpop::Off, 300, false), (Dpop::On, 3600, false)] {
        let world = World::with(Options { dpop, token_lifetime, ..Options::default() }).await;
        let warnings = Warnings::default();
        let guard = tracing::subscriber::set_default(warnings.clone());
        world.verified(&world.open(&pre_authorized(SD_JWT)).await.accept().await.expect("it is issued")).await;
        drop(guard);
        let heard = warnings.0.lock().expect("no panic").clone();
        let about_theft = heard.iter().filter(|text| text.contains("whoever steals it")).count();
        assert_eq!(about_theft, usize::from(warned), "{dpop:?} {token_lifetime}: {heard:?}");
    }
}
