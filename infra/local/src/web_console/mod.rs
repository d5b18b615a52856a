//! The web console: a static site that Node.js builds, served from an origin of its own as in
//! production (SPEC §6, "Web console and sign-in").
//!
//! | file | content |
//! |---|---|
//! | `build` | builds the site when it is missing or older than its sources |
//! | `site` | serves the files, with the headers of the deployed site |

mod build;
mod site;

pub use build::{BuildError, build};
pub use site::router;
