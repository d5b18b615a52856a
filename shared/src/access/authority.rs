use std::{collections::HashMap, pin::pin, time::Instant};

use futures::FutureExt;

use super::{
    AccessError, FlagRecord, Flags, Owned, Session, event,
    session::{Teams, scope_for_level},
};
use crate::{
    directory::{DirectoryError, Levels, SubscriptionPlan, TeamSet},
    error::chain,
    id::{CompanyId, UserId},
    identity::{Level, Permission, Viewer},
    services::Services,
    table::{Item, Key, TableError, best_effort, from_item},
    upstream::CallFailure,
};

/// Decides what viewers are allowed to do, from the flags in the table and the levels and teams in
/// Launchpad.
#[derive(Clone, Debug)]
pub struct Authority {
    services: Services,
}

/// The data about the viewer that a request needs.
#[derive(Clone, Copy, Debug)]
pub struct Needs<'a> {
    permissions: &'a [Permission],
    teams: bool,
}

impl Needs<'_> {
    /// Sets whether the request needs the viewer's teams, whatever the viewer's levels and the
    /// company's flags are.
    #[must_use]
    pub fn with_teams(self, teams: bool) -> Self {
        Self { teams, ..self }
    }

    /// Whether the viewer's teams affect the decision, if the viewer has these levels and the flag
    /// is on.
    fn depends_on_teams(&self, levels: &Levels) -> bool {
        let mut needed = self.permissions.iter().map(|permission| levels.level(*permission));
        self.teams || needed.any(|level| level == Level::Team)
    }

    /// Whether the viewer's teams may affect the decision. `guess` contains the last known levels,
    /// which may be out of date. If it is `None`, teams may affect the decision about every
    /// permission.
    fn may_depend_on_teams(&self, guess: Option<&Levels>) -> bool {
        let unknown = self.teams || !self.permissions.is_empty();
        guess.map_or(unknown, |levels| self.depends_on_teams(levels))
    }
}

impl<'a> From<&'a [Permission]> for Needs<'a> {
    fn from(permissions: &'a [Permission]) -> Self {
        Self { permissions, teams: false }
    }
}

impl<'a, const N: usize> From<&'a [Permission; N]> for Needs<'a> {
    fn from(permissions: &'a [Permission; N]) -> Self {
        permissions.as_slice().into()
    }
}

/// The items that are read from the table at the start of a request.
struct StoredState {
    flags: FlagRecord,
    /// The team set that another instance stored.
    team_set: Option<TeamSet>,
    /// The other items that the request needs.
    items: HashMap<Key, Item>,
}

impl Authority {
    /// Creates an authority that uses the table and the directory of these services.
    #[must_use]
    pub fn new(services: Services) -> Self {
        Self { services }
    }

    /// Loads what `viewer` is allowed to do with the needed permissions. This takes one table read,
    /// and one Launchpad call for each part that is not cached.
    ///
    /// The calls run in parallel. If the team flag is set, the teams call starts before the level
    /// is known, unless the last known level of the viewer did not depend on teams. The teams call
    /// is canceled if the level turns out not to depend on teams. If the teams call fails, a
    /// `team` level is narrowed to `own`, and the event `cdp_team_permission_fallback` with the
    /// cause is logged.
    ///
    /// # Errors
    /// [`AccessError::Directory`] when the levels cannot be loaded.
    pub async fn session<'n>(
        &self,
        viewer: &Viewer,
        needed: impl Into<Needs<'n>>,
    ) -> Result<Session, AccessError> {
        Ok(self.session_with_items(viewer, needed, &[]).await?.0)
    }

    /// Like [`Authority::session`], and also returns the items with these keys. They are read
    /// consistently in the same table request as the flags, so that they need no second round trip.
    pub async fn session_with_items<'n>(
        &self,
        viewer: &Viewer,
        needed: impl Into<Needs<'n>>,
        keys: &[Key],
    ) -> Result<(Session, HashMap<Key, Item>), AccessError> {
        let started = Instant::now();
        let needed = needed.into();
        let (session, items) = self.resolve(viewer, needed, keys).await?;
        let is_narrowed = |permission: &&Permission| session.is_narrowed_by_fallback(**permission);
        if let Some(permission) = needed.permissions.iter().find(is_narrowed)
            && let Teams::Unavailable(cause) = &session.teams
        {
            event::team_permission_fallback(viewer, *permission, started.elapsed(), cause);
        }
        Ok((session, items))
    }

    /// Like [`Authority::session`] for a background worker, without the fallback: if the teams
    /// cannot be loaded, the worker must try again later.
    ///
    /// # Errors
    /// [`AccessError::Directory`] when the levels or the needed teams cannot be loaded.
    pub async fn strict_session<'n>(
        &self,
        viewer: &Viewer,
        needed: impl Into<Needs<'n>>,
    ) -> Result<Session, AccessError> {
        let (session, _) = self.resolve(viewer, needed.into(), &[]).await?;
        match session.teams.clone() {
            Teams::Unavailable(error) => Err(error.into()),
            Teams::Known(_) | Teams::NotNeeded => Ok(session),
        }
    }

    /// Like [`Authority::session`] for a person whose access another user checks. No request of
    /// this person is narrowed, so no event is logged.
    pub async fn inspect(
        &self,
        person: &Viewer,
        needed: &[Permission],
    ) -> Result<Session, AccessError> {
        let (session, _) = self.resolve(person, needed.into(), &[]).await?;
        if let Teams::Unavailable(cause) = &session.teams {
            tracing::warn!(
                error = %chain(cause),
                remembered = cause.remembered,
                "could not load the teams of the checked person; the explanation assumes the fallback"
            );
        }
        Ok(session)
    }

    async fn resolve(
        &self,
        viewer: &Viewer,
        needed: Needs<'_>,
        keys: &[Key],
    ) -> Result<(Session, HashMap<Key, Item>), AccessError> {
        let (company, user) = (&viewer.company, viewer.user);
        let guess = self.services.directory.last_known_levels(company, user);
        let is_likely = needed.may_depend_on_teams(guess.as_ref());
        let levels = self.services.directory.levels(company, user).shared();
        let needs_teams = levels
            .clone()
            .map(|levels| levels.is_ok_and(|levels| needed.depends_on_teams(&levels)));
        let (levels, stored) = tokio::join!(levels, async {
            let StoredState { flags: record, team_set, items } =
                self.load_state(viewer, keys).await?;
            let may_need_teams = needed.teams || record.cdp_team_permission_enabled;
            let (flags, teams) = tokio::join!(self.effective_flags(company, record), async {
                let teams = self.services.directory.teams(company, user, team_set);
                match may_need_teams {
                    true => only_if(needs_teams, is_likely, teams).await,
                    false => None,
                }
            });
            Ok::<_, AccessError>((flags, teams, items))
        });
        let (flags, teams, items) = stored?;
        let teams = match teams.filter(|_| needed.teams || flags.team_permission) {
            None => Teams::NotNeeded,
            Some(Ok(answer)) => Teams::Known(self.store_if_new(viewer, answer).await),
            Some(Err(error)) => Teams::Unavailable(error),
        };
        let (levels, is_about_teams) = (levels?, needed.teams);
        Ok((Session { viewer: viewer.clone(), flags, levels, teams, is_about_teams }, items))
    }

    /// The effective flags of a company. They are read with every request, so that turning a flag
    /// off has an immediate effect. The plan can be one minute old. If Launchpad cannot return the
    /// plan, the plan that was stored with the flags applies; if no plan was stored, flags that are
    /// on are effective, which does not let any user see more contacts.
    async fn effective_flags(&self, company: &CompanyId, record: FlagRecord) -> Flags {
        if !record.any() {
            return Flags::default();
        }
        let plan = match self.services.directory.company(company).await {
            Ok(profile) => profile.plan,
            Err(error) => {
                tracing::warn!(
                    error = %chain(&error),
                    remembered = error.remembered,
                    "could not load the company's plan; using the plan stored with the flags"
                );
                record.plan.unwrap_or(SubscriptionPlan::Growth)
            }
        };
        record.effective(plan)
    }

    /// The effective flags of a company, for workers that do not act on behalf of a viewer.
    pub async fn company_flags(&self, company: &CompanyId) -> Result<Flags, AccessError> {
        let record: FlagRecord =
            self.services.table.get(&Key::flags(company), true).await?.unwrap_or_default();
        Ok(self.effective_flags(company, record).await)
    }

    /// Reads the flags, the viewer's team set and the items with these keys in one request. The
    /// team set, which can be large, is read only if this process has no valid one.
    async fn load_state(&self, viewer: &Viewer, keys: &[Key]) -> Result<StoredState, TableError> {
        let (flags, teams) =
            (Key::flags(&viewer.company), Key::team_set(&viewer.company, viewer.user));
        let is_cached =
            self.services.directory.cached_teams(&viewer.company, viewer.user).is_some();
        let teams_key = (!is_cached).then_some(&teams);
        let wanted: Vec<Key> =
            std::iter::once(&flags).chain(teams_key).chain(keys).cloned().collect();
        let mut items = self.services.table.batch_get(&wanted, true).await?;
        let record = items.remove(&flags).map(from_item).transpose()?.unwrap_or_default();
        let team_set = items.remove(&teams).map(from_item).transpose().unwrap_or_else(|error| {
            tracing::warn!(
                error = %chain(&error),
                "could not parse the stored team set; loading the teams from Launchpad"
            );
            None
        });
        Ok(StoredState { flags: record, team_set, items })
    }

    /// Returns the teams of a viewer and all their descendants. They are at most as old as the
    /// teams of a session.
    ///
    /// # Errors
    /// When no cached team set is valid and the Launchpad call fails.
    pub async fn team_set(&self, viewer: &Viewer) -> Result<TeamSet, DirectoryError> {
        if let Some(set) = self.services.directory.cached_teams(&viewer.company, viewer.user) {
            return Ok(set);
        }
        let state = self.load_state(viewer, &[]).await.inspect_err(|error| {
            tracing::warn!(
                error = %chain(error),
                "could not read the stored team set; loading the teams from Launchpad"
            );
        });
        let stored = state.ok().and_then(|state| state.team_set);
        let answer = self.services.directory.teams(&viewer.company, viewer.user, stored).await?;
        Ok(self.store_if_new(viewer, answer).await)
    }

    /// Stores a team set that Launchpad just returned, so that every instance can use it for a
    /// minute, and returns the set.
    async fn store_if_new(&self, viewer: &Viewer, (set, is_new): (TeamSet, bool)) -> TeamSet {
        if is_new {
            // If the write fails, the next request loads the set again.
            let stored = self.services.directory.store_team_set(&self.services.table, viewer, &set);
            best_effort(stored, "could not store the team set").await;
        }
        set
    }

    /// Loads the levels of a person, and with the team flag their teams, into the caches of this
    /// process, so that [`Authority::is_known_to_deny`] has the data. A failure is only logged. The
    /// people of a request need not exist, so 404 is not logged.
    pub async fn preload(&self, flags: Flags, company: &CompanyId, user: UserId) {
        let directory = &self.services.directory;
        let teams = async {
            match flags.team_permission {
                true => directory.teams(company, user, None).await.err(),
                false => None,
            }
        };
        let (levels, teams) = tokio::join!(directory.levels(company, user), teams);
        let failures = levels.err().into_iter().chain(teams);
        for error in failures.filter(|error| error.cause != CallFailure::Status(404)) {
            tracing::warn!(
                error = %chain(&error),
                remembered = error.remembered,
                "could not check whether a mentioned user can open the contact; the author gets no warning"
            );
        }
    }

    /// Whether the caches of this process already prove that a person cannot access a record with a
    /// permission under these flags. This method makes no request. It returns false if the caches
    /// do not contain the needed data.
    #[must_use]
    pub fn is_known_to_deny(
        &self,
        flags: Flags,
        (company, user): (&CompanyId, UserId),
        permission: Permission,
        record: &impl Owned,
    ) -> bool {
        let Some(levels) = self.services.directory.cached_levels(company, user) else {
            return false;
        };
        let level = levels.level(permission);
        let teams = match self.services.directory.cached_teams(company, user) {
            Some(set) => Teams::Known(set),
            None if level == Level::Team && flags.team_permission => return false,
            None => Teams::NotNeeded,
        };
        scope_for_level(level, user, flags, &teams).is_none_or(|scope| !scope.admits(record))
    }
}

/// Returns the result of `answer` if `condition` resolves to true. If that is likely, `answer` is
/// polled before `condition` is resolved. If it resolves to false, `answer` is dropped without
/// waiting for it.
async fn only_if<T>(
    condition: impl Future<Output = bool>,
    is_likely: bool,
    answer: impl Future<Output = T>,
) -> Option<T> {
    let (mut condition, mut answer) = (pin!(condition), pin!(answer));
    tokio::select! {
        biased;
        is_met = &mut condition => if is_met { Some(answer.await) } else { None },
        answer = &mut answer, if is_likely => condition.await.then_some(answer),
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::sync::oneshot;

    use super::*;

    /// Returns the result of [`only_if`], and whether the answer was requested before the condition
    /// was resolved.
    async fn requested_early(is_likely: bool, is_needed: bool) -> (Option<()>, bool) {
        let (requested, mut was_requested) = oneshot::channel();
        let (known, is_known) = oneshot::channel();
        let early = async {
            tokio::task::yield_now().await;
            let early = was_requested.try_recv().is_ok();
            let _ = known.send(());
            early
        };
        let condition = async { is_known.await.is_ok() && is_needed };
        let answer = async {
            let _ = requested.send(());
            if !is_needed {
                pending::<()>().await;
            }
        };
        let (answer, early) = tokio::join!(only_if(condition, is_likely, answer), early);
        (answer, early)
    }

    #[tokio::test]
    async fn a_likely_answer_is_requested_before_it_is_known_to_be_needed() {
        assert_eq!(requested_early(true, true).await, (Some(()), true));
        assert_eq!(requested_early(false, true).await, (Some(()), false));
    }

    #[tokio::test]
    async fn an_answer_that_is_not_needed_is_not_awaited() {
        assert_eq!(requested_early(true, false).await, (None, true));
        assert_eq!(requested_early(false, false).await, (None, false));
        assert_eq!(only_if(ready(false), true, pending::<()>()).await, None);
    }
}
