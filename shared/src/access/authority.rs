use std::{collections::HashMap, time::Instant};

use super::{FlagRecord, Flags, Level, Permission, Scope, Viewer};
use crate::{
    clock::Clock,
    directory::{Directory, DirectoryError, Levels, TeamSet},
    event,
    id::CompanyId,
    table::{Key, Table, TableError, from_item},
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
        let started = Instant::now();
        let session = self.resolve(viewer, needed).await?;
        if let (Teams::Unavailable, Some(permission)) = (
            &session.teams,
            needed.iter().find(|permission| session.levels.level(**permission) == Level::Team),
        ) {
            event::team_permission_fallback(viewer, *permission, started.elapsed());
        }
        Ok(session)
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
        let session = self.resolve(viewer, needed).await?;
        match session.teams {
            Teams::Unavailable => Err(DirectoryError::remembered("teams").into()),
            Teams::Known(_) | Teams::NotNeeded => Ok(session),
        }
    }

    async fn resolve(
        &self,
        viewer: &Viewer,
        needed: &[Permission],
    ) -> Result<Session, AccessError> {
        let (company, user) = (&viewer.company, viewer.user);
        let (stored, levels) =
            tokio::join!(self.stored(viewer), self.directory.levels(company, user));
        let ((record, shared), levels) = (stored?, levels?);
        let by_team = needed.iter().any(|permission| levels.level(*permission) == Level::Team);
        let wants_teams = by_team && record.cdp_team_permission_enabled;
        if !record.any() {
            let teams = Teams::NotNeeded;
            return Ok(Session { viewer: viewer.clone(), flags: Flags::default(), levels, teams });
        }
        let (flags, teams) = tokio::join!(self.flags(company, record), async {
            if wants_teams { self.teams(viewer, shared).await } else { Teams::NotNeeded }
        });
        let teams = if flags.team_permission { teams } else { Teams::NotNeeded };
        Ok(Session { viewer: viewer.clone(), flags, levels, teams })
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

    /// Flags and the viewer's team set, in one read.
    async fn stored(&self, viewer: &Viewer) -> Result<(FlagRecord, Option<TeamSet>), TableError> {
        let (flags, teams) =
            (Key::flags(&viewer.company), Key::team_set(&viewer.company, viewer.user));
        let mut found: HashMap<Key, _> =
            self.table.batch_get(&[flags.clone(), teams.clone()], true).await?;
        let record = found.remove(&flags).map(from_item).transpose()?.unwrap_or_default();
        // A cached set that does not fit is no set.
        let set = found.remove(&teams).and_then(|item| from_item(item).ok());
        Ok((record, set))
    }

    /// The viewer's teams: from this process, from the table, else from Launchpad, which then
    /// every instance has for a minute.
    async fn teams(&self, viewer: &Viewer, shared: Option<TeamSet>) -> Teams {
        let fresh = shared.filter(|set| self.directory.is_fresh(set));
        let answered = self.directory.teams(&viewer.company, viewer.user, fresh).await;
        let Ok((set, asked_now)) = answered else { return Teams::Unavailable };
        if asked_now {
            // The cache is a convenience: what cannot be written is asked for again.
            let stored = self.directory.store_team_set(&self.table, viewer, &set).await;
            if let Err(error) = stored {
                tracing::warn!(%error, "the team set could not be cached in the table");
            }
        }
        Teams::Known(set)
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
        match self.level(permission) {
            Level::Disabled => Err(AccessError::Disabled),
            Level::Own => Ok(Scope::Own(self.viewer.user)),
            Level::Everything => Ok(Scope::Everything),
            Level::Team if !self.flags.team_permission => Ok(Scope::Everything),
            Level::Team => Ok(match &self.teams {
                Teams::Known(set) => Scope::Team {
                    user: self.viewer.user,
                    expanded: set.expanded_team_ids.iter().copied().collect(),
                },
                Teams::Unavailable | Teams::NotNeeded => Scope::Own(self.viewer.user),
            }),
        }
    }

    /// Whether a permission's `team` level was narrowed to `own` by Launchpad's trouble.
    #[must_use]
    pub fn fell_back(&self, permission: Permission) -> bool {
        self.level(permission) == Level::Team && matches!(self.teams, Teams::Unavailable)
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
