//! Schedules, which invoke functions at a fixed rate.

use std::sync::Arc;

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use serde_json::{Value, json};
use shared::clock::Clock;
use shared::error::chain;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::account::{ACCOUNT_ID, REGION, arn};
use crate::lambda::{InvokeError, InvokeOutcome, Lambda};
use crate::template::{Schedule, Template};

/// The reason why a schedule could not be run on request.
#[derive(Debug, thiserror::Error)]
pub enum FireError {
    /// The template has no schedule for the function.
    #[error("{0} has no schedule")]
    NoSchedule(String),
    /// The function was not invoked.
    #[error(transparent)]
    Invoke(#[from] InvokeError),
    /// The function failed.
    #[error("{function} failed: {payload}")]
    Failed {
        /// Logical id of the function.
        function: String,
        /// The error payload that the function returned.
        payload: String,
    },
}

/// The schedules in a template.
#[derive(Clone)]
pub struct Schedules {
    template: Arc<Template>,
    lambda: Lambda,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Schedules {
    /// Starts every enabled schedule. A schedule runs for the first time after one period.
    #[must_use]
    pub fn start(template: Arc<Template>, lambda: Lambda, clock: &Clock) -> Self {
        let schedules =
            Self { template, lambda, stop: CancellationToken::new(), tasks: TaskTracker::new() };
        for function in schedules.template.functions.values() {
            for schedule in function.schedules().filter(|schedule| schedule.enabled) {
                let run = run(
                    schedules.lambda.clone(),
                    function.id.clone(),
                    schedule.clone(),
                    clock.clone(),
                );
                let stop = schedules.stop.clone();
                schedules.tasks.spawn(async move { stop.run_until_cancelled(run).await });
            }
        }
        schedules
    }

    /// Runs the schedule of `function` now and waits for the function's response. `time` is the
    /// time in the event.
    pub async fn fire(&self, function: &str, time: Timestamp) -> Result<InvokeOutcome, FireError> {
        let schedule = self
            .template
            .functions
            .get(function)
            .and_then(|function| function.schedules().next())
            .ok_or_else(|| FireError::NoSchedule(function.to_owned()))?;
        let event = event(function, schedule, time, &Uuid::new_v4());
        let outcome = self.lambda.invoke(function, event.to_string().into()).await?;
        if outcome.function_error.is_some() {
            return Err(FireError::Failed {
                function: function.to_owned(),
                payload: String::from_utf8_lossy(&outcome.payload).into_owned(),
            });
        }
        Ok(outcome)
    }

    /// Stops the schedules. The Lambda service ends the invocations in progress.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

async fn run(lambda: Lambda, function: String, schedule: Schedule, clock: Clock) {
    let mut ticks = interval_at(Instant::now() + schedule.period, schedule.period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let event = event(&function, &schedule, clock.now(), &Uuid::new_v4());
        if let Err(error) = lambda.invoke_later(&function, event.to_string().into()) {
            tracing::warn!(%function, error = %chain(&error), "a scheduled invocation failed");
        }
    }
}

/// The event that an `EventBridge` rule sends. Its time is in whole seconds.
fn event(function: &str, schedule: &Schedule, time: Timestamp, id: &Uuid) -> Value {
    let whole = TimestampRound::new().smallest(Unit::Second).mode(RoundMode::Floor);
    let time = time.round(whole).unwrap_or(time);
    let rule = arn("events", &format!("rule/{function}{}", schedule.name));
    json!({
        "version": "0",
        "id": id,
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT_ID,
        "time": time.to_string(),
        "region": REGION,
        "resources": [rule],
        "detail": {},
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_schedule_sends_the_event_of_eventbridge() {
        let schedule = Schedule {
            name: "EveryMinute".to_owned(),
            period: Duration::from_secs(60),
            enabled: true,
        };
        let time = "2026-11-21T08:09:10.987Z".parse().unwrap();
        let event = event("CleanUp", &schedule, time, &Uuid::nil());
        assert_eq!(
            event,
            json!({
                "version": "0",
                "id": "00000000-0000-0000-0000-000000000000",
                "detail-type": "Scheduled Event",
                "source": "aws.events",
                "account": "000000000000",
                "time": "2026-11-21T08:09:10Z",
                "region": "us-east-1",
                "resources": ["arn:aws:events:us-east-1:000000000000:rule/CleanUpEveryMinute"],
                "detail": {},
            })
        );
    }
}
