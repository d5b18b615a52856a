//! The caller of a request, and the names of permissions and levels in Launchpad. This is the
//! lowest layer of the domains and makes no decisions.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{CompanyId, UserId};

/// The access level of a permission. It decides for which records the user has the permission.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// No records.
    Disabled,
    /// The records that the user owns or is assigned to.
    Own,
    /// The records of the user's teams and their descendants, the records without a team, and the
    /// records that the user owns or is assigned to.
    Team,
    /// All records of the company.
    Everything,
}

impl Level {
    /// Parses Launchpad's name of a level. An unknown name becomes [`Level::Disabled`].
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

/// An action for which Launchpad sets an access level (in `crs_permissions`).
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

/// The kind of the client. The client sends it in the header `X-Platform`.
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
    /// Parses the value of the header `X-Platform`.
    #[must_use]
    pub fn from_header(value: Option<&str>) -> Self {
        match value.map(str::trim) {
            Some("web") => Self::Web,
            Some("mobile") => Self::Mobile,
            Some("api") => Self::Api,
            _ => Self::Unknown,
        }
    }

    /// The value of the field `platform` in events.
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

/// The signed-in user. The data comes from the verified token; no other part of a request is
/// trusted to identify the user.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Viewer {
    /// The id of the user's company, which is the tenant.
    pub company: CompanyId,
    /// The user's SSO UUID.
    pub user: UserId,
    /// The user's name, if the token contains it.
    pub name: Option<String>,
    /// The user's email address, if the token contains it.
    pub email: Option<String>,
    /// The kind of client that sent the request.
    pub platform: Platform,
}

impl Viewer {
    /// The user's name or, if the token contains no name, their email address. `None` if the token
    /// contains neither.
    #[must_use]
    pub fn known_name(&self) -> Option<String> {
        let named = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        named(&self.name).or_else(|| named(&self.email))
    }

    /// The name to display for the user: [`Viewer::known_name`] or, if it is `None`, the user's id.
    #[must_use]
    pub fn display_name(&self) -> String {
        self.known_name().unwrap_or_else(|| self.user.to_string())
    }
}
