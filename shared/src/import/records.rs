//! Reads the records of a CSV text. In contrast to the crate `csv`, it reports text that does not
//! follow RFC 4180 instead of reading it somehow, and it knows where each record begins and ends.

use std::borrow::Cow;
use std::ops::Range;

/// A record of the file, or a line that belongs to no readable record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Record<'t> {
    /// The line on which the record begins, from 1.
    pub(super) line: usize,
    /// The position of the record in the text, in bytes, with its line ending.
    pub(super) span: Range<usize>,
    /// The cells, or why they cannot be read.
    pub(super) cells: Result<Vec<Cow<'t, str>>, QuoteError>,
}

/// Why the cells of a line cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum QuoteError {
    /// A quote is never closed.
    #[error("the quote that opens in line {0} is never closed")]
    Unclosed(usize),
    /// A closing quote is followed by text.
    #[error(
        "the text in quotes that begins in line {begin} is followed by other text in line {end}; a quote inside a cell must be doubled"
    )]
    Text {
        /// The line on which the quote opens.
        begin: usize,
        /// The line on which the quote is closed.
        end: usize,
    },
}

/// An iterator over the records of a text. Lines without a visible character are skipped.
///
/// If a quote makes a record unreadable, each of its lines is returned as a record with an error,
/// and reading continues on the next line.
#[derive(Clone, Debug)]
pub(super) struct Records<'t> {
    text: &'t str,
    delimiter: u8,
    at: usize,
    line: usize,
    /// The position up to which lines are unreadable, and why.
    unreadable: Option<(usize, QuoteError)>,
}

/// The end of a cell: its position, and whether the record ends with it.
struct CellEnd {
    at: usize,
    record_ends: bool,
}

/// The cells of one record.
type Cells<'t> = Vec<Cow<'t, str>>;

impl<'t> Records<'t> {
    /// Reads the text from a position, which must be the start of line `line`.
    #[must_use]
    pub(super) fn new(text: &'t str, delimiter: u8, at: usize, line: usize) -> Self {
        Self { text, delimiter, at, line, unreadable: None }
    }

    /// The position of the next record in the text, in bytes, and its line.
    #[must_use]
    pub(super) fn position(&self) -> (usize, usize) {
        (self.at, self.line)
    }

    fn bytes(&self) -> &'t [u8] {
        self.text.as_bytes()
    }

    /// The position after the line ending at `at`; `None` if there is no line ending.
    fn line_end(&self, at: usize) -> Option<usize> {
        match self.bytes().get(at..) {
            Some([b'\r', b'\n', ..]) => Some(at + 2),
            Some([b'\r' | b'\n', ..]) => Some(at + 1),
            _ => None,
        }
    }

    /// The position after the line that begins at `at`.
    fn next_line(&self, at: usize) -> usize {
        let rest = &self.bytes()[at..];
        let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        end.and_then(|end| self.line_end(at + end)).unwrap_or(self.text.len())
    }

    fn lines_in(&self, span: Range<usize>) -> usize {
        let mut lines = 0;
        let mut at = span.start;
        while at < span.end {
            at = self.next_line(at);
            lines += 1;
        }
        lines
    }

    /// Reads the cells of the record at `self.at`, and returns them with the end of the record.
    fn record(&self) -> Result<(Cells<'t>, usize), (usize, QuoteError)> {
        let mut cells = Vec::new();
        let mut at = self.at;
        loop {
            let (cell, end) = self.cell(at)?;
            cells.push(cell);
            at = end.at;
            if end.record_ends {
                return Ok((cells, at));
            }
        }
    }

    /// Reads the cell at `at`. The error contains the end of the unreadable part.
    fn cell(&self, at: usize) -> Result<(Cow<'t, str>, CellEnd), (usize, QuoteError)> {
        // Some programs write a space between the delimiter and the quote.
        let quote = self.bytes()[at..].iter().position(|byte| *byte != b' ').map(|n| at + n);
        match quote {
            Some(quote) if self.bytes()[quote] == b'"' => self.quoted_cell(quote + 1),
            _ => {
                let is_end = |byte: &u8| *byte == self.delimiter || matches!(byte, b'\r' | b'\n');
                let length = self.bytes()[at..].iter().position(is_end);
                let end = length.map_or(self.text.len(), |length| at + length);
                Ok((Cow::Borrowed(&self.text[at..end]), self.cell_end(end)))
            }
        }
    }

    /// Reads a cell whose text in quotes begins at `start`.
    fn quoted_cell(&self, start: usize) -> Result<(Cow<'t, str>, CellEnd), (usize, QuoteError)> {
        let bytes = self.bytes();
        let begin = || self.line + self.lines_in(self.at..start) - 1;
        let mut from = start;
        let close = loop {
            let quote = bytes[from..].iter().position(|byte| *byte == b'"');
            let Some(quote) = quote.map(|offset| from + offset) else {
                return Err((self.text.len(), QuoteError::Unclosed(begin())));
            };
            if bytes.get(quote + 1) != Some(&b'"') {
                break quote;
            }
            from = quote + 2;
        };
        let text = &self.text[start..close];
        let text = match text.contains('"') {
            true => Cow::Owned(text.replace("\"\"", "\"")),
            false => Cow::Borrowed(text),
        };
        let spaces = bytes[close + 1..].iter().take_while(|byte| **byte == b' ').count();
        let end = close + 1 + spaces;
        let is_end = |byte: &u8| *byte == self.delimiter || matches!(byte, b'\r' | b'\n');
        if bytes.get(end).is_none_or(is_end) {
            return Ok((text, self.cell_end(end)));
        }
        let end_line = self.line + self.lines_in(self.at..close + 1) - 1;
        Err((self.next_line(end), QuoteError::Text { begin: begin(), end: end_line }))
    }

    /// The end of a cell whose text ends at `at`, where a delimiter, a line or the text ends.
    fn cell_end(&self, at: usize) -> CellEnd {
        match self.line_end(at) {
            Some(next) => CellEnd { at: next, record_ends: true },
            None if at >= self.text.len() => CellEnd { at, record_ends: true },
            None => CellEnd { at: at + 1, record_ends: false },
        }
    }

    /// Returns the text from the current position to `end` as a record, and moves after it.
    fn take(&mut self, end: usize, cells: Result<Vec<Cow<'t, str>>, QuoteError>) -> Record<'t> {
        let span = self.at..end;
        let record = Record { line: self.line, span: span.clone(), cells };
        self.line += self.lines_in(span);
        self.at = end;
        record
    }
}

impl<'t> Iterator for Records<'t> {
    type Item = Record<'t>;

    fn next(&mut self) -> Option<Record<'t>> {
        loop {
            if self.at >= self.text.len() {
                return None;
            }
            let end = self.next_line(self.at);
            if self.text[self.at..end].trim().is_empty() {
                self.take(end, Ok(Vec::new()));
                continue;
            }
            if let Some((until, error)) = self.unreadable {
                if self.at < until {
                    return Some(self.take(end, Err(error)));
                }
                self.unreadable = None;
            }
            match self.record() {
                Ok((cells, end)) => return Some(self.take(end, Ok(cells))),
                Err(unreadable) => self.unreadable = Some(unreadable),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Cells = Result<Vec<String>, QuoteError>;

    fn read(text: &str) -> Vec<(usize, Cells)> {
        let records = Records::new(text, b',', 0, 1);
        let owned = |cells: Vec<Cow<'_, str>>| cells.into_iter().map(Cow::into_owned).collect();
        records.map(|record| (record.line, record.cells.map(owned))).collect()
    }

    fn cells(cells: &[&str]) -> Cells {
        Ok(cells.iter().map(|cell| (*cell).to_owned()).collect())
    }

    #[test]
    fn records_are_read_with_every_line_ending_and_their_lines() {
        for text in [
            "a,b\r\n\r\n1,\"x\r\ny\"\r\n2,\r\n",
            "a,b\n\n1,\"x\r\ny\"\n2,",
            "a,b\r\r1,\"x\r\ny\"\r2,\r",
        ] {
            let expected =
                [(1, cells(&["a", "b"])), (3, cells(&["1", "x\r\ny"])), (5, cells(&["2", ""]))];
            assert_eq!(read(text), expected, "{text:?}");
        }
    }

    #[test]
    fn quotes_are_doubled_inside_a_cell_and_literal_inside_an_unquoted_one() {
        let expected = [(1, cells(&["say \"hi\"", "", "5\" pipe", "x, y"]))];
        assert_eq!(read("\"say \"\"hi\"\"\",\"\",5\" pipe, \"x, y\" \n"), expected);
    }

    #[test]
    fn the_lines_of_an_unclosed_quote_are_reported_one_by_one() {
        let error = Err(QuoteError::Unclosed(2));
        let expected =
            [(1, cells(&["a", "b"])), (2, error.clone()), (3, error.clone()), (4, error)];
        assert_eq!(read("a,b\n\"1,2\n3,4\n5,6"), expected);
    }

    #[test]
    fn text_behind_a_closing_quote_makes_its_lines_unreadable_and_reading_goes_on() {
        let one = Err(QuoteError::Text { begin: 1, end: 1 });
        assert_eq!(read("\"5\" pipe\",x\n1,2\n"), [(1, one), (2, cells(&["1", "2"]))]);
        let two = Err(QuoteError::Text { begin: 1, end: 2 });
        let lines = read("1,\"Lee\n\"2\",\"Ray\"\n3,4\n");
        assert_eq!(lines, [(1, two.clone()), (2, two), (3, cells(&["3", "4"]))]);
    }

    #[test]
    fn the_spans_of_records_and_skipped_lines_are_the_whole_text() {
        let text = "a,b\n\n\"1\n2\",x\r\n\"bad\" x\nlast";
        let spans: Vec<_> = Records::new(text, b',', 0, 1).map(|it| &text[it.span]).collect();
        assert_eq!(spans, ["a,b\n", "\"1\n2\",x\r\n", "\"bad\" x\n", "last"]);
    }
}
