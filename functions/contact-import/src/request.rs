use shared::{
    entry::{Failure, http::Request},
    import::{Delimiter, FileError, Override},
};

/// The maximum length of the value of a parameter that an error message repeats, in characters.
const MAX_SHOWN: usize = 80;

/// The query parameters of the request.
#[derive(Default)]
pub(crate) struct Parameters {
    /// Whether to report what the import would do instead of importing.
    pub(crate) dry_run: bool,
    /// The fields that the user chose for columns.
    pub(crate) overrides: Vec<Override>,
    /// The delimiter of the file; `None` if it is to be detected.
    pub(crate) delimiter: Option<Delimiter>,
    /// The encoding of the file; `None` if it is to be detected.
    pub(crate) encoding: Option<String>,
}

/// Parses the query parameters.
///
/// # Errors
/// 400 with the name of the parameter that is unknown or has an invalid value.
pub(crate) fn parse(request: &Request) -> Result<Parameters, Failure> {
    let mut parameters = Parameters::default();
    for (name, value) in request.query() {
        match name.as_str() {
            "dry_run" => {
                let parsed = value.parse();
                parameters.dry_run =
                    parsed.map_err(|_| Failure::invalid("dry_run", "must be true or false"))?;
            }
            "map" => {
                let parsed = value.parse();
                parameters.overrides.push(parsed.map_err(|error| Failure::invalid("map", error))?);
            }
            "delimiter" => {
                let parsed = value.parse().map_err(|error: FileError| refused(&error))?;
                parameters.delimiter = Some(parsed);
            }
            "encoding" => parameters.encoding = Some(value.chars().take(MAX_SHOWN).collect()),
            _ => return Err(Failure::invalid(name, "unknown query parameter")),
        }
    }
    Ok(parameters)
}

/// The response for a file that cannot be read as a table.
pub(crate) fn refused(error: &FileError) -> Failure {
    let field = match error {
        FileError::UnknownDelimiter | FileError::AmbiguousDelimiter(..) => "delimiter",
        FileError::Empty => "body",
        FileError::Header(_) | FileError::NoHeader => "header",
    };
    Failure::invalid(field, error)
}
