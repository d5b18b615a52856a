use std::{collections::HashMap, pin::pin, time::Instant};

use futures::FutureExt;

use super::{
    FlagRecord, Flags, Owned, Session, event,
    session::{Teams, reach},
};
use crate::{
    directory::{DirectoryError, Levels, SubscriptionPlan, TeamSet},
    error::chain,
    id::{CompanyId, UserId},
    identity::{Level, Permission, Viewer},
    services::Services,
    table::{Item, Key, TableError, best_effort, from_item},
};

/// Why it cannot be told, or is not so, that a viewer may do something.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The viewer's level is `disabled` (RFC §3.B).
    #[error("permission disabled")]
    Disabled,
    /// The record is out of the viewer's scope (RFC §3.B).
    #[error("out of your team scope")]
    OutOfScope,
    /// Launchpad cannot say what the viewer may do.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The table's trouble.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Answers what viewers may do, out of the table's flags and Launchpad's levels and teams.
#[derive(Clone, Debug)]
pub struct Authority {
    services: Services,
}

/// What a request must know of its viewer.
#[derive(Clone, Copy, Debug)]
pub struct Needs<'a> {
    permissions: &'a [Permission],
    teams: bool,
}

impl Needs<'_> {
    /// The same, and the viewer's teams where `teams`, whatever their levels and flags are.
    #[must_use]
    pub fn and_teams(self, teams: bool) -> Self {
        Self { teams, ..self }
    }

    /// Whether the viewer's teams decide, with these levels and the flag on.
    fn by_team(&self, levels: &Levels) -> bool {
        let mut needed = self.permissions.iter().map(|permission| levels.level(*permission));
        self.teams || needed.any(|level| level == Level::Team)
    }

    /// The same by a guess at the levels. Without one, teams may decide about any permission.
    fn may_be_by_team(&self, guess: Option<&Levels>) -> bool {
        guess.map_or(self.teams || !self.permissions.is_empty(), |levels| self.by_team(levels))
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

/// What one read of the table tells at the start of a request.
struct Stored {
    record: FlagRecord,
    shared: Option<TeamSet>,
    items: HashMap<Key, Item>,
}

impl Authority {
    /// An authority that reads flags and team sets from the table and asks the directory.
    #[must_use]
    pub fn new(services: Services) -> Self {
        Self { services }
    }

    /// Resolves what `viewer` may do with the needed permissions: one table read, and Launchpad's
    /// calls for what no cache has. The calls go side by side: where the team flag is set, the
    /// teams are asked for before it is known that the level is `team`, unless it was not when this
    /// process last asked, and let go where it is not. While Launchpad cannot tell the teams, a `team` level narrows to
    /// `own` and the event `cdp_team_permission_fallback` says so.
    ///
    /// # Errors
    /// When the permissions or the flags cannot be read.
    pub async fn session<'n>(
        &self,
        viewer: &Viewer,
        needed: impl Into<Needs<'n>>,
    ) -> Result<Session, AccessError> {
        Ok(self.session_beside(viewer, needed, &[]).await?.0)
    }

    /// The same, and the items with these keys, read consistently in the same request as the
    /// flags: what a handler wants to judge costs no round trip of its own.
    ///
    /// # Errors
    /// As [`Authority::session`].
    pub async fn session_beside<'n>(
        &self,
        viewer: &Viewer,
        needed: impl Into<Needs<'n>>,
        keys: &[Key],
    ) -> Result<(Session, HashMap<Key, Item>), AccessError> {
        let started = Instant::now();
        let needed = needed.into();
        let (session, items) = self.resolve(viewer, needed, keys).await?;
        let narrowed = needed.permissions.iter().find(|permission| session.fell_back(**permission));
        if let Some(permission) = narrowed {
            if let Teams::Unavailable(cause) = &session.teams {
                event::team_permission_fallback(viewer, *permission, started.elapsed(), cause);
            }
        }
        Ok((session, items))
    }

    /// The same for a worker, where there is no fallback: a scope that cannot be resolved is an
    /// error, to be tried again later.
    ///
    /// # Errors
    /// When anything that decides the scope cannot be read.
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

    /// The same for a person whose access somebody else asks about: no request of theirs is
    /// narrowed, and no event says so.
    ///
    /// # Errors
    /// As [`Authority::session`].
    pub async fn inspect(
        &self,
        person: &Viewer,
        needed: &[Permission],
    ) -> Result<Session, AccessError> {
        Ok(self.resolve(person, needed.into(), &[]).await?.0)
    }

    async fn resolve(
        &self,
        viewer: &Viewer,
        needed: Needs<'_>,
        keys: &[Key],
    ) -> Result<(Session, HashMap<Key, Item>), AccessError> {
        let (company, user) = (&viewer.company, viewer.user);
        let guess = self.services.directory.last_levels(company, user);
        let is_likely = needed.may_be_by_team(guess.as_ref());
        let levels = self.services.directory.levels(company, user).shared();
        let by_team =
            levels.clone().map(|levels| levels.is_ok_and(|levels| needed.by_team(&levels)));
        let (levels, stored) = tokio::join!(levels, async {
            let Stored { record, shared, items } = self.stored(viewer, keys).await?;
            let may_count = needed.teams || record.cdp_team_permission_enabled;
            let (flags, teams) = tokio::join!(self.flags(company, record), async {
                let teams = self.services.directory.teams(company, user, shared);
                match may_count {
                    true => only_if(by_team, is_likely, teams).await,
                    false => None,
                }
            });
            Ok::<_, AccessError>((flags, teams, items))
        });
        let (flags, teams, items) = stored?;
        let teams = match teams.filter(|_| needed.teams || flags.team_permission) {
            None => Teams::NotNeeded,
            Some(Ok(answer)) => Teams::Known(self.kept(viewer, answer).await),
            Some(Err(error)) => Teams::Unavailable(error),
        };
        let (levels, is_about_teams) = (levels?, needed.teams);
        Ok((Session { viewer: viewer.clone(), flags, levels, teams, is_about_teams }, items))
    }

    /// The flags that count for a company. They are read with every request, so that turning one
    /// off works at once; the plan may be a minute old, and while Launchpad cannot tell it, the
    /// plan at the time when the flags were set counts. Where that is not known either, what is on
    /// counts: nobody comes to see more.
    async fn flags(&self, company: &CompanyId, record: FlagRecord) -> Flags {
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

    /// The flags that count for a company, for workers that act for no viewer.
    ///
    /// # Errors
    /// When the flags cannot be read.
    pub async fn company_flags(&self, company: &CompanyId) -> Result<Flags, AccessError> {
        let record: FlagRecord =
            self.services.table.get(&Key::flags(company), true).await?.unwrap_or_default();
        Ok(self.flags(company, record).await)
    }

    /// Flags, the viewer's team set and whatever else is wanted, in one read.
    async fn stored(&self, viewer: &Viewer, keys: &[Key]) -> Result<Stored, TableError> {
        let (flags, teams) =
            (Key::flags(&viewer.company), Key::team_set(&viewer.company, viewer.user));
        let wanted: Vec<Key> = [&flags, &teams].into_iter().chain(keys).cloned().collect();
        let mut items = self.services.table.batch_get(&wanted, true).await?;
        let record = items.remove(&flags).map(from_item).transpose()?.unwrap_or_default();
        // A cached set that does not fit is no set.
        let shared = items.remove(&teams).and_then(|item| from_item(item).ok());
        Ok(Stored { record, shared, items })
    }

    /// The teams of a viewer and all their descendants, at most as old as a scope's may be.
    ///
    /// # Errors
    /// When Launchpad cannot tell them and none are at hand.
    pub async fn team_set(&self, viewer: &Viewer) -> Result<TeamSet, DirectoryError> {
        if let Some(set) = self.services.directory.known_teams(&viewer.company, viewer.user) {
            return Ok(set);
        }
        let stored = self.stored(viewer, &[]).await.inspect_err(|error| {
            tracing::warn!(error = %chain(error), "could not read the stored team set");
        });
        let shared = stored.ok().and_then(|stored| stored.shared);
        let answer = self.services.directory.teams(&viewer.company, viewer.user, shared).await?;
        Ok(self.kept(viewer, answer).await)
    }

    /// The viewer's teams; what Launchpad just told is stored, so that every instance has it for a
    /// minute.
    async fn kept(&self, viewer: &Viewer, (set, asked_now): (TeamSet, bool)) -> TeamSet {
        if asked_now {
            // What cannot be written is asked for again.
            let stored = self.services.directory.store_team_set(&self.services.table, viewer, &set);
            best_effort(stored, "could not store the team set").await;
        }
        set
    }

    /// Whether what is at hand already shows that somebody cannot reach a record with a permission
    /// under these flags. Nothing is asked: what is not known denies nothing.
    #[must_use]
    pub fn is_known_to_deny(
        &self,
        flags: Flags,
        (company, user): (&CompanyId, UserId),
        permission: Permission,
        record: &impl Owned,
    ) -> bool {
        let Some(levels) = self.services.directory.known_levels(company, user) else {
            return false;
        };
        let level = levels.level(permission);
        let teams = match self.services.directory.known_teams(company, user) {
            Some(set) => Teams::Known(set),
            None if level == Level::Team && flags.team_permission => return false,
            None => Teams::NotNeeded,
        };
        reach(level, user, flags, &teams).is_none_or(|scope| !scope.admits(record))
    }
}

/// What `answer` is, if it is `wanted`. Where that `is_likely`, it is asked for before that is
/// known; one that is not wanted is not waited for.
async fn only_if<T>(
    wanted: impl Future<Output = bool>,
    is_likely: bool,
    answer: impl Future<Output = T>,
) -> Option<T> {
    let (mut wanted, mut answer) = (pin!(wanted), pin!(answer));
    tokio::select! {
        biased;
        wanted = &mut wanted => if wanted { Some(answer.await) } else { None },
        answer = &mut answer, if is_likely => wanted.await.then_some(answer),
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::sync::oneshot;

    use super::*;

    /// An answer that is not there before it is wanted, and whether it was asked for by then.
    async fn asked_early(is_likely: bool, is_wanted: bool) -> (Option<()>, bool) {
        let (asked, mut was_asked) = oneshot::channel();
        let (known, is_known) = oneshot::channel();
        let early = async {
            tokio::task::yield_now().await;
            let early = was_asked.try_recv().is_ok();
            let _ = known.send(());
            early
        };
        let wanted = async { is_known.await.is_ok() && is_wanted };
        let answer = async {
            let _ = asked.send(());
            if !is_wanted {
                pending::<()>().await;
            }
        };
        let (answer, early) = tokio::join!(only_if(wanted, is_likely, answer), early);
        (answer, early)
    }

    #[tokio::test]
    async fn a_likely_answer_is_asked_for_before_it_is_known_to_be_wanted() {
        assert_eq!(asked_early(true, true).await, (Some(()), true));
        assert_eq!(asked_early(false, true).await, (Some(()), false));
    }

    #[tokio::test]
    async fn an_answer_that_is_not_wanted_is_not_waited_for() {
        assert_eq!(asked_early(true, false).await, (None, true));
        assert_eq!(asked_early(false, false).await, (None, false));
        assert_eq!(only_if(ready(false), true, pending::<()>()).await, None);
    }
}
