//! Tests of the RFC's stories about notes (TEAM-S12 to S17), on web and mobile, with the current
//! and the deprecated routes.

use http::Method;
use serde_json::{Value, json};
use tests::{Response, World};

use super::{
    scene::{Notes, assert_refused, call_from, set_levels},
    write::put,
};

const VIEW: &str = "customers_customernotes_view";
const ADD: &str = "customers_customernotes_add";
const MANAGE: &str = "customers_customernotes_manage";
const DELETE: &str = "customers_customernotes_delete";
const CUSTOMERS: &str = "customers_customers_view";

/// A note on a demo contact, in a world with the team flag on.
struct Scene {
    world: World,
    notes: Notes,
    note: String,
}

impl Scene {
    /// Creates a world with a note that `author` wrote on a contact.
    async fn new(contact: &str, author: &str) -> Self {
        let world = World::with_flags().await;
        let notes = Notes::for_contact(&world, contact).await;
        let note = notes.add(&world, author, "hello").await;
        Self { world, notes, note }
    }

    /// Sends a request from both platforms to the current and the deprecated route, asserts that
    /// all statuses are the same, and returns the first response.
    async fn send(&self, user: &str, method: Method, body: &Value) -> Response {
        let mut responses = Vec::new();
        for path in self.notes.both(&self.note) {
            for platform in ["web", "mobile"] {
                let method = method.clone();
                responses.push(call_from(&self.world, platform, user, method, &path, body).await);
            }
        }
        for other in &responses[1..] {
            assert_eq!(other.status, responses[0].status, "{} {}", responses[0].body, other.body);
        }
        responses.swap_remove(0)
    }

    async fn read(&self, user: &str) -> Response {
        self.send(user, Method::GET, &Value::Null).await
    }

    async fn edit(&self, user: &str) -> Response {
        self.send(user, Method::PUT, &json!({ "note": "edited" })).await
    }

    /// Creates a note of `author` for each platform and route, deletes it as `user` with the
    /// current or the deprecated route, asserts that all statuses are the same, and returns the
    /// last response.
    async fn delete(&self, user: &str, author: &str) -> Response {
        let mut last = None;
        for (group, platform) in [(0, "web"), (0, "mobile"), (1, "web"), (1, "mobile")] {
            let note = self.notes.add(&self.world, author, "to be deleted").await;
            let path = &self.notes.both(&note)[group];
            let (method, body) = (Method::DELETE, Value::Null);
            let response = call_from(&self.world, platform, user, method, path, &body).await;
            if let Some(last) = last.replace(response.clone()) {
                let Response { status, .. } = last;
                assert_eq!(status, response.status, "{}", response.body);
            }
        }
        last.unwrap()
    }

    fn permissions(response: &Response) -> (bool, bool) {
        let permission = &response.data()["permission"];
        let is_allowed = |action: &str| permission[action].as_bool().unwrap();
        (is_allowed("update"), is_allowed("delete"))
    }
}

#[tokio::test]
async fn team_s12_ac1_s13_ac1_notes_of_a_contact_in_team_scope_can_be_read() {
    // The contacts are a contact of a child team, an unassigned contact, and the viewer's own
    // contact.
    for (contact, author, viewer) in [
        ("Citra Anggraini", "sinta", "budi"),
        ("Nur Aini", "maya", "sinta"),
        ("Made Wirawan", "rina", "putri"),
    ] {
        let scene = Scene::new(contact, author).await;
        let read = scene.read(viewer).await;
        assert_eq!((read.status, &read.data()["note"]), (200, &json!("hello")), "{contact}");
        for path in [&scene.notes.list, &scene.notes.deprecated] {
            assert_eq!(scene.world.get(viewer, path).await.ids(), [scene.note.as_str()]);
        }
    }
}

#[tokio::test]
async fn team_s12_ac2_s13_ac2_note_permissions_never_widen_the_scope_of_contacts() {
    let scene = Scene::new("Johan Setiawan", "agus").await;
    // The viewer's levels for notes allow at most all notes, but this contact is out of the
    // viewer's scope.
    for level in ["own", "team", "everything"] {
        set_levels(&scene.world, "sinta", &[(VIEW, level), (MANAGE, level), (DELETE, level)]);
        for denied in [scene.read("sinta").await, scene.edit("sinta").await] {
            assert_refused(&denied, 403, "FORBIDDEN", "parent contact out of scope");
        }
        for path in [&scene.notes.list, &scene.notes.deprecated] {
            let denied = scene.world.get("sinta", path).await;
            assert_refused(&denied, 403, "FORBIDDEN", "parent contact out of scope");
            let denied = scene.world.post("sinta", path, &json!({ "note": "x" })).await;
            assert_refused(&denied, 403, "FORBIDDEN", "parent contact out of scope");
        }
        let denied = scene.delete("sinta", "agus").await;
        assert_refused(&denied, 403, "FORBIDDEN", "parent contact out of scope");
    }
}

#[tokio::test]
async fn team_s12_ac3_level_own_shows_only_notes_on_the_viewers_own_contacts() {
    let scene = Scene::new("Citra Anggraini", "sinta").await;
    set_levels(&scene.world, "sinta", &[(VIEW, "own")]);
    assert_eq!(scene.read("sinta").await.status, 200, "she owns the contact");
    set_levels(&scene.world, "budi", &[(VIEW, "own")]);
    assert_refused(&scene.read("budi").await, 403, "FORBIDDEN", "out of your team scope");
}

#[tokio::test]
async fn team_s12_ac4_level_disabled_hides_notes_and_whether_they_exist() {
    let scene = Scene::new("Citra Anggraini", "sinta").await;
    assert_refused(&scene.read("yuki").await, 403, "FORBIDDEN", "permission disabled");
    let denied = scene.world.get("yuki", &scene.notes.list).await;
    assert_refused(&denied, 403, "FORBIDDEN", "permission disabled");
    set_levels(&scene.world, "budi", &[(ADD, "disabled")]);
    let denied = scene.world.post("budi", &scene.notes.list, &json!({ "note": "x" })).await;
    assert_refused(&denied, 403, "FORBIDDEN", "permission disabled");
}

#[tokio::test]
async fn team_s12_err1_notes_narrow_to_own_contacts_and_report_the_fallback_when_launchpad_fails() {
    let mut scene = Scene::new("Citra Anggraini", "sinta").await;
    scene.world.restart_functions();
    scene.world.advance(jiff::SignedDuration::from_secs(61));
    scene.world.fault(&json!({ "target": "launchpad.teams", "status": 503 }));
    let own = scene.read("sinta").await;
    assert_eq!((own.status, &own.body["meta"]["team_scope"]), (200, &json!("owned_only_fallback")));
    assert_eq!(own.headers["x-team-permission-fallback"], "owned-only");
    assert_refused(&scene.read("budi").await, 403, "FORBIDDEN", "parent contact out of scope");
}

#[tokio::test]
async fn team_s12_adding_a_note_requires_only_the_add_permission_and_access_to_the_contact() {
    let scene = Scene::new("Nur Aini", "maya").await;
    for level in ["own", "team", "everything"] {
        set_levels(&scene.world, "sinta", &[(ADD, level)]);
        for path in [&scene.notes.list, &scene.notes.deprecated] {
            let added = scene.world.post("sinta", path, &json!({ "note": "x" })).await;
            assert_eq!(added.status, 201, "{level}: {}", added.body);
        }
    }
}

#[tokio::test]
async fn team_s14_ac1_s15_ac1_notes_of_others_in_team_scope_can_be_edited_and_the_permission_field_is_true()
 {
    let scene = Scene::new("Citra Anggraini", "sinta").await;
    assert_eq!(Scene::permissions(&scene.read("budi").await), (true, true));
    let edited = scene.edit("budi").await;
    assert_eq!((edited.status, &edited.data()["note"]), (200, &json!("edited")));
    assert_eq!(edited.data()["owner_name"], "Sinta Maharani", "the author stays");
    assert_eq!(scene.edit("maya").await.status, 200, "level everything");
}

#[tokio::test]
async fn team_s14_ac2_s15_ac2_level_own_allows_editing_only_own_notes() {
    let scene = Scene::new("Citra Anggraini", "sinta").await;
    set_levels(&scene.world, "budi", &[(MANAGE, "own")]);
    assert_eq!(Scene::permissions(&scene.read("budi").await), (false, true));
    assert_refused(&scene.edit("budi").await, 403, "FORBIDDEN", "out of your team scope");
    set_levels(&scene.world, "sinta", &[(MANAGE, "own")]);
    assert_eq!(Scene::permissions(&scene.read("sinta").await), (true, true));
    assert_eq!(scene.edit("sinta").await.status, 200);
    // The owner of a contact does not own the notes on it.
    let other = scene.notes.add(&scene.world, "budi", "budi's").await;
    let (path, body) = (&scene.notes.both(&other)[0], json!({ "note": "x" }));
    let denied = put(&scene.world, "sinta", path, &body).await;
    assert_refused(&denied, 403, "FORBIDDEN", "out of your team scope");
}

#[tokio::test]
async fn team_s14_ac3_a_disabled_manage_level_refuses_edits_and_the_permission_field_is_false() {
    let scene = Scene::new("Citra Anggraini", "sinta").await;
    set_levels(&scene.world, "sinta", &[(MANAGE, "disabled")]);
    assert_eq!(Scene::permissions(&scene.read("sinta").await), (false, true));
    assert_refused(&scene.edit("sinta").await, 403, "FORBIDDEN", "permission disabled");
}

#[tokio::test]
async fn team_s14_err1_an_edit_is_refused_by_the_current_scope_of_the_contact() {
    let scene = Scene::new("Johan Setiawan", "agus").await;
    // Sinta's level is `everything` for contacts and `team` for changes of notes. The rule for
    // notes decides.
    set_levels(&scene.world, "sinta", &[(CUSTOMERS, "everything"), (VIEW, "everything")]);
    assert_eq!(Scene::permissions(&scene.read("sinta").await), (false, false));
    assert_refused(&scene.edit("sinta").await, 403, "FORBIDDEN", "out of your team scope");
}

#[tokio::test]
async fn team_s14_s16_only_the_owner_can_edit_and_delete_a_note_with_the_flag_off() {
    let scene = Scene::new("Johan Setiawan", "agus").await;
    scene.world.flags(false, true).await;
    // Without the flag, users can read and add notes on any contact of the company.
    assert_eq!(Scene::permissions(&scene.read("sinta").await), (false, false));
    let added = scene.world.post("sinta", &scene.notes.list, &json!({ "note": "x" })).await;
    assert_eq!(added.status, 201, "{}", added.body);
    for other in ["sinta", "maya"] {
        let denied = scene.edit(other).await;
        assert_refused(&denied, 403, "FORBIDDEN", "only the note's owner can change or delete it");
        let denied = scene.delete(other, "agus").await;
        assert_refused(&denied, 403, "FORBIDDEN", "only the note's owner can change or delete it");
    }
    assert_eq!(Scene::permissions(&scene.read("agus").await), (true, true));
    assert_eq!(scene.edit("agus").await.status, 200);
    assert_eq!(scene.delete("agus", "agus").await.status, 200);
}

#[tokio::test]
async fn team_s16_ac1_s17_ac1_notes_of_others_in_team_scope_can_be_deleted() {
    let scene = Scene::new("Citra Anggraini", "sinta").await;
    assert_eq!(scene.delete("budi", "sinta").await.status, 200);
    assert_eq!(scene.delete("maya", "sinta").await.status, 200, "level everything");
}

#[tokio::test]
async fn team_s16_ac2_s17_ac2_level_own_allows_deleting_only_own_notes() {
    let scene = Scene::new("Citra Anggraini", "sinta").await;
    set_levels(&scene.world, "budi", &[(DELETE, "own")]);
    assert_eq!(Scene::permissions(&scene.read("budi").await), (true, false));
    let denied = scene.delete("budi", "sinta").await;
    assert_refused(&denied, 403, "FORBIDDEN", "out of your team scope");
    assert_eq!(scene.delete("budi", "budi").await.status, 200);
}

#[tokio::test]
async fn team_s16_ac3_a_disabled_delete_level_refuses_every_deletion() {
    let scene = Scene::new("Citra Anggraini", "sinta").await;
    set_levels(&scene.world, "sinta", &[(DELETE, "disabled")]);
    assert_eq!(Scene::permissions(&scene.read("sinta").await), (true, false));
    let denied = scene.delete("sinta", "sinta").await;
    assert_refused(&denied, 403, "FORBIDDEN", "permission disabled");
}

#[tokio::test]
async fn team_s16_a_deletion_outside_the_note_permissions_scope_is_refused_although_the_contact_is_visible()
 {
    let scene = Scene::new("Johan Setiawan", "agus").await;
    set_levels(&scene.world, "sinta", &[(CUSTOMERS, "everything")]);
    let denied = scene.delete("sinta", "agus").await;
    assert_refused(&denied, 403, "FORBIDDEN", "out of your team scope");
}
