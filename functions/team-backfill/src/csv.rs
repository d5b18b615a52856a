//! Reads a CSV file of any size record by record. The format is RFC 4180 with `,`, `;` or tabs as
//! separators, with or without a byte order mark, and with any line ending.

use bytes::{Buf, Bytes};
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use serde::{Deserialize, Serialize};

use crate::bucket::{Bucket, BucketError, File};

/// The maximum size of a record in bytes. A longer record is skipped.
pub(crate) const MAX_RECORD: usize = 64 * 1024;
/// The maximum number of fields of a record.
const MAX_FIELDS: usize = 512;
/// The separators that a file may use between fields.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// A record of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Record {
    /// The fields of the record, as bytes.
    Fields(Vec<Vec<u8>>),
    /// The record is longer than [`MAX_RECORD`], or has more fields than [`MAX_FIELDS`].
    TooLong,
}

/// The positions of the two columns that the backfill reads, and the separator of the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Columns {
    delimiter: u8,
    id: usize,
    value: usize,
}

/// The names that a required column of a file may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names(pub(crate) &'static [&'static str]);

/// Why an input file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The call to the bucket failed.
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// The header does not contain both columns.
    #[error("the first line must contain one of the columns {0} and one of the columns {1}")]
    Columns(String, String),
    /// The file has no rows after the header.
    #[error("the file has no data rows")]
    Empty,
    /// The file has more rows than this limit.
    #[error("the file must have at most {0} data rows")]
    TooManyRows(usize),
}

/// Reads the records of a file in order.
#[derive(Debug)]
pub(crate) struct Records<'a> {
    bucket: &'a Bucket,
    file: &'a File,
    reader: Reader,
    /// The bytes that were read from the bucket but are not yet parsed.
    window: Bytes,
    /// The position of the first byte that is not yet parsed, in bytes from the start of the file.
    byte: u64,
    text: Box<[u8]>,
    ends: Box<[usize]>,
}

impl<'a> Records<'a> {
    /// Reads records from the position `byte`, which must be the start of a record.
    pub(crate) fn new(bucket: &'a Bucket, file: &'a File, delimiter: u8, byte: u64) -> Self {
        let reader = ReaderBuilder::new().delimiter(delimiter).build();
        let text = vec![0; MAX_RECORD].into_boxed_slice();
        let ends = vec![0; MAX_FIELDS].into_boxed_slice();
        Self { bucket, file, reader, window: Bytes::new(), byte, text, ends }
    }

    /// The position after the last record that was read, in bytes from the start of the file.
    pub(crate) fn byte(&self) -> u64 {
        self.byte
    }

    /// Reads the next record; `None` at the end of the file. Empty lines are skipped.
    pub(crate) async fn next(&mut self) -> Result<Option<Record>, BucketError> {
        let (mut length, mut fields, mut too_long) = (0, 0, false);
        loop {
            if self.window.is_empty() && self.byte < self.file.size {
                self.window = self.bucket.window(self.file, self.byte).await?;
            }
            // For the CSV reader, an empty input means the end of the file.
            let (result, read, written, ended) = self.reader.read_record(
                &self.window,
                &mut self.text[length..],
                &mut self.ends[fields..],
            );
            self.window.advance(read);
            self.byte += read as u64;
            (length, fields) = (length + written, fields + ended);
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    (length, fields, too_long) = (0, 0, true);
                }
                ReadRecordResult::Record if too_long => return Ok(Some(Record::TooLong)),
                ReadRecordResult::Record => return Ok(Some(self.fields(fields))),
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    fn fields(&self, count: usize) -> Record {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let ranges = starts.zip(&self.ends[..count]);
        Record::Fields(ranges.map(|(start, end)| self.text[start..*end].to_vec()).collect())
    }
}

impl Columns {
    /// Finds the two columns and the separator in the header of the file. In names, case is
    /// ignored, and spaces and hyphens are the same as `_`. Also returns the position of the first
    /// row.
    ///
    /// # Errors
    /// [`FileError::Columns`] if the header does not contain both columns.
    pub(crate) async fn find(
        bucket: &Bucket,
        file: &File,
        id: Names,
        value: Names,
    ) -> Result<(Self, u64), FileError> {
        for delimiter in DELIMITERS {
            let mut records = Records::new(bucket, file, delimiter, 0);
            let Some(Record::Fields(header)) = records.next().await? else { continue };
            let header: Vec<String> = header.iter().map(|name| normalized(name)).collect();
            if let Some((id, value)) = id.position(&header).zip(value.position(&header))
                && id != value
            {
                return Ok((Self { delimiter, id, value }, records.byte()));
            }
        }
        Err(FileError::Columns(id.0.join(", "), value.0.join(", ")))
    }

    /// Reads the file's records from the position `byte`.
    pub(crate) fn records<'a>(&self, bucket: &'a Bucket, file: &'a File, byte: u64) -> Records<'a> {
        Records::new(bucket, file, self.delimiter, byte)
    }

    /// The values of the two columns in a record, without white space at their ends. `None` if a
    /// value is missing or is not UTF-8.
    pub(crate) fn values<'r>(&self, fields: &'r [Vec<u8>]) -> Option<(&'r str, &'r str)> {
        let field = |position: usize| Some(std::str::from_utf8(fields.get(position)?).ok()?.trim());
        field(self.id).zip(field(self.value))
    }
}

impl Names {
    /// The position in the header of the first of these names that the header contains.
    fn position(self, header: &[String]) -> Option<usize> {
        self.0.iter().find_map(|name| header.iter().position(|column| column == name))
    }
}

fn normalized(name: &[u8]) -> String {
    String::from_utf8_lossy(name).trim().to_lowercase().replace([' ', '-'], "_")
}

/// Parses a list of legacy ids, such as `1,2`, `1;2`, `1|2`, `[1, "2"]` or `{1,2}`. `1.0` is parsed
/// as the id `1`, because some tools export the ids in this form if the column has empty cells.
pub(crate) fn ids(text: &str) -> Vec<String> {
    let parts = text.split(|c: char| ",;|[]{}\"'".contains(c) || c.is_whitespace());
    let mut ids: Vec<String> = Vec::new();
    for id in parts.map(legacy_id).filter(|id| !id.is_empty() && !id.eq_ignore_ascii_case("null")) {
        if !ids.iter().any(|known| known == id) {
            ids.push(id.to_owned());
        }
    }
    ids
}

/// Converts a legacy id to the form that is used for comparison.
pub(crate) fn legacy_id(text: &str) -> &str {
    let digits = |whole: &&str| !whole.is_empty() && whole.bytes().all(|b| b.is_ascii_digit());
    text.strip_suffix(".0").filter(digits).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_legacy_ids_come_in_many_forms() {
        for text in ["1,2", "1;2", "1|2", "[1, 2]", "[\"1\",\"2\"]", "{1,2}", " 1 2 ", "1.0,2.0"] {
            assert_eq!(ids(text), ["1", "2"], "{text}");
        }
        for nothing in ["", "[]", "null", "NULL", " ; ", "{}"] {
            assert!(ids(nothing).is_empty(), "{nothing}");
        }
        assert_eq!(ids("7,7,7"), ["7"]);
    }
}
