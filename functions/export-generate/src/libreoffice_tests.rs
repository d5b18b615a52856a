//! Opens exported CSV files in LibreOffice, with every list separator that a user's locale may have.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use shared::export::{Column, Delimiter, Field, Format};
use shared::locale::Locale;
use tempfile::TempDir;

use crate::{
    cell::Cell,
    file::{
        FileWriter,
        tests::{difficult_texts, settings},
    },
    settings::FileSettings,
};

const DELIMITERS: [Delimiter; 3] = [Delimiter::Comma, Delimiter::Semicolon, Delimiter::Tab];

/// The longest time that all conversions may take.
const TIME: Duration = Duration::from_secs(60);

/// Texts that become a formula where a reader splits at another character than the file does.
const FORMULAS: [&str; 12] = [
    "x;=1+1;y",
    "x,=1+1,y",
    "x\t=1+1\ty",
    "x\n=1+1",
    "x\r\n=1+1;=2",
    "a;\"=1+1\";b\"",
    "\";=1+1",
    "=1+1",
    "\0=1+1",
    "\u{feff}=1+1",
    "\u{200b}=1+1;\u{200b}=1+1",
    "＝1+1;=1+1",
];

/// Writes one file in the folder. With `is_protected`, it is an export; otherwise the file has the
/// same texts as they are.
fn write(folder: &Path, delimiter: Delimiter, is_protected: bool) {
    let name = format!("{delimiter:?}-{is_protected}.csv");
    let columns = ["=left", "text", "right;=1"]
        .map(|label| Column { label: label.to_owned(), ..Column::new(Field::Name, Locale::En) });
    // LibreOffice needs long for the few texts at the limit of a cell, and they show nothing new.
    let texts = FORMULAS.into_iter().map(str::to_owned);
    let texts: Vec<_> = texts.chain(difficult_texts()).filter(|it| it.len() < 1_000).collect();
    if is_protected {
        let settings = FileSettings { delimiter, ..settings(Format::Csv) };
        let mut file = FileWriter::create(&settings, folder, &columns).unwrap();
        for text in &texts {
            file.row(&[Cell::text("l"), Cell::text(text.as_str()), Cell::text("r")]).unwrap();
        }
        let file = file.finish(&tokio_util::sync::CancellationToken::new()).unwrap();
        fs::copy(file.path(), folder.join(name)).unwrap();
    } else {
        let mut file = ::csv::WriterBuilder::new()
            .delimiter(delimiter.as_byte())
            .from_path(folder.join(name))
            .unwrap();
        for text in &texts {
            file.write_record(["l", text, "r"]).unwrap();
        }
        file.flush().unwrap();
    }
}

/// Converts every CSV file of the folder in one process of LibreOffice that splits at `separator`.
/// Returns the names of the files, and the number of formulas in each.
fn formulas(folder: &TempDir, separator: u8, until: Instant) -> Vec<(String, usize)> {
    let profile = folder.path().join("profile");
    let results = folder.path().join(separator.to_string());
    let files = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|it| it == "csv")).collect();
    // Separator, quote, UTF-8, first line, no column formats, language, no quotes as text, detection
    // of special numbers, and no stored cell content.
    let filter = format!("CSV:{separator},34,76,1,,0,false,true,false,false,false,-1");
    let mut office = Command::new("soffice")
        .arg(format!("-env:UserInstallation=file://{}", profile.display()))
        .args(["--headless", "--norestore", "--convert-to", "fods"])
        .arg(format!("--infilter={filter}"))
        .arg("--outdir")
        .arg(&results)
        .args(&files)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while office.try_wait().unwrap().is_none() {
        if Instant::now() > until {
            office.kill().unwrap();
            office.wait().unwrap();
            panic!("LibreOffice took more than {TIME:?}");
        }
        thread::sleep(Duration::from_millis(50));
    }
    let count = |path: &std::path::PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let sheet = fs::read_to_string(results.join(format!("{name}.fods"))).unwrap();
        (name, sheet.matches("table:formula=").count())
    };
    files.iter().map(count).collect()
}

#[test]
fn libreoffice_finds_no_formula_with_any_separator() {
    let is_installed =
        Command::new("soffice").arg("--version").stdout(Stdio::null()).status().is_ok();
    if !is_installed {
        assert!(std::env::var("CI").is_err(), "LibreOffice is not installed");
        println!("skipped: LibreOffice is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for delimiter in DELIMITERS {
        write(folder.path(), delimiter, true);
        write(folder.path(), delimiter, false);
    }
    let until = Instant::now() + TIME;
    for separator in DELIMITERS.map(Delimiter::as_byte) {
        let found = formulas(&folder, separator, until);
        assert_eq!(found.len(), 2 * DELIMITERS.len());
        for (file, formulas) in found {
            let is_protected = file.ends_with("true");
            assert_eq!(
                formulas == 0,
                is_protected,
                "{file} has {formulas} formulas at {separator}"
            );
        }
    }
}
