//! Processes one chunk of a run: up to [`CHUNK`] rows of the people file, or contacts of a revert.

use std::collections::HashMap;

use futures::{StreamExt, stream};
use shared::{
    contact::{BackfillOutcome, Contact, Contacts, TeamOwnersError, TeamOwnersFrom, event},
    error::chain,
    id::TeamId,
    table::TableError,
};

use crate::{
    crosswalk::Crosswalk,
    people::{LegacyPerson, PersonRow},
    problem::ProblemCode,
    request::Mode,
    run::Run,
    tally::Tally,
};

/// The maximum number of rows or contacts of a chunk.
pub(crate) const CHUNK: usize = 50;
/// The number of contacts that are written in parallel.
const CONCURRENCY: usize = 16;

/// A contact, and the team owners that its row assigns to it.
struct Target {
    row: u64,
    contact: Contact,
    owners: Vec<TeamId>,
    names_team: bool,
    is_partial: bool,
}

/// Processes rows of the people file. Processing the same rows again changes nothing and has the
/// same results.
///
/// # Errors
/// [`TableError`]. If a single row has a problem, the problem is only counted.
pub(crate) async fn rows(
    run: &Run,
    contacts: &Contacts,
    crosswalk: &Crosswalk,
    rows: Vec<PersonRow>,
) -> Result<Tally, TableError> {
    let ids =
        rows.iter().filter_map(|row| row.person.as_ref().ok()).map(|person| person.id.as_str());
    let mut found = contacts.by_external_ids(ids).await?;
    let last: HashMap<String, u64> = rows
        .iter()
        .filter_map(|row| Some((row.person.as_ref().ok()?.id.clone(), row.row)))
        .collect();
    let mut tally = Tally::default();
    let mut targets = Vec::with_capacity(rows.len());
    for PersonRow { row, person } in rows {
        match person {
            Err(code) => tally.problem(row, code, None),
            Ok(person) if last.get(&person.id) != Some(&row) => tally.duplicate(),
            Ok(person) => match found.remove(&person.id) {
                None => tally.problem(row, ProblemCode::NoSuchContact, None),
                Some(contact) => {
                    targets.push(target(row, contact, &person, crosswalk, &mut tally));
                }
            },
        }
    }
    write_all(run, contacts, targets, tally).await
}

/// Removes the team owners that a backfill set on these contacts.
///
/// # Errors
/// The same as for [`rows`].
pub(crate) async fn revert(
    run: &Run,
    contacts: &Contacts,
    set: Vec<Contact>,
) -> Result<Tally, TableError> {
    let target = |contact| Target {
        row: 0,
        contact,
        owners: Vec::new(),
        names_team: false,
        is_partial: false,
    };
    write_all(run, contacts, set.into_iter().map(target).collect(), Tally::default()).await
}

/// Finds the team owners that a row assigns to its contact. Counts unmatched teams in `tally`.
fn target(
    row: u64,
    contact: Contact,
    person: &LegacyPerson,
    crosswalk: &Crosswalk,
    tally: &mut Tally,
) -> Target {
    let mut owners: Vec<TeamId> = Vec::with_capacity(person.teams.len());
    let mut is_partial = false;
    for id in &person.teams {
        match crosswalk.team(id) {
            Ok(team) if owners.contains(&team) => {}
            Ok(team) => owners.push(team),
            Err(_) => {
                is_partial = true;
                *tally.details.unmatched.entry(id.clone()).or_default() += 1;
            }
        }
    }
    Target { row, contact, owners, names_team: !person.teams.is_empty(), is_partial }
}

/// Writes all targets in parallel and counts the outcomes.
async fn write_all(
    run: &Run,
    contacts: &Contacts,
    targets: Vec<Target>,
    mut tally: Tally,
) -> Result<Tally, TableError> {
    let work = stream::iter(targets).map(|target| async move {
        let id = target.contact.id;
        let (row, owners) = (target.row, target.owners);
        let written = write_one(run, contacts, target.contact, &owners, row).await;
        (row, id, !owners.is_empty(), target.names_team, target.is_partial, written)
    });
    let mut done = work.buffer_unordered(CONCURRENCY);
    while let Some((row, id, to_assign, names_team, is_partial, written)) = done.next().await {
        let code = match written {
            Ok((outcome, contact)) => {
                tally.contact(outcome, to_assign, !contact.team_owner_ids.is_empty());
                if outcome != BackfillOutcome::Kept {
                    tally.totals.partially_matched += u64::from(to_assign && is_partial);
                    tally.totals.without_team += u64::from(!names_team && run.mode != Mode::Revert);
                }
                continue;
            }
            Err(TeamOwnersError::Table(error)) if !matches!(error, TableError::Contention(_)) => {
                return Err(error);
            }
            Err(error) => {
                tracing::warn!(row, error = %chain(&error), "could not set a contact's team owners");
                match error {
                    TeamOwnersError::Gone => ProblemCode::NoSuchContact,
                    TeamOwnersError::Limit(_) => ProblemCode::ContactTooLarge,
                    TeamOwnersError::Table(_) => ProblemCode::Conflict,
                }
            }
        };
        tally.problem(row, code, Some(id));
    }
    tally.details.problems.sort_by_key(|problem| problem.row);
    Ok(tally)
}

/// Writes the team owners of one contact. In a dry run, only returns what would be written.
async fn write_one(
    run: &Run,
    contacts: &Contacts,
    mut contact: Contact,
    owners: &[TeamId],
    row: u64,
) -> Result<(BackfillOutcome, Contact), TeamOwnersError> {
    let from = TeamOwnersFrom::Backfill { run: run.id, row };
    if run.mode == Mode::DryRun {
        let outcome = contact.backfill_outcome(owners, from);
        if outcome != BackfillOutcome::Kept {
            contact.team_owner_ids = owners.to_vec();
        }
        return Ok((outcome, contact));
    }
    let (outcome, contact, wrote) = contacts.backfill(contact, owners, from).await?;
    if wrote {
        event::team_owner_set(&run.company, contact.id, contact.team_owner_ids.len(), "backfill");
    }
    Ok((outcome, contact))
}
