//! The errors of export files of both formats.

use std::io;

use rust_xlsxwriter::XlsxError;

/// Why a file was not written. The error texts never contain a path or a value.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// An error of the disk.
    #[error("the export file could not be written")]
    Io(#[from] io::Error),
    /// An error of the CSV library.
    #[error("the CSV file could not be written")]
    Csv(#[from] ::csv::Error),
    /// An error of the XLSX library. This includes disk errors while the library writes or zips the
    /// file.
    #[error("the XLSX file could not be written")]
    Xlsx(#[source] XlsxError),
    /// An error while the finished workbook is copied.
    #[error("the XLSX file could not be completed")]
    Zip(#[from] zip::result::ZipError),
    /// The custom fields of a contact are not a JSON object.
    #[error("the custom fields of a contact could not be read")]
    CustomFields(#[from] serde_json::Error),
    /// The file is larger than the disk space that it may use.
    #[error("the export file exceeds the size limit")]
    TooLarge,
    /// The number of cells in a row differs from the number of columns in the header.
    #[error("a row has {cells} cells for {columns} columns")]
    RowWidth {
        /// The number of cells in the row.
        cells: usize,
        /// The number of columns in the header.
        columns: usize,
    },
}

impl From<XlsxError> for FileError {
    fn from(error: XlsxError) -> Self {
        match error {
            // The text of this error contains the path.
            XlsxError::TempFileError(_, error) => Self::Io(without_path(&error)),
            other => Self::Xlsx(other),
        }
    }
}

/// Returns the same error without the path that some libraries add to its text.
pub(crate) fn without_path(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::from(error.kind()),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::OpenOptions, io::BufWriter};

    use shared::{
        error::chain,
        export::{Column, Delimiter, Field, Format},
        locale::Locale,
    };

    use crate::{cell::Cell, csv::CsvFile, file::tests::settings, xlsx::XlsxFile};

    fn columns() -> [Column; 1] {
        [Column::new(Field::Name, Locale::En)]
    }

    #[test]
    fn a_full_disk_is_named() {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut file = CsvFile::create(BufWriter::new(full), Delimiter::Comma, &columns()).unwrap();
        let failed = (0..10_000).try_for_each(|_| file.row(&[Cell::text("Sari")]));
        let text = chain(&failed.unwrap_err()).to_string();
        assert_eq!(
            text,
            "the CSV file could not be written: No space left on device (os error 28)"
        );
    }

    #[test]
    fn a_workbook_in_a_missing_directory_is_an_error_without_its_path() {
        let parent = tempfile::tempdir().unwrap();
        let missing = parent.path().join("Sari");
        let Err(error) = XlsxFile::create(&missing, &settings(Format::Xlsx), &columns()) else {
            panic!("a workbook was created in a missing directory")
        };
        let text = chain(&error).to_string();
        assert!(text.contains("No such file or directory") && !text.contains("Sari"), "{text}");
    }
}
