//! The text of a CSV file: its delimiter, the names of its columns, and its rows.

use std::borrow::Cow;
use std::ops::Range;
use std::str::FromStr;

use super::records::{QuoteError, Record, Records};
use crate::{cell_text::read_cell, invisible::trim};

/// The character between the cells of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Delimiter {
    /// `,`
    Comma,
    /// `;`, in the files of spreadsheets in countries with a decimal comma.
    Semicolon,
    /// A tab.
    Tab,
    /// `|`
    Pipe,
}

impl Delimiter {
    const ALL: [Self; 4] = [Self::Comma, Self::Semicolon, Self::Tab, Self::Pipe];

    /// The name of the delimiter in requests and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Comma => "comma",
            Self::Semicolon => "semicolon",
            Self::Tab => "tab",
            Self::Pipe => "pipe",
        }
    }

    /// The character, which is ASCII.
    #[must_use]
    pub fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
            Self::Pipe => b'|',
        }
    }
}

impl FromStr for Delimiter {
    type Err = FileError;

    /// Parses the name of a delimiter, or the character itself.
    fn from_str(text: &str) -> Result<Self, FileError> {
        let is_meant = |it: &Self| it.name() == text || text.as_bytes() == [it.byte()];
        Self::ALL.into_iter().find(is_meant).ok_or(FileError::UnknownDelimiter)
    }
}

/// Why a text cannot be read as a table of contacts.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FileError {
    /// The delimiter in the request is unknown.
    #[error("delimiter must be comma, semicolon, tab or pipe")]
    UnknownDelimiter,
    /// The file has no text.
    #[error("the file is empty")]
    Empty,
    /// Several delimiters divide the header into the same number of columns.
    #[error("the header has as many columns with {} as with {}; name the delimiter of the file", .0.name(), .1.name())]
    AmbiguousDelimiter(Delimiter, Delimiter),
    /// The header cannot be read.
    #[error("the header cannot be read: {0}")]
    Header(QuoteError),
    /// The first row contains values instead of names.
    #[error(
        "the first row must contain the names of the columns, but it contains the email address of a contact"
    )]
    NoHeader,
}

/// The number of rows that are looked at to find the names of columns below lines of text.
const TEXT_LINES: usize = 10;

/// The text of a CSV file or of a part of it. The first row contains the names of the columns.
#[derive(Clone, Debug)]
pub struct CsvText<'t> {
    text: &'t str,
    delimiter: Delimiter,
    headers: Vec<String>,
    /// The position of the first row after the header in the text, and its line.
    first_row: (usize, usize),
}

/// A row of a CSV text. Rows without any value are left out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CsvRow<'t> {
    /// The line on which the row begins, from 1.
    pub line: usize,
    /// The position of the row in the text, in bytes, with its line ending.
    pub span: Range<usize>,
    /// The cells, or why they cannot be read.
    pub cells: Result<Vec<Cow<'t, str>>, QuoteError>,
}

impl<'t> CsvText<'t> {
    /// Reads the header of a text, which is its first row with a value. A first line `sep=;` names the
    /// delimiter. Without it and without `delimiter`, the delimiter that divides the header into most
    /// columns is used.
    ///
    /// # Errors
    /// [`FileError`] if the text has no readable header, or if the delimiter is not certain.
    pub fn open(text: &'t str, delimiter: Option<Delimiter>) -> Result<Self, FileError> {
        let named = first_line_delimiter(text);
        let (start, line) = named.map_or((0, 1), |(_, end)| (end, 2));
        let delimiter = match (delimiter, named) {
            (Some(delimiter), _) | (None, Some((delimiter, _))) => delimiter,
            (None, None) => detect(text, start)?,
        };
        let mut records = Records::new(text, delimiter.byte(), start, line);
        let header = records.find(has_value).ok_or(FileError::Empty)?;
        let cells = header.cells.map_err(FileError::Header)?;
        let headers: Vec<String> = cells.iter().map(|cell| read_cell(cell).into_owned()).collect();
        if headers.iter().all(String::is_empty) {
            return Err(FileError::Empty);
        }
        if headers.iter().any(|name| is_address(name)) {
            return Err(FileError::NoHeader);
        }
        Ok(Self { text, delimiter, headers, first_row: records.position() })
    }

    /// The delimiter of the text.
    #[must_use]
    pub fn delimiter(&self) -> Delimiter {
        self.delimiter
    }

    /// The names of the columns.
    #[must_use]
    pub fn headers(&self) -> &[String] {
        &self.headers
    }

    /// The text up to the end of the header. Each part of a file begins with it.
    #[must_use]
    pub fn head(&self) -> &'t str {
        &self.text[..self.first_row.0]
    }

    /// The rows after the header, in order.
    pub fn rows(&self) -> impl Iterator<Item = CsvRow<'t>> + use<'t> {
        let (at, line) = self.first_row;
        let records = Records::new(self.text, self.delimiter.byte(), at, line);
        let rows = records.filter(has_value);
        rows.map(|Record { line, span, cells }| CsvRow { line, span, cells })
    }

    /// The names of columns that the file would have without the lines above them, with the line that
    /// contains them, for the first rows.
    pub(super) fn headers_below(&self) -> impl Iterator<Item = (usize, Vec<String>)> {
        self.rows().take(TEXT_LINES).filter_map(|row| {
            let below = Self::open(&self.text[row.span.start..], None).ok()?;
            Some((row.line, below.headers))
        })
    }
}

/// Whether a record has a cell that is not empty, or cannot be read.
fn has_value(record: &Record<'_>) -> bool {
    match &record.cells {
        Ok(cells) => cells.iter().any(|cell| !trim(cell).is_empty()),
        Err(_) => true,
    }
}

/// The delimiter that the first line names, as Excel reads and writes it, and the end of that line.
fn first_line_delimiter(text: &str) -> Option<(Delimiter, usize)> {
    let end = text.find(['\r', '\n']).unwrap_or(text.len());
    let line = text[..end].trim_matches([' ', '"']);
    let (name, value) = line.split_at_checked("sep=".len())?;
    let delimiter = value.parse().ok().filter(|_| name.eq_ignore_ascii_case("sep="))?;
    let next = &text[end..];
    let ending = if next.starts_with("\r\n") { 2 } else { next.len().min(1) };
    Some((delimiter, end + ending))
}

/// The delimiter that divides the header into most columns. Only the header decides, so that all
/// parts of a file have the same delimiter.
fn detect(text: &str, start: usize) -> Result<Delimiter, FileError> {
    let columns = |delimiter: Delimiter| {
        let header = Records::new(text, delimiter.byte(), start, 1).find(has_value);
        header.map_or(Ok(0), |header| header.cells.map(|cells| cells.len()))
    };
    let counts = Delimiter::ALL.map(|delimiter| (columns(delimiter), delimiter));
    let most = counts.iter().filter_map(|(count, _)| count.ok()).max().unwrap_or_default();
    if most <= 1 {
        // A header that is unreadable with a delimiter contains that delimiter.
        let unreadable = counts.iter().find(|(count, _)| count.is_err());
        return Ok(unreadable.map_or(Delimiter::Comma, |(_, delimiter)| *delimiter));
    }
    let mut best = counts.iter().filter(|(count, _)| *count == Ok(most)).map(|(_, it)| *it);
    match (best.next(), best.next()) {
        (Some(one), Some(other)) => Err(FileError::AmbiguousDelimiter(one, other)),
        (one, _) => Ok(one.unwrap_or(Delimiter::Comma)),
    }
}

/// Whether a text looks like an email address, and not like the name of a column.
fn is_address(text: &str) -> bool {
    let clean = !text.contains(char::is_whitespace);
    clean
        && text
            .split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(text: &str) -> CsvText<'_> {
        CsvText::open(text, None).unwrap()
    }

    #[test]
    fn the_delimiter_is_found_out_from_the_header_or_named_by_the_first_line() {
        for (text, delimiter) in [
            ("Name,Email\na;b;c,d", Delimiter::Comma),
            ("Name;Email\na,b,c,d;e", Delimiter::Semicolon),
            ("Name\tEmail\n", Delimiter::Tab),
            ("Email\na@b.id", Delimiter::Comma),
            ("\"Last, first\";Email;Phone\n", Delimiter::Semicolon),
            ("sep=;\r\nEmail\r\n", Delimiter::Semicolon),
            ("SEP=\t\nEmail,x\tName\n", Delimiter::Tab),
            ("\"sep=|\"\nName|Email\n", Delimiter::Pipe),
        ] {
            assert_eq!(open(text).delimiter(), delimiter, "{text:?}");
        }
        let tie = CsvText::open("Name;Last, first\n", None).unwrap_err();
        assert_eq!(tie, FileError::AmbiguousDelimiter(Delimiter::Comma, Delimiter::Semicolon));
        let named = CsvText::open("Name;Last, first\n", Some(Delimiter::Semicolon)).unwrap();
        assert_eq!(named.headers(), ["Name", "Last, first"]);
    }

    #[test]
    fn a_file_without_names_of_columns_is_refused() {
        for text in ["", "\n \r\n", ",,\n"] {
            assert_eq!(CsvText::open(text, None).unwrap_err(), FileError::Empty, "{text:?}");
        }
        let below_empty_rows = open(",,,\r\n\r\nName,Email,,\r\nAnn,a@b.id,,\r\n");
        assert_eq!(below_empty_rows.headers(), ["Name", "Email", "", ""]);
        assert_eq!(below_empty_rows.rows().next().unwrap().line, 4);
        assert_eq!(CsvText::open("Ann,ann@kopi.id\n", None).unwrap_err(), FileError::NoHeader);
        let unclosed = CsvText::open("Name,\"Email\nAnn,a@b.id\n", None).unwrap_err();
        assert_eq!(unclosed, FileError::Header(QuoteError::Unclosed(1)));
    }

    #[test]
    fn rows_without_a_value_are_left_out_and_the_others_keep_their_lines() {
        let csv = open("sep=,\nName,Email\n,\n\nAnn,a@b.id\n , \nBob,b@b.id");
        let lines: Vec<_> = csv.rows().map(|row| row.line).collect();
        assert_eq!((csv.head(), lines), ("sep=,\nName,Email\n", vec![5, 7]));
    }
}
