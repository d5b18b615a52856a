use serde_json::{Value, json};

use super::*;

fn now() -> Timestamp {
    "2026-11-21T20:00:00Z".parse().unwrap()
}

fn check(body: Value) -> Result<ExportOrder, RequestError> {
    let request: ExportRequest = serde_json::from_value(body).unwrap();
    let defaults = Defaults::new(Locale::En, "Asia/Jakarta").unwrap();
    request.check(None, Some(Locale::Id), &defaults, now())
}

fn minimal() -> Value {
    json!({ "format": "csv", "selection": { "filter": {} }, "fields": ["name"] })
}

fn with(name: &str, value: Value) -> Value {
    let mut body = minimal();
    body[name] = value;
    body
}

#[test]
fn language_and_time_zone_come_from_the_request_then_the_company_then_the_defaults() {
    let order = check(minimal()).unwrap();
    assert_eq!((order.locale, order.time_zone.as_str()), (Locale::Id, "Asia/Jakarta"));
    assert_eq!(order.columns[0].label, "Nama");
    // In Jakarta, the date is already the 22nd at this time.
    assert_eq!(order.file_name, "contacts-2026-11-22.csv");
    let mut body = with("locale", json!("en"));
    body["time_zone"] = json!("europe/berlin");
    let order = check(body).unwrap();
    assert_eq!((order.locale, order.time_zone.as_str()), (Locale::En, "Europe/Berlin"));
}

#[test]
fn an_invalid_value_is_refused_with_its_field() {
    let id = "0190d1a2-7c3b-7abc-8def-0123456789ab";
    for (name, value, field) in [
        ("locale", json!("fr"), "locale"),
        ("time_zone", json!("Mars/Olympus"), "time_zone"),
        ("time_zone", json!("../etc/passwd"), "time_zone"),
        ("fields", json!([]), "fields"),
        ("fields", json!(["password"]), "fields"),
        ("file_name", json!("x".repeat(181)), "file_name"),
        ("file_name", json!("客".repeat(61)), "file_name"),
        ("selection", json!({ "filter": { "custom": largest_custom() } }), "selection.filter"),
        ("selection", json!({}), "selection"),
        ("selection", json!({ "ids": [id], "filter": {} }), "selection"),
        ("selection", json!({ "ids": [] }), "selection.ids"),
        ("selection", json!({ "ids": vec![id; 10_001] }), "selection.ids"),
        ("selection", json!({ "filter": { "tags": vec!["t"; 101] } }), "selection.filter.tags"),
        (
            "selection",
            json!({ "filter": { "source": ["s".repeat(257)] } }),
            "selection.filter.source",
        ),
    ] {
        assert_eq!(check(with(name, value)).unwrap_err().field, field);
    }
}

#[test]
fn a_date_column_names_its_time_zone_unless_a_layout_labels_it() {
    let order = check(with("fields", json!(["created_at", "name", "updated_at"]))).unwrap();
    let labels: Vec<_> = order.columns.iter().map(|column| column.label.as_str()).collect();
    assert_eq!(labels, ["Dibuat pada (Asia/Jakarta)", "Nama", "Diperbarui pada (Asia/Jakarta)"]);
}

#[test]
fn the_delimiter_is_a_comma_unless_the_request_names_another() {
    assert_eq!(check(minimal()).unwrap().delimiter, Delimiter::Comma);
    for (name, expected) in [("semicolon", Delimiter::Semicolon), ("tab", Delimiter::Tab)] {
        assert_eq!(check(with("delimiter", json!(name))).unwrap().delimiter, expected);
    }
    let unknown = serde_json::from_value::<ExportRequest>(with("delimiter", json!(";")));
    assert!(unknown.unwrap_err().to_string().contains("semicolon"));
}

#[test]
fn unknown_fields_fail_to_parse() {
    for body in [
        with("layout_id", json!("x")),
        with("columns", json!(["name"])),
        with("selection", json!({ "filter": { "password": ["x"] } })),
        with("selection", json!({ "all": true })),
    ] {
        assert!(serde_json::from_value::<ExportRequest>(body).is_err());
    }
}

#[test]
fn a_repeated_id_counts_once() {
    let id = "0190d1a2-7c3b-7abc-8def-0123456789ab";
    let order = check(with("selection", json!({ "ids": [id, id.to_uppercase()] }))).unwrap();
    assert_eq!(order.selection, Selection::Ids { count: 1 });
    assert_eq!(order.ids.len(), 1);
}

/// Conditions on custom fields at every limit of a filter: 20 fields with 100 values of 250 bytes.
fn largest_custom() -> Value {
    let values: Vec<String> = (0..100).map(|n| format!("{n:0>250}")).collect();
    (0..20).map(|n| (format!("field{n}"), json!(values))).collect::<serde_json::Map<_, _>>().into()
}

#[test]
fn a_filter_of_the_usual_size_is_stored_with_the_job() {
    let ids: Vec<_> = (0..100).map(uuid::Uuid::from_u128).collect();
    let filter = json!({ "owner_id": ids, "team_owner_ids": ids, "assignee_id": ids });
    let order = check(with("selection", json!({ "filter": filter }))).unwrap();
    assert!(matches!(order.selection, Selection::Filter(_)));
}
