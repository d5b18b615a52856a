//! The filter of a list: the conditions that select contacts from those in scope (SPEC §2, "List").

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{clean::clean, search::SearchText};
use crate::id::{TeamId, UserId};

/// The maximum number of values of one field of a filter.
const MAX_FILTER_VALUES: usize = 100;
/// The maximum number of custom fields of a filter.
const MAX_CUSTOM_FIELDS: usize = 20;
/// The longest text of a filter, in bytes.
const MAX_FILTER_TEXT: usize = 256;

/// Selects contacts by their relation to the viewer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum View {
    /// The contacts that the viewer owns.
    OwnedByMe,
    /// The contacts that the viewer is assigned to.
    AssignedToMe,
    /// The contacts that one of the viewer's teams, or a descendant of one, owns. Unassigned
    /// contacts are not included.
    Teams,
}

/// The conditions that a request sets for the contacts in scope. A contact must match every field;
/// a field with several values matches any of them, and an empty field matches every contact.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Filter {
    /// The text to search for: the first letters of words in a name, an email address or a phone
    /// number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub q: Option<SearchText>,
    /// The relation to the viewer; `None` selects all contacts in scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view: Option<View>,
    /// The owner is one of these users.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub owner_id: Vec<UserId>,
    /// The assignee is one of these users.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assignee_id: Vec<UserId>,
    /// One of these teams owns the contact.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub team_owner_ids: Vec<TeamId>,
    /// The contact has one of these tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The source is one of these texts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source: Vec<String>,
    /// Each custom field with one of these keys has one of the values of that key. Values are
    /// compared in their text form. An array matches if one of its elements matches.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub custom: BTreeMap<String, Vec<String>>,
    /// The contact was created at this time or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_from: Option<Timestamp>,
    /// The contact was created before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_to: Option<Timestamp>,
    /// The contact was last changed at this time or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_from: Option<Timestamp>,
    /// The contact was last changed before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_to: Option<Timestamp>,
}

/// A field of a filter exceeds a limit.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct FilterError {
    /// The name of the field.
    pub field: &'static str,
    /// The limit that the field exceeds.
    pub reason: String,
}

impl Filter {
    /// Checks the limits that the types do not enforce.
    ///
    /// # Errors
    /// The first field that exceeds a limit.
    pub fn check(&self) -> Result<(), FilterError> {
        let wrong = |field, reason| Err(FilterError { field, reason });
        let most_custom = self.custom.values().map(Vec::len).max().unwrap_or_default();
        let counts = [
            ("owner_id", self.owner_id.len()),
            ("assignee_id", self.assignee_id.len()),
            ("team_owner_ids", self.team_owner_ids.len()),
            ("tags", self.tags.len()),
            ("source", self.source.len()),
            ("custom", most_custom),
        ];
        if let Some((field, _)) = counts.into_iter().find(|(_, count)| *count > MAX_FILTER_VALUES) {
            return wrong(field, format!("must have at most {MAX_FILTER_VALUES} values"));
        }
        if self.custom.len() > MAX_CUSTOM_FIELDS {
            return wrong("custom", format!("must have at most {MAX_CUSTOM_FIELDS} fields"));
        }
        let custom = self.custom.iter().flat_map(|(key, values)| values.iter().chain([key]));
        let texts = self.tags.iter().map(|tag| ("tags", tag));
        let texts = texts.chain(self.source.iter().map(|source| ("source", source)));
        let mut texts = texts.chain(custom.map(|text| ("custom", text)));
        match texts.find(|(_, text)| text.len() > MAX_FILTER_TEXT) {
            Some((field, _)) => {
                wrong(field, format!("each text must be at most {MAX_FILTER_TEXT} bytes long"))
            }
            None => Ok(()),
        }
    }

    /// The names of the fields that are set, for audit events. They contain neither values nor the
    /// keys of custom fields, because the client chooses both.
    #[must_use]
    pub fn keys(&self) -> Vec<&'static str> {
        [
            ("q", self.q.is_some()),
            ("view", self.view.is_some()),
            ("owner_id", !self.owner_id.is_empty()),
            ("assignee_id", !self.assignee_id.is_empty()),
            ("team_owner_ids", !self.team_owner_ids.is_empty()),
            ("tags", !self.tags.is_empty()),
            ("source", !self.source.is_empty()),
            ("custom", !self.custom.is_empty()),
            ("created_from", self.created_from.is_some()),
            ("created_to", self.created_to.is_some()),
            ("updated_from", self.updated_from.is_some()),
            ("updated_to", self.updated_to.is_some()),
        ]
        .into_iter()
        .filter_map(|(key, set)| set.then_some(key))
        .collect()
    }

    /// Returns the filter without the texts that the client chose, which can be personal data, and
    /// the names of the fields that contained them.
    #[must_use]
    pub fn without_texts(&self) -> (Self, Vec<&'static str>) {
        let rest = Self {
            q: None,
            tags: Vec::new(),
            source: Vec::new(),
            custom: BTreeMap::new(),
            ..self.clone()
        };
        let kept = rest.keys();
        let removed = self.keys().into_iter().filter(|key| !kept.contains(key)).collect();
        (rest, removed)
    }

    /// Whether the filter needs the viewer's teams, whatever level the viewer has.
    #[must_use]
    pub fn needs_teams(&self) -> bool {
        self.view == Some(View::Teams)
    }

    /// Converts the texts into the form in which contacts store them, so that they can be compared.
    pub(super) fn in_stored_form(mut self) -> Self {
        for text in self.tags.iter_mut().chain(&mut self.source) {
            *text = clean(text);
        }
        let custom = std::mem::take(&mut self.custom).into_iter();
        self.custom = custom
            .map(|(key, values)| (clean(&key), values.iter().map(|text| clean(text)).collect()))
            .collect();
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_error_contains_the_name_of_the_field_that_exceeds_its_limit() {
        let many = vec!["x"; 101];
        let long = "x".repeat(257);
        for (filter, field) in [
            (json!({ "tags": many }), "tags"),
            (json!({ "source": [long] }), "source"),
            (json!({ "custom": { "tier": many } }), "custom"),
            (json!({ "custom": { long.clone(): ["1"] } }), "custom"),
        ] {
            let filter: Filter = serde_json::from_value(filter).unwrap();
            assert_eq!(filter.check().unwrap_err().field, field);
        }
    }
}
