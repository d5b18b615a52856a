//! Compares the whole pipeline of `export-generate` with only its file writers. Measures CPU time,
//! peak memory, and the disk space of a workbook (docs/benchmarks.md, "Exports").
//!
//! ```text
//! cargo run --release --example export_benchmark             # everything
//! cargo run --release --example export_benchmark -- 10000    # only these numbers of rows
//! ```
//!
//! Each measurement runs in a separate process, so that its memory and CPU time include nothing
//! else. The parent process simulates S3. Contacts come from memory instead of the table, in pages
//! of 100 as from the table. The benchmark runs only on Linux, because it reads `/proc`.

use std::{
    collections::HashMap,
    error::Error,
    fs::File,
    hint::black_box,
    io::{BufRead, BufReader},
    path::Path,
    sync::Arc,
    time::Instant,
};

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use export_generate::{
    cell::Cell,
    row::RowPlan,
    settings::FileSettings,
    source::{Chunk, Feed},
    upload::Upload,
    writer::{FilePlan, Limits, Progress, write},
    xlsx::ROWS_PER_SHEET,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder as ConnectionBuilder,
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use mimalloc::MiMalloc;
use rust_xlsxwriter::{ExcelDateTime, Format as CellFormat, Workbook};
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use serde_json::{Value, json};
use shared::{
    access::Scope,
    contact::StoredContact,
    export::{Column, Delimiter, Field, Format},
    http_client,
    locale::Locale,
};
use tokio::{net::TcpListener, process::Command, sync::mpsc};
use tokio_util::sync::CancellationToken;
use zip::ZipArchive;

/// The allocator of the function.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const BUCKET: &str = "exports";
/// The number of different contacts. Together, their texts are much longer than a compressor's
/// window, so that a compressor cannot reuse the text of a repeated contact.
const VARIETY: usize = 1_000;
/// The number of measurements of each size. The report contains the median.
const ROUNDS: usize = 5;
const SIZES: [u64; 3] = [10_000, 100_000, 1_000_000];
/// A number of rows that fills one sheet and needs a second sheet.
const TWO_SHEETS: u64 = ROWS_PER_SHEET as u64 + 6;

const FIELDS: [&str; 20] = [
    "id",
    "external_id",
    "name",
    "email",
    "emails",
    "phone",
    "phones",
    "company_name",
    "owner_id",
    "owner_name",
    "assignee_name",
    "team_owner_names",
    "tags",
    "source",
    "created_at",
    "updated_at",
    "custom.tier",
    "custom.points",
    "custom.member",
    "custom.remark",
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["pipeline", format, rows, endpoint] => {
            println!("{}", pipeline(parse(format)?, rows.parse()?, endpoint).await?);
            Ok(())
        }
        ["alone", format, rows] => {
            println!("{}", alone(parse(format)?, rows.parse()?)?);
            Ok(())
        }
        sizes => report(sizes).await,
    }
}

fn parse(format: &str) -> Outcome<Format> {
    Ok(serde_json::from_value(json!(format))?)
}

async fn report(sizes: &[&str]) -> Outcome<()> {
    let sizes = match sizes {
        [] => SIZES.to_vec(),
        some => some.iter().map(|size| size.parse()).collect::<Result<_, _>>()?,
    };
    let root = tempfile::tempdir()?;
    std::fs::create_dir(root.path().join(BUCKET))?;
    let endpoint = serve(root.path()).await?;
    println!(
        "| format | rows | pipeline CPU s | alone CPU s | ratio | wall s | peak MiB | alone MiB | file MB | XML bytes per cell |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for format in ["xlsx", "csv"] {
        for rows in &sizes {
            let rounds = rounds(format, *rows, &endpoint).await?;
            let (lowest, highest) = (&rounds[0], &rounds[rounds.len() - 1]);
            let median = &rounds[rounds.len() / 2];
            let Round { whole, alone } = median;
            println!(
                "| {format} | {rows} | {:.2} | {:.2} | {:.2} ({:.2}–{:.2}) | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} |",
                number(whole, "cpu_seconds"),
                number(alone, "cpu_seconds"),
                median.ratio(),
                lowest.ratio(),
                highest.ratio(),
                number(whole, "wall_seconds"),
                number(whole, "peak_mib"),
                number(alone, "peak_mib"),
                number(whole, "bytes") / 1e6,
                number(alone, "xml_bytes") / number(alone, "cells"),
            );
        }
    }
    if sizes == SIZES {
        let size = TWO_SHEETS.to_string();
        measure(&["pipeline", "xlsx", &size, &endpoint]).await?;
        let sheets = rows_by_sheet(&root.path().join(BUCKET).join("contacts.xlsx"))?;
        println!(
            "{TWO_SHEETS} contacts: {sheets:?} rows of data on their sheets, each in its place"
        );
    }
    Ok(())
}

/// A measurement of the pipeline and, immediately before it, of only the writer.
struct Round {
    whole: Value,
    alone: Value,
}

impl Round {
    fn ratio(&self) -> f64 {
        number(&self.whole, "cpu_seconds") / number(&self.alone, "cpu_seconds")
    }
}

/// Measures all rounds and sorts them by ratio. The noise of the machine is nearly the same for
/// both measurements of a round, but differs between rounds.
async fn rounds(format: &str, rows: u64, endpoint: &str) -> Outcome<Vec<Round>> {
    let size = rows.to_string();
    let mut rounds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let alone = measure(&["alone", format, &size]).await?;
        let whole = measure(&["pipeline", format, &size, endpoint]).await?;
        rounds.push(Round { whole, alone });
    }
    rounds.sort_by(|one, other| one.ratio().total_cmp(&other.ratio()));
    Ok(rounds)
}

fn number(from: &Value, name: &str) -> f64 {
    from[name].as_f64().unwrap_or_default()
}

async fn measure(arguments: &[&str]) -> Outcome<Value> {
    let output = Command::new(std::env::current_exe()?).args(arguments).output().await?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Simulates S3 with a directory, on a separate thread.
async fn serve(root: &Path) -> Outcome<String> {
    let files = s3s_fs::FileSystem::new(root).map_err(|error| format!("{error:?}"))?;
    let mut builder = S3ServiceBuilder::new(files);
    builder.set_auth(SimpleAuth::from_single("key", "secret"));
    let service = builder.build();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                let connections = ConnectionBuilder::new(TokioExecutor::new());
                let _ = connections.serve_connection(TokioIo::new(socket), service).await;
            });
        }
    });
    Ok(endpoint)
}

/// Measures the same steps as an attempt, with contacts from memory.
async fn pipeline(format: Format, rows: u64, endpoint: &str) -> Outcome<Value> {
    let started = Instant::now();
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(endpoint)
        .region(Region::new("ap-southeast-3"))
        .credentials_provider(Credentials::new("key", "secret", None, None, "benchmark"))
        .force_path_style(true)
        .http_client(http_client::for_sdk(http_client::builder().build()?))
        .build();
    let client = aws_sdk_s3::Client::from_conf(config);
    let key = format!("contacts.{}", format.extension());
    let rows_plan = plan()?;
    let max_rows = Limits::default().max_rows(FIELDS.len());
    let plan = FilePlan {
        directory: std::env::temp_dir(),
        settings: FileSettings {
            format,
            delimiter: Delimiter::Comma,
            sheet_name: "Contacts".to_owned(),
            title: "contacts".to_owned(),
            created_at: Timestamp::UNIX_EPOCH,
        },
        rows: rows_plan,
        max_rows,
    };
    let (feed, feed_out) = mpsc::channel(2);
    let progress = Arc::new(Progress::default());
    let writer = tokio::task::spawn_blocking(move || {
        write(&plan, feed_out, &progress, &CancellationToken::new())
    });
    let variety = variety()?;
    let mut number = 0;
    while number < rows {
        let chunk = (number..rows.min(number + 100)).map(|at| numbered(&variety, at));
        let contacts: Vec<_> =
            chunk.filter_map(|contact| Scope::Everything.authorize(contact)).collect();
        number += 100;
        feed.send(Feed::Contacts(Chunk { contacts, skipped: 0, progress: 0.5 })).await?;
    }
    feed.send(Feed::End).await?;
    let written = writer.await??;
    let mut upload =
        Upload::begin(&client, BUCKET, &key, format.content_type(), "attachment").await?;
    let bytes = upload.send(written.file.path()).await?;
    if written.rows != rows {
        return Err(format!("{} rows of {rows}", written.rows).into());
    }
    Ok(json!({
        "bytes": bytes, "cpu_seconds": cpu_seconds()?, "peak_mib": peak_mib()?,
        "wall_seconds": started.elapsed().as_secs_f64(),
    }))
}

/// Measures only the library of the format, with prepared cells.
fn alone(format: Format, rows: u64) -> Outcome<Value> {
    let plan = plan()?;
    let contacts = variety()?;
    let mut cells = Vec::new();
    let ready = contacts.iter().map(|contact| {
        plan.cells(contact, &mut cells)?;
        cells.iter().map(Ready::from_cell).collect::<Outcome<Vec<_>>>()
    });
    let ready = ready.collect::<Outcome<Vec<_>>>()?;
    let before = cpu_seconds()?;
    let xml_bytes = match format {
        Format::Xlsx => workbook(&ready, rows)?,
        Format::Csv => csv_alone(&ready, rows)?,
    };
    Ok(json!({
        "xml_bytes": xml_bytes, "cells": rows * FIELDS.len() as u64,
        "cpu_seconds": cpu_seconds()? - before, "peak_mib": peak_mib()?,
    }))
}

/// A prepared cell, in the types of the format's library.
enum Ready {
    Empty,
    Text(String),
    Number(f64, String),
    Date(ExcelDateTime, String),
    Boolean(bool),
}

impl Ready {
    fn from_cell(cell: &Cell<'_>) -> Outcome<Self> {
        let text = cell.csv_text().into_owned();
        Ok(match cell {
            Cell::Empty => Self::Empty,
            Cell::Text(_) => Self::Text(text),
            Cell::Number(number) => Self::Number(number.value(), text),
            Cell::Date(_) | Cell::Day(_) => Self::Date(ExcelDateTime::parse_from_str(&text)?, text),
            Cell::Boolean(value) => Self::Boolean(*value),
        })
    }

    fn text(&self) -> &str {
        match self {
            Self::Empty => "",
            Self::Text(text) | Self::Number(_, text) | Self::Date(_, text) => text,
            Self::Boolean(true) => "true",
            Self::Boolean(false) => "false",
        }
    }
}

/// Writes a workbook. Returns the bytes of the sheets' XML, which is on disk until the workbook is
/// saved.
fn workbook(ready: &[Vec<Ready>], rows: u64) -> Outcome<u64> {
    let folder = tempfile::tempdir()?;
    let mut workbook = Workbook::new();
    workbook.set_tempdir(folder.path())?;
    let date = CellFormat::new().set_num_format("yyyy-mm-dd hh:mm:ss");
    let mut max_rows = ready.iter().cycle().take(usize::try_from(rows)?).peekable();
    while max_rows.peek().is_some() {
        let sheet = workbook.add_worksheet_with_constant_memory()?;
        for (row, cells) in (1..=ROWS_PER_SHEET).zip(&mut max_rows) {
            for (column, cell) in (0..).zip(cells) {
                match cell {
                    Ready::Empty => {}
                    Ready::Text(text) => {
                        sheet.write_string(row, column, text)?;
                    }
                    Ready::Number(value, _) => {
                        sheet.write_number(row, column, *value)?;
                    }
                    Ready::Date(at, _) => {
                        sheet.write_datetime_with_format(row, column, at, &date)?;
                    }
                    Ready::Boolean(value) => {
                        sheet.write_boolean(row, column, *value)?;
                    }
                }
            }
        }
    }
    let path = folder.path().join("alone.xlsx");
    workbook.save(&path)?;
    let mut archive = ZipArchive::new(File::open(&path)?)?;
    let mut bytes = 0;
    for at in 0..archive.len() {
        bytes += archive.by_index(at)?.size();
    }
    Ok(bytes)
}

fn csv_alone(ready: &[Vec<Ready>], rows: u64) -> Outcome<u64> {
    let mut writer = csv::Writer::from_writer(std::io::sink());
    for cells in ready.iter().cycle().take(usize::try_from(rows)?) {
        writer.write_record(cells.iter().map(Ready::text))?;
    }
    writer.flush()?;
    black_box(writer);
    Ok(0)
}

fn plan() -> Outcome<RowPlan> {
    let columns = FIELDS.map(|name| name.parse::<Field>().map(|it| Column::new(it, Locale::En)));
    let teams = (0..8).map(|at| Ok((uuid(1, at).parse()?, format!("Team {at} of the company"))));
    Ok(RowPlan {
        columns: columns.into_iter().collect::<Result<_, _>>()?,
        zone: TimeZone::get("Asia/Jakarta")?,
        teams: teams.collect::<Outcome<HashMap<_, _>>>()?,
        people: HashMap::new(),
    })
}

fn uuid(kind: usize, number: usize) -> String {
    format!("0190d1a2-7c3b-7abc-8{kind:03x}-{number:012x}")
}

/// Creates contacts like those of a sales team, each a little different.
fn variety() -> Outcome<Vec<StoredContact>> {
    let start: Timestamp = "2026-01-05T08:00:00Z".parse()?;
    let contact = |at: usize| -> Outcome<StoredContact> {
        let mark = at.wrapping_mul(2_654_435_761) % 1_000_000_007;
        let created = start + SignedDuration::from_secs(i64::try_from(at * 977)?);
        Ok(serde_json::from_value(json!({
            "id": uuid(0, at), "external_id": format!("{at:08}"),
            "name": format!("Contact {mark} Wicaksono {at}"),
            "emails": [format!("c{mark}@customers.example"), format!("{at}.{mark}@mail.example")],
            "phones": [format!("+62 812-{:04}-{:04}", mark % 10_000, at), format!("021-{mark}")],
            "company_name": format!("PT {mark} Sejahtera Abadi"),
            "owner_id": uuid(2, at % 40), "owner_name": format!("Owner {} Maharani", at % 40),
            "assignee_id": uuid(2, mark % 40), "assignee_name": format!("Assignee {}", mark % 40),
            "team_owner_ids": [uuid(1, at % 8), uuid(1, mark % 8)],
            "tags": ["vip", format!("segment-{}", mark % 90)], "source": format!("Fair {}", mark % 12),
            "custom_fields": json!({
                "tier": (["gold", "silver", "bronze"][at % 3]), "points": mark % 10_000,
                "member": at.is_multiple_of(2), "remark": format!("Asked for {mark}, call again & confirm"),
            }).to_string(),
            "created_at": created, "updated_at": created, "version": 1,
        }))?)
    };
    (0..VARIETY).map(contact).collect()
}

fn numbered(variety: &[StoredContact], at: u64) -> StoredContact {
    let index = usize::try_from(at).unwrap_or_default() % variety.len();
    StoredContact { external_id: Some(format!("{at:08}")), ..variety[index].clone() }
}

/// Checks the number of each row, and returns the number of data rows on each sheet of a workbook.
fn rows_by_sheet(path: &Path) -> Outcome<Vec<u64>> {
    let mut archive = ZipArchive::new(File::open(path)?)?;
    let (mut sheets, mut next) = (Vec::new(), 0u64);
    for sheet in 1.. {
        let Ok(entry) = archive.by_name(&format!("xl/worksheets/sheet{sheet}.xml")) else { break };
        let first = next;
        for row in BufReader::new(entry).split(b'>').scan(Vec::new(), |row: &mut Vec<u8>, piece| {
            let piece = piece.ok()?;
            let ends = piece.ends_with(b"</row");
            row.extend(piece);
            row.push(b'>');
            Some(ends.then(|| std::mem::take(row)))
        }) {
            let Some(row) = row else { continue };
            let row = String::from_utf8(row)?;
            if row.contains("External ID") {
                continue;
            }
            if !row.contains(&format!(">{next:08}<")) {
                return Err(format!("sheet {sheet}: contact {next} is not in its row").into());
            }
            next += 1;
        }
        sheets.push(next - first);
    }
    Ok(sheets)
}

/// The CPU time of this process in seconds. Linux counts it in hundredths of a second.
fn cpu_seconds() -> Outcome<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> =
        stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    Ok((fields[11].parse::<f64>()? + fields[12].parse::<f64>()?) / 100.0)
}

/// The peak memory of this process in MiB.
fn peak_mib() -> Outcome<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    let kib = line.split_whitespace().nth(1).unwrap_or("0");
    Ok(kib.parse::<f64>()? / 1024.0)
}
