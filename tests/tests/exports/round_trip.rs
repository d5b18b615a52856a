//! An export is imported into the company that it comes from, and exported again.

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use tests::World;

use super::{file::header, steps::completed};

const CONTACTS: usize = 500;

/// Texts that a file, a spreadsheet or an importer may change.
const TEXTS: [&str; 30] = [
    "Ann Lee",
    "=1+1",
    "'=1+1",
    "=\"00123\"",
    "'+62812345678",
    "'00123",
    "+62 812 345 (WA 24h)",
    "@home",
    "-2+3",
    "+62 812 345 (WA)",
    "x;=1+1;y",
    "a,b",
    "a; b",
    "\"quoted\"",
    "say \"hi\"",
    "two\nlines",
    "two\r\nlines",
    "\u{feff}=1",
    "\u{200b}@x",
    "＝1",
    "tab\there",
    "bell\u{7}bell",
    "O'Brien",
    "  inner  spaces  ",
    "e\u{301}",
    "佐藤 愛",
    "مرحبا",
    "😀",
    "12345678901234567890",
    "0012",
];

/// Values of custom fields whose type a cell does not show.
fn value(at: usize) -> Value {
    let values = [
        json!(5),
        json!(-1.5),
        json!("5"),
        json!(true),
        json!("true"),
        json!(["a", "b"]),
        json!(["a; b", "c,d", "=1"]),
        json!([1, true]),
        json!({ "a": [1, null] }),
        json!([["nested"]]),
        json!("2026-11-21"),
        json!("2026-11-21T20:00:00Z"),
        json!("2026-11-21T20:00:00.5+07:00"),
        json!("1850-01-01T00:00:00Z"),
        json!("9999-12-31T23:59:59Z"),
        json!("NA"),
        json!(999_999_999_999_999_u64),
    ];
    values[at % values.len()].clone()
}

/// A contact whose fields are combined from the difficult values. Every tenth contact has neither an
/// external id nor an email address, so that only its id finds it.
fn contact(at: usize) -> Value {
    let text = |step: usize| TEXTS[(at * step + step) % TEXTS.len()];
    let mut contact = json!({
        "name": text(1),
        "company_name": text(3),
        "source": text(5),
        "phones": [format!("+62 812 {at:05}"), format!("{at:05}; {}", text(7).trim())],
        "tags": [text(9), format!("{} {at}", text(11)), "plain"],
        "custom_fields": {
            "Tier. Größe": text(13),
            "mobile": text(15),
            "Phone": text(19),
            "nama": text(21),
            "record_id": format!("{at}"),
            "mixed": value(at),
            "more": value(at / 3 + 5),
        },
    });
    if !at.is_multiple_of(10) {
        contact["external_id"] = json!(format!("{} {at}", text(17).trim()));
        contact["emails"] =
            json!([format!("person{at}@shop.example"), format!("o'second+{at}@shop.example")]);
    }
    contact
}

async fn exported(world: &World, locale: &str, delimiter: &str, zone: &str) -> Vec<u8> {
    let fields = json!([
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
        "assignee_id",
        "assignee_name",
        "team_owner_ids",
        "team_owner_names",
        "tags",
        "source",
        "created_at",
        "custom.Tier. Größe",
        "custom.mobile",
        "custom.Phone",
        "custom.nama",
        "custom.record_id",
        "custom.mixed",
        "custom.more"
    ]);
    let body = json!({
        "format": "csv", "selection": { "filter": {} }, "fields": fields, "file_name": "contacts",
        "time_zone": zone, "locale": locale, "delimiter": delimiter,
    });
    completed(world, "maya", &body).await;
    world.aws.mailbox().list().pop().unwrap().attachments.remove(0).content
}

async fn versions(world: &World) -> Vec<(String, Value)> {
    let mut versions = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = world.get("maya", &format!("/cdp/customers?limit=100{cursor}")).await;
        for contact in page.data().as_array().unwrap() {
            versions.push((contact["id"].as_str().unwrap().to_owned(), contact.clone()));
        }
        match page.body["meta"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return versions,
        }
    }
}

/// Imports a file in parts of 100 rows, and returns the rows that were not updated.
async fn imported(world: &World, file: &[u8], delimiter: &str) -> Vec<Value> {
    let text = std::str::from_utf8(file).unwrap();
    let csv = shared::import::CsvText::open(
        text.trim_start_matches('\u{feff}'),
        Some(delimiter.parse().unwrap()),
    )
    .unwrap();
    let text = text.trim_start_matches('\u{feff}');
    let rows: Vec<_> = csv.rows().collect();
    let mut others = Vec::new();
    for part in rows.chunks(100) {
        let mut body = csv.head().to_owned();
        part.iter().for_each(|row| body.push_str(&text[row.span.clone()]));
        let headers = [("content-type", "application/octet-stream")];
        let path = "/cdp/customers/import";
        let response = world.send("maya", Method::POST, path, &headers, Bytes::from(body)).await;
        assert_eq!(response.status, 200, "{}", response.body);
        let results = response.data().as_array().unwrap().iter();
        others.extend(results.filter(|row| row["status"] != "updated").cloned());
    }
    others
}

#[tokio::test]
async fn an_export_that_is_imported_again_changes_nothing_of_500_difficult_contacts() {
    let world = World::with_flags().await;
    for from in (0..CONTACTS).step_by(100) {
        for at in from..from + 100 {
            let created = world.post("maya", "/cdp/customers", &contact(at)).await;
            assert_eq!(created.status, 201, "{at}: {}", created.body);
        }
        world.clock.advance(jiff::SignedDuration::from_secs(1));
    }
    let before = versions(&world).await;
    assert!(before.len() >= CONTACTS);
    for (locale, delimiter, zone) in [
        ("en", "comma", "Asia/Jakarta"),
        ("id", "semicolon", "America/New_York"),
        ("id", "tab", "Asia/Kolkata"),
    ] {
        let first = exported(&world, locale, delimiter, zone).await;
        assert_eq!(imported(&world, &first, delimiter).await, Vec::<Value>::new(), "{locale}");
        let second = exported(&world, locale, delimiter, zone).await;
        assert!(first == second, "the files differ: {locale}, {delimiter}");
        for (before, after) in before.iter().zip(versions(&world).await) {
            assert_eq!(before, &after, "{locale}, {delimiter}");
        }
        assert!(!header("csv", &first).is_empty());
    }
}

#[tokio::test]
async fn an_export_whose_labels_mean_other_fields_changes_nothing_when_it_is_imported() {
    let world = World::with_flags().await;
    let contact = json!({
        "name": "Ann", "company_name": "Real Co", "phones": ["0812 1"],
        "tags": ["Jakarta, Selatan", "a; b"], "custom_fields": { "aa": "x1" },
    });
    assert_eq!(world.post("maya", "/cdp/customers", &contact).await.status, 201);
    let layout = json!({ "name": "Swapped", "fields": [
        { "field": "id" }, { "field": "company_name", "label": "Name" },
        { "field": "name", "label": "Company" }, { "field": "custom.aa", "label": "Handphone" },
        { "field": "tags" }, { "field": "created_at" },
    ] });
    let layout = world.post("maya", "/cdp/export-layouts", &layout).await;
    assert_eq!(layout.status, 201, "{}", layout.body);
    let before = versions(&world).await;
    for locale in ["en", "id"] {
        let body = json!({
            "format": "csv", "selection": { "filter": {} }, "layout_id": layout.data()["id"],
            "file_name": "contacts", "locale": locale,
        });
        completed(&world, "maya", &body).await;
        let file = world.aws.mailbox().list().pop().unwrap().attachments.remove(0).content;
        assert_eq!(imported(&world, &file, "comma").await, Vec::<Value>::new(), "{locale}");
        assert_eq!(versions(&world).await, before, "{locale}");
    }
}
