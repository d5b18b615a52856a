use std::{collections::HashMap, time::Instant};

use super::{FlagRecord, Flags, Level, Owned, Permission, Scope, Viewer};
use crate::{
    clock::Clock,
    directory::{Directory, DirectoryError, Levels, TeamSet},
    event,
    id::{CompanyId, UserId},
    table::{Item, Key, Table, TableError, from_item},
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
    table: Table,
    directory: Directory,
    clock: Clock,
}

/// The teams of a viewer as far as the request needs them.
#[derive(Clone, Debug)]
enum Teams {
    /// No permission of the request is decided by teams.
    NotNeeded,
    Known(TeamSet),
    /// Launchpad is in trouble: narrow to `own`, never widen (RFC §2.2).
    Unavailable,
}

/// What one read of the table tells at the start of a request.
struct Stored {
    record: FlagRecord,
    shared: Option<TeamSet>,
    items: HashMap<Key, Item>,
}

/// What one viewer may do during one request.
#[derive(Clone, Debug)]
pub struct Session {
    /// The viewer.
    pub viewer: Viewer,
    /// The flags that count.
    pub flags: Flags,
    levels: Levels,
    teams: Teams,
}

impl Authority {
    /// An authority over this table and directory.
    #[must_use]
    pub fn new(table: Table, directory: Directory, clock: Clock) -> Self {
        Self { table, directory, clock }
    }

    /// Resolves what `viewer` may do with the `needed` permissions, in one table read beside one
    /// Launchpad call, and more calls only where a cache does not have the answer. While Launchpad
    /// cannot tell the teams, a `team` level narrows to `own` and the event
    /// `cdp_team_permission_fallback` says so.
    ///
    /// # Errors
    /// When the permissions or the flags cannot be read.
    pub async fn session(
        &self,
        viewer: &Viewer,
        needed: &[Permission],
    ) -> Result<Session, AccessError> {
        Ok(self.session_beside(viewer, needed, &[]).await?.0)
    }

    /// The same, and the items with these keys, read consistently in the same request as the
    /// flags: what a handler wants to judge costs no round trip of its own.
    ///
    /// # Errors
    /// As [`Authority::session`].
    pub async fn session_beside(
        &self,
        viewer: &Viewer,
        needed: &[Permission],
        keys: &[Key],
    ) -> Result<(Session, HashMap<Key, Item>), AccessError> {
        let started = Instant::now();
        let (session, items) = self.resolve(viewer, needed, keys).await?;
        if let (Teams::Unavailable, Some(permission)) = (
            &session.teams,
            needed.iter().find(|permission| session.levels.level(**permission) == Level::Team),
        ) {
            event::team_permission_fallback(viewer, *permission, started.elapsed());
        }
        Ok((session, items))
    }

    /// The same for a worker, where there is no fallback: a scope that cannot be resolved is an
    /// error, to be tried again later.
    ///
    /// # Errors
    /// When anything that decides the scope cannot be read.
    pub async fn strict_session(
        &self,
        viewer: &Viewer,
        needed: &[Permission],
    ) -> Result<Session, AccessError> {
        let (session, _) = self.resolve(viewer, needed, &[]).await?;
        match session.teams {
            Teams::Unavailable => Err(DirectoryError::Remembered("teams").into()),
            Teams::Known(_) | Teams::NotNeeded => Ok(session),
        }
    }

    async fn resolve(
        &self,
        viewer: &Viewer,
        needed: &[Permission],
        keys: &[Key],
    ) -> Result<(Session, HashMap<Key, Item>), AccessError> {
        let (company, user) = (&viewer.company, viewer.user);
        let (stored, levels) =
            tokio::join!(self.stored(viewer, keys), self.directory.levels(company, user));
        let (Stored { record, shared, items }, levels) = (stored?, levels?);
        let by_team = needed.iter().any(|permission| levels.level(*permission) == Level::Team);
        let wants_teams = by_team && record.cdp_team_permission_enabled;
        if !record.any() {
            let teams = Teams::NotNeeded;
            let flags = Flags::default();
            return Ok((Session { viewer: viewer.clone(), flags, levels, teams }, items));
        }
        let (flags, teams) = tokio::join!(self.flags(company, record), async {
            if !wants_teams {
                return Teams::NotNeeded;
            }
            self.teams(viewer, shared).await.map_or(Teams::Unavailable, Teams::Known)
        });
        let teams = if flags.team_permission { teams } else { Teams::NotNeeded };
        Ok((Session { viewer: viewer.clone(), flags, levels, teams }, items))
    }

    /// The flags that count for a company. They are read with every request, so that turning one
    /// off works at once; the plan may be a minute old, and while Launchpad cannot tell it, the
    /// plan at the time when the flags were set counts.
    async fn flags(&self, company: &CompanyId, record: FlagRecord) -> Flags {
        match (self.directory.company(company).await, record.plan) {
            (Ok(profile), _) => record.effective(profile.plan),
            (Err(_), Some(plan)) => record.effective(plan),
            (Err(_), None) => Flags::default(),
        }
    }

    /// The flags that count for a company, for workers that act for no viewer.
    ///
    /// # Errors
    /// When the flags cannot be read.
    pub async fn company_flags(&self, company: &CompanyId) -> Result<Flags, AccessError> {
        let record: FlagRecord =
            self.table.get(&Key::flags(company), true).await?.unwrap_or_default();
        Ok(if record.any() { self.flags(company, record).await } else { Flags::default() })
    }

    /// Flags, the viewer's team set and whatever else is wanted, in one read.
    async fn stored(&self, viewer: &Viewer, keys: &[Key]) -> Result<Stored, TableError> {
        let (flags, teams) =
            (Key::flags(&viewer.company), Key::team_set(&viewer.company, viewer.user));
        let wanted: Vec<Key> = [&flags, &teams].into_iter().chain(keys).cloned().collect();
        let mut items = self.table.batch_get(&wanted, true).await?;
        let record = items.remove(&flags).map(from_item).transpose()?.unwrap_or_default();
        // A cached set that does not fit is no set.
        let shared = items.remove(&teams).and_then(|item| from_item(item).ok());
        Ok(Stored { record, shared, items })
    }

    /// The teams of a viewer and all their descendants, at most as old as a scope's may be.
    ///
    /// # Errors
    /// When Launchpad cannot tell them and none are at hand, or the table cannot be read.
    pub async fn team_set(&self, viewer: &Viewer) -> Result<TeamSet, AccessError> {
        if let Some(set) = self.directory.known_teams(&viewer.company, viewer.user) {
            return Ok(set);
        }
        let shared = self.stored(viewer, &[]).await?.shared;
        Ok(self.teams(viewer, shared).await?)
    }

    /// The viewer's teams: from this process, from the table, else from Launchpad, which then
    /// every instance has for a minute.
    async fn teams(
        &self,
        viewer: &Viewer,
        shared: Option<TeamSet>,
    ) -> Result<TeamSet, DirectoryError> {
        let fresh = shared.filter(|set| self.directory.is_fresh(set));
        let (set, asked_now) = self.directory.teams(&viewer.company, viewer.user, fresh).await?;
        if asked_now {
            // The cache is a convenience: what cannot be written is asked for again.
            let stored = self.directory.store_team_set(&self.table, viewer, &set).await;
            if let Err(error) = stored {
                tracing::warn!(%error, "the team set could not be cached in the table");
            }
        }
        Ok(set)
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
        let Some(levels) = self.directory.known_levels(company, user) else { return false };
        let level = levels.level(permission);
        let teams = match self.directory.known_teams(company, user) {
            Some(set) => Teams::Known(set),
            None if level == Level::Team && flags.team_permission => return false,
            None => Teams::NotNeeded,
        };
        reach(level, user, flags, &teams).is_none_or(|scope| !scope.admits(record))
    }

    /// The directory behind the authority.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The table behind the authority.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The clock behind the authority.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }
}

impl Session {
    /// A session as it is once everything is known; no team set is Launchpad's trouble.
    #[cfg(test)]
    pub(crate) fn known(
        viewer: Viewer,
        flags: Flags,
        levels: Levels,
        set: Option<TeamSet>,
    ) -> Self {
        let teams = set.map_or(Teams::Unavailable, Teams::Known);
        Self { viewer, flags, levels, teams }
    }

    /// The viewer's level for a permission, as Launchpad has it.
    #[must_use]
    pub fn level(&self, permission: Permission) -> Level {
        self.levels.level(permission)
    }

    /// What the viewer reaches with a permission.
    ///
    /// # Errors
    /// [`AccessError::Disabled`] at that level.
    pub fn scope(&self, permission: Permission) -> Result<Scope, AccessError> {
        reach(self.level(permission), self.viewer.user, self.flags, &self.teams)
            .ok_or(AccessError::Disabled)
    }

    /// Whether a permission's `team` level was narrowed to `own` by Launchpad's trouble.
    #[must_use]
    pub fn fell_back(&self, permission: Permission) -> bool {
        self.level(permission) == Level::Team && matches!(self.teams, Teams::Unavailable)
    }

    /// The permission that an answer is told under when several decided about it: one that was
    /// narrowed, else the first.
    #[must_use]
    pub fn narrowed(&self, deciding: &[Permission; 2]) -> Permission {
        let narrowed = deciding.iter().find(|permission| self.fell_back(**permission));
        *narrowed.unwrap_or(&deciding[0])
    }

    /// Whether a refusal with this permission is a denial by team scope, which is worth an event:
    /// level `team`, flag on, and not the fallback's doing.
    #[must_use]
    pub fn denies_by_team(&self, permission: Permission) -> bool {
        self.flags.team_permission
            && self.level(permission) == Level::Team
            && !self.fell_back(permission)
    }
}

/// What a level reaches; nothing at `disabled`.
fn reach(level: Level, user: UserId, flags: Flags, teams: &Teams) -> Option<Scope> {
    match level {
        Level::Disabled => None,
        Level::Own => Some(Scope::Own(user)),
        Level::Everything => Some(Scope::Everything),
        Level::Team if !flags.team_permission => Some(Scope::Everything),
        Level::Team => Some(match teams {
            Teams::Known(set) => {
                Scope::Team { user, expanded: set.expanded_team_ids.iter().copied().collect() }
            }
            Teams::Unavailable | Teams::NotNeeded => Scope::Own(user),
        }),
    }
}
