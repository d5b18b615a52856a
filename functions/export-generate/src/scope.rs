//! The contacts that a file contains: those that match the request and that the requester may see
//! at the time when the file is written.

use shared::{
    access::{AccessError, Authority, Needs, Scope},
    contact::{Criteria, Filter},
    export::{Job, Selection},
    identity::Permission,
};

/// The scope and filter of a file. If they change while the file is being written, the file must be
/// written again.
#[derive(Clone, PartialEq, Debug)]
pub struct ExportScope {
    /// The contacts that the requester may see.
    pub scope: Scope,
    /// The criteria of the filter; `None` if the user selected contacts by their ids.
    pub criteria: Option<Criteria>,
    selection: Selection,
}

impl ExportScope {
    /// Resolves the current scope of a job's requester for this selection. If it cannot be
    /// resolved, this fails. It never falls back to the requester's own contacts (SPEC §2).
    ///
    /// # Errors
    /// [`AccessError`] if the requester may not see contacts, or if the scope could not be
    /// resolved.
    pub async fn for_requester(
        authority: &Authority,
        job: &Job,
        selection: Selection,
    ) -> Result<Self, AccessError> {
        let filter = match &selection {
            Selection::Filter(filter) => Some(Filter::clone(filter)),
            Selection::Ids { .. } => None,
        };
        let needs_teams = filter.as_ref().is_some_and(Filter::needs_teams);
        let needs = Needs::from(&[Permission::ViewCustomers]).with_teams(needs_teams);
        let session = authority.strict_session(&job.viewer(), needs).await?;
        let scope = session.scope(Permission::ViewCustomers)?;
        let criteria = filter.map(|filter| filter.for_session(&session));
        Ok(Self { scope, criteria, selection })
    }

    /// Resolves the scope again as it is now.
    ///
    /// # Errors
    /// Like [`ExportScope::for_requester`].
    pub async fn renewed(&self, authority: &Authority, job: &Job) -> Result<Self, AccessError> {
        Self::for_requester(authority, job, self.selection.clone()).await
    }
}
