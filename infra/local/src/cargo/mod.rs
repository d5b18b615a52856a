//! Builds the function binaries with Cargo: at the start, and again when a source file changes.
//!
//! | file | content |
//! |---|---|
//! | `command` | the `cargo` command |
//! | `messages` | parses what Cargo prints |
//! | `progress` | shows the progress of a build |
//! | `binaries` | the executables that were built |
//! | `build`, `watch` | one build; a build after each change |

mod binaries;
mod build;
mod command;
mod messages;
mod progress;
mod watch;

pub use binaries::{Binaries, Binary};
pub use build::BuildError;
pub use command::command;
pub use progress::BuildProgress;
