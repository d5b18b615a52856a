//! Saved layouts: named lists of the columns of an export, with their order and labels.
//!
//! A layout belongs to a company. Every user of the company who may export can see and use it. Its
//! owner can change and delete it. Users who can see all of the company's contacts can do so too,
//! so that the layouts of people who have left the company can still be changed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{
    field::{Field, FieldError, MAX_FIELDS},
    label::{Column, squash},
    request_error::RequestError,
};
use crate::{
    contact::{RecordPermission, fold},
    id::{LayoutId, UserId},
    identity::{Level, Viewer},
    locale::Locale,
};

/// The maximum length of a layout's name, in characters.
const MAX_NAME: usize = 100;
/// The maximum length of a column's label, in characters.
const MAX_LABEL: usize = 100;

/// One column of a layout.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LayoutField {
    /// The contact field whose values are in the column's cells.
    pub field: Field,
    /// The text in the header. If it is `None`, the header is the field's default label in the
    /// language of the export.
    #[serde(default)]
    pub label: Option<String>,
}

/// A saved layout.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Layout {
    /// The layout's id. It contains the time at which the layout was created.
    pub id: LayoutId,
    /// The layout's name. It is unique in the company; case, accents and spaces are ignored in the
    /// comparison.
    pub name: String,
    /// The columns, from 1 to 100, in order. The same field may occur more than once.
    pub fields: Vec<LayoutField>,
    /// The user who created the layout.
    pub owner_id: UserId,
    /// The owner's name at the time when the layout was created; `None` if it was not known.
    pub owner_name: Option<String>,
    /// The time at which the layout was created.
    pub created_at: Timestamp,
    /// The time at which the layout was last changed.
    pub updated_at: Timestamp,
    /// The version for optimistic locking. Each change increments it.
    pub version: u64,
}

/// A layout as the API returns it.
#[derive(Clone, Debug, Serialize)]
pub struct LayoutView<'a> {
    #[serde(flatten)]
    layout: &'a Layout,
    permission: RecordPermission,
}

/// A layout as clients send it. Clients may also send the other fields that the API returns; these
/// are ignored.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayoutInput {
    name: String,
    fields: Vec<FieldInput>,
    #[serde(default, rename = "id")]
    _id: IgnoredAny,
    #[serde(default, rename = "owner_id")]
    _owner_id: IgnoredAny,
    #[serde(default, rename = "owner_name")]
    _owner_name: IgnoredAny,
    #[serde(default, rename = "created_at")]
    _created_at: IgnoredAny,
    #[serde(default, rename = "updated_at")]
    _updated_at: IgnoredAny,
    #[serde(default, rename = "version")]
    _version: IgnoredAny,
    #[serde(default, rename = "permission")]
    _permission: IgnoredAny,
}

/// A column as clients send it. An unchanged entry of `GET /cdp/export-fields` is also accepted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldInput {
    field: String,
    #[serde(default)]
    label: Option<String>,
    #[serde(default, rename = "type")]
    _type: IgnoredAny,
    #[serde(default, rename = "default")]
    _default: IgnoredAny,
}

/// The content of a layout after it was checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LayoutDraft {
    name: String,
    fields: Vec<LayoutField>,
}

impl LayoutInput {
    /// Checks the name, the number of fields, and the name and label of each field.
    ///
    /// # Errors
    /// [`RequestError`] for the first field that is not valid.
    pub fn check(self) -> Result<LayoutDraft, RequestError> {
        let name = text("name", &self.name, MAX_NAME)?;
        if fold(&name).is_empty() {
            return Err(RequestError::new(
                "name",
                "must contain at least one letter, digit or symbol",
            ));
        }
        if self.fields.is_empty() || self.fields.len() > MAX_FIELDS {
            let count = FieldError::Count(self.fields.len());
            return Err(RequestError::new("fields", count.to_string()));
        }
        let fields = self.fields.into_iter().enumerate().map(|(at, field)| field.check(at));
        Ok(LayoutDraft { name, fields: fields.collect::<Result<_, _>>()? })
    }
}

impl FieldInput {
    fn check(self, at: usize) -> Result<LayoutField, RequestError> {
        let wrong =
            |error: FieldError| RequestError::new(format!("fields[{at}].field"), error.to_string());
        let field: Field = self.field.parse().map_err(wrong)?;
        let label = self.label.filter(|label| !label.trim().is_empty());
        let label = label.map(|label| text(format!("fields[{at}].label"), &label, MAX_LABEL));
        Ok(LayoutField { field, label: label.transpose()? })
    }
}

/// Trims a text, and checks that its length is from 1 to `max_length` characters and that it has no
/// control characters.
fn text(
    field: impl Into<std::borrow::Cow<'static, str>>,
    text: &str,
    max_length: usize,
) -> Result<String, RequestError> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > max_length {
        return Err(RequestError::new(field, format!("must be 1 to {max_length} characters long")));
    }
    if text.contains(char::is_control) {
        return Err(RequestError::new(field, "must not contain control characters"));
    }
    Ok(text.to_owned())
}

impl LayoutDraft {
    /// Creates a new layout with this content.
    pub(super) fn into_layout(self, owner: &Viewer, now: Timestamp) -> Layout {
        Layout {
            id: LayoutId::generate(now),
            name: self.name,
            fields: self.fields,
            owner_id: owner.user,
            owner_name: owner.name.clone(),
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }

    /// Returns the layout with this content in place of its previous content.
    pub(super) fn replace(&self, layout: &Layout, now: Timestamp) -> Layout {
        Layout {
            name: self.name.clone(),
            fields: self.fields.clone(),
            updated_at: now,
            version: layout.version + 1,
            ..layout.clone()
        }
    }
}

impl Layout {
    /// The columns of an export with this layout, whose dates are in this time zone. Labels that the
    /// layout does not set are in this language. A custom field whose label another column has, or
    /// could have, also has its name in its label.
    #[must_use]
    pub fn columns(&self, locale: Locale, time_zone: &str) -> Vec<Column> {
        let column = |LayoutField { field, label }: &LayoutField| match label {
            Some(label) => Column { field: field.clone(), label: label.clone() },
            None => Column::in_zone(field.clone(), locale, time_zone),
        };
        let mut columns: Vec<Column> = self.fields.iter().map(column).collect();
        let labels: Vec<String> = columns.iter().map(|column| squash(&column.label)).collect();
        for (at, column) in columns.iter_mut().enumerate() {
            let is_taken = labels.iter().filter(|label| **label == labels[at]).count() > 1
                || Field::is_standard_label(&column.label);
            if is_taken && matches!(column.field, Field::Custom(_)) {
                column.label = column.field.named_label(&column.label);
            }
        }
        columns
    }

    /// Whether a user may change or delete the layout. `level` is the access level at which the
    /// user may see contacts.
    #[must_use]
    pub fn can_be_changed_by(&self, user: UserId, level: Level) -> bool {
        self.owner_id == user || level == Level::Everything
    }

    /// The layout together with the user's permissions on it, as the API returns it.
    #[must_use]
    pub fn view(&self, user: UserId, level: Level) -> LayoutView<'_> {
        let is_allowed = self.can_be_changed_by(user, level);
        LayoutView {
            layout: self,
            permission: RecordPermission { update: is_allowed, delete: is_allowed },
        }
    }

    /// The name without case, accents and spaces. It must be unique in the company.
    pub(super) fn folded_name(&self) -> String {
        fold(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(body: Value) -> Result<LayoutDraft, RequestError> {
        serde_json::from_value::<LayoutInput>(body).unwrap().check()
    }

    #[test]
    fn labels_override_headers_and_the_rest_follow_the_language() {
        let draft = check(json!({ "name": " Sales ", "fields": [
            { "field": "name", "label": " Nama lengkap " },
            { "field": "email", "label": "  " },
            { "field": "custom.tier" },
        ] }));
        let draft = draft.unwrap();
        assert_eq!(draft.name, "Sales");
        let owner = Viewer {
            company: "acme".parse().unwrap(),
            user: "0190d1a2-7c3b-7abc-8def-0123456789ab".parse().unwrap(),
            name: None,
            email: None,
            platform: crate::identity::Platform::Web,
        };
        let layout = draft.into_layout(&owner, "2026-11-21T08:00:00Z".parse().unwrap());
        let labels = |locale| {
            let columns = layout.columns(locale, "Asia/Jakarta").into_iter();
            columns.map(|column| column.label).collect::<Vec<_>>()
        };
        assert_eq!(labels(Locale::En), ["Nama lengkap", "Email", "tier"]);
        assert_eq!(labels(Locale::Id), ["Nama lengkap", "Email", "tier"]);
        assert!(layout.can_be_changed_by(owner.user, Level::Own));
        let other = "0190d1a2-7c3b-7abc-8def-0123456789ac".parse().unwrap();
        assert!(!layout.can_be_changed_by(other, Level::Team));
        assert!(layout.can_be_changed_by(other, Level::Everything));
    }

    #[test]
    fn an_invalid_value_is_refused_with_its_field() {
        let name = json!({ "field": "name" });
        for (body, field) in [
            (json!({ "name": " ", "fields": [name] }), "name"),
            (json!({ "name": "x".repeat(101), "fields": [name] }), "name"),
            (json!({ "name": "a\nb", "fields": [name] }), "name"),
            (json!({ "name": "\u{301}", "fields": [name] }), "name"),
            (json!({ "name": "n", "fields": [] }), "fields"),
            (json!({ "name": "n", "fields": vec![&name; 101] }), "fields"),
            (json!({ "name": "n", "fields": [name, { "field": "salary" }] }), "fields[1].field"),
            (
                json!({ "name": "n", "fields": [{ "field": "name", "label": "x".repeat(101) }] }),
                "fields[0].label",
            ),
            (
                json!({ "name": "n", "fields": [{ "field": "name", "label": "a\tb" }] }),
                "fields[0].label",
            ),
        ] {
            assert_eq!(check(body).unwrap_err().field, field);
        }
        assert!(check(json!({ "name": "n", "fields": vec![&name; 100] })).is_ok());
    }
}
