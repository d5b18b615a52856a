//! Which contacts a file contains: those that the requester's filter matches and the requester may
//! see when the file is written.

use shared::{
    access::{AccessError, Authority, Needs, Scope},
    contact::{Criteria, Filter},
    export::{Job, Selection},
    identity::Permission,
};

/// The scope and filter of a file. If they change while the file is written, it must be written
/// again.
#[derive(Clone, PartialEq, Debug)]
pub struct ExportScope {
    /// What the requester may see.
    pub scope: Scope,
    /// The criteria of the filter; `None` if the contacts were selected by their ids.
    pub criteria: Option<Criteria>,
}

impl ExportScope {
    /// Resolves the current scope of a job's requester. There is no fallback to own contacts (SPEC
    /// §2).
    ///
    /// # Errors
    /// [`AccessError`] if the requester may not see contacts, or if the scope could not be
    /// resolved.
    pub async fn for_requester(authority: &Authority, job: &Job) -> Result<Self, AccessError> {
        let filter = match &job.selection {
            Selection::Filter(filter) => Some(Filter::clone(filter)),
            Selection::Ids { .. } => None,
        };
        let needs_teams = filter.as_ref().is_some_and(Filter::needs_teams);
        let needs = Needs::from(&[Permission::ViewCustomers]).with_teams(needs_teams);
        let session = authority.strict_session(&job.viewer(), needs).await?;
        let scope = session.scope(Permission::ViewCustomers)?;
        Ok(Self { scope, criteria: filter.map(|filter| filter.for_session(&session)) })
    }
}
