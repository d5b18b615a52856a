//! `bench`: measures the AWS usage of requests, their latencies, and the cold starts of functions,
//! in companies of any size, on the loopback interface. Each benchmark prints a Markdown table.
//! Compare numbers only within one run.

mod cold_start;
mod company;
mod error;
mod load;
mod session;
mod usage;

pub use cold_start::cold_start;
pub use error::BenchError;
pub use load::{Load, load};
pub use usage::usage;
