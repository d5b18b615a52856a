//! Tests of exports through their functions, from the request to the expired link (SPEC §4).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod exports {
    mod audit;
    mod cancel;
    mod causes;
    mod chain;
    mod email;
    mod expiry;
    mod fairness;
    mod faults;
    mod file;
    mod filter;
    mod layouts;
    mod names;
    mod request;
    mod round_trip;
    mod scope;
    mod steps;
}
