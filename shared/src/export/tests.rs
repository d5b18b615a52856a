//! Tests the state transitions of export jobs with an embedded table.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use super::{transition::Overdue, *};
use crate::{
    id::UserId,
    idempotency::{IdempotencyError, IdempotencyKey},
    identity::{Platform, Viewer},
    locale::Locale,
    table::{DUE_SHARDS, DueItem, DueKind, DueLane, embedded},
};

/// The jobs in a separate table, and the current time.
struct World {
    jobs: Jobs,
    now: Timestamp,
}

impl World {
    async fn new() -> Self {
        let table = embedded::table().await;
        Self { jobs: Jobs::new(table), now: "2026-11-21T08:00:00Z".parse().unwrap() }
    }

    fn job(&self, user: u128) -> Job {
        let requester = Viewer {
            company: "acme".parse().unwrap(),
            user: UserId::from_uuid(Uuid::from_u128(user)),
            name: Some("Sari".to_owned()),
            email: Some("sari@acme.example".to_owned()),
            platform: Platform::Web,
        };
        let order = ExportOrder {
            format: Format::Csv,
            selection: Selection::Filter(Box::default()),
            ids: Vec::new(),
            delimiter: Delimiter::default(),
            columns: vec![Column::new(Field::Name, Locale::En)],
            layout_id: None,
            file_name: "contacts.csv".to_owned(),
            time_zone: "Asia/Jakarta".to_owned(),
            locale: Locale::En,
        };
        Job::queued(&requester, &order, self.now)
    }

    async fn created(&self) -> Job {
        let job = self.job(1);
        self.jobs.create(&job, None, self.now).await.unwrap();
        job
    }

    async fn leased(&self) -> Job {
        let job = self.created().await;
        match self.jobs.acquire_lease(&job.reference(), self.now).await.unwrap() {
            JobLease::Acquired(job) => *job,
            other => panic!("{other:?}"),
        }
    }

    async fn stored(&self, job: &Job) -> Job {
        self.jobs.get(&job.reference()).await.unwrap().unwrap()
    }

    async fn due(&self) -> Vec<DueItem> {
        let far = self.now + SignedDuration::from_hours(10_000);
        let mut all = Vec::new();
        for shard in 0..DUE_SHARDS {
            all.extend(
                self.jobs
                    .table()
                    .due_before((DueLane::Prompt, shard), far, None, 100)
                    .await
                    .unwrap()
                    .items,
            );
        }
        all
    }

    async fn due_times(&self, kind: DueKind) -> Vec<Timestamp> {
        self.due().await.iter().filter(|it| it.due.kind == kind).map(|it| it.due.at).collect()
    }

    async fn quota_places(&self) -> usize {
        let key = crate::table::Key::quota(&"acme".parse().unwrap());
        let item: Option<Value> = self.jobs.table().get(&key, true).await.unwrap();
        item.map_or(0, |item| item["jobs"].as_object().map_or(0, serde_json::Map::len))
    }

    fn finished(&self) -> Finished {
        Finished { upload_started_at: self.now, rows: 3, skipped: 1, cut_cells: 0, size_bytes: 99 }
    }
}

fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

#[tokio::test]
async fn a_new_job_has_a_quota_place_a_deadline_and_a_message() {
    let world = World::new().await;
    let job = world.created().await;
    assert_eq!(world.stored(&job).await, job);
    assert_eq!(world.quota_places().await, 1);
    assert_eq!(world.due_times(DueKind::JobDeadline).await, [job.deadline]);
    assert_eq!(world.due_times(DueKind::Message).await.len(), 1);
    let (listed, next) = world.jobs.list(&job.company, job.user, None, 10).await.unwrap();
    assert_eq!((listed, next), (vec![job], None));
}

#[tokio::test]
async fn the_fourth_job_of_a_user_is_refused_until_another_job_ends() {
    let world = World::new().await;
    let first = world.created().await;
    world.created().await;
    world.created().await;
    let fourth = world.job(1);
    let refused = world.jobs.create(&fourth, None, world.now).await;
    assert!(matches!(refused, Err(CreateError::TooMany(TooManyExports::User))), "{refused:?}");
    assert!(world.jobs.get(&fourth.reference()).await.unwrap().is_none());
    world.jobs.cancel(&first.reference(), world.now).await.unwrap();
    assert_eq!(world.quota_places().await, 2);
    world.jobs.create(&fourth, None, world.now).await.unwrap();
}

#[tokio::test]
async fn concurrent_requests_with_one_key_create_one_job() {
    let world = World::new().await;
    let viewer: Viewer = world.job(1).viewer();
    let key = IdempotencyKey::new(&viewer, "POST /cdp/exports", "k", ("", b"body")).unwrap();
    let (one, other) = (world.job(1), world.job(1));
    let (first, second) = tokio::join!(
        world.jobs.create(&one, Some(&key), world.now),
        world.jobs.create(&other, Some(&key), world.now)
    );
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    assert_eq!(world.quota_places().await, 1);
    let created = if first.is_ok() { one } else { other };
    let table = world.jobs.table();
    let earlier: Option<JobRef> = key.earlier(table, world.now).await.unwrap();
    assert_eq!(earlier, Some(created.reference()));
    let changed = IdempotencyKey::new(&viewer, "POST /cdp/exports", "k", ("", b"another")).unwrap();
    let reused = changed.earlier::<JobRef>(table, world.now).await;
    assert!(matches!(reused, Err(IdempotencyError::Reused)));
    let tomorrow = world.now + SignedDuration::from_hours(24);
    assert_eq!(key.earlier::<JobRef>(table, tomorrow).await.unwrap(), None);
    world.jobs.create(&world.job(1), Some(&key), tomorrow).await.unwrap();
}

#[tokio::test]
async fn a_live_lease_is_respected_and_a_stale_lease_is_taken_over() {
    let world = World::new().await;
    let first = world.leased().await;
    assert_eq!(
        world.jobs.acquire_lease(&first.reference(), world.now).await.unwrap(),
        JobLease::HeldByAnother
    );
    let later = world.now + JOB_LEASE_TIME;
    let JobLease::Acquired(job) =
        world.jobs.acquire_lease(&first.reference(), later).await.unwrap()
    else {
        panic!("the lease was not taken over");
    };
    assert_eq!(job.attempt, 2);
    // The first worker resumes, but can neither renew its lease nor finish the job.
    assert!(!world.jobs.renew_lease(&first, AttemptProgress::default(), later).await.unwrap());
    assert!(!world.jobs.release_lease(&first).await.unwrap());
    let lost = world.jobs.complete(&first, world.finished(), later).await.unwrap();
    assert!(lost.is_none());
    let ignored = world.jobs.fail(&first, FailureCode::ExportFailed, later).await.unwrap();
    assert!(ignored.is_none());
    assert!(world.jobs.renew_lease(&job, AttemptProgress::default(), later).await.unwrap());
}

#[tokio::test]
async fn completion_frees_the_quota_place_and_starts_the_48_hours() {
    let world = World::new().await;
    let job = world.leased().await;
    let then = world.now + minutes(3);
    let (done, _) = world.jobs.complete(&job, world.finished(), then).await.unwrap().unwrap();
    let expires_at = world.now + FILE_LIFETIME;
    assert_eq!((done.status, done.expires_at), (Status::Completed, Some(expires_at)));
    assert_eq!(world.quota_places().await, 0);
    assert_eq!(world.due_times(DueKind::JobDeadline).await, []);
    assert_eq!(world.due_times(DueKind::FileExpiry).await, [expires_at]);
    assert_eq!(world.due_times(DueKind::Message).await.len(), 2);
    // A repeated message changes nothing.
    assert_eq!(world.jobs.acquire_lease(&job.reference(), then).await.unwrap(), JobLease::Finished);
    assert_eq!(done.available_until(expires_at), None);
    assert!(world.jobs.expire(&job.reference(), then).await.unwrap().is_none());
    let (_, ended) = world.jobs.expire(&job.reference(), expires_at).await.unwrap().unwrap();
    assert!(ended);
    let (_, again) = world.jobs.expire(&job.reference(), expires_at).await.unwrap().unwrap();
    assert!(!again);
}

#[tokio::test]
async fn a_cancelled_job_stops_its_worker_and_is_checked_by_the_clean_up() {
    let world = World::new().await;
    let job = world.leased().await;
    let cancelled = world.jobs.cancel(&job.reference(), world.now).await.unwrap();
    assert!(matches!(cancelled, CancelOutcome::Ended(_)));
    assert!(!world.jobs.renew_lease(&job, AttemptProgress::default(), world.now).await.unwrap());
    assert!(world.jobs.complete(&job, world.finished(), world.now).await.unwrap().is_none());
    assert_eq!(world.quota_places().await, 0);
    let soon = world.now + minutes(2);
    assert_eq!(world.due_times(DueKind::JobDeadline).await, [soon]);
    let found = world.jobs.overdue(&job.reference(), soon, soon).await.unwrap();
    assert!(matches!(found, Overdue::Ended(_)), "{found:?}");
    let again = world.jobs.cancel(&job.reference(), world.now).await.unwrap();
    assert!(matches!(again, CancelOutcome::AlreadyEnded(_)));
}

#[tokio::test]
async fn a_completed_job_that_is_cancelled_expires_at_once() {
    let world = World::new().await;
    let job = world.leased().await;
    world.jobs.complete(&job, world.finished(), world.now).await.unwrap();
    let then = world.now + minutes(10);
    let CancelOutcome::Ended(gone) = world.jobs.cancel(&job.reference(), then).await.unwrap()
    else {
        panic!("the job was not canceled");
    };
    assert_eq!((gone.status, gone.expires_at), (Status::Expired, Some(then)));
    assert_eq!(world.due_times(DueKind::FileExpiry).await, [then]);
}

#[tokio::test]
async fn a_dead_job_is_requeued_once_and_then_fails() {
    let world = World::new().await;
    let job = world.leased().await;
    let deadline = job.deadline;
    let early = world.jobs.overdue(&job.reference(), world.now, deadline).await.unwrap();
    assert!(matches!(early, Overdue::Unchanged), "the deadline has moved: {early:?}");
    let found = world.jobs.overdue(&job.reference(), deadline, deadline).await.unwrap();
    let Overdue::Requeued(requeued, _) = found else { panic!("{found:?}") };
    assert_eq!(world.due_times(DueKind::JobDeadline).await, [requeued.deadline]);
    assert!(!world.jobs.renew_lease(&job, AttemptProgress::default(), deadline).await.unwrap());
    let end = requeued.deadline;
    let found = world.jobs.overdue(&job.reference(), end, end).await.unwrap();
    let Overdue::Failed(failed, _) = found else { panic!("{found:?}") };
    assert_eq!(failed.error, Some(FailureCode::ExportFailed));
    assert_eq!((failed.email_status, world.quota_places().await), (Delivery::Pending, 0));
}

#[tokio::test]
async fn a_job_is_attempted_five_times() {
    let world = World::new().await;
    let mut job = world.leased().await;
    for attempt in 2..=MAX_ATTEMPTS {
        assert!(world.jobs.release_lease(&job).await.unwrap());
        let lease = world.jobs.acquire_lease(&job.reference(), world.now).await.unwrap();
        let JobLease::Acquired(next) = lease else { panic!("{lease:?}") };
        assert_eq!(next.attempt, attempt);
        job = *next;
    }
    world.jobs.release_lease(&job).await.unwrap();
    let lease = world.jobs.acquire_lease(&job.reference(), world.now).await.unwrap();
    assert!(matches!(lease, JobLease::AttemptsExhausted(_)), "{lease:?}");
}

#[tokio::test]
async fn a_channel_delivers_once_and_never_after_an_unknown_outcome() {
    let world = World::new().await;
    let job = world.created().await;
    let (at, jobs, now) = (job.reference(), &world.jobs, world.now);
    let lease = async |now| jobs.acquire_delivery_lease(&at, Channel::Email, now).await.unwrap();
    let record = async |outcome| {
        jobs.record_delivery(&at, Channel::Email, outcome, now).await.unwrap();
    };
    assert_eq!(lease(now).await, DeliveryLease::Acquired);
    assert_eq!(lease(now).await, DeliveryLease::HeldByAnother);
    record(Delivery::Pending).await;
    assert_eq!(lease(now).await, DeliveryLease::Acquired);
    // The worker that had the lease died, so the outcome is unknown.
    assert_eq!(lease(now + minutes(2)).await, DeliveryLease::Finished);
    assert_eq!(world.stored(&job).await.email_status, Delivery::Unknown);
    record(Delivery::Pending).await;
    assert_eq!(world.stored(&job).await.email_status, Delivery::Unknown);
    record(Delivery::Sent).await;
    assert_eq!(world.stored(&job).await.email_status, Delivery::Sent);
    assert_eq!(world.stored(&job).await.notification_status, Delivery::Pending);
}

#[tokio::test]
async fn a_link_token_finds_its_job_and_an_unknown_token_finds_none() {
    let world = World::new().await;
    let job = world.created().await;
    let token = world.jobs.create_link(&job).await.unwrap();
    assert_eq!(world.jobs.follow(&token).await.unwrap(), Some(job));
    let unknown = LinkToken::generate().unwrap();
    assert_eq!(world.jobs.follow(&unknown).await.unwrap(), None);
}
