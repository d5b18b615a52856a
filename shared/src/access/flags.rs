use std::fmt;

use aws_sdk_dynamodb::types::ReturnValue;
use serde::{Deserialize, Serialize};

use crate::{
    directory::SubscriptionPlan,
    id::CompanyId,
    table::{Key, Table, TableError, attribute, from_item},
};

/// A feature that operators turn on for each company. Every flag is off by default.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Flag {
    /// The level `team` limits the contacts and notes that a viewer can access (RFC CHG-005).
    TeamPermission,
    /// Notes can mention people (PRD §6).
    NotesMention,
}

impl Flag {
    /// Every flag.
    pub const ALL: [Self; 2] = [Self::TeamPermission, Self::NotesMention];

    /// The name of the flag in requests, answers and stored items.
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

/// A company's flags in their stored form.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct FlagRecord {
    /// Whether [`Flag::TeamPermission`] is on, on any plan.
    #[serde(default)]
    pub cdp_team_permission_enabled: bool,
    /// Whether [`Flag::NotesMention`] is on, on any plan.
    #[serde(default)]
    pub cdp_notes_mention_enabled: bool,
    /// The company's plan at the time when a flag was last set; `None` if it was not stored. It
    /// applies while Launchpad cannot return the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<SubscriptionPlan>,
}

impl FlagRecord {
    /// Sets these flags of a company, and the plan if one is given. Only the given fields are
    /// written, so that concurrent changes of other fields are kept. Returns the flags after the
    /// change.
    pub async fn store(
        table: &Table,
        company: &CompanyId,
        changes: &[(Flag, bool)],
        plan: Option<SubscriptionPlan>,
    ) -> Result<Self, TableError> {
        let key = Key::flags(company);
        if changes.is_empty() {
            return Ok(Self::find(table, company).await?.unwrap_or_default());
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

    /// The stored flags of a company; `None` if they were never set.
    pub async fn find(table: &Table, company: &CompanyId) -> Result<Option<Self>, TableError> {
        table.get(&Key::flags(company), true).await
    }

    /// Whether any flag is on.
    #[must_use]
    pub fn any(&self) -> bool {
        self.cdp_team_permission_enabled || self.cdp_notes_mention_enabled
    }

    /// Whether a flag is stored as on. [`FlagRecord::effective`] also considers the plan.
    #[must_use]
    pub fn is_on(&self, flag: Flag) -> bool {
        match flag {
            Flag::TeamPermission => self.cdp_team_permission_enabled,
            Flag::NotesMention => self.cdp_notes_mention_enabled,
        }
    }

    /// Sets one flag in this value. The table is not changed.
    pub fn set(&mut self, flag: Flag, on: bool) {
        match flag {
            Flag::TeamPermission => self.cdp_team_permission_enabled = on,
            Flag::NotesMention => self.cdp_notes_mention_enabled = on,
        }
    }

    /// The flags that are effective on this plan. Both flags need a Growth or Enterprise plan.
    #[must_use]
    pub fn effective(&self, plan: SubscriptionPlan) -> Flags {
        let is_allowed = plan != SubscriptionPlan::Starter;
        Flags {
            team_permission: is_allowed && self.cdp_team_permission_enabled,
            notes_mention: is_allowed && self.cdp_notes_mention_enabled,
        }
    }
}

/// The flags that are effective for a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flags {
    /// Whether the level `team` limits the contacts and notes that a viewer can access. It is false
    /// if the company's plan does not allow it.
    pub team_permission: bool,
    /// Whether notes can mention people. It is false if the company's plan does not allow it.
    pub notes_mention: bool,
}
