//! Limits the active exports of users and companies (SPEC §4). Each company has one item, which is
//! written in the same transactions as changes of the company's jobs.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::job::JobRef;
use crate::{
    id::{CompanyId, JobId, UserId},
    table::{Action, Condition, Key, TableError, attribute, to_item},
};

/// The maximum number of active jobs of a user.
pub const MAX_PER_USER: usize = 3;
/// The maximum number of active jobs of a company.
pub const MAX_PER_COMPANY: usize = 20;

/// Why a new export is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TooManyExports {
    /// The user already has [`MAX_PER_USER`] active exports.
    #[error(
        "you already have {MAX_PER_USER} exports in progress; wait until one of them ends, or cancel one"
    )]
    User,
    /// The company already has [`MAX_PER_COMPANY`] active exports.
    #[error(
        "your company already has {MAX_PER_COMPANY} exports in progress; wait until one of them ends"
    )]
    Company,
}

/// The active jobs of a company. Each of them has a place in the quota.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Quota {
    jobs: HashMap<String, Place>,
    version: u64,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Place {
    user: UserId,
    deadline: Timestamp,
}

/// The key of a job in the item's map. It contains only letters and digits, because a path in an
/// update expression must not contain hyphens.
fn name(job: JobId) -> String {
    format!("j{}", job.as_uuid().simple())
}

impl Quota {
    /// Adds a job, if the limits allow it. First removes the jobs whose deadline has passed.
    pub(super) fn admit(
        mut self,
        at: &JobRef,
        deadline: Timestamp,
        now: Timestamp,
    ) -> Result<Self, TooManyExports> {
        self.jobs.retain(|_, place| place.deadline > now);
        if self.jobs.values().filter(|place| place.user == at.user).count() >= MAX_PER_USER {
            return Err(TooManyExports::User);
        }
        if self.jobs.len() >= MAX_PER_COMPANY {
            return Err(TooManyExports::Company);
        }
        self.jobs.insert(name(at.job), Place { user: at.user, deadline });
        Ok(self)
    }

    /// The write action for the quota. Its condition is that the quota has not changed since it was
    /// read.
    pub(super) fn put(mut self, company: &CompanyId) -> Result<Action, TableError> {
        let unchanged = match self.version {
            0 => Condition::Absent,
            version => Condition::Version(version),
        };
        self.version += 1;
        Ok(Action::Put(to_item(&Key::quota(company), &self)?, Some(unchanged)))
    }
}

/// The write action that keeps a job's place in the quota until its new deadline.
pub(super) fn keep(at: &JobRef, deadline: Timestamp) -> Result<Action, TableError> {
    let place = attribute(Place { user: at.user, deadline })?;
    let update = format!("SET #jobs.{} = :place ADD #version :one", name(at.job));
    change(at, update, vec![(":place", place)])
}

/// The write action that removes a job's place from the quota.
pub(super) fn release(at: &JobRef) -> Result<Action, TableError> {
    let update = format!("REMOVE #jobs.{} ADD #version :one", name(at.job));
    change(at, update, vec![])
}

fn change(
    at: &JobRef,
    update: String,
    mut values: Vec<(&'static str, aws_sdk_dynamodb::types::AttributeValue)>,
) -> Result<Action, TableError> {
    values.push((":one", attribute(1)?));
    Ok(Action::Update {
        key: Key::quota(&at.company),
        update,
        names: vec![("#jobs", "jobs"), ("#version", "version")],
        values,
        condition: None,
    })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use uuid::Uuid;

    use super::*;

    fn at(user: u128, job: u128) -> JobRef {
        JobRef {
            company: "acme".parse().unwrap(),
            user: UserId::from_uuid(Uuid::from_u128(user)),
            job: JobId::from_uuid(Uuid::from_u128(job)),
        }
    }

    fn now() -> Timestamp {
        "2026-11-21T08:00:00Z".parse().unwrap()
    }

    fn filled(jobs: impl Iterator<Item = (u128, u128)>) -> Result<Quota, TooManyExports> {
        let later = now() + SignedDuration::from_mins(1);
        let mut jobs = jobs;
        jobs.try_fold(Quota::default(), |quota, (user, job)| {
            quota.admit(&at(user, job), later, now())
        })
    }

    #[test]
    fn a_user_has_three_active_jobs_at_most() {
        let three = filled((1..=3).map(|job| (1, job))).unwrap();
        let later = now() + SignedDuration::from_mins(1);
        assert_eq!(three.clone().admit(&at(1, 4), later, now()), Err(TooManyExports::User));
        assert!(three.admit(&at(2, 4), later, now()).is_ok());
    }

    #[test]
    fn a_company_has_twenty_active_jobs_at_most() {
        assert!(filled((1..=20).map(|job| (job, job))).is_ok());
        assert_eq!(filled((1..=21).map(|job| (job, job))), Err(TooManyExports::Company));
    }

    #[test]
    fn a_job_that_died_frees_its_place_by_its_deadline() {
        let three = filled((1..=3).map(|job| (1, job))).unwrap();
        let then = now() + SignedDuration::from_mins(1);
        let admitted = three.admit(&at(1, 4), then + SignedDuration::from_mins(1), then);
        assert_eq!(admitted.unwrap().jobs.len(), 1);
    }
}
