//! Why the columns of a file cannot be mapped to fields.

/// Why the columns of a file cannot be mapped.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MappingError {
    /// An override does not have the form `Column=field`.
    #[error("must be of the form Column=field")]
    Form,
    /// The file does not have the column that an override names.
    #[error("the file has no column \"{column}\"; its columns are: {}", columns.join(", "))]
    NoSuchColumn {
        /// The column in the override.
        column: String,
        /// The columns that the file has.
        columns: Vec<String>,
    },
    /// A contact does not have the field that an override names.
    #[error(
        "unknown field \"{0}\"; use id, external_id, name, first_name, middle_name, last_name, \
         name_suffix, emails, phones, company_name, source, tags, owner_id, assignee_id, \
         team_owner_ids, custom.<key>, or - to ignore the column"
    )]
    NoSuchField(String),
    /// Several columns became a field that has one value.
    #[error(
        "the columns {} are all mapped to {field}, which has one value; choose one of them, and \
         map the others to custom.<key> or - (for example \"{}={instead}\")",
        quoted(columns), columns.last().map_or("", String::as_str)
    )]
    Conflict {
        /// The name of the field.
        field: String,
        /// The columns; a name that several columns have is replaced by `#` and the number.
        columns: Vec<String>,
        /// A field to which one of the columns can be mapped instead.
        instead: &'static str,
    },
    /// Export layouts of the company use the name of a column for different fields.
    #[error(
        "the column \"{column}\" has the name that export layouts use for {}; choose one, for \
         example \"{column}={}\"",
        fields.join(" and "), fields.first().map_or("", String::as_str)
    )]
    Ambiguous {
        /// The name of the column.
        column: String,
        /// The names of the fields.
        fields: Vec<String>,
    },
    /// No column identifies a contact.
    #[error(
        "no column was recognized as an id or an email address; choose one, for example \
         \"Column=external_id\" or \"Column=emails\""
    )]
    NoKey,
    /// No column identifies a contact, but the columns of a line below would.
    #[error("the names of the columns seem to be in line {0}; remove the lines above it")]
    HeaderBelow(usize),
    /// The name of a column is too long for the key of a custom field.
    #[error(
        "the name of column {0} is too long for the key of a custom field; map it to custom.<key> or -"
    )]
    KeyTooLong(usize),
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(" and ")
}
