//! Sets a company's feature flags; operators invoke it directly (SPEC §5).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shared::{
    access::{Flag, FlagRecord},
    directory::{Directory, SubscriptionPlan},
    entry::{Code, Failure, direct::Invocation},
    environment::{Environment, StartError},
    id::CompanyId,
    table::Table,
};

/// What the function works with.
#[derive(Debug)]
pub struct App {
    /// Where the flags stand.
    pub table: Table,
    /// Tells a company's plan.
    pub directory: Directory,
}

impl App {
    /// Wires the function.
    ///
    /// # Errors
    /// When a variable is missing or wrong.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        Ok(Self { table: environment.table()?, directory: environment.directory()? })
    }
}

/// The flags to set; what is absent stays as it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetFlags {
    company_sso_id: CompanyId,
    #[serde(default)]
    cdp_team_permission_enabled: Option<bool>,
    #[serde(default)]
    cdp_notes_mention_enabled: Option<bool>,
}

/// The flags as they are now.
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

/// Sets the flags. Turning one off works at once and needs no directory.
///
/// # Errors
/// `PLAN_NOT_ALLOWED` when a flag is turned on for a starter company; as SPEC §5 otherwise.
pub async fn handle(
    app: Arc<App>,
    request: SetFlags,
    _: Invocation,
) -> Result<FlagsAnswer, Failure> {
    let company = &request.company_sso_id;
    let mut plan = None;
    if request.changes().any(|(_, on)| on) {
        let current = app.directory.company(company).await?.plan;
        if current == SubscriptionPlan::Starter {
            let message = "these flags require a Growth or Enterprise plan";
            return Err(Failure::new(Code::PlanNotAllowed, message));
        }
        plan = Some(current);
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
