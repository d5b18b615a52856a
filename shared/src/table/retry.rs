//! Optimistic locking: read, decide, write under a condition, and start again when another writer
//! was faster. Every such loop of the service is [`retry`].

use std::ops::AsyncFnMut;

use super::{TableError, TransactError, read::backoff};

/// How many times a write is decided. With the waits between, about seven seconds: less than the
/// ten seconds of an HTTP function.
const ATTEMPTS: u32 = 12;

/// How one attempt ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Attempt<T> {
    /// It is decided: written, or there is nothing to write.
    Done(T),
    /// The condition did not hold: another writer changed the items since they were read.
    Conflict,
}

impl Attempt<()> {
    /// The outcome of a transaction: failed conditions are a conflict.
    ///
    /// # Errors
    /// Every other error of the table.
    pub fn from_transaction(written: Result<(), TransactError>) -> Result<Self, TableError> {
        match written {
            Ok(()) => Ok(Self::Done(())),
            Err(TransactError::Conditions(_)) => Ok(Self::Conflict),
            Err(TransactError::Table(error)) => Err(error),
        }
    }
}

impl<T> Attempt<T> {
    /// The same outcome with another value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Attempt<U> {
        match self {
            Self::Done(value) => Attempt::Done(f(value)),
            Self::Conflict => Attempt::Conflict,
        }
    }
}

/// Calls `attempt` until it is done, with exponential backoff and jitter between two calls. Each
/// call must read what it decides by: the items have changed since the last one. `item` names what
/// is written, for the log.
///
/// # Errors
/// The error of an attempt; [`TableError::Contention`] when every attempt met a conflict.
pub async fn retry<T, E: From<TableError>>(
    item: &'static str,
    attempt: impl AsyncFnMut() -> Result<Attempt<T>, E>,
) -> Result<T, E> {
    retry_with(item, attempt, async |number| tokio::time::sleep(backoff(number)).await).await
}

async fn retry_with<T, E: From<TableError>>(
    item: &'static str,
    mut attempt: impl AsyncFnMut() -> Result<Attempt<T>, E>,
    mut wait: impl AsyncFnMut(u32),
) -> Result<T, E> {
    for number in 0..ATTEMPTS {
        if let Attempt::Done(value) = attempt().await? {
            return Ok(value);
        }
        // No wait after the last attempt: nothing follows it.
        if number + 1 < ATTEMPTS {
            wait(number).await;
        }
    }
    Err(TableError::Contention(format!("{item} kept changing")).into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// What a write that meets this many conflicts ends with, after how many attempts, and the
    /// sum of the waits between them.
    async fn write(conflicts: u32) -> (Result<u32, TableError>, u32, Duration) {
        let (mut count, mut waited) = (0, Duration::ZERO);
        let attempt = async || {
            count += 1;
            Ok(if count > conflicts { Attempt::Done(count) } else { Attempt::Conflict })
        };
        let result = retry_with("the item", attempt, async |number| waited += backoff(number));
        let result = result.await;
        (result, count, waited)
    }

    #[tokio::test]
    async fn a_conflict_starts_the_write_again() {
        assert_eq!(write(0).await.0.unwrap(), 1);
        assert_eq!(write(3).await.0.unwrap(), 4);
    }

    #[tokio::test]
    async fn a_write_that_always_conflicts_ends_as_contention_that_names_the_item() {
        let (result, count, waited) = write(u32::MAX).await;
        assert_eq!(count, ATTEMPTS);
        let error = result.unwrap_err();
        assert_eq!(error.to_string(), "the items are in contention: the item kept changing");
        assert!(waited < Duration::from_secs(8), "a request lasts ten seconds: {waited:?}");
    }
}
