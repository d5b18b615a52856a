//! `POST /cdp/customers/import`: imports the contacts of a CSV file, or of a part of one (SPEC §2,
//! §6).
//!
//! | module | what it does |
//! |---|---|
//! | `request` | the query parameters |
//! | `answer` | the results of rows, and what a dry run reports |

mod answer;
mod request;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use answer::{DryRun, Row};
use request::{Parameters, refused};
use shared::{
    access::Session,
    contact::{Catalog, ContactWriter, ImportContext, ImportedRow},
    entry::{Failure, Reply, http::Request},
    environment::{Environment, StartError},
    error::chain,
    identity::Permission,
    import::{
        CompanyFields, CsvText, EncodingError, Imported, Mapping, MappingError, context, decode,
    },
    table::Table,
};

/// The maximum size of a file or of a part of one, in bytes (SPEC §2).
const MAX_BODY: usize = 3 * 1_048_576;
/// The number of rows that are written together.
const BATCH: usize = 100;
/// The time after which no more rows are written. API Gateway waits 30 seconds for the response, and
/// a batch can take some seconds while Launchpad or the table is slow.
const BUDGET: Duration = Duration::from_secs(15);

/// The dependencies of the function.
#[derive(Clone, Debug)]
pub struct App {
    contacts: ContactWriter,
    table: Table,
}

impl App {
    /// Creates the dependencies from the environment.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        let services = environment.services()?;
        Ok(Self { table: services.table.clone(), contacts: ContactWriter::new(services) })
    }
}

/// Imports the rows of the request, or reports what the import would do.
///
/// # Errors
/// As in SPEC §5. If only a single row fails, its error is in the row's result.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Reply, Failure> {
    let started = Instant::now();
    let viewer = request.viewer()?;
    let Parameters { dry_run, overrides, delimiter, encoding } = request::parse(&request)?;
    let body = request.body_up_to(MAX_BODY)?;
    let session = app.contacts.import_session(viewer).await?;
    let (text, encoding) = decode(body, encoding.as_deref()).map_err(|error| undecoded(&error))?;
    let csv = CsvText::open(&text, delimiter).map_err(|error| refused(&error))?;
    let custom = Catalog::load(&app.table, &viewer.company).await?;
    let company = CompanyFields::load(&app.table, &viewer.company, &custom).await?;
    let mapping =
        Mapping::for_file(&csv, &overrides, &company).map_err(|error| unmapped(&error))?;
    let reply = if dry_run {
        Reply::ok(&DryRun::new(&csv, &mapping, encoding))?
    } else {
        let context = context(custom, &mapping);
        let rows = import(&app, &session, &csv, &mapping, &context, started).await?;
        Reply::ok(&rows)?
    };
    Ok(reply.with_scope(&session, Permission::ManageCustomers))
}

fn undecoded(error: &EncodingError) -> Failure {
    let field = if matches!(error, EncodingError::OtherFormat(_)) { "body" } else { "encoding" };
    Failure::invalid(field, error)
}

fn unmapped(error: &MappingError) -> Failure {
    let field = match error {
        MappingError::Form | MappingError::NoSuchColumn { .. } | MappingError::NoSuchField(_) => {
            "map"
        }
        MappingError::Conflict { .. }
        | MappingError::Ambiguous { .. }
        | MappingError::NoKey
        | MappingError::HeaderBelow(_)
        | MappingError::KeyTooLong(_) => "header",
    };
    Failure::invalid(field, error)
}

/// Writes the rows in the order of the file, in batches. Returns the result of every row.
///
/// # Errors
/// The error of the first batch, if it fails as a whole. After that, every row has its own result.
async fn import(
    app: &App,
    session: &Session,
    csv: &CsvText<'_>,
    mapping: &Mapping,
    context: &ImportContext,
    started: Instant,
) -> Result<Vec<Row>, Failure> {
    let mut results = Vec::new();
    let mut batch = Batch::default();
    let (mut tried, mut stopped) = (false, false);
    let mut rows = csv.rows().enumerate().peekable();
    while let Some((index, row)) = rows.next() {
        match mapping.row(&row) {
            Ok(Imported::Contact(contact)) => {
                batch.places.push((index, row.line));
                batch.rows.push(contact);
            }
            Ok(Imported::Skipped(reason)) => results.push(Row::skipped(index, row.line, reason)),
            Err(error) => results.push(Row::unreadable(index, row.line, &error)),
        }
        if batch.rows.len() < BATCH && rows.peek().is_some() {
            continue;
        }
        let Batch { places, rows } = std::mem::take(&mut batch);
        stopped = stopped || started.elapsed() > BUDGET;
        if stopped || rows.is_empty() {
            results.extend(places.into_iter().map(|(index, line)| Row::unprocessed(index, line)));
            continue;
        }
        let written = app.contacts.import(session, rows, context).await;
        let is_first = !std::mem::replace(&mut tried, true);
        match written {
            Ok(outcomes) => results.extend(
                places
                    .into_iter()
                    .zip(outcomes)
                    .map(|((index, line), outcome)| Row::written(index, line, outcome)),
            ),
            Err(error) if is_first => return Err(error.into()),
            Err(error) => {
                let failure = Failure::from(error);
                tracing::warn!(
                    error = %chain(&failure),
                    "could not write a batch of imported rows; its rows and the rows after it are \
                     rejected with UNAVAILABLE"
                );
                stopped = true;
                results
                    .extend(places.into_iter().map(|(index, line)| Row::unprocessed(index, line)));
            }
        }
    }
    results.sort_unstable_by_key(|row| row.index);
    Ok(results)
}

/// Rows that are written together, and their places in the file: index and line.
#[derive(Default)]
struct Batch {
    places: Vec<(usize, usize)>,
    rows: Vec<ImportedRow>,
}
