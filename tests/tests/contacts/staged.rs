//! Writes of contacts with so many team owners that one transaction cannot hold them: their
//! idempotency keys and unique keys belong to the transaction of the record, and a crash at any
//! step loses neither of them.

use bytes::Bytes;
use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{Response, World, person};

use super::{delete::with_many_teams, table_state};

const CONTACTS: &str = "/cdp/customers";
const EMAIL: &str = "wide@shop.example";
/// More transactions than a staged write of a contact with a hundred teams makes.
const STEPS: u32 = 12;

/// Sends a request to a function that is killed before or after its transaction with this number.
/// Returns `None` if it was killed.
async fn send_until_killed(
    world: &World,
    (user, method, path): (&str, Method, &str),
    (headers, body): (&[(&str, &str)], &Value),
    (step, when): (u32, &str),
) -> Option<Value> {
    world.fault(&json!({ "target": "dynamodb", "kind": "kill", "action": "TransactWriteItems",
        "skip": step, "times": 1, "when": when }));
    let body = Bytes::from(body.to_string());
    let (function, event) = world.event(user, method, path, headers, &body);
    let response = world.invoke_until_killed(&function, event).await;
    world.faults.clear();
    response
}

/// Runs the clean-up when everything is due that the dead function left.
async fn clean_up(world: &World) {
    world.advance(SignedDuration::from_mins(5));
    table_state::clean_up(world).await;
    table_state::assert_consistent(world).await;
}

async fn sync(world: &World, user: &str, row: Value) -> Response {
    world.post(user, "/cdp/customers/sync", &json!({ "contacts": [row] })).await
}

/// Creates a contact with the first email address and returns its id.
async fn create_owner(world: &World, user: &str) -> String {
    let created = world.post(user, CONTACTS, &json!({ "emails": [EMAIL] })).await;
    created.data()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_repeated_creation_in_stages_makes_one_contact_whatever_step_the_first_one_died_at() {
    let headers = [("content-type", "application/json"), ("idempotency-key", "wide")];
    let (mut killed, mut recognized) = (0, 0);
    for (step, when) in (0..STEPS).flat_map(|step| [(step, "before"), (step, "after")]) {
        let world = World::with_flags().await;
        let (many, teams) = with_many_teams(&world);
        let owner = create_owner(&world, &many).await;
        let body = json!({ "emails": [EMAIL], "external_id": "W", "team_owner_ids": teams });
        let request = (many.as_str(), Method::POST, CONTACTS);
        let first = send_until_killed(&world, request, (&headers, &body), (step, when)).await;
        killed += usize::from(first.is_none());
        clean_up(&world).await;
        let existed = table_state::live(&table_state::everything(&world).await)
            .into_values()
            .find(|(_, contact)| contact.external_id.as_deref() == Some("W"))
            .map(|(_, contact)| contact.id.to_string());
        let text = Bytes::from(body.to_string());
        let again = world.send(&many, Method::POST, CONTACTS, &headers, text).await;
        assert_eq!(again.status, 201, "{step} {when}: {again:?}");
        let id = again.data()["id"].as_str().unwrap().to_owned();
        recognized += usize::from(existed.is_some());
        assert!(existed.is_none_or(|existed| existed == id), "{step} {when}: a second contact");
        // The first contact still owns the key of the email address, until it is deleted.
        let found = |row: Value| sync(&world, &many, row);
        let by_email = json!({ "emails": [EMAIL] });
        assert_eq!(found(by_email.clone()).await.data()[0]["id"], owner, "{step} {when}");
        assert_eq!(found(json!({ "external_id": "W" })).await.data()[0]["id"], id);
        world.call(&many, Method::DELETE, &format!("{CONTACTS}/{owner}"), None).await;
        assert_eq!(found(by_email).await.data()[0]["id"], id, "{step} {when}");
        clean_up(&world).await;
    }
    assert!(killed > 6 && recognized > 2, "{killed} killed, {recognized} recognized");
}

#[tokio::test]
async fn a_deletion_in_stages_hands_the_key_over_with_the_record_whatever_step_it_dies_at() {
    let (mut kept, mut handed_over) = (0, 0);
    for (step, when) in (0..4).flat_map(|step| [(step, "before"), (step, "after")]) {
        let world = World::with_flags().await;
        let (many, teams) = with_many_teams(&world);
        let body = json!({ "emails": [EMAIL], "team_owner_ids": teams });
        let wide = world.post(&many, CONTACTS, &body).await;
        let wide = wide.data()["id"].as_str().unwrap().to_owned();
        let waiting = create_owner(&world, &many).await;
        let path = format!("{CONTACTS}/{wide}");
        let request = (many.as_str(), Method::DELETE, path.as_str());
        send_until_killed(&world, request, (&[], &Value::Null), (step, when)).await;
        let is_deleted = world.get(&many, &path).await.status == 404;
        // The key is handed over in the transaction that deletes the record, before any clean-up.
        let expected = if is_deleted { &waiting } else { &wide };
        let synced = sync(&world, &many, json!({ "emails": [EMAIL] })).await;
        assert_eq!(synced.data()[0]["id"], *expected, "{step} {when}: {synced:?}");
        assert_eq!(synced.data()[0]["status"], "updated");
        clean_up(&world).await;
        let again = world.call(&many, Method::DELETE, &path, None).await.status;
        assert_eq!(again, if is_deleted { 404 } else { 200 }, "{step} {when}");
        let synced = sync(&world, &many, json!({ "emails": [EMAIL] })).await;
        assert_eq!(synced.data()[0]["id"], waiting, "{step} {when}");
        clean_up(&world).await;
        (kept, handed_over) =
            (kept + usize::from(!is_deleted), handed_over + usize::from(is_deleted));
    }
    assert!(kept > 0 && handed_over > 0, "{kept} kept, {handed_over} handed over");
}

#[tokio::test]
async fn sync_and_import_change_a_contact_of_a_hundred_teams_in_stages() {
    let world = World::with_flags().await;
    let (many, teams) = with_many_teams(&world);
    let body = json!({ "external_id": "W", "name": "Wide", "team_owner_ids": teams });
    let wide = world.post(&many, CONTACTS, &body).await;
    let path = format!("{CONTACTS}/{}", wide.data()["id"].as_str().unwrap());
    let row = json!({ "external_id": "W", "name": "By Sync", "owner_id": person("maya"),
        "team_owner_ids": [] });
    assert_eq!(sync(&world, &many, row).await.data()[0]["status"], "updated");
    assert_eq!(world.get(&many, &path).await.data()["team_owner_ids"], json!([]));
    table_state::clean_up(&world).await;
    table_state::assert_consistent(&world).await;
    let row = json!({ "external_id": "W", "team_owner_ids": teams });
    assert_eq!(sync(&world, &many, row).await.data()[0]["status"], "updated");
    // Several imports at the same time write index entries, and only one of them the record. The
    // others take theirs back and start again.
    world.fault(&json!({ "target": "dynamodb", "action": "TransactWriteItems", "latency_ms": 20 }));
    let imports = (0..4).map(|number| {
        let (world, many) = (&world, &many);
        async move {
            let headers = [("content-type", "application/octet-stream")];
            let file = Bytes::from(format!("External ID,Name\nW,By Import {number}\n"));
            let import = "/cdp/customers/import?map=External%20ID%3Dexternal_id";
            world.send(many, Method::POST, import, &headers, file).await
        }
    });
    for imported in futures::future::join_all(imports).await {
        assert_eq!(imported.data()[0]["status"], "updated", "{imported:?}");
    }
    world.faults.clear();
    let name = world.get(&many, &path).await.data()["name"].clone();
    assert!(name.as_str().unwrap().starts_with("By Import"), "{name}");
    table_state::clean_up(&world).await;
    table_state::assert_consistent(&world).await;
}
