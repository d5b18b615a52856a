use std::fmt;

use aws_sdk_dynamodb::types::ReturnValue;
use serde::{Deserialize, Serialize};

use crate::{
    directory::SubscriptionPlan,
    id::CompanyId,
    table::{Key, Table, TableError, attribute, from_item},
};

/// A behavior that operators turn on company by company; all are off until then.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Flag {
    /// The `team` level scopes contacts and notes (RFC CHG-005).
    TeamPermission,
    /// Notes can mention people (PRD §6).
    NotesMention,
}

impl Flag {
    /// Every flag.
    pub const ALL: [Self; 2] = [Self::TeamPermission, Self::NotesMention];

    /// The flag's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TeamPermission => "cdp_team_permission_enabled",
            Self::NotesMention => "cdp_notes_mention_enabled",
        }
    }
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A company's flags as they are stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct FlagRecord {
    /// [`Flag::TeamPermission`].
    #[serde(default)]
    pub cdp_team_permission_enabled: bool,
    /// [`Flag::NotesMention`].
    #[serde(default)]
    pub cdp_notes_mention_enabled: bool,
    /// The company's plan when a flag was last set: what counts while Launchpad cannot tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<SubscriptionPlan>,
}

impl FlagRecord {
    /// Sets these flags of a company, and the plan if one is given, field by field: what others set
    /// at the same time stays. Tells the flags as they are then.
    ///
    /// # Errors
    /// As the table says.
    pub async fn store(
        table: &Table,
        company: &CompanyId,
        changes: &[(Flag, bool)],
        plan: Option<SubscriptionPlan>,
    ) -> Result<Self, TableError> {
        let key = Key::flags(company);
        if changes.is_empty() {
            return Ok(table.get(&key, true).await?.unwrap_or_default());
        }
        let flags = changes.iter().map(|(flag, on)| (flag.as_str(), attribute(*on)));
        let plan = plan.map(|plan| ("plan", attribute(plan)));
        let mut update = table
            .client()
            .update_item()
            .table_name(table.name())
            .set_key(Some(key.to_attributes()))
            .return_values(ReturnValue::AllNew);
        let mut fields = Vec::new();
        for (index, (name, value)) in flags.chain(plan).enumerate() {
            fields.push(format!("#f{index} = :v{index}"));
            update = update
                .expression_attribute_names(format!("#f{index}"), name)
                .expression_attribute_values(format!(":v{index}"), value?);
        }
        let stored = update.update_expression(format!("SET {}", fields.join(", "))).send().await?;
        from_item(stored.attributes.unwrap_or_default())
    }

    /// Whether any flag is on.
    #[must_use]
    pub fn any(&self) -> bool {
        self.cdp_team_permission_enabled || self.cdp_notes_mention_enabled
    }

    /// Whether a flag is stored as on; whether it counts, the plan tells.
    #[must_use]
    pub fn is_on(&self, flag: Flag) -> bool {
        match flag {
            Flag::TeamPermission => self.cdp_team_permission_enabled,
            Flag::NotesMention => self.cdp_notes_mention_enabled,
        }
    }

    /// Sets one flag.
    pub fn set(&mut self, flag: Flag, on: bool) {
        match flag {
            Flag::TeamPermission => self.cdp_team_permission_enabled = on,
            Flag::NotesMention => self.cdp_notes_mention_enabled = on,
        }
    }

    /// The flags as they count on this plan: both need Growth or Enterprise.
    #[must_use]
    pub fn effective(&self, plan: SubscriptionPlan) -> Flags {
        let counts = plan != SubscriptionPlan::Starter;
        Flags {
            team_permission: counts && self.cdp_team_permission_enabled,
            notes_mention: counts && self.cdp_notes_mention_enabled,
        }
    }
}

/// The flags that count for a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flags {
    /// The `team` level scopes contacts and notes.
    pub team_permission: bool,
    /// Notes can mention people.
    pub notes_mention: bool,
}
