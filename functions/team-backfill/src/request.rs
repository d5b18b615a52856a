//! The operator's request to start a run.

use serde::{Deserialize, Serialize};
use shared::{entry::Failure, id::CompanyId};

/// The mode of a run: what it changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Changes no contacts. Only writes a report of what `apply` would do.
    DryRun,
    /// Sets the team owners of contacts.
    Apply,
    /// On all contacts of the company, removes the team owners that a backfill set and that no user
    /// has changed since. This mode needs no files, because each contact stores who set its team
    /// owners.
    Revert,
}

/// The request to start a run.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The company's SSO id, which identifies the tenant.
    pub(crate) company_sso_id: CompanyId,
    pub(crate) mode: Mode,
    /// The object key of the people file, under the company's prefix.
    #[serde(default)]
    people_key: Option<String>,
    /// The object key of the teams file, under the company's prefix.
    #[serde(default)]
    teams_key: Option<String>,
}

/// The key prefix of a company's input files, with a slash at the end.
pub(crate) fn prefix(company: &CompanyId) -> String {
    format!("private/backfill/{company}/")
}

impl Request {
    /// The keys of the people file and of the teams file; `None` for a revert.
    ///
    /// # Errors
    /// `INVALID_REQUEST` if a key is missing or is not under the company's prefix.
    pub(crate) fn keys(&self) -> Result<Option<(&str, &str)>, Failure> {
        let people = self.key("people_key", self.people_key.as_deref())?;
        let teams = self.key("teams_key", self.teams_key.as_deref())?;
        match (self.mode, people.zip(teams)) {
            (Mode::Revert, _) => Ok(None),
            (_, Some(keys)) => Ok(Some(keys)),
            (_, None) => {
                let missing = if people.is_none() { "people_key" } else { "teams_key" };
                Err(Failure::invalid(missing, "is required for this mode"))
            }
        }
    }

    fn key<'k>(&self, field: &str, key: Option<&'k str>) -> Result<Option<&'k str>, Failure> {
        let prefix = prefix(&self.company_sso_id);
        let own = |key: &str| {
            let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
            key.len() <= 1024
                && key.strip_prefix(&prefix).is_some_and(|rest| rest.split('/').all(plain))
        };
        match key {
            Some(key) if !own(key) => {
                Err(Failure::invalid(field, format!("must be the key of a file under {prefix}")))
            }
            key => Ok(key),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn refusal(mut request: Value) -> Option<String> {
        request["company_sso_id"] = json!("acme");
        let request: Request = serde_json::from_value(request).unwrap();
        request.keys().err().map(|failure| failure.body()["details"]["field"].to_string())
    }

    #[test]
    fn keys_outside_the_companys_own_prefix_are_refused() {
        let teams = "private/backfill/acme/teams.csv";
        for people in [
            "private/backfill/other/people.csv",
            "private/backfill/acme",
            "private/backfill/acme/",
            "private/backfill/acme/../other/people.csv",
            "private/backfill/acme//people.csv",
            "/private/backfill/acme/people.csv",
            "private/exports/acme/people.csv",
            "",
        ] {
            let request = json!({ "mode": "apply", "people_key": people, "teams_key": teams });
            assert_eq!(refusal(request).as_deref(), Some("\"people_key\""), "{people}");
        }
        let people = "private/backfill/acme/2026/people.csv";
        let good = json!({ "mode": "apply", "people_key": people, "teams_key": teams });
        assert_eq!(refusal(good), None);
    }

    #[test]
    fn only_a_revert_needs_no_files() {
        let key = "private/backfill/acme/people.csv";
        assert_eq!(refusal(json!({ "mode": "revert" })), None);
        for mode in ["apply", "dry_run"] {
            assert_eq!(refusal(json!({ "mode": mode })).as_deref(), Some("\"people_key\""));
            let people = json!({ "mode": mode, "people_key": key });
            assert_eq!(refusal(people).as_deref(), Some("\"teams_key\""));
        }
    }
}
