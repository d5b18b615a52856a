//! The limits on requests, as token buckets: one bucket for each route that has its own limit, and
//! one common bucket for all other routes.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::template::{Api, Throttle};

/// The token buckets of an API.
pub(super) struct Limits {
    default: Option<Bucket>,
    routes: BTreeMap<String, Bucket>,
}

impl Limits {
    /// Creates full token buckets with the limits of the template.
    pub(super) fn new(api: Option<&Api>, now: Instant) -> Self {
        let routes = api.into_iter().flat_map(|api| &api.route_throttles);
        Self {
            default: api.and_then(|api| api.throttle).map(|limits| Bucket::new(limits, now)),
            routes: routes.map(|(key, limits)| (key.clone(), Bucket::new(*limits, now))).collect(),
        }
    }

    /// Whether a request to the route with this key is admitted. An admitted request takes a token
    /// from its bucket.
    pub(super) fn admit(&self, route_key: &str, now: Instant) -> bool {
        let bucket = self.routes.get(route_key).or(self.default.as_ref());
        bucket.is_none_or(|bucket| bucket.take(now))
    }
}

struct Bucket {
    limits: Throttle,
    /// The number of tokens that are left, and the time when they were counted.
    state: Mutex<(f64, Instant)>,
}

impl Bucket {
    /// Creates a full token bucket.
    fn new(limits: Throttle, now: Instant) -> Self {
        Self { limits, state: Mutex::new((f64::from(limits.burst), now)) }
    }

    /// Takes a token. Returns `false` if there is none.
    fn take(&self, now: Instant) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let refill = now.saturating_duration_since(state.1).as_secs_f64() * self.limits.rate;
        let tokens = (state.0 + refill).min(f64::from(self.limits.burst));
        let admitted = tokens >= 1.0;
        *state = (if admitted { tokens - 1.0 } else { tokens }, now.max(state.1));
        admitted
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_route_with_its_own_limit_uses_no_tokens_of_the_others() {
        let start = Instant::now();
        let limits = |burst| Throttle { burst, rate: 1.0 };
        let api = Api {
            id: "Api".to_owned(),
            default_authorizer: None,
            authorizers: BTreeMap::new(),
            cors: None,
            throttle: Some(limits(5)),
            route_throttles: BTreeMap::from([("GET /d/{token}".to_owned(), limits(2))]),
        };
        let all = Limits::new(Some(&api), start);
        let admitted = |key: &str| (0..10).filter(|_| all.admit(key, start)).count();
        assert_eq!((admitted("GET /d/{token}"), admitted("GET /x")), (2, 5));
    }

    #[test]
    fn a_burst_is_admitted_and_after_that_the_rate() {
        let start = Instant::now();
        let bucket = Bucket::new(Throttle { burst: 3, rate: 2.0 }, start);
        let admitted = |at| (0..10).filter(|_| bucket.take(at)).count();
        assert_eq!(admitted(start), 3);
        assert_eq!(admitted(start + Duration::from_millis(500)), 1);
        assert_eq!(admitted(start + Duration::from_secs(60)), 3);
    }
}
