//! Sets a company's feature flags. Operators invoke the function directly, without the API (SPEC
//! §5).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::{
    access::{Flag, FlagRecord},
    directory::{Directory, SubscriptionPlan},
    entry::{Code, Failure, direct::Invocation},
    environment::{Environment, StartError},
    id::CompanyId,
    table::Table,
};

/// The dependencies of the function.
#[derive(Debug)]
pub struct App {
    /// The table with the flags.
    pub table: Table,
    /// The client of Launchpad, which returns the company's plan.
    pub directory: Directory,
}

impl App {
    /// Creates the dependencies from the environment.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        Ok(Self { table: environment.table()?, directory: environment.directory()? })
    }
}

/// The flags to set. A flag that is absent is not changed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetFlags {
    company_sso_id: CompanyId,
    #[serde(default)]
    cdp_team_permission_enabled: Option<bool>,
    #[serde(default)]
    cdp_notes_mention_enabled: Option<bool>,
}

/// The flags after the change.
#[derive(Clone, Debug, Serialize)]
pub struct FlagsAnswer {
    company_sso_id: CompanyId,
    #[serde(flatten)]
    flags: FlagRecord,
}

impl SetFlags {
    fn changes(&self) -> impl Iterator<Item = (Flag, bool)> {
        let changes = [
            (Flag::TeamPermission, self.cdp_team_permission_enabled),
            (Flag::NotesMention, self.cdp_notes_mention_enabled),
        ];
        changes.into_iter().filter_map(|(flag, on)| on.map(|on| (flag, on)))
    }
}

/// Sets the flags. Turning a flag off takes effect at once, also while Launchpad fails.
///
/// # Errors
/// `PLAN_NOT_ALLOWED` if a flag is turned on for a company with the Starter plan, `NOT_FOUND` if
/// Launchpad does not know the company and the table has no flags of it. All other errors are as in
/// SPEC §5.
pub async fn handle(
    app: Arc<App>,
    request: SetFlags,
    _: Invocation,
) -> Result<FlagsAnswer, Failure> {
    let company = &request.company_sso_id;
    let mut plan = None;
    if request.changes().any(|(_, on)| on) {
        let profile = app.directory.company(company).await.map_err(|error| {
            if error.is_status(404) { unknown_company().with_source(error) } else { error.into() }
        })?;
        let current = profile.plan;
        if current == SubscriptionPlan::Starter {
            let message = "these flags require a Growth or Enterprise plan";
            return Err(Failure::new(Code::PlanNotAllowed, message));
        }
        plan = Some(current);
    } else if FlagRecord::find(&app.table, company).await?.is_none()
        && let Err(error) = app.directory.company(company).await
        && error.is_status(404)
    {
        return Err(unknown_company().with_source(error));
    }
    let changes: Vec<(Flag, bool)> = request.changes().collect();
    let flags = FlagRecord::store(&app.table, company, &changes, plan).await?;
    tracing::info!(
        company_sso_id = %company,
        cdp_team_permission_enabled = flags.cdp_team_permission_enabled,
        cdp_notes_mention_enabled = flags.cdp_notes_mention_enabled,
        "flags set"
    );
    Ok(FlagsAnswer { company_sso_id: company.clone(), flags })
}

/// The error for a company that Launchpad does not know. A retry cannot succeed.
fn unknown_company() -> Failure {
    let message = "company_sso_id: Launchpad does not know this company; check the id";
    Failure::new(Code::NotFound, message).with_details(json!({ "field": "company_sso_id" }))
}
