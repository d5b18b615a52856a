//! Which field of a contact a column becomes.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::{
    file::CsvText,
    known::{Known, NamePart},
    languages::known,
    mapping_error::MappingError,
    program::Program,
    target::Target,
    zone::{with_zone, without_zone, zone_in},
};
use crate::{
    contact::MAX_CUSTOM_KEY_BYTES,
    export::{Field, squash},
};

/// The field that the user chose for a column.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Override {
    /// The name of the column, or `#` and its number from 1.
    pub column: String,
    /// The name of the field, such as `emails` or `custom.tier`; `-` ignores the column.
    pub field: String,
}

impl std::str::FromStr for Override {
    type Err = MappingError;

    /// Parses `Column=field`. The name of the column may contain `=`.
    fn from_str(text: &str) -> Result<Self, MappingError> {
        let (column, field) = text.rsplit_once('=').ok_or(MappingError::Form)?;
        Ok(Self { column: column.trim().to_owned(), field: field.trim().to_owned() })
    }
}

/// What is known of the company's own fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompanyFields {
    /// The keys of the custom fields that contacts of the company have.
    pub custom_keys: Vec<String>,
    /// The labels of the company's export layouts, each with the name of its field.
    pub labels: Vec<(String, String)>,
    /// The headers of the files that the company's export layouts make in each language: the labels
    /// of the columns, without time zones, each with the name of its field.
    pub headers: Vec<Vec<(String, String)>>,
}

/// A column of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Column {
    /// The name of the column; empty if the header has none.
    pub name: String,
    pub(super) target: Target,
    /// The column whose value begins with `*` if this column has the main address or number.
    pub(super) label: Option<usize>,
}

impl Column {
    /// The name of the field that the column becomes, such as `emails` or `custom.tier`; `-` if the
    /// column is ignored.
    #[must_use]
    pub fn field(&self) -> String {
        self.target.name()
    }
}

/// Which field each column of a file becomes.
#[derive(Clone, Debug)]
pub struct Mapping {
    pub(super) columns: Vec<Column>,
    pub(super) program: Option<Program>,
    /// Whether a column contains external ids.
    pub(super) has_external_id: bool,
    /// Whether the file has the columns of one of the company's export layouts.
    pub(super) is_own: bool,
}

impl Mapping {
    /// Maps the columns of a file by their names.
    ///
    /// # Errors
    /// As [`Mapping::new`]; [`MappingError::HeaderBelow`] if the file begins with lines of text.
    pub fn for_file(
        csv: &CsvText<'_>,
        overrides: &[Override],
        company: &CompanyFields,
    ) -> Result<Self, MappingError> {
        Self::new(csv.headers(), overrides, company).map_err(|error| match error {
            MappingError::NoKey => {
                let mut below = csv.headers_below();
                let header = below.find(|(_, it)| Self::new(it, &[], company).is_ok());
                header.map_or(error, |(line, _)| MappingError::HeaderBelow(line))
            }
            other => other,
        })
    }

    /// Maps the columns by their names. `overrides` decide first.
    ///
    /// # Errors
    /// [`MappingError`] if an override is wrong, if two columns became one field with one value, or
    /// if no column identifies a contact.
    pub fn new(
        headers: &[String],
        overrides: &[Override],
        company: &CompanyFields,
    ) -> Result<Self, MappingError> {
        let squashed: Vec<String> = headers.iter().map(|name| squash(name)).collect();
        let own: Vec<_> =
            company.headers.iter().filter(|header| is_header(headers, header)).collect();
        let program = match own.is_empty() {
            true => recognize(headers, &squashed, &company.custom_keys),
            false => None,
        };
        let has_labels = Self::has_unknown_names(headers, &company.custom_keys);
        let names = Names { headers, squashed: &squashed, program, company, own, has_labels };
        let mut targets: Vec<Option<Target>> = vec![None; headers.len()];
        for Override { column, field } in overrides {
            let target =
                Target::chosen(field).ok_or_else(|| MappingError::NoSuchField(field.clone()))?;
            for index in names.columns_named(column)? {
                targets[index] = Some(target.clone());
            }
        }
        let mut others = Vec::new();
        for (index, target) in targets.iter_mut().enumerate() {
            if target.is_none() {
                let (known, is_other) = names.target(index)?;
                *target = Some(known);
                if is_other {
                    others.push(index);
                }
            }
        }
        let mut targets: Vec<Target> = targets.into_iter().flatten().collect();
        for index in others.into_iter().rev() {
            let is_same = |(other, it)| other != index && targets[index].overlaps(it);
            if targets.iter().enumerate().any(is_same) {
                targets[index] = Target::Custom(names.custom_key(index));
            }
        }
        let columns: Vec<Column> = targets
            .into_iter()
            .enumerate()
            .map(|(index, target)| Column {
                name: headers[index].clone(),
                target,
                label: names.label_of(index),
            })
            .collect();
        check(&columns)?;
        let has_external_id = columns.iter().any(|column| column.target == Target::ExternalId);
        Ok(Self { columns, program, has_external_id, is_own: !names.own.is_empty() })
    }

    /// Whether a column has a name that is only known to the company, if at all. Then the labels of
    /// the company's layouts count, also in a file that has not all columns of one layout.
    fn has_unknown_names(headers: &[String], custom_keys: &[String]) -> bool {
        let squashed: Vec<String> = headers.iter().map(|name| squash(name)).collect();
        let is_unknown = |(header, squashed): (&String, &String)| {
            known(squashed, None).or_else(|| with_zone(header)).is_none()
        };
        recognize(headers, &squashed, custom_keys).is_none()
            && headers.iter().zip(&squashed).any(is_unknown)
    }

    /// The columns of the file, in order.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The time zone of the times in the file, if the name of a column contains it.
    pub(super) fn zone(&self) -> Option<TimeZone> {
        self.columns.iter().find_map(|column| zone_in(&column.name))
    }

    /// The name of the program that wrote the file; `None` if it was not recognized.
    #[must_use]
    pub fn program(&self) -> Option<&'static str> {
        self.program.map(Program::name)
    }
}

/// Recognizes the program that wrote a file. Columns with the names of the company's own fields do
/// not count, because these can be the names of another program's columns.
fn recognize(headers: &[String], squashed: &[String], custom_keys: &[String]) -> Option<Program> {
    let foreign = headers.iter().zip(squashed).filter(|(header, _)| !custom_keys.contains(header));
    let foreign: Vec<&str> = foreign.map(|(_, squashed)| squashed.as_str()).collect();
    Program::recognize(&foreign)
}

/// Checks that the columns make contacts.
fn check(columns: &[Column]) -> Result<(), MappingError> {
    let mut by_target: BTreeMap<&Target, Vec<usize>> = BTreeMap::new();
    for (index, column) in columns.iter().enumerate() {
        if let Target::Custom(key) = &column.target
            && key.len() > MAX_CUSTOM_KEY_BYTES
        {
            return Err(MappingError::KeyTooLong(index + 1));
        }
        by_target.entry(&column.target).or_default().push(index);
    }
    for (target, indexes) in &by_target {
        if indexes.len() > 1 && !target.takes_several_columns() {
            let name = |index: &usize| {
                let name = &columns[*index].name;
                let is_unique = columns.iter().filter(|other| other.name == *name).count() == 1;
                if is_unique { name.clone() } else { format!("#{}", index + 1) }
            };
            return Err(MappingError::Conflict {
                field: target.name(),
                columns: indexes.iter().map(name).collect(),
                instead: if **target == Target::Id { "external_id" } else { "-" },
            });
        }
    }
    if columns.iter().any(|column| column.target.is_key()) {
        Ok(())
    } else {
        Err(MappingError::NoKey)
    }
}

/// The names of the columns, and what decides about them.
struct Names<'a> {
    headers: &'a [String],
    squashed: &'a [String],
    program: Option<Program>,
    company: &'a CompanyFields,
    /// The headers of export layouts that are the header of the file.
    own: Vec<&'a Vec<(String, String)>>,
    /// Whether the labels of layouts count.
    has_labels: bool,
}

/// Whether a file has exactly the header of an export layout.
fn is_header(headers: &[String], of_layout: &[(String, String)]) -> bool {
    headers.len() == of_layout.len()
        && headers.iter().zip(of_layout).all(|(header, (label, _))| without_zone(header) == *label)
}

impl Names<'_> {
    /// The indexes of the columns that an override names.
    fn columns_named(&self, column: &str) -> Result<Vec<usize>, MappingError> {
        let is_named = |index: &usize| self.headers[*index].nfc().eq(column.nfc());
        let named: Vec<usize> = (0..self.headers.len()).filter(is_named).collect();
        if !named.is_empty() {
            return Ok(named);
        }
        let number = column.strip_prefix('#').and_then(|number| number.parse::<usize>().ok());
        match number.and_then(|number| number.checked_sub(1)) {
            Some(index) if index < self.headers.len() => Ok(vec![index]),
            _ => Err(MappingError::NoSuchColumn {
                column: column.to_owned(),
                columns: self.headers.to_vec(),
            }),
        }
    }

    /// The field of a column, and whether another column for the same field goes before it.
    fn target(&self, index: usize) -> Result<(Target, bool), MappingError> {
        if !self.own.is_empty()
            && let Some(target) = self.layout_field(index)?
        {
            return Ok((target, false));
        }
        let header = &self.headers[index];
        if header.is_empty() {
            return Ok((Target::Unnamed, false));
        }
        if let Some(Field::Custom(key)) = Field::custom_in_label(header) {
            return Ok((Target::Custom(key), false));
        }
        if let Some(key) = header.strip_prefix("custom.").filter(|key| !key.is_empty()) {
            return Ok((Target::Custom(key.to_owned()), false));
        }
        if let Some(target) = self.beside_others(index) {
            return Ok((target, false));
        }
        if self.program.is_none() {
            if self.has_labels
                && let Some(target) = self.layout_field(index)?
            {
                return Ok((target, false));
            }
            let is_own = |key: &String| key == header;
            if !Field::is_standard_label(header) && self.company.custom_keys.iter().any(is_own) {
                return Ok((Target::Custom(header.clone()), false));
            }
        }
        Ok(match known(&self.squashed[index], self.program).or_else(|| with_zone(header)) {
            Some(known) => {
                let is_other = matches!(known, Known::OtherName | Known::OtherCompanyName);
                (Target::from(known), is_other)
            }
            None => (Target::Custom(self.custom_key(index)), false),
        })
    }

    /// The field of a column that other columns of the file decide.
    fn beside_others(&self, index: usize) -> Option<Target> {
        let squashed = self.squashed[index].as_str();
        // In German and Dutch lists, a name beside the first name is the last name.
        let is_last =
            |(name, first): (&str, &str)| squashed == name && self.index_of(first).is_some();
        if [("name", "vorname"), ("naam", "voornaam")].into_iter().any(is_last) {
            return Some(Target::Part(NamePart::Last));
        }
        // Zoho's key has another name. Without it, this is the only column with a key.
        let is_only_key = squashed == "contactid" && self.index_of("recordid").is_none();
        if self.program == Some(Program::Zoho) && is_only_key {
            return Some(Target::ExternalId);
        }
        self.google_pair(index)
    }

    /// The field for which export layouts use the name of a column: those with the header of the
    /// file, otherwise all.
    fn layout_field(&self, index: usize) -> Result<Option<Target>, MappingError> {
        let header = &self.headers[index];
        let of_files = self.own.iter().filter_map(|columns| columns.get(index));
        let by_label = self.company.labels.iter().filter(|(label, _)| label == header);
        let mut fields: Vec<&String> = match self.own.is_empty() {
            false => of_files.map(|(_, field)| field).collect(),
            true => by_label.map(|(_, field)| field).collect(),
        };
        fields.sort_unstable();
        fields.dedup();
        match fields[..] {
            [] => Ok(None),
            [field] => Ok(Target::by_name(field)),
            _ => Err(MappingError::Ambiguous {
                column: header.clone(),
                fields: fields.into_iter().cloned().collect(),
            }),
        }
    }

    /// The key of the custom field for a column without a known name: the key of the company's field
    /// with the same name, otherwise the name in lower case with underscores.
    fn custom_key(&self, index: usize) -> String {
        let header = self.headers[index].as_str();
        let name = match self.program {
            Some(Program::Pipedrive) => header.strip_prefix("Person - ").unwrap_or(header),
            Some(Program::Google) => header.strip_suffix(" - Value").unwrap_or(header),
            _ => header,
        };
        let key = snake(name);
        let keys = &self.company.custom_keys;
        if key.is_empty() || keys.iter().any(|own| own == header) {
            return header.to_owned();
        }
        let mut same = keys.iter().filter(|own| snake(own) == key);
        match (same.next(), same.next()) {
            (Some(own), None) => own.clone(),
            _ => key,
        }
    }

    fn index_of(&self, squashed: &str) -> Option<usize> {
        self.squashed.iter().position(|name| name == squashed)
    }

    /// The columns of Google's pairs `Custom Field 1 - Label`, `Custom Field 1 - Value`.
    fn google_pair(&self, index: usize) -> Option<Target> {
        if self.program != Some(Program::Google) {
            return None;
        }
        let name = &self.squashed[index];
        if name.ends_with("label") || name.ends_with("type") || name.ends_with("service") {
            return (name.chars().any(char::is_numeric)).then_some(Target::Ignored);
        }
        let group = name.strip_suffix("value")?;
        let named = ["customfield", "event", "relation"].iter().any(|it| group.starts_with(it));
        let label =
            ["label", "type"].iter().find_map(|end| self.index_of(&format!("{group}{end}")))?;
        named.then(|| Target::CustomNamedBy(label, self.custom_key(index)))
    }

    /// The column with the label of an address or number in Google's files.
    fn label_of(&self, index: usize) -> Option<usize> {
        let group = self.squashed[index].strip_suffix("value")?;
        ["label", "type"].iter().find_map(|end| self.index_of(&format!("{group}{end}")))
    }
}

/// A name in lower case and composed (NFC), with underscores between the words. `MailingStreet` has
/// two words. A combining mark that has no composed form is part of its word, as in Thai.
fn snake(name: &str) -> String {
    let mut key = String::with_capacity(name.len());
    let mut before = ' ';
    for c in name.nfc() {
        let is_word = c.is_alphanumeric() || is_combining_mark(c);
        let starts_word = c.is_uppercase() && before.is_lowercase();
        if (!is_word || starts_word) && !key.is_empty() && !key.ends_with('_') {
            key.push('_');
        }
        if is_word {
            key.extend(c.to_lowercase());
        }
        before = c;
    }
    key.trim_end_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_the_words_of_the_name_whatever_its_normal_form() {
        for (name, key) in [
            ("MailingStreet", "mailing_street"),
            ("Gro\u{308}\u{df}e", "größe"),
            ("Ghi chu\u{301}", "ghi_chú"),
            ("ชื่อเล่น", "ชื่อเล่น"),
            ("पसंदीदा रंग", "पसंदीदा_रंग"),
            ("-- Loyalty / tier --", "loyalty_tier"),
        ] {
            assert_eq!(snake(name), key);
        }
    }
}
