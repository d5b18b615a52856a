use serde_json::json;
use shared::locale::Locale;

use super::*;

const TEAM: &str = "0190d1a2-7c3b-7abc-8def-00000000000a";
const LOST_TEAM: &str = "0190d1a2-7c3b-7abc-8def-00000000000b";

const ASSIGNEE: &str = "0190d1a2-7c3b-7abc-8def-000000000002";

fn contact() -> StoredContact {
    serde_json::from_value(json!({
        "id": "0190d1a2-7c3b-7abc-8def-0123456789ab",
        "external_id": "0012",
        "name": "Sari",
        "emails": ["sari@a.example", "s@b.example"],
        "phones": ["+62812345678"],
        "owner_id": "0190d1a2-7c3b-7abc-8def-000000000001",
        "owner_name": "Budi",
        "assignee_id": ASSIGNEE,
        "assignee_name": "Sari",
        "team_owner_ids": [TEAM, LOST_TEAM],
        "tags": ["a", "b"],
        "custom_fields": json!({
            "tier": "gold", "score": 1.5, "vip": true, "langs": ["id", 7], "deep": [{ "a": 1 }],
            "since": "2026-11-21", "seen": "2026-11-21T20:00:00Z", "none": null, "big": 12_345_678_901_234_567_890_u64
        }).to_string(),
        "created_at": "2026-11-21T20:00:00Z",
        "updated_at": "2026-11-21T20:00:00Z",
        "version": 1,
    }))
    .unwrap()
}

fn texts(fields: &[&str]) -> Vec<String> {
    let fields = Field::parse_all(fields).unwrap();
    let plan = RowPlan {
        columns: fields.into_iter().map(|field| Column::new(field, Locale::En)).collect(),
        zone: TimeZone::get("Asia/Jakarta").unwrap(),
        teams: HashMap::from([(TEAM.parse().unwrap(), "Jakarta".to_owned())]),
        people: HashMap::from([(ASSIGNEE.parse().unwrap(), "Sari Dewi".to_owned())]),
    };
    let contact = contact();
    let mut cells = Vec::new();
    plan.cells(&contact, &mut cells).unwrap();
    cells.iter().map(|cell| cell.csv_text().into_owned()).collect()
}

#[test]
fn a_row_has_the_contacts_values_in_column_order() {
    assert_eq!(
        texts(&["name", "external_id", "email", "emails", "phone", "tags", "owner_name"]),
        [
            "Sari",
            "0012",
            "sari@a.example",
            "sari@a.example; s@b.example",
            "+62812345678",
            "a; b",
            "Budi"
        ]
    );
    assert_eq!(texts(&["company_name", "source"]), [""; 2]);
}

#[test]
fn a_person_is_named_by_the_directory_then_by_the_contact_then_by_their_id() {
    assert_eq!(texts(&["owner_name", "assignee_name"]), ["Budi", "Sari Dewi"]);
    let plan = RowPlan {
        columns: vec![Column::new(Field::OwnerName, Locale::En)],
        zone: TimeZone::UTC,
        teams: HashMap::new(),
        people: HashMap::new(),
    };
    let id = "0190d1a2-7c3b-7abc-8def-000000000001";
    for (owner, expected) in [(Some(id), Cell::text(id)), (None, Cell::Empty)] {
        let owner = owner.map(|id| id.parse().unwrap());
        let contact = StoredContact { owner_id: owner, owner_name: None, ..contact() };
        let mut cells = Vec::new();
        plan.cells(&contact, &mut cells).unwrap();
        assert_eq!(cells, [expected]);
    }
}

#[test]
fn dates_are_written_in_the_requesters_time_zone() {
    assert_eq!(texts(&["created_at"]), ["2026-11-22 03:00:00"]);
}

#[test]
fn a_team_is_written_by_its_name_or_by_its_id_if_the_name_is_unknown() {
    assert_eq!(texts(&["team_owner_names"]), [format!("Jakarta; {LOST_TEAM}")]);
}

#[test]
fn custom_fields_keep_their_type() {
    let fields = ["custom.tier", "custom.score", "custom.vip", "custom.langs", "custom.deep"];
    assert_eq!(texts(&fields), ["gold", "1.5", "true", "id; 7", r#"[{"a":1}]"#]);
    assert_eq!(texts(&["custom.since", "custom.none", "custom.missing"]), ["2026-11-21", "", ""]);
    assert_eq!(
        texts(&["custom.big", "custom.seen"]),
        ["12345678901234567890", "2026-11-22 03:00:00"]
    );
}

#[test]
fn one_odd_value_changes_no_other_cell() {
    let plan = RowPlan {
        columns: vec![Column::new(Field::Custom("since".to_owned()), Locale::En)],
        zone: TimeZone::get("Asia/Jakarta").unwrap(),
        teams: HashMap::new(),
        people: HashMap::new(),
    };
    let cell = |value: serde_json::Value| {
        let mut stored = serde_json::to_value(contact()).unwrap();
        stored["custom_fields"] = json!(json!({ "since": value }).to_string());
        let contact: StoredContact = serde_json::from_value(stored).unwrap();
        let mut cells = Vec::new();
        plan.cells(&contact, &mut cells).unwrap();
        format!("{:?}", cells[0])
    };
    assert_eq!(cell(json!("2026-11-21")), "Day(2026-11-21)");
    assert_eq!(cell(json!("NA")), r#"Text("NA")"#);
    assert_eq!(cell(json!("9999-12-31T23:59:59Z")), r#"Text("9999-12-31T23:59:59Z")"#);
    assert_eq!(cell(json!("2026-11-22")), "Day(2026-11-22)");
}

#[test]
fn values_with_a_separator_stay_apart() {
    let mut stored = serde_json::to_value(contact()).unwrap();
    stored["tags"] = json!(["a; b", "c"]);
    let contact: StoredContact = serde_json::from_value(stored).unwrap();
    let plan = RowPlan {
        columns: vec![Column::new(Field::Tags, Locale::En)],
        zone: TimeZone::UTC,
        teams: HashMap::new(),
        people: HashMap::new(),
    };
    let mut cells = Vec::new();
    plan.cells(&contact, &mut cells).unwrap();
    assert_eq!(cells, [Cell::text("\"a; b\"; c")]);
}
