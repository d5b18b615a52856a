//! Saved layouts: which fields an export has, in which order and under which labels, by a name.
//!
//! A layout belongs to its company: everybody who may export sees and uses it. It is changed and
//! taken away by whoever made it, and by people who see all of the company's contacts, so that
//! nobody's layout is stuck when they leave.

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{Column, Field, FieldError, RequestError, field::MAX_FIELDS};
use crate::{
    contact::{RecordPermission, fold},
    id::{LayoutId, UserId},
    identity::{Level, Viewer},
    locale::Locale,
};

/// The longest name of a layout, in characters.
const MAX_NAME: usize = 100;
/// The longest label of a column, in characters.
const MAX_LABEL: usize = 100;

/// One column of a layout.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LayoutField {
    /// What the cells hold.
    pub field: Field,
    /// What the header says; without one it says the field's own label, in the language of the
    /// export.
    #[serde(default)]
    pub label: Option<String>,
}

/// A saved layout.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Layout {
    /// The id.
    pub id: LayoutId,
    /// The name: the company's only one, whatever its case, accents and spaces.
    pub name: String,
    /// The columns, 1 to 100, in order.
    pub fields: Vec<LayoutField>,
    /// Who made it.
    pub owner_id: UserId,
    /// Their name at that time, if it was known.
    pub owner_name: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Rises with each change.
    pub version: u64,
}

/// A layout as the API answers it.
#[derive(Clone, Debug, Serialize)]
pub struct LayoutView<'a> {
    #[serde(flatten)]
    layout: &'a Layout,
    permission: RecordPermission,
}

/// A layout as clients send it; what the API itself answers is accepted and ignored.
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

/// A column as clients send it: also an entry of `GET /cdp/export-fields` as it stands.
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

/// What a layout is to say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LayoutDraft {
    name: String,
    fields: Vec<LayoutField>,
}

impl LayoutInput {
    /// Checks the name, the number of fields, each field and its label.
    ///
    /// # Errors
    /// The first field that is wrong.
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

/// A text without white space around it, of one line and bounded length.
fn text(
    field: impl Into<std::borrow::Cow<'static, str>>,
    text: &str,
    most: usize,
) -> Result<String, RequestError> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > most {
        return Err(RequestError::new(field, format!("must be 1 to {most} characters long")));
    }
    if text.contains(char::is_control) {
        return Err(RequestError::new(field, "must not contain control characters"));
    }
    Ok(text.to_owned())
}

impl LayoutDraft {
    /// The layout that the draft begins.
    pub(super) fn begin(self, owner: &Viewer, now: Timestamp) -> Layout {
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

    /// The layout with what the draft says instead.
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
    /// The columns of an export in this language.
    #[must_use]
    pub fn columns(&self, locale: Locale) -> Vec<Column> {
        let column = |LayoutField { field, label }: &LayoutField| match label {
            Some(label) => Column { field: field.clone(), label: label.clone() },
            None => Column::of(field.clone(), locale),
        };
        self.fields.iter().map(column).collect()
    }

    /// Whether somebody may change the layout, or take it away, whose level for seeing contacts is
    /// this one.
    #[must_use]
    pub fn may_be_changed_by(&self, user: UserId, level: Level) -> bool {
        self.owner_id == user || level == Level::Everything
    }

    /// The layout with what the viewer may do with it.
    #[must_use]
    pub fn view(&self, user: UserId, level: Level) -> LayoutView<'_> {
        let may = self.may_be_changed_by(user, level);
        LayoutView { layout: self, permission: RecordPermission { update: may, delete: may } }
    }

    /// The form of the name by which it is the company's only one.
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
        let layout = draft.begin(&owner, "2026-11-21T08:00:00Z".parse().unwrap());
        let labels = |locale| {
            let columns = layout.columns(locale).into_iter();
            columns.map(|column| column.label).collect::<Vec<_>>()
        };
        assert_eq!(labels(Locale::En), ["Nama lengkap", "Email", "tier"]);
        assert_eq!(labels(Locale::Id), ["Nama lengkap", "Email", "tier"]);
        assert!(layout.may_be_changed_by(owner.user, Level::Own));
        let other = "0190d1a2-7c3b-7abc-8def-0123456789ac".parse().unwrap();
        assert!(!layout.may_be_changed_by(other, Level::Team));
        assert!(layout.may_be_changed_by(other, Level::Everything));
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
