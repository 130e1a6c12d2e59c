//! Every dialect that the test issuer speaks: what is had from it, in how many requests, what is put up with, and
//! what never is.

mod absent;
mod counts;
mod holder;
mod page;
mod systems;
mod table;
