use csv::StringRecord;
use serde_json::{Map, Value, json};

/// The field of a contact to which a column is mapped.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Target {
    ExternalId,
    Name,
    FirstName,
    LastName,
    Email,
    Phone,
    CompanyName,
    Source,
    Tags,
    Custom(String),
    Ignored,
}

/// The reason why columns cannot be mapped.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MappingError {
    /// The file does not have the column that an override names.
    #[error("--map: the file has no column \"{column}\"; its columns are: {}", columns.join(", "))]
    NoSuchColumn {
        /// The column in the override.
        column: String,
        /// The columns that the file has.
        columns: Vec<String>,
    },
    /// A contact does not have the field that an override names.
    #[error(
        "--map: unknown field \"{0}\"; use external_id, name, first_name, last_name, emails, \
         phones, company_name, source, tags, custom.<key>, or - to ignore the column"
    )]
    NoSuchField(String),
    /// No column identifies a contact.
    #[error(
        "no column was recognized as an id or an email address; choose one with \
         --map \"Column=external_id\" or --map \"Column=emails\""
    )]
    NoKey,
}

/// Parses one `--map` value, `Column=field`.
///
/// # Errors
/// Returns an error if the text does not have this form.
pub fn parse_override(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(column, field)| (column.trim().to_owned(), field.trim().to_owned()))
        .ok_or_else(|| "must be of the form Column=field".to_owned())
}

/// The fields of a contact to which the columns of a file are mapped.
#[derive(Clone, Debug)]
pub struct Mapping(Vec<Target>);

impl Mapping {
    /// Maps columns by the usual names of their headers. `overrides` take precedence. A column with
    /// an unknown name is mapped to a custom field.
    ///
    /// # Errors
    /// Returns an error if an override has an unknown column or field, or if no column identifies a
    /// contact.
    pub fn new(
        headers: &StringRecord,
        overrides: &[(String, String)],
    ) -> Result<Self, MappingError> {
        let mut targets: Vec<Target> = headers.iter().map(by_name).collect();
        for (column, field) in overrides {
            let index = headers.iter().position(|header| header.trim() == column);
            let index = index.ok_or_else(|| MappingError::NoSuchColumn {
                column: column.clone(),
                columns: headers.iter().map(str::to_owned).collect(),
            })?;
            targets[index] = by_field(field)?;
        }
        if targets.iter().any(|target| matches!(target, Target::ExternalId | Target::Email)) {
            Ok(Self(targets))
        } else {
            Err(MappingError::NoKey)
        }
    }

    /// Converts a row to a contact. The values of the cells are not changed.
    #[must_use]
    pub fn contact(&self, record: &StringRecord) -> Value {
        let mut contact = Map::new();
        let (mut names, mut emails, mut phones) = (Vec::new(), Vec::new(), Vec::new());
        let mut custom = Map::new();
        let cells = self.0.iter().zip(record.iter().map(str::trim));
        for (target, cell) in cells.filter(|(_, cell)| !cell.is_empty()) {
            let mut set = |field: &str, value: Value| contact.insert(field.to_owned(), value);
            match target {
                Target::ExternalId => drop(set("external_id", json!(cell))),
                Target::CompanyName => drop(set("company_name", json!(cell))),
                Target::Source => drop(set("source", json!(cell))),
                Target::Tags => {
                    let tags = cell.split([';', ',']).map(str::trim).filter(|tag| !tag.is_empty());
                    set("tags", json!(tags.collect::<Vec<_>>()));
                }
                Target::Name | Target::FirstName | Target::LastName => names.push(cell),
                Target::Email => emails.push(cell),
                Target::Phone => phones.push(cell),
                Target::Custom(key) => drop(custom.insert(key.clone(), json!(cell))),
                Target::Ignored => {}
            }
        }
        let lists = [("emails", emails), ("phones", phones)];
        for (field, values) in lists.into_iter().filter(|(_, values)| !values.is_empty()) {
            contact.insert(field.to_owned(), json!(values));
        }
        if !names.is_empty() {
            contact.insert("name".to_owned(), json!(names.join(" ")));
        }
        if !custom.is_empty() {
            contact.insert("custom_fields".to_owned(), Value::Object(custom));
        }
        Value::Object(contact)
    }
}

fn by_name(header: &str) -> Target {
    let name = snake(header);
    let unnumbered = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
    match unnumbered {
        "id" | "external_id" | "customer_id" | "account_id" | "contact_id" => Target::ExternalId,
        "name" | "full_name" => Target::Name,
        "first_name" => Target::FirstName,
        "last_name" => Target::LastName,
        "email" | "emails" | "email_address" => Target::Email,
        "phone" | "phones" | "mobile" | "phone_number" => Target::Phone,
        "company" | "company_name" => Target::CompanyName,
        "source" => Target::Source,
        "tag" | "tags" => Target::Tags,
        "" | "index" => Target::Ignored,
        _ => Target::Custom(name),
    }
}

fn by_field(field: &str) -> Result<Target, MappingError> {
    Ok(match field {
        "external_id" => Target::ExternalId,
        "name" => Target::Name,
        "first_name" => Target::FirstName,
        "last_name" => Target::LastName,
        "emails" => Target::Email,
        "phones" => Target::Phone,
        "company_name" => Target::CompanyName,
        "source" => Target::Source,
        "tags" => Target::Tags,
        "-" => Target::Ignored,
        other => match other.strip_prefix("custom.").filter(|key| !key.is_empty()) {
            Some(key) => Target::Custom(key.to_owned()),
            None => return Err(MappingError::NoSuchField(other.to_owned())),
        },
    })
}

/// Converts a header to a key in lower case, with underscores between the words.
fn snake(header: &str) -> String {
    let words = header.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(cells: &[&str]) -> StringRecord {
        StringRecord::from(cells.to_vec())
    }

    #[test]
    fn usual_headers_are_known_and_others_become_custom_fields() {
        let headers = record(&[
            "Index",
            "Customer Id",
            "First Name",
            "Last Name",
            "Phone 1",
            "Phone 2",
            "Email",
            "Deal Stage",
        ]);
        let mapping = Mapping::new(&headers, &[]).unwrap();
        let row = record(&["1", "0DQ", "Ann", "Lee", "0012", "+62-8x1", "a@b.id", "Won"]);
        assert_eq!(
            mapping.contact(&row),
            json!({ "external_id": "0DQ", "name": "Ann Lee", "emails": ["a@b.id"],
                "phones": ["0012", "+62-8x1"], "custom_fields": { "deal_stage": "Won" } })
        );
    }

    #[test]
    fn an_override_wins_and_empty_cells_say_nothing() {
        let headers = record(&["Ref", "Email", "Notes"]);
        let overrides = ["Ref=external_id", "Notes=-"].map(|text| parse_override(text).unwrap());
        let mapping = Mapping::new(&headers, &overrides).unwrap();
        assert_eq!(mapping.contact(&record(&["7", "", "x"])), json!({ "external_id": "7" }));
    }

    #[test]
    fn columns_that_make_no_contact_are_told_apart() {
        let headers = record(&["Name"]);
        assert_eq!(Mapping::new(&headers, &[]).unwrap_err(), MappingError::NoKey);
        let wrong = [("Nmae".to_owned(), "name".to_owned())];
        let error = Mapping::new(&headers, &wrong).unwrap_err().to_string();
        assert!(error.contains("Nmae") && error.contains("Name"), "{error}");
        let wrong = [("Name".to_owned(), "nmae".to_owned())];
        assert!(Mapping::new(&headers, &wrong).is_err());
    }
}
