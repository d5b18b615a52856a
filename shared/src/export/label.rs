//! What the fields are called in a file's header, in each language.

use serde::{Deserialize, Serialize};

use super::field::Field;
use crate::{
    contact::{CustomField, FieldType},
    locale::Locale,
};

/// One column of an exported file: a field under the label its header shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// What the cells hold.
    pub field: Field,
    /// What the header says.
    pub label: String,
}

/// One entry of the catalog that `GET /cdp/export-fields` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldDescription {
    /// The name to request.
    pub field: Field,
    /// What the header says unless a layout says otherwise.
    pub label: String,
    /// What the cells hold.
    #[serde(rename = "type")]
    pub field_type: FieldType,
    /// Whether it is chosen when nobody chooses.
    pub default: bool,
}

impl Column {
    /// A column under the field's own label in this language.
    pub fn of(field: Field, locale: Locale) -> Self {
        Self { label: field.label(locale).to_owned(), field }
    }
}

impl FieldDescription {
    /// Every field that can be exported, in this language: those of all contacts, then the
    /// company's own.
    #[must_use]
    pub fn catalog(own: &[CustomField], locale: Locale) -> Vec<Self> {
        let own = own.iter().filter_map(|own| {
            // A key that no request could name is not offered.
            let field = Field::custom(&own.key).ok()?;
            Some(Self { field_type: own.field_type, ..Self::of(field, locale) })
        });
        Field::STANDARD.into_iter().map(|field| Self::of(field, locale)).chain(own).collect()
    }

    /// Describes a field in this language.
    pub fn of(field: Field, locale: Locale) -> Self {
        Self {
            label: field.label(locale).to_owned(),
            field_type: field.field_type(),
            default: Field::DEFAULT.contains(&field),
            field,
        }
    }
}

impl Field {
    /// The label in this language; a custom field bears its key.
    pub fn label(&self, locale: Locale) -> &str {
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
            Self::Custom(key) => return key,
        };
        match locale {
            Locale::En => english,
            Locale::Id => indonesian,
        }
    }
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
    fn a_custom_field_bears_its_key_in_every_language() {
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
