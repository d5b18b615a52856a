//! Runs `export-generate` on the Lambda runtime.

use export_generate::{App, QUEUE_URL, file, handle};
use mimalloc::MiMalloc;
use shared::{entry::queue, error::chain};

/// Contacts are allocated on the thread that reads them and freed on the thread that writes them. The
/// system's allocator takes a contended lock for that (docs/benchmarks.md, "Exports").
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    // This is not in `App::from_env`, because a test process has its own files in the same
    // directory.
    let from_env = |environment: &_| {
        if let Err(error) = file::clear(&std::env::temp_dir()) {
            tracing::warn!(
                error = %chain(&error),
                "could not delete the temporary files of an earlier process"
            );
        }
        App::from_env(environment)
    };
    queue::run(from_env, QUEUE_URL, handle).await
}
