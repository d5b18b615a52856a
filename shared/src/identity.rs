//! Who calls and what Launchpad lets them do: the signed-in person, and the names of permissions and
//! levels. The lowest layer of the domains: it decides nothing by itself.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{CompanyId, UserId};

/// How far a permission reaches.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Nothing.
    Disabled,
    /// What the viewer owns or is assigned to.
    Own,
    /// What the viewer's teams and their descendants own, what nobody's team owns, and the own.
    Team,
    /// The whole company.
    Everything,
}

impl Level {
    /// The level by Launchpad's name; an unknown one is [`Level::Disabled`].
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        match name {
            "own" => Self::Own,
            "team" => Self::Team,
            "everything" => Self::Everything,
            _ => Self::Disabled,
        }
    }

    /// Launchpad's name of the level.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Own => "own",
            Self::Team => "team",
            Self::Everything => "everything",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An action that Launchpad sets a level for (`crs_permissions`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "each variant is named after what it permits")]
pub enum Permission {
    ViewCustomers,
    ManageCustomers,
    DeleteCustomers,
    SearchCustomers,
    ViewNotes,
    AddNotes,
    ManageNotes,
    DeleteNotes,
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 8] = [
        Self::ViewCustomers,
        Self::ManageCustomers,
        Self::DeleteCustomers,
        Self::SearchCustomers,
        Self::ViewNotes,
        Self::AddNotes,
        Self::ManageNotes,
        Self::DeleteNotes,
    ];

    /// Launchpad's name of the permission.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ViewCustomers => "customers_customers_view",
            Self::ManageCustomers => "customers_customers_manage",
            Self::DeleteCustomers => "customers_customers_delete",
            Self::SearchCustomers => "customers_customers_searchassoc",
            Self::ViewNotes => "customers_customernotes_view",
            Self::AddNotes => "customers_customernotes_add",
            Self::ManageNotes => "customers_customernotes_manage",
            Self::DeleteNotes => "customers_customernotes_delete",
        }
    }
}

/// The kind of client, as it names itself in `X-Platform`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "each variant is described by its name")]
pub enum Platform {
    Web,
    Mobile,
    Api,
    #[default]
    Unknown,
}

impl Platform {
    /// The platform by the header's value.
    #[must_use]
    pub fn from_header(value: Option<&str>) -> Self {
        match value.map(str::trim) {
            Some("web") => Self::Web,
            Some("mobile") => Self::Mobile,
            Some("api") => Self::Api,
            _ => Self::Unknown,
        }
    }

    /// The value of events' `platform`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Mobile => "mobile",
            Self::Api => "api",
            Self::Unknown => "unknown",
        }
    }
}

/// The signed-in person, as the checked token tells. Nothing else that a client sends is trusted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Viewer {
    /// The tenant.
    pub company: CompanyId,
    /// The person.
    pub user: UserId,
    /// Their name, if the token tells.
    pub name: Option<String>,
    /// Their email address, if the token tells.
    pub email: Option<String>,
    /// What they call from.
    pub platform: Platform,
}

impl Viewer {
    /// The viewer's name, else their email address, if the token tells either.
    #[must_use]
    pub fn known_name(&self) -> Option<String> {
        let named = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        named(&self.name).or_else(|| named(&self.email))
    }

    /// What to call the viewer in any case: by their id if the token tells nothing else.
    #[must_use]
    pub fn display_name(&self) -> String {
        self.known_name().unwrap_or_else(|| self.user.to_string())
    }
}
