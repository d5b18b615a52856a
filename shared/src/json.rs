//! Parses a JSON object as a request type, and reports the field that is invalid.

use serde::de::DeserializeOwned;

/// Parses a JSON object as a request type. The error contains the path of the invalid field and the
/// reason why it is invalid.
pub(crate) fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, (String, String)> {
    let whole = |reason: &str| ("body".to_owned(), reason.to_owned());
    // serde would also accept an array and assign its values to the fields in order.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(whole("must be a JSON object"));
    }
    let mut from = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut from).map_err(|error| explain(&error))?;
    from.end().map_err(|_| whole("unexpected data after the JSON object"))?;
    Ok(value)
}

/// Returns the path of the invalid field and the reason why it is invalid.
pub(crate) fn explain(error: &serde_path_to_error::Error<serde_json::Error>) -> (String, String) {
    (field(&error.path().to_string(), error.inner()), reason(error.inner()))
}

/// The path of the field to which an error refers, or `body` if the error does not refer to a
/// field. serde names a missing or repeated field only in its message.
fn field(path: &str, error: &serde_json::Error) -> String {
    let parent = path.trim_end_matches(['.', '?']);
    let text = error.to_string();
    let named = ["missing field `", "duplicate field `"].iter().find_map(|lead| {
        let (name, _) = text.strip_prefix(lead)?.split_once('`')?;
        Some(if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") })
    });
    let readable = error.is_data() && !parent.is_empty();
    named.unwrap_or_else(|| if readable { parent } else { "body" }.to_owned())
}

/// The reason why the field is invalid, in words that API clients understand. Values that serde's
/// message quotes are left out, because a response never repeats values of the request.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    if !error.is_data() {
        return format!("is not valid JSON: {text}");
    }
    if text.starts_with("missing field ") {
        return "is required".to_owned();
    }
    if text.starts_with("duplicate field ") {
        return "must be given only once".to_owned();
    }
    let quotes_value = ["invalid type: ", "invalid value: ", "unknown variant "];
    if !quotes_value.iter().any(|lead| text.contains(lead)) {
        return text.to_owned();
    }
    match text.rsplit_once(", expected ") {
        Some((_, expected)) => format!("must be {}", plain(expected)),
        None => "is not valid".to_owned(),
    }
}

/// The JSON name of a type that serde expects.
fn plain(expected: &str) -> &str {
    match expected {
        "a sequence" => "an array",
        "a map" => "a JSON object",
        "a borrowed string" | "string or map" | "variant identifier" => "a string",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a non-negative whole number",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        other if other.starts_with("struct ") => "a JSON object",
        other => other,
    }
}
