//! Every dialect that the test issuer speaks: what is had from it, in how many requests, what is put up with, and
//! what never is.

mod absent;
mod counts;
mod dying;
mod extras;
mod guarded;
mod holder;
mod input;
mod once;
mod page;
mod redirects;
mod strict;
mod systems;
mod table;
