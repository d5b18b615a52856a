//! Optimistic locking: an attempt reads items, decides what to write, and writes it under a
//! condition. If another writer has changed the items in the meantime, a new attempt starts. Every
//! such loop of the service uses [`retry`].

use std::ops::AsyncFnMut;

use super::{TableError, TransactError, read::wait};

/// The maximum number of attempts of a write. The attempts and the waits between them take about
/// seven seconds. That is less than the ten seconds that an HTTP function has.
const ATTEMPTS: u32 = 12;

/// How one attempt ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Attempt<T> {
    /// The write is done, or there is nothing to write.
    Done(T),
    /// A condition was not met: another writer changed the items since they were read.
    Conflict,
}

impl Attempt<()> {
    /// Converts the result of a transaction: failed conditions are a conflict.
    pub fn from_transaction(written: Result<(), TransactError>) -> Result<Self, TableError> {
        match written {
            Ok(()) => Ok(Self::Done(())),
            Err(TransactError::Conditions(_)) => Ok(Self::Conflict),
            Err(TransactError::Table(error)) => Err(error),
        }
    }
}

impl<T> Attempt<T> {
    /// Converts the value of [`Attempt::Done`]; a conflict stays a conflict.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Attempt<U> {
        match self {
            Self::Done(value) => Attempt::Done(f(value)),
            Self::Conflict => Attempt::Conflict,
        }
    }
}

/// Calls `attempt` until it returns [`Attempt::Done`], with exponential backoff and jitter between
/// two calls. Each call must read the items again, because they have changed since the last call.
/// `item` is the name of the written items in the error message.
///
/// # Errors
/// [`TableError::Contention`] when every attempt ended with a conflict; otherwise the error of an
/// attempt.
pub async fn retry<T, E: From<TableError>>(
    item: &'static str,
    attempt: impl AsyncFnMut() -> Result<Attempt<T>, E>,
) -> Result<T, E> {
    retry_with(item, attempt, async |number| wait(number, ATTEMPTS).await).await
}

async fn retry_with<T, E: From<TableError>>(
    item: &'static str,
    mut attempt: impl AsyncFnMut() -> Result<Attempt<T>, E>,
    mut pause: impl AsyncFnMut(u32),
) -> Result<T, E> {
    for number in 0..ATTEMPTS {
        if let Attempt::Done(value) = attempt().await? {
            return Ok(value);
        }
        pause(number).await;
    }
    Err(TableError::Contention(format!("{item} kept changing")).into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::table::backoff;

    /// Returns the result of a write that has this many conflicts, the number of its attempts, and
    /// the sum of the waits between them.
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
    async fn a_write_is_retried_after_a_conflict() {
        assert_eq!(write(0).await.0.unwrap(), 1);
        assert_eq!(write(3).await.0.unwrap(), 4);
    }

    #[tokio::test]
    async fn a_write_that_always_conflicts_returns_contention_with_the_name_of_the_item() {
        let (result, count, waited) = write(u32::MAX).await;
        assert_eq!(count, ATTEMPTS);
        let error = result.unwrap_err();
        assert_eq!(error.to_string(), "conflict with other writes: the item kept changing");
        assert!(waited < Duration::from_secs(8), "a request lasts ten seconds: {waited:?}");
    }
}
