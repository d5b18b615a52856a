//! What a job's requester may see, and what their filter means by it, when the file is written.

use shared::{
    access::{AccessError, Authority, Needs, Scope},
    contact::{Criteria, Filter},
    export::{Job, Selection},
    identity::Permission,
};

/// What the rows of a file are taken from. Another one means another file.
#[derive(Clone, PartialEq, Debug)]
pub struct ExportScope {
    /// What the requester may see.
    pub scope: Scope,
    /// What of it the filter wants; none where the contacts were selected one by one.
    pub criteria: Option<Criteria>,
}

impl ExportScope {
    /// What the requester of a job reaches as it is now; there is no fallback (SPEC §2).
    ///
    /// # Errors
    /// When they may not see contacts, or nobody can tell.
    pub async fn for_requester(authority: &Authority, job: &Job) -> Result<Self, AccessError> {
        let filter = match &job.selection {
            Selection::Filter(filter) => Some(Filter::clone(filter)),
            Selection::Ids { .. } => None,
        };
        let asks_teams = filter.as_ref().is_some_and(Filter::asks_teams);
        let needs = Needs::from(&[Permission::ViewCustomers]).and_teams(asks_teams);
        let session = authority.strict_session(&job.viewer(), needs).await?;
        let scope = session.scope(Permission::ViewCustomers)?;
        Ok(Self { scope, criteria: filter.map(|filter| filter.of(&session)) })
    }
}
