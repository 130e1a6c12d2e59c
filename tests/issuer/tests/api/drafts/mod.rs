//! The profiles of the drafts before 1.0.

mod batches;
mod choices;
mod documents;
mod flows;
mod later;
mod refusals;
mod wallet;
