//! The size limits of invocations. AWS has the same limits.

/// Largest payload and largest response of a synchronous invocation, in bytes.
pub const MAX_PAYLOAD_BYTES: usize = 6 * 1024 * 1024;

/// Largest payload of an asynchronous invocation, in bytes.
pub const MAX_EVENT_BYTES: usize = 1024 * 1024;
