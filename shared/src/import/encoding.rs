//! Detects the character encoding of a file, and decodes it.

use std::borrow::Cow;

use chardetng::EncodingDetector;
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::{
    format::OtherFormat,
    plausible::{first_misread, is_western},
};

/// The number of bytes at the start of a file that decide whether it is UTF-16 without a BOM.
const UTF_16_SAMPLE: usize = 1024;

/// Why a file cannot be decoded.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EncodingError {
    /// The file is not a text, or not a table.
    #[error(
        "the file is {0}, not a CSV file; open it in the program that it belongs to, and save it as CSV"
    )]
    OtherFormat(OtherFormat),
    /// The encoding in the request is unknown.
    #[error(
        "unknown encoding \"{0}\"; use utf-8, utf-16, windows-1252 or another name of the WHATWG encoding standard"
    )]
    Unknown(String),
    /// The text makes no sense in the most likely encoding. The value is the first such line, from 1.
    #[error(
        "the encoding of the file could not be found out: line {0} makes no sense in the most likely one; name the encoding, for example windows-1252 or macintosh"
    )]
    Uncertain(usize),
    /// The bytes are not valid in the encoding.
    #[error(
        "the file is not valid {encoding}, first in line {line}; name its encoding if it is another one"
    )]
    Malformed {
        /// The name of the encoding.
        encoding: &'static str,
        /// The line of the first invalid byte, from 1.
        line: usize,
    },
}

/// Decodes a file, and returns its text without a BOM and the name of its encoding.
///
/// A BOM decides. Otherwise `named` is the encoding. Without it, a file that is valid UTF-8 is
/// UTF-8, a file with a zero in almost every second byte is UTF-16, and for others `chardetng`
/// decides, which Firefox uses for the same purpose. A file with few characters outside ASCII is
/// Windows-1252 if it makes sense in it.
///
/// # Errors
/// [`EncodingError`] if the file has another format, if its encoding is unknown or not certain, or if
/// the bytes are not valid in the encoding. A character is never replaced.
pub fn decode<'b>(
    bytes: &'b [u8],
    named: Option<&str>,
) -> Result<(Cow<'b, str>, &'static str), EncodingError> {
    if let Some(format) = OtherFormat::detect(bytes) {
        return Err(EncodingError::OtherFormat(format));
    }
    let named = named.map(|name| {
        Encoding::for_label(name.as_bytes()).ok_or_else(|| EncodingError::Unknown(name.to_owned()))
    });
    let named = named.transpose()?;
    let ((encoding, certainty), bytes) = match Encoding::for_bom(bytes) {
        Some((encoding, length)) => ((encoding, Certainty::Certain), &bytes[length..]),
        None => match named {
            Some(encoding) => ((encoding, Certainty::Certain), bytes),
            None => (detect(bytes)?, bytes),
        },
    };
    let malformed = |line| EncodingError::Malformed { encoding: encoding.name(), line };
    match encoding.decode_without_bom_handling_and_without_replacement(bytes) {
        Some(text) => match first_misread(&text).filter(|_| certainty == Certainty::Guess) {
            Some(at) => Err(EncodingError::Uncertain(line_of(&text[..at]))),
            None => Ok((text, encoding.name())),
        },
        None => {
            let (text, _) = encoding.decode_without_bom_handling(bytes);
            Err(malformed(line_of(text.split('\u{fffd}').next().unwrap_or_default())))
        }
    }
}

/// Whether an encoding is known, or only the most likely one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Certainty {
    Certain,
    Guess,
}

fn detect(bytes: &[u8]) -> Result<(&'static Encoding, Certainty), EncodingError> {
    if let Some(utf_16) = utf_16_without_bom(bytes) {
        return Ok((utf_16, Certainty::Certain));
    }
    match std::str::from_utf8(bytes) {
        Ok(_) => Ok((UTF_8, Certainty::Certain)),
        Err(error) if is_damaged_utf_8(bytes) => {
            let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            Err(EncodingError::Malformed { encoding: UTF_8.name(), line: line_of(&before) })
        }
        Err(_) => {
            let mut detector = EncodingDetector::new();
            detector.feed(bytes, true);
            let guess = detector.guess(None, false);
            Ok((if is_western(bytes) { WINDOWS_1252 } else { guess }, Certainty::Guess))
        }
    }
}

/// Whether most of the characters outside ASCII are valid UTF-8. Such a file is UTF-8 with an
/// error in it; read in a one-byte encoding, every such character would become two wrong ones.
fn is_damaged_utf_8(bytes: &[u8]) -> bool {
    let (mut valid, mut invalid) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        valid += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        invalid += usize::from(!chunk.invalid().is_empty());
    }
    valid > invalid
}

/// UTF-16 is recognized by its zeros: the names of columns and most cells contain letters, digits
/// and separators of ASCII.
fn utf_16_without_bom(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(UTF_16_SAMPLE)];
    let zeros = |from: usize| sample.iter().skip(from).step_by(2).filter(|it| **it == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let many = sample.len() / 4;
    if !bytes.len().is_multiple_of(2) {
        None
    } else if odd > many && even < odd / 4 {
        Some(UTF_16LE)
    } else if even > many && odd < even / 4 {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// The line at the end of this text, from 1.
fn line_of(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use unicode_normalization::UnicodeNormalization;

    use super::*;

    fn read(bytes: &[u8]) -> (String, &'static str) {
        let (text, encoding) = decode(bytes, None).unwrap();
        (text.into_owned(), encoding)
    }

    fn utf_16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn utf_8_and_utf_16_are_found_out_with_and_without_a_bom() {
        let text = "Name;Ort\nÄnn Lée;Köln 😀\n";
        assert_eq!(read(text.as_bytes()), (text.to_owned(), "UTF-8"));
        let bom = format!("\u{feff}{text}");
        assert_eq!(read(bom.as_bytes()), (text.to_owned(), "UTF-8"));
        for (bytes, name) in
            [(u16::to_le_bytes as fn(u16) -> _, "UTF-16LE"), (u16::to_be_bytes, "UTF-16BE")]
        {
            assert_eq!(read(&utf_16(text, bytes)), (text.to_owned(), name));
            assert_eq!(read(&utf_16(&bom, bytes)), (text.to_owned(), name));
        }
    }

    #[test]
    fn windows_1252_is_found_out_from_single_letters() {
        for text in [
            "Name\nZoë\n",
            "Name,City\nJosé,São Paulo\n",
            "Name;Preis\nBjörn Müller;5 €\n",
            "Name\nO’Brien – “x”\n",
            "Name;City\nÅsa;Malmö\nØrjan;Tromsø\n",
            "Name\nAnaïs\n",
            "Name\nLoïc\n",
            "Name\nBenoît\n",
            "Name,City\nAnn,Gâteau\n",
            "Name\nCosì\n",
            "Name,Price\nAnn,£5\n",
            "Name,Size\nAnn,±2 µm\n",
            "Name\nAïda\nThaïs\nNaïma\n",
            "Name\nSœur Marie\n",
            "Name\nCœur\n",
            "Name,Piso\nMª Carmen,3º\n",
            "Nº,Name\n1,Ann\n",
            "Name,Size\nAnn,20 m²\n",
            "Name\nAntònia\n",
            "Name\nNicolò\n",
            "Name\nÉric Île\n",
            "Name\n¿Qué?\n",
        ] {
            let (bytes, _, _) = encoding_rs::WINDOWS_1252.encode(text);
            assert_eq!(read(&bytes), (text.to_owned(), "windows-1252"));
        }
    }

    #[test]
    fn other_encodings_are_found_out_from_some_rows() {
        for (encoding, text) in [
            (
                encoding_rs::WINDOWS_1250,
                "Imię;Miasto\nŁukasz Żółkowski;Łódź\nStanisław Dąbrowski;Kraków\nMałgorzata;Gdańsk\n",
            ),
            (encoding_rs::WINDOWS_1251, "Имя;Город\nИван Петров;Москва\nМария Иванова;Казань\n"),
            (encoding_rs::SHIFT_JIS, "名前,会社\n佐藤 愛,東京商事\n鈴木 一郎,大阪工業\n"),
            (encoding_rs::GBK, "姓名,公司\n王芳,上海贸易有限公司\n李伟,北京科技公司\n"),
        ] {
            let (bytes, _, _) = encoding.encode(text);
            assert_eq!(read(&bytes).0, text, "{}", encoding.name());
        }
    }

    #[test]
    fn single_letters_of_other_alphabets_are_not_read_as_western_symbols() {
        for (encoding, names) in [
            (
                encoding_rs::WINDOWS_1250,
                &[
                    "Michał", "Paweł", "Leśniak", "Wałęsa", "Jeż", "Łukasz", "Łódź", "Dvořák",
                    "Ştefan",
                ][..],
            ),
            (encoding_rs::WINDOWS_1254, &["Işık"]),
        ] {
            for name in names {
                let text = format!("Name;Email\n{name};m@x.pl\n");
                let (bytes, _, _) = encoding.encode(&text);
                assert_eq!(read(&bytes).0, text);
            }
        }
        let vietnamese = b"Name,Email\nB\x69\xccnh,a@b.id\n";
        assert_eq!(read(vietnamese).0.nfc().collect::<String>(), "Name,Email\nBình,a@b.id\n");
    }

    #[test]
    fn a_text_that_makes_no_sense_in_the_most_likely_encoding_needs_a_name() {
        for bytes in [
            // Excel for Mac, and DOS.
            &b"Name\nFran\x8dois\n"[..],
            b"Name\nJos\x8e\n",
            b"Name\nM\x9fller\n",
            b"Name\nM\x81ller\n",
            b"Name\nMu\xa4oz\nBj\x94rn\n",
        ] {
            assert_eq!(decode(bytes, None), Err(EncodingError::Uncertain(2)), "{bytes:?}");
        }
        assert_eq!(decode(b"Fran\x8dois", Some("macintosh")).unwrap().0, "François");
    }

    #[test]
    fn a_file_of_another_format_is_refused_with_its_name_also_if_its_encoding_is_named() {
        for named in [None, Some("windows-1252")] {
            let error = decode(b"PK\x03\x04\x14\0", named).unwrap_err();
            assert_eq!(error, EncodingError::OtherFormat(OtherFormat::Zip));
        }
    }

    #[test]
    fn a_named_encoding_is_used_and_an_unknown_one_is_refused() {
        assert_eq!(decode(b"Z\xeb", Some("ISO-8859-2")).unwrap().0, "Zë");
        assert_eq!(
            decode(b"a", Some("klingon")),
            Err(EncodingError::Unknown("klingon".to_owned()))
        );
    }

    #[test]
    fn a_damaged_character_is_reported_with_its_line_and_never_replaced() {
        let mut bytes = "Name\nZoë\nBjörn\n".as_bytes().to_vec();
        bytes.extend(b"K\xf6ln\n");
        let malformed = EncodingError::Malformed { encoding: "UTF-8", line: 4 };
        assert_eq!(decode(&bytes, None), Err(malformed.clone()));
        assert_eq!(decode(&bytes, Some("utf-8")), Err(malformed));
    }
}
