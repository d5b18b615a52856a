//! One chunk of a run: so many rows of the people's file, or so many contacts to take back.

use std::collections::HashMap;

use futures::{StreamExt, stream};
use shared::{
    contact::event,
    contact::{Backfilled, Contact, Contacts, TeamOwnersError, TeamOwnersFrom},
    id::TeamId,
    table::TableError,
};

use crate::{
    crosswalk::Crosswalk,
    people::{Person, PersonRow},
    report::{Code, Tally},
    request::Mode,
    run::Run,
};

/// The rows, or contacts, of a chunk.
pub(crate) const CHUNK: usize = 50;
/// How many contacts are written side by side.
const CONCURRENCY: usize = 16;

/// What a contact's team owners are to be, by a row.
struct Target {
    row: u64,
    contact: Contact,
    owners: Vec<TeamId>,
    names_team: bool,
    is_partial: bool,
}

/// Works off rows of the people's file. Doing it again changes nothing and counts the same.
///
/// # Errors
/// As the table says; what is wrong with one row is counted.
pub(crate) async fn rows(
    run: &Run,
    contacts: &Contacts,
    crosswalk: &Crosswalk,
    rows: Vec<PersonRow>,
) -> Result<Tally, TableError> {
    let ids = rows.iter().filter_map(|row| row.person.as_ref().ok()).map(|one| one.id.as_str());
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
                None => tally.problem(row, Code::NoSuchContact, None),
                Some(contact) => {
                    targets.push(target(row, contact, &person, crosswalk, &mut tally));
                }
            },
        }
    }
    settle(run, contacts, targets, tally).await
}

/// Takes back what backfills set of these contacts.
///
/// # Errors
/// As [`rows`].
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
    settle(run, contacts, set.into_iter().map(target).collect(), Tally::default()).await
}

/// What a row makes of its contact; its unmatched teams are counted.
fn target(
    row: u64,
    contact: Contact,
    person: &Person,
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
                *tally.detail.unmatched.entry(id.clone()).or_default() += 1;
            }
        }
    }
    Target { row, contact, owners, names_team: !person.teams.is_empty(), is_partial }
}

/// Brings each contact to its target, side by side, and counts what became of them.
async fn settle(
    run: &Run,
    contacts: &Contacts,
    targets: Vec<Target>,
    mut tally: Tally,
) -> Result<Tally, TableError> {
    let work = stream::iter(targets).map(|target| async move {
        let id = target.contact.id;
        let (row, owners) = (target.row, target.owners);
        let settled = one(run, contacts, target.contact, &owners, row).await;
        (row, id, !owners.is_empty(), target.names_team, target.is_partial, settled)
    });
    let mut done = work.buffer_unordered(CONCURRENCY);
    while let Some((row, id, to_assign, names_team, is_partial, settled)) = done.next().await {
        let code = match settled {
            Ok((became, contact)) => {
                tally.contact(became, to_assign, !contact.team_owner_ids.is_empty());
                if became != Backfilled::Kept {
                    tally.totals.partially_matched += u64::from(to_assign && is_partial);
                    tally.totals.without_team += u64::from(!names_team && run.mode != Mode::Revert);
                }
                continue;
            }
            Err(TeamOwnersError::Gone) => Code::NoSuchContact,
            Err(TeamOwnersError::Limit(_)) => Code::ContactTooLarge,
            Err(TeamOwnersError::Table(TableError::Contention(_))) => Code::Conflict,
            Err(TeamOwnersError::Table(error)) => return Err(error),
        };
        tally.problem(row, code, Some(id));
    }
    tally.detail.problems.sort_by_key(|problem| problem.row);
    Ok(tally)
}

/// Brings one contact to its target, or, in a dry run, tells how it would be.
async fn one(
    run: &Run,
    contacts: &Contacts,
    mut contact: Contact,
    owners: &[TeamId],
    row: u64,
) -> Result<(Backfilled, Contact), TeamOwnersError> {
    let from = TeamOwnersFrom::Backfill { run: run.id, row };
    if run.mode == Mode::DryRun {
        let became = contact.backfilled(owners, from);
        if became != Backfilled::Kept {
            contact.team_owner_ids = owners.to_vec();
        }
        return Ok((became, contact));
    }
    let (became, contact, wrote) = contacts.backfill(contact, owners, from).await?;
    if wrote {
        event::team_owner_set(&run.company, contact.id, contact.team_owner_ids.len(), "backfill");
    }
    Ok((became, contact))
}
