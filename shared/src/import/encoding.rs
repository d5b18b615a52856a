//! Detects the character encoding of a file, and decodes it.

use std::borrow::Cow;

use chardetng::EncodingDetector;
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// The number of bytes at the start of a file that decide whether it is UTF-16 without a BOM.
const UTF_16_SAMPLE: usize = 1024;

/// The maximum number of characters outside ASCII that are too few for the detector. A name such as
/// "Loïc" fits several encodings.
const FEW_CHARACTERS: usize = 3;
/// Symbols of Windows-1252 that texts of western Europe have.
const WESTERN_SYMBOLS: &str = "€£§©®°±²³´·¹º¼½¾¿¡«»‘’‚“”„–—…•™\u{a0}";
/// Letters of Windows-1252 whose bytes are more frequent letters of central Europe or Turkey.
const RARE_LETTERS: &str = "ðÐþÞýÝøØæÆåÅ";

/// Why a file cannot be decoded.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EncodingError {
    /// The encoding in the request is unknown.
    #[error(
        "unknown encoding \"{0}\"; use utf-8, utf-16, windows-1252 or another name of the WHATWG encoding standard"
    )]
    Unknown(String),
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
/// decides, which Firefox uses for the same purpose. A file with up to [`FEW_CHARACTERS`] characters
/// outside ASCII is Windows-1252 if it makes sense in it.
///
/// # Errors
/// [`EncodingError`] if the encoding is unknown, or if the bytes are not valid in the encoding. A
/// character is never replaced.
pub fn decode<'b>(
    bytes: &'b [u8],
    named: Option<&str>,
) -> Result<(Cow<'b, str>, &'static str), EncodingError> {
    let named = named.map(|name| {
        Encoding::for_label(name.as_bytes()).ok_or_else(|| EncodingError::Unknown(name.to_owned()))
    });
    let named = named.transpose()?;
    let (encoding, bytes) = match Encoding::for_bom(bytes) {
        Some((encoding, length)) => (encoding, &bytes[length..]),
        None => match named {
            Some(encoding) => (encoding, bytes),
            None => (detect(bytes)?, bytes),
        },
    };
    let malformed = |line| EncodingError::Malformed { encoding: encoding.name(), line };
    match encoding.decode_without_bom_handling_and_without_replacement(bytes) {
        Some(text) => Ok((text, encoding.name())),
        None => {
            let (text, _) = encoding.decode_without_bom_handling(bytes);
            Err(malformed(line_of(text.split('\u{fffd}').next().unwrap_or_default())))
        }
    }
}

fn detect(bytes: &[u8]) -> Result<&'static Encoding, EncodingError> {
    if let Some(utf_16) = utf_16_without_bom(bytes) {
        return Ok(utf_16);
    }
    match std::str::from_utf8(bytes) {
        Ok(_) => Ok(UTF_8),
        Err(error) if is_damaged_utf_8(bytes) => {
            let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            Err(EncodingError::Malformed { encoding: UTF_8.name(), line: line_of(&before) })
        }
        Err(_) => {
            let mut detector = EncodingDetector::new();
            detector.feed(bytes, true);
            let guess = detector.guess(None, false);
            Ok(if is_western(bytes) { WINDOWS_1252 } else { guess })
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

/// Whether a file with few characters outside ASCII makes sense in Windows-1252, which is more frequent
/// than the other encodings that would fit: no symbol is inside a word or at its start, and no letter
/// is more frequent in another alphabet.
fn is_western(bytes: &[u8]) -> bool {
    let (text, _, is_malformed) = WINDOWS_1252.decode(bytes);
    let mut before = ' ';
    let mut others = 0;
    let makes_sense = text.chars().zip(text.chars().skip(1).chain([' '])).all(|(c, next)| {
        let is_in_word = before.is_ascii_alphabetic() && next.is_ascii_alphabetic();
        let is_quote = matches!(c, '’' | '‘' | '“' | '„' | '«' | '¡' | '¿' | '–' | '·');
        before = c;
        others += usize::from(!c.is_ascii());
        match c {
            c if c.is_ascii() => true,
            c if c.is_alphabetic() => !RARE_LETTERS.contains(c),
            '’' => true,
            c => {
                WESTERN_SYMBOLS.contains(c)
                    && !is_in_word
                    && (is_quote || !next.is_ascii_alphabetic())
            }
        }
    });
    makes_sense && !is_malformed && others <= FEW_CHARACTERS
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
    fn letters_of_central_europe_are_not_read_as_western_symbols() {
        for text in ["Imie\nŁukasz\n", "Imie\nStanisław\n", "Jmeno\nDvořák\n"] {
            let (bytes, _, _) = encoding_rs::WINDOWS_1250.encode(text);
            assert!(!is_western(&bytes), "{text}");
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
