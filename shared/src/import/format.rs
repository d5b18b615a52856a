//! Recognizes files that are not CSV, by their first bytes.

use std::fmt;

/// The format of a file that is not CSV.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "each variant is described by its name")]
pub enum OtherFormat {
    /// A ZIP file, which the workbooks of all current spreadsheets are.
    Zip,
    /// A workbook of Excel before 2007.
    Xls,
    Pdf,
    VCard,
    /// Some programs write one and call it a workbook.
    Html,
    Xml,
}

/// The starts of files, in small letters.
const STARTS: [(&[u8], OtherFormat); 9] = [
    (b"pk\x03\x04", OtherFormat::Zip),
    (b"\xd0\xcf\x11\xe0", OtherFormat::Xls),
    (b"%pdf-", OtherFormat::Pdf),
    (b"begin:vcard", OtherFormat::VCard),
    (b"<!doctype", OtherFormat::Html),
    (b"<html", OtherFormat::Html),
    (b"<table", OtherFormat::Html),
    (b"<?xml", OtherFormat::Xml),
    (b"<workbook", OtherFormat::Xml),
];

impl OtherFormat {
    /// The format of a file; `None` if it can be CSV.
    pub(super) fn detect(bytes: &[u8]) -> Option<Self> {
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
        let is_start = |start: &[u8]| {
            text.get(..start.len()).is_some_and(|text| text.eq_ignore_ascii_case(start))
        };
        STARTS.iter().find(|(start, _)| is_start(start)).map(|(_, format)| *format)
    }
}

impl fmt::Display for OtherFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zip => "a workbook (XLSX, ODS or Numbers) or another ZIP file",
            Self::Xls => "a workbook (XLS)",
            Self::Pdf => "a PDF document",
            Self::VCard => "a vCard file",
            Self::Html => "an HTML page",
            Self::Xml => "an XML document",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_another_format_is_recognized_and_csv_is_not() {
        for (start, format) in [
            (&b"PK\x03\x04\x14\0"[..], OtherFormat::Zip),
            (b"\xd0\xcf\x11\xe0\xa1\xb1", OtherFormat::Xls),
            (b"%PDF-1.7", OtherFormat::Pdf),
            (b"BEGIN:VCARD\r\nVERSION:3.0", OtherFormat::VCard),
            (b"\xef\xbb\xbf\r\n <!DOCTYPE html>", OtherFormat::Html),
            (b"<html xmlns:x=\"urn\">", OtherFormat::Html),
            (b"<TABLE border=1>", OtherFormat::Html),
            (b"<?xml version=\"1.0\"?>", OtherFormat::Xml),
        ] {
            assert_eq!(OtherFormat::detect(start), Some(format), "{format}");
        }
        for csv in
            [&b""[..], b"P", b"PK,Email\n", b"<Name>,Email\n", b"Begin,End\n", b"\xff\xfeN\0"]
        {
            assert_eq!(OtherFormat::detect(csv), None);
        }
    }
}
