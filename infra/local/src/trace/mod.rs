//! What an invocation and the messages that it sends were caused by: the requests, and the chain of
//! invocations since then.
//!
//! As on AWS, it is in the trace header: the gateway starts a trace for each request, Lambda gives
//! the header to an invocation, the SDK in the function sends it with each call, the queue keeps it
//! with the message, and the invocation that the message causes continues the trace.
//!
//! | file | content |
//! |---|---|
//! | `header` | reads and writes the trace header |
//! | `lineage` | detects endless loops |
//! | `messages` | the traces of the messages in the queues |

mod header;
mod lineage;
mod messages;

pub use header::{Trace, new_id};
pub use lineage::LONGEST_CHAIN;
pub use messages::MessageTraces;
