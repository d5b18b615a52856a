//! The labels of fields in each language, and the columns of a file.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::field::Field;
use crate::{
    contact::{CustomField, FieldType},
    locale::Locale,
};

/// One column of an exported file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// The contact field whose values are in the column's cells.
    pub field: Field,
    /// The text in the column's header.
    pub label: String,
}

/// One entry of the catalog that `GET /cdp/export-fields` returns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldDescription {
    /// The name of the field in requests.
    pub field: Field,
    /// The default text in the header. A layout can set another text.
    pub label: String,
    /// The type of the field's values.
    #[serde(rename = "type")]
    pub field_type: FieldType,
    /// Whether a user interface should select the field by default.
    pub default: bool,
}

impl Column {
    /// Creates a column with the field's default label in this language.
    pub fn new(field: Field, locale: Locale) -> Self {
        Self { label: field.label(locale).into_owned(), field }
    }

    /// Creates a column of a file whose dates are in this time zone. The label of a date names the
    /// zone, such as `Created at (Asia/Jakarta)`, because its cells do not.
    pub fn in_zone(field: Field, locale: Locale, time_zone: &str) -> Self {
        let label = field.label(locale);
        let label = match field {
            Field::CreatedAt | Field::UpdatedAt => format!("{label} ({time_zone})"),
            _ => label.into_owned(),
        };
        Self { label, field }
    }
}

impl FieldDescription {
    /// Lists every field that can be exported, with labels in this language: first the standard
    /// fields, then the company's custom fields.
    #[must_use]
    pub fn catalog(custom: &[CustomField], locale: Locale) -> Vec<Self> {
        let custom = custom.iter().filter_map(|custom| {
            // Custom fields whose keys are not valid in a request are left out.
            let field = Field::custom(&custom.key).ok()?;
            Some(Self { field_type: custom.field_type, ..Self::new(field, locale) })
        });
        Field::STANDARD.into_iter().map(|field| Self::new(field, locale)).chain(custom).collect()
    }

    /// Creates the catalog entry of a field, with its label in this language.
    pub fn new(field: Field, locale: Locale) -> Self {
        Self {
            label: field.label(locale).into_owned(),
            field_type: field.field_type(),
            default: Field::DEFAULT.contains(&field),
            field,
        }
    }
}

impl Field {
    /// The field's label in this language. The label of a custom field is its key. If the key could
    /// be taken for a standard field, the label also has the field's name, as in `Phone
    /// (custom.Phone)`. Labels in a file are therefore unique, and an import maps each back.
    pub fn label(&self, locale: Locale) -> Cow<'_, str> {
        let (english, indonesian) = match self {
            Self::Id => ("Contact ID", "ID Kontak"),
            Self::ExternalId => ("External ID", "ID Eksternal"),
            Self::Name => ("Name", "Nama"),
            Self::Email => ("Email", "Email"),
            Self::Emails => ("All emails", "Semua email"),
            Self::Phone => ("Phone", "Telepon"),
            Self::Phones => ("All phones", "Semua telepon"),
            Self::CompanyName => ("Company", "Perusahaan"),
            Self::OwnerId => ("Owner ID", "ID Pemilik"),
            Self::OwnerName => ("Owner", "Pemilik"),
            Self::AssigneeId => ("Assignee ID", "ID Penanggung jawab"),
            Self::AssigneeName => ("Assignee", "Penanggung jawab"),
            Self::TeamOwnerIds => ("Team owner IDs", "ID Tim pemilik"),
            Self::TeamOwnerNames => ("Team owners", "Tim pemilik"),
            Self::Tags => ("Tags", "Tag"),
            Self::Source => ("Source", "Sumber"),
            Self::CreatedAt => ("Created at", "Dibuat pada"),
            Self::UpdatedAt => ("Updated at", "Diperbarui pada"),
            Self::Custom(key) if Self::is_standard_label(key) => {
                return Cow::Owned(self.named_label(key));
            }
            Self::Custom(key) => return Cow::Borrowed(key),
        };
        Cow::Borrowed(match locale {
            Locale::En => english,
            Locale::Id => indonesian,
        })
    }

    /// Whether a label is the name or a label of a standard field, or could be taken for one. Case,
    /// spaces and punctuation do not count.
    #[must_use]
    pub fn is_standard_label(label: &str) -> bool {
        let label = squash(label);
        Self::STANDARD.iter().any(|field| {
            let labels = [Locale::En, Locale::Id].map(|locale| squash(&field.label(locale)));
            labels.contains(&label) || squash(&field.name()) == label
        })
    }

    /// A label that contains the field's name, as in `Phone (custom.mobile)`.
    pub(super) fn named_label(&self, label: &str) -> String {
        format!("{label} ({self})")
    }

    /// The custom field whose name is in a label, as [`Self::label`] writes it; `None` if there is
    /// none.
    #[must_use]
    pub fn custom_in_label(label: &str) -> Option<Self> {
        let (_, key) = label.strip_suffix(')')?.split_once(" (custom.")?;
        Self::custom(key).ok()
    }
}

/// A label without case, spaces and punctuation.
#[must_use]
pub fn squash(label: &str) -> String {
    label.nfkc().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_standard_fields_share_a_label() {
        for locale in [Locale::En, Locale::Id] {
            let labels: HashSet<_> = Field::STANDARD.iter().map(|it| it.label(locale)).collect();
            assert_eq!(labels.len(), Field::STANDARD.len());
        }
    }

    #[test]
    fn a_custom_field_whose_key_is_a_standard_label_has_its_name_in_its_label() {
        for key in ["Phone", "nama", "e_mail", "company_name", "ID kontak"] {
            let field = Field::Custom(key.to_owned());
            let label = field.label(Locale::En).into_owned();
            assert_eq!(label, format!("{key} (custom.{key})"));
            assert_eq!(Field::custom_in_label(&label), Some(field));
        }
        for label in ["Phone", "Phone (mobile)", "Phone (custom.)", "Phone (custom.x) "] {
            assert_eq!(Field::custom_in_label(label), None, "{label}");
        }
    }

    #[test]
    fn a_custom_field_has_its_key_as_label_in_every_language() {
        let field = Field::Custom("Tier".to_owned());
        assert_eq!(field.label(Locale::Id), "Tier");
        let own = ["Tier", "a\nb"]
            .map(|key| CustomField { key: key.to_owned(), field_type: FieldType::Number });
        let catalog = FieldDescription::catalog(&own, Locale::En);
        assert_eq!(catalog.len(), Field::STANDARD.len() + 1, "the second one cannot be named");
        assert_eq!(
            serde_json::to_value(catalog.last()).unwrap(),
            serde_json::json!({
                "field": "custom.Tier", "label": "Tier", "type": "number", "default": false
            })
        );
    }
}
