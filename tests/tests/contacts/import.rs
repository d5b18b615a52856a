use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use tests::{Response, World};

const IMPORT: &str = "/cdp/customers/import";

async fn import_with(world: &World, user: &str, query: &str, file: impl Into<Bytes>) -> Response {
    let headers = [("content-type", "application/octet-stream")];
    world.send(user, Method::POST, &format!("{IMPORT}{query}"), &headers, file.into()).await
}

async fn import(world: &World, user: &str, file: impl Into<Bytes>) -> Response {
    import_with(world, user, "", file).await
}

fn statuses(response: &Response) -> Vec<&str> {
    let rows = response.data().as_array().unwrap().iter();
    rows.map(|row| row["status"].as_str().unwrap()).collect()
}

async fn contact(world: &World, id: &str) -> Value {
    world.get("maya", &format!("/cdp/customers/{id}")).await.data().clone()
}

#[tokio::test]
async fn an_import_creates_contacts_and_the_same_file_again_changes_nothing() {
    let world = World::with_flags().await;
    let file = "Name;Email;Phone;Tags\r\nÄnn Lée;ann@shop.example;+62 812 345;vip, new\r\n\
                Bob;bob@shop.example;;\r\n";
    let first = import(&world, "maya", file).await;
    assert_eq!(statuses(&first), ["created", "created"]);
    let ann = contact(&world, &first.ids()[0]).await;
    assert_eq!(ann["name"], "Änn Lée");
    assert_eq!(ann["tags"], json!(["vip", "new"]));
    world.clock.advance(jiff::SignedDuration::from_secs(60));
    let second = import(&world, "maya", file).await;
    assert_eq!(statuses(&second), ["updated", "updated"]);
    assert_eq!(second.ids(), first.ids());
    assert_eq!(contact(&world, &first.ids()[0]).await, ann, "no version and no time has changed");
}

#[tokio::test]
async fn each_row_has_its_own_result_with_its_line() {
    let world = World::with_flags().await;
    let file = "Name,Email,Phone\nAnn,ann@shop.example,1\nBob,,bob@shop.example,2\n,no address,\n\
                No key,,3\n\"Cid,cid@shop.example,4\nDee,dee@shop.example,5\n";
    let response = import(&world, "maya", file).await;
    let rejected = "rejected";
    assert_eq!(statuses(&response), ["created", rejected, rejected, rejected, rejected, rejected]);
    let rows = response.data().as_array().unwrap();
    let lines: Vec<_> = rows.iter().map(|row| row["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [2, 3, 4, 5, 6, 7]);
    let message = |index: usize| rows[index]["error"]["message"].as_str().unwrap();
    assert_eq!(
        message(1),
        "row: the row has 4 cells, but the header has 3; put a cell that contains the delimiter in quotes"
    );
    assert!(message(2).contains("emails[0]"), "{}", message(2));
    assert!(message(5).contains("opens in line 6 is never closed"), "{}", message(5));
}

#[tokio::test]
async fn a_dry_run_reports_what_each_column_becomes_and_writes_nothing() {
    let world = World::with_flags().await;
    let file = encoding_rs::WINDOWS_1252
        .encode("Nama\tE-mail\tRef\nZoë\tzoe@shop.example\t7\nBob\tx\ty\tz\n");
    let file = Bytes::from(file.0.into_owned());
    let response = import_with(&world, "maya", "?dry_run=true&map=Ref%3D-", file).await;
    assert_eq!(response.status, 200);
    let report = response.data();
    assert_eq!(
        (&report["encoding"], &report["delimiter"]),
        (&json!("windows-1252"), &json!("tab"))
    );
    assert_eq!(
        report["columns"],
        json!([
            { "name": "Nama", "field": "name", "samples": ["Zoë"] },
            { "name": "E-mail", "field": "emails", "samples": ["zoe@shop.example"] },
            { "name": "Ref", "field": "-", "samples": ["7"] },
        ])
    );
    assert_eq!(report["samples"], json!([{ "name": "Zoë", "emails": ["zoe@shop.example"] }]));
    assert_eq!((&report["rows"], &report["rejected"]), (&json!(2), &json!(1)));
    assert_eq!(report["errors"][0]["line"], 3);
    let found = world.get("maya", "/cdp/customers/by-email/zoe@shop.example").await;
    assert_eq!(found.status, 404);
}

#[tokio::test]
async fn a_file_that_cannot_be_mapped_with_certainty_is_refused_before_anything_is_written() {
    let world = World::with_flags().await;
    for (query, file, field) in [
        ("", "", "body"),
        ("", "ann@shop.example,Ann\n", "header"),
        ("", "Name,City\nAnn,Paris\n", "header"),
        ("", "Email,Company,Company name\na@shop.example,x,y\n", "header"),
        ("", "Name;Last, first\n", "delimiter"),
        ("?delimiter=colon", "Email\n", "delimiter"),
        ("?encoding=klingon", "Email\n", "encoding"),
        ("?encoding=utf-16", "Email\na", "encoding"),
        ("?map=Email", "Email\n", "map"),
        ("?map=Emial%3Demails", "Email\n", "map"),
        ("?map=Email%3Dmail", "Email\n", "map"),
        ("?dry_run=maybe", "Email\n", "dry_run"),
        ("?page=1", "Email\n", "page"),
    ] {
        let response = import_with(&world, "maya", query, file).await;
        let details = &response.body["details"]["field"];
        assert_eq!((response.status, details.as_str()), (400, Some(field)), "{query} {file:?}");
    }
    let large = import(&world, "maya", vec![b'a'; 3 * 1024 * 1024 + 1]).await;
    assert_eq!((large.status, large.body["details"]["field"].as_str()), (400, Some("body")));
    assert_eq!(import(&world, "", "Email\na@b.example\n").await.status, 403);
}

#[tokio::test]
async fn a_part_of_three_mebibytes_is_imported_whole_or_says_which_rows_to_send_again() {
    let world = World::with_flags().await;
    let note = "x".repeat(12 * 1024);
    let mut file = "External ID,Note\n".to_owned();
    for row in 0..150 {
        file.push_str(&format!("B-{row},{note}\n"));
    }
    let response = import(&world, "maya", file).await;
    let rows = response.data().as_array().unwrap();
    assert_eq!(rows.len(), 150);
    for row in rows {
        assert!(row["status"] == "created" || row["error"]["error"] == "UNAVAILABLE", "{row}");
    }
    assert_eq!(rows[0]["status"], "created");
}

#[tokio::test]
async fn the_last_row_about_a_contact_wins_also_where_it_shows_the_stored_value() {
    let world = World::with_flags().await;
    let created = import(&world, "maya", "External ID,Name\nL-1,Ann\n").await;
    let file = "External ID,Name\nL-1,Bob\nL-1,Ann\n";
    assert_eq!(statuses(&import(&world, "maya", file).await), ["updated", "updated"]);
    assert_eq!(contact(&world, &created.ids()[0]).await["name"], "Ann");
}

#[tokio::test]
async fn a_row_by_id_hands_its_old_key_over_and_takes_no_key_of_another_contact() {
    let world = World::with_flags().await;
    let shared_address = json!({ "name": "Ann", "emails": ["both@shop.example"] });
    let ann = world.post("maya", "/cdp/customers", &shared_address).await.data()["id"].clone();
    let bob = world.post("maya", "/cdp/customers", &shared_address).await.data()["id"].clone();
    let (ann, bob) = (ann.as_str().unwrap(), bob.as_str().unwrap());
    let file = format!("Contact ID,Email\n{ann},ann@shop.example\n{bob},both@shop.example\n");
    assert_eq!(statuses(&import(&world, "maya", file).await), ["updated", "updated"]);
    let found = import(&world, "maya", "Email,Name\nboth@shop.example,Bob\n").await;
    assert_eq!(found.ids(), [bob], "Bob owns the address now");
    let taken = import(&world, "maya", format!("Contact ID,Email\n{bob},ann@shop.example\n")).await;
    assert_eq!(taken.data()[0]["error"]["error"], "KEY_TAKEN");
    let unknown = "Contact ID\n0190d1a2-7c3b-7abc-8def-0123456789ab\n";
    assert_eq!(import(&world, "maya", unknown).await.data()[0]["error"]["error"], "NOT_FOUND");
}

#[tokio::test]
async fn a_rounded_number_in_a_custom_field_rejects_its_row_only_and_keeps_what_is_stored() {
    let world = World::with_flags().await;
    let file = "External ID,NIK\nR-1,3174041234567890\nR-2,3174041234567891\n";
    let created = import(&world, "maya", file).await;
    let file = "External ID,NIK,Name\nR-1,3.17404E+15,Ann\nR-2,3174041234567891,Bob\nR-3,,Cid\n";
    let response = import(&world, "maya", file).await;
    assert_eq!(statuses(&response), ["rejected", "updated", "created"]);
    let error = &response.data()[0]["error"];
    assert_eq!(error["details"]["field"], "custom_fields.nik");
    assert!(error["message"].as_str().unwrap().contains("was rounded by a spreadsheet"), "{error}");
    let ann = contact(&world, &created.ids()[0]).await;
    assert_eq!(ann["custom_fields"]["nik"], "3174041234567890");
    assert_eq!(ann["name"], Value::Null, "nothing of the row was written");
}

#[tokio::test]
async fn an_edited_address_or_number_of_an_own_export_changes_only_itself() {
    let world = World::with_flags().await;
    let two = json!({
        "emails": ["a@shop.example", "b@shop.example"], "phones": ["0812; ext 3", "+62215551234"],
    });
    let created = world.post("maya", "/cdp/customers", &two).await;
    let id = created.data()["id"].as_str().unwrap();
    for (cells, emails, phones) in [
        ("x@shop.example,,,", json!(["x@shop.example", "b@shop.example"]), &two["phones"]),
        (
            ",x@shop.example,0812; ext 3,\"\"\"0812; ext 3\"\"; 021\"",
            json!(["x@shop.example"]),
            &json!(["0812; ext 3", "021"]),
        ),
    ] {
        let file = format!("Contact ID,Email,All emails,Phone,All phones\n{id},{cells}\n");
        assert_eq!(statuses(&import(&world, "maya", file).await), ["updated"]);
        let stored = contact(&world, id).await;
        assert_eq!((&stored["emails"], &stored["phones"]), (&emails, phones), "{cells}");
    }
}

#[tokio::test]
async fn lines_of_text_above_the_header_and_other_formats_are_named() {
    let world = World::with_flags().await;
    for (file, field, message) in [
        ("Customers 2024;;\nName;Email;Phone\n", "header", "seem to be in line 2"),
        ("PK\u{3}\u{4}\u{14}", "body", "the file is a workbook"),
        ("BEGIN:VCARD\r\nVERSION:3.0\r\n", "body", "the file is a vCard file"),
    ] {
        let response = import(&world, "maya", file).await;
        assert_eq!((response.status, &response.body["details"]["field"]), (400, &json!(field)));
        let text = response.body["message"].as_str().unwrap();
        assert!(text.contains(message), "{text}");
    }
}
