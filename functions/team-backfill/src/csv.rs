//! Reads a CSV file of any size record by record: RFC 4180, with `,`, `;` or tabs, with or without
//! a byte order mark, lines ending as they like.

use bytes::{Buf, Bytes};
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use serde::{Deserialize, Serialize};

use crate::bucket::{Bucket, BucketError, File};

/// The most bytes of a record; what is longer is read past.
pub(crate) const MAX_RECORD: usize = 64 * 1024;
/// The most fields of a record that are told apart.
const MAX_FIELDS: usize = 512;
/// What may stand between fields.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// A record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Record {
    /// Its fields.
    Fields(Vec<Vec<u8>>),
    /// It is longer than [`MAX_RECORD`], or has more than [`MAX_FIELDS`].
    TooLong,
}

/// Where two columns stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Columns {
    delimiter: u8,
    id: usize,
    value: usize,
}

/// A column that a file must have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names(pub(crate) &'static [&'static str]);

/// Why a file cannot be read as one.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The bucket's trouble.
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// The first line does not name the columns.
    #[error("the first line must contain one of the columns {0} and one of the columns {1}")]
    Columns(String, String),
    /// There is nothing behind the first line.
    #[error("the file has no data rows")]
    Empty,
    /// There are too many rows.
    #[error("the file must have at most {0} data rows")]
    TooManyRows(usize),
}

/// A file's records, one after the other.
#[derive(Debug)]
pub(crate) struct Records<'a> {
    bucket: &'a Bucket,
    file: &'a File,
    reader: Reader,
    /// Bytes that are read but not yet worked off.
    window: Bytes,
    /// The place in the file of the first byte that is not yet worked off.
    byte: u64,
    text: Box<[u8]>,
    ends: Box<[usize]>,
}

impl<'a> Records<'a> {
    /// The records from `byte` on, where one begins.
    pub(crate) fn new(bucket: &'a Bucket, file: &'a File, delimiter: u8, byte: u64) -> Self {
        let reader = ReaderBuilder::new().delimiter(delimiter).build();
        let text = vec![0; MAX_RECORD].into_boxed_slice();
        let ends = vec![0; MAX_FIELDS].into_boxed_slice();
        Self { bucket, file, reader, window: Bytes::new(), byte, text, ends }
    }

    /// The place in the file behind the last record.
    pub(crate) fn byte(&self) -> u64 {
        self.byte
    }

    /// The next record, `None` at the end of the file. Empty lines are no records.
    ///
    /// # Errors
    /// The bucket's.
    pub(crate) async fn next(&mut self) -> Result<Option<Record>, BucketError> {
        let (mut length, mut fields, mut too_long) = (0, 0, false);
        loop {
            if self.window.is_empty() && self.byte < self.file.size {
                self.window = self.bucket.window(self.file, self.byte).await?;
            }
            // No input is the end of the file.
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
    /// Finds two columns by the file's first line, and what stands between fields. Names are
    /// compared without regard to case; spaces and hyphens stand for `_`.
    ///
    /// # Errors
    /// [`FileError::Columns`] when they are not there.
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
            if let Some((id, value)) = id.place(&header).zip(value.place(&header))
                && id != value
            {
                return Ok((Self { delimiter, id, value }, records.byte()));
            }
        }
        Err(FileError::Columns(id.0.join(", "), value.0.join(", ")))
    }

    /// The file's records from `byte` on.
    pub(crate) fn records<'a>(&self, bucket: &'a Bucket, file: &'a File, byte: u64) -> Records<'a> {
        Records::new(bucket, file, self.delimiter, byte)
    }

    /// The two fields of a record, without white space around them; `None` when one is not there
    /// or is no UTF-8.
    pub(crate) fn of<'r>(&self, fields: &'r [Vec<u8>]) -> Option<(&'r str, &'r str)> {
        let field = |place: usize| Some(std::str::from_utf8(fields.get(place)?).ok()?.trim());
        field(self.id).zip(field(self.value))
    }
}

impl Names {
    /// Where the first of the names that is there stands.
    fn place(self, header: &[String]) -> Option<usize> {
        self.0.iter().find_map(|name| header.iter().position(|column| column == name))
    }
}

fn normalized(name: &[u8]) -> String {
    String::from_utf8_lossy(name).trim().to_lowercase().replace([' ', '-'], "_")
}

/// One legacy id per entry of a list such as `1,2`, `1;2`, `1|2`, `[1, "2"]` or `{1,2}`. A whole
/// number with a fraction of zero, as tables with gaps are exported, is that number.
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

/// A legacy id in the form in which it is compared.
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
