//! Tests each row of the scope table in SPEC §3.

use std::collections::HashMap;

use serde_json::json;
use uuid::Uuid;

use crate::{
    access::{Flags, Session},
    contact::Contact,
    directory::{Levels, TeamSet},
    id::{TeamId, UserId},
    identity::{Level, Permission, Platform, Viewer},
    note::{Note, NoteAccess, NoteAction, NoteDenial},
};

const CONTACTS: [&str; 4] = ["mine", "my team's", "unassigned", "another team's"];

fn me() -> UserId {
    UserId::from_uuid(Uuid::from_u128(1))
}

fn other() -> UserId {
    UserId::from_uuid(Uuid::from_u128(2))
}

fn team(n: u128) -> TeamId {
    TeamId::from_uuid(Uuid::from_u128(n))
}

fn contact(which: &str) -> Contact {
    let (owner, teams) = match which {
        "mine" => (me(), vec![team(20)]),
        "my team's" => (other(), vec![team(20), team(10)]),
        "unassigned" => (other(), vec![]),
        _ => (other(), vec![team(20)]),
    };
    serde_json::from_value(json!({
        "id": Uuid::from_u128(9), "owner_id": owner, "team_owner_ids": teams,
        "custom_fields": "{}", "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z", "version": 1,
    }))
    .unwrap()
}

fn note(owner: UserId, visibility: &str) -> Note {
    serde_json::from_value(json!({
        "id": Uuid::from_u128(7), "contact_id": Uuid::from_u128(9), "note": "x",
        "visibility": visibility, "owner_id": owner, "owner_name": "Maya",
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "version": 1,
    }))
    .unwrap()
}

fn session(team_permission: bool, gate: Level, level: Level, launchpad_answers: bool) -> Session {
    let viewer = Viewer {
        company: "acme".parse().unwrap(),
        user: me(),
        name: None,
        email: None,
        platform: Platform::Web,
    };
    let levels: HashMap<String, Level> = Permission::ALL
        .into_iter()
        .map(|permission| {
            let is_gate = permission == Permission::ViewCustomers;
            (permission.as_str().to_owned(), if is_gate { gate } else { level })
        })
        .collect();
    let set = TeamSet {
        team_ids: vec![team(10)],
        expanded_team_ids: vec![team(10), team(11)],
        teams: Vec::new(),
        answered_at: "2026-01-01T00:00:00Z".parse().unwrap(),
    };
    let flags = Flags { team_permission, notes_mention: true };
    Session::known(viewer, flags, Levels::new(levels), launchpad_answers.then_some(set))
}

/// The result of a user's action on a note of a contact.
fn outcome(
    session: &Session,
    action: NoteAction,
    which: &str,
    note: &Note,
) -> Result<(), NoteDenial> {
    let access = NoteAccess::new(session);
    let contact = access.authorize_contact(action, contact(which))?;
    if action == NoteAction::Add { Ok(()) } else { access.authorize_note(action, note, &contact) }
}

/// The contacts on which an action is allowed.
fn allowed(session: &Session, action: NoteAction, note: &Note) -> Vec<&'static str> {
    let is_allowed = |which: &&str| outcome(session, action, which, note).is_ok();
    CONTACTS.into_iter().filter(is_allowed).collect()
}

#[test]
fn each_level_follows_the_scope_table_with_the_flag_on() {
    let others = note(other(), "public");
    let team_rule = &CONTACTS[..3];
    for (action, level, expected) in [
        (NoteAction::View, Level::Disabled, &CONTACTS[..0]),
        (NoteAction::View, Level::Own, &CONTACTS[..1]),
        (NoteAction::View, Level::Team, team_rule),
        (NoteAction::View, Level::Everything, &CONTACTS[..]),
        (NoteAction::Add, Level::Disabled, &CONTACTS[..0]),
        (NoteAction::Add, Level::Own, &CONTACTS[..]),
        (NoteAction::Add, Level::Team, &CONTACTS[..]),
        (NoteAction::Add, Level::Everything, &CONTACTS[..]),
        (NoteAction::Update, Level::Disabled, &CONTACTS[..0]),
        (NoteAction::Update, Level::Own, &CONTACTS[..0]),
        (NoteAction::Update, Level::Team, team_rule),
        (NoteAction::Update, Level::Everything, &CONTACTS[..]),
        (NoteAction::Delete, Level::Own, &CONTACTS[..0]),
        (NoteAction::Delete, Level::Team, team_rule),
        (NoteAction::Delete, Level::Everything, &CONTACTS[..]),
    ] {
        let session = session(true, Level::Everything, level, true);
        assert_eq!(allowed(&session, action, &others), expected, "{action:?} at {level}");
    }
}

#[test]
fn own_notes_can_be_changed_on_every_visible_contact_with_the_flag_on() {
    let own = note(me(), "public");
    for level in [Level::Own, Level::Team, Level::Everything] {
        let session = session(true, Level::Everything, level, true);
        for action in [NoteAction::Update, NoteAction::Delete] {
            assert_eq!(allowed(&session, action, &own), CONTACTS, "{action:?} at {level}");
        }
    }
}

#[test]
fn notes_work_as_before_with_the_flag_off() {
    for level in [Level::Own, Level::Team, Level::Everything] {
        let session = session(false, Level::Disabled, level, true);
        let (own, others) = (note(me(), "public"), note(other(), "public"));
        for action in [NoteAction::View, NoteAction::Add] {
            assert_eq!(allowed(&session, action, &others), CONTACTS, "{action:?} at {level}");
        }
        for action in [NoteAction::Update, NoteAction::Delete] {
            assert_eq!(allowed(&session, action, &own), CONTACTS, "{action:?} at {level}");
            let denied = outcome(&session, action, "mine", &others);
            assert_eq!(denied, Err(NoteDenial::NotOwner), "{action:?} at {level}");
        }
    }
    let disabled = session(false, Level::Everything, Level::Disabled, true);
    let denied = outcome(&disabled, NoteAction::View, "mine", &note(me(), "public"));
    assert_eq!(denied, Err(NoteDenial::Disabled));
}

#[test]
fn note_permissions_never_widen_the_scope_of_contacts() {
    let own = note(me(), "public");
    for (gate, reached) in [(Level::Disabled, 0), (Level::Own, 1), (Level::Team, 3)] {
        let session = session(true, gate, Level::Everything, true);
        for action in [NoteAction::View, NoteAction::Add, NoteAction::Update, NoteAction::Delete] {
            assert_eq!(allowed(&session, action, &own), CONTACTS[..reached], "{action:?} {gate}");
            let denied = outcome(&session, action, CONTACTS[3], &own).unwrap_err();
            assert_eq!(denied.to_string(), "parent contact out of scope", "{action:?} {gate}");
        }
    }
}

#[test]
fn the_team_level_narrows_to_own_when_launchpad_fails() {
    let session = session(true, Level::Team, Level::Team, false);
    let (own, others) = (note(me(), "public"), note(other(), "public"));
    assert_eq!(allowed(&session, NoteAction::View, &others), ["mine"]);
    assert_eq!(allowed(&session, NoteAction::Update, &others), [""; 0]);
    assert_eq!(allowed(&session, NoteAction::Update, &own), ["mine"]);
}

#[test]
fn a_private_note_is_visible_only_to_its_author() {
    for flag in [false, true] {
        let session = session(flag, Level::Everything, Level::Everything, true);
        let access = NoteAccess::new(&session);
        let (own, others) = (note(me(), "private"), note(other(), "private"));
        assert!(access.can_see(&own) && !access.can_see(&others));
        for action in [NoteAction::View, NoteAction::Update, NoteAction::Delete] {
            assert_eq!(outcome(&session, action, "mine", &own), Ok(()));
            assert_eq!(outcome(&session, action, "mine", &others), Err(NoteDenial::Private));
        }
    }
}

#[test]
fn the_returned_permission_matches_the_enforced_permission() {
    for flag in [false, true] {
        for level in [Level::Disabled, Level::Own, Level::Team, Level::Everything] {
            let session = session(flag, Level::Everything, level, true);
            let viewing = self::session(flag, Level::Everything, Level::Everything, true);
            for which in CONTACTS {
                for note in [note(me(), "public"), note(other(), "public")] {
                    let reached = NoteAccess::new(&viewing)
                        .authorize_contact(NoteAction::View, contact(which));
                    let shown = NoteAccess::new(&session).permission(&note, &reached.unwrap());
                    let may = |action| outcome(&session, action, which, &note).is_ok();
                    assert_eq!(shown.update, may(NoteAction::Update), "{which} at {level}");
                    assert_eq!(shown.delete, may(NoteAction::Delete), "{which} at {level}");
                }
            }
        }
    }
}
