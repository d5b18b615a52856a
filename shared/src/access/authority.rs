use std::{
    collections::{BTreeSet, HashMap},
    time::Instant,
};

use super::{FlagRecord, Flags, Level, Owned, Permission, Scope, Viewer};
use crate::{
    clock::Clock,
    directory::{Directory, DirectoryError, Levels, Team, TeamSet},
    event,
    id::{CompanyId, ContactId, TeamId, UserId},
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
    /// Whether the request itself is about the viewer's teams.
    is_about_teams: bool,
}

impl Authority {
    /// An authority over this table and directory.
    #[must_use]
    pub fn new(table: Table, directory: Directory, clock: Clock) -> Self {
        Self { table, directory, clock }
    }

    /// Resolves what `viewer` may do with the needed permissions, in one table read beside one
    /// Launchpad call, and more calls only where a cache does not have the answer. While Launchpad
    /// cannot tell the teams, a `team` level narrows to `own` and the event
    /// `cdp_team_permission_fallback` says so.
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
            event::team_permission_fallback(viewer, *permission, started.elapsed());
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
        match session.teams {
            Teams::Unavailable => Err(DirectoryError::Remembered("teams").into()),
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
        let (stored, levels) =
            tokio::join!(self.stored(viewer, keys), self.directory.levels(company, user));
        let (Stored { record, shared, items }, levels) = (stored?, levels?);
        let mut by_team = needed.permissions.iter().map(|permission| levels.level(*permission));
        let by_team = by_team.any(|level| level == Level::Team);
        let wants_teams = needed.teams || (by_team && record.cdp_team_permission_enabled);
        let (flags, teams) = tokio::join!(self.flags(company, record), async {
            if !wants_teams {
                return Teams::NotNeeded;
            }
            self.teams(viewer, shared).await.map_or(Teams::Unavailable, Teams::Known)
        });
        let counts = needed.teams || flags.team_permission;
        let teams = if counts { teams } else { Teams::NotNeeded };
        let is_about_teams = needed.teams;
        Ok((Session { viewer: viewer.clone(), flags, levels, teams, is_about_teams }, items))
    }

    /// The flags that count for a company. They are read with every request, so that turning one
    /// off works at once; the plan may be a minute old, and while Launchpad cannot tell it, the
    /// plan at the time when the flags were set counts.
    async fn flags(&self, company: &CompanyId, record: FlagRecord) -> Flags {
        if !record.any() {
            return Flags::default();
        }
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
        Ok(self.flags(company, record).await)
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
        Self { viewer, flags, levels, teams, is_about_teams: false }
    }

    /// The viewer's level for a permission, as Launchpad has it.
    #[must_use]
    pub fn level(&self, permission: Permission) -> Level {
        self.levels.level(permission)
    }

    /// The viewer's own teams by name, as far as the session needed to know them.
    #[must_use]
    pub fn teams(&self) -> &[Team] {
        match &self.teams {
            Teams::Known(set) => &set.teams,
            Teams::NotNeeded | Teams::Unavailable => &[],
        }
    }

    /// What the viewer reaches with a permission.
    ///
    /// # Errors
    /// [`AccessError::Disabled`] at that level.
    pub fn scope(&self, permission: Permission) -> Result<Scope, AccessError> {
        reach(self.level(permission), self.viewer.user, self.flags, &self.teams)
            .ok_or(AccessError::Disabled)
    }

    /// Whether what a permission reaches was narrowed to the viewer's own by Launchpad's trouble:
    /// its `team` level, or the request that is about the viewer's teams.
    #[must_use]
    pub fn fell_back(&self, permission: Permission) -> bool {
        let by_team = match self.level(permission) {
            Level::Disabled => false,
            Level::Team => self.flags.team_permission || self.is_about_teams,
            Level::Own | Level::Everything => self.is_about_teams,
        };
        by_team && matches!(self.teams, Teams::Unavailable)
    }

    /// The viewer's teams and all their descendants, as far as the request needed to know them.
    #[must_use]
    pub fn expanded_teams(&self) -> Option<BTreeSet<TeamId>> {
        match &self.teams {
            Teams::Known(set) => Some(set.expanded_team_ids.iter().copied().collect()),
            Teams::NotNeeded | Teams::Unavailable => None,
        }
    }

    /// How many these are; 0 where they are not known.
    #[must_use]
    pub fn team_count(&self) -> usize {
        self.expanded_teams().map_or(0, |teams| teams.len())
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

    /// Tells, as an event, that an action on one contact was refused with this permission, if it
    /// was a denial by team scope.
    pub fn tell_denied(&self, permission: Permission, contact: ContactId) {
        if self.denies_by_team(permission) {
            let count = self.scope(permission).map_or(0, |scope| scope.team_count());
            event::team_permission_denied(&self.viewer, contact, permission, count);
        }
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
