use std::sync::atomic::{AtomicBool, Ordering};

use tracing::Level;
use tracing_subscriber::{filter::Targets, prelude::*};

/// Sets up structured logging: one JSON object per line, with the event's fields at the top level
/// and the invocation's span in `span`. `RUST_LOG` filters by level and target; the default is
/// `info`.
pub(super) fn init() {
    let chosen = std::env::var("RUST_LOG").ok().and_then(|text| text.parse().ok());
    let filter = chosen.unwrap_or_else(|| Targets::new().with_default(Level::INFO));
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false);
    // The call fails only if the process already has a subscriber. That subscriber then writes the
    // log lines.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}

static WARM: AtomicBool = AtomicBool::new(false);

/// Whether this is the first invocation of the process. Only the first call returns true.
pub(super) fn is_cold_start() -> bool {
    !WARM.swap(true, Ordering::Relaxed)
}
