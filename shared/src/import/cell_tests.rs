//! Cells and rows as people, spreadsheets and other programs leave them.

use serde_json::{Value, json};

use super::{tests::contacts, *};

fn mapping(csv: &CsvText<'_>, overrides: &[&str]) -> Result<Mapping, MappingError> {
    let overrides: Vec<Override> = overrides.iter().map(|it| it.parse().unwrap()).collect();
    Mapping::for_file(csv, &overrides, &CompanyFields::default())
}

/// What a file's rows become.
fn rows(file: &str, overrides: &[&str]) -> Vec<Result<Imported, RowError>> {
    let csv = CsvText::open(file, None).unwrap();
    let mapping = mapping(&csv, overrides).unwrap();
    csv.rows().map(|row| mapping.row(&row)).collect()
}

#[test]
fn a_text_in_a_formula_or_behind_an_apostrophe_is_the_text() {
    let file = b"=\"External ID\",Email,Phone\n=\"00123\",=\"a@b.id\",\"=\"\"0812345678\"\"\"\n\
        '00124,b@b.id,'+380991234567\n";
    assert_eq!(
        contacts(file),
        [
            json!({ "external_id": "00123", "emails": ["a@b.id"], "phones": ["0812345678"] }),
            json!({ "external_id": "00124", "emails": ["b@b.id"], "phones": ["+380991234567"] }),
        ]
    );
}

#[test]
fn a_column_without_a_name_can_be_ignored_or_mapped_and_is_not_guessed() {
    let file = ",Name,Email,\n0,Ann,a@b.id,\n";
    let refused = rows(file, &[]).remove(0).unwrap_err();
    assert_eq!(refused, RowError::Unnamed(1));
    for (field, expected) in [
        ("-", json!({ "name": "Ann", "emails": ["a@b.id"] })),
        ("external_id", json!({ "external_id": "0", "name": "Ann", "emails": ["a@b.id"] })),
    ] {
        let row = rows(file, &[&format!("#1={field}")]).remove(0);
        let Ok(Imported::Contact(row)) = row else { panic!("{row:?}") };
        assert_eq!(Value::Object(row.contact), expected);
    }
}

#[test]
fn the_lines_below_a_report_are_skipped_also_after_a_spreadsheet_added_empty_cells() {
    let is_skipped = |file: &str| -> Vec<bool> {
        let skipped = |row| matches!(row, Ok(Imported::Skipped(_)));
        rows(file, &[]).into_iter().map(skipped).collect()
    };
    let salesforce = "Contact ID,Last Name,Account Name,Email\n003A,Lee,Acme,a@acme.example\n\
        003B,,,\nContacts,,,\nGrand Totals (4 records),,,\n\"Copyright (c), Inc.\",,,\nContacts\n";
    assert_eq!(is_skipped(salesforce), [false, false, true, true, true, true]);
    let other = "Customer ID,Name,Email\nA 1,Ann,\nA2,,\nabc,,\nPrinted on 1 May 2026,,\n";
    assert_eq!(is_skipped(other), [false, false, false, true]);
    // The first column has names, so that a line with a name only is not certain to be a text.
    let names = "Name,Email\nAnn Lee,\n";
    assert_eq!(is_skipped(names), [false]);
}

#[test]
fn a_placeholder_in_a_column_of_addresses_or_numbers_is_an_empty_cell() {
    let rows = contacts(b"Name,Email,Phone\nAnn,a@b.id,-\nBob,--,+62 812 345\nCid,\"?\",.\n");
    assert_eq!(
        rows,
        [
            json!({ "name": "Ann", "emails": ["a@b.id"] }),
            json!({ "name": "Bob", "phones": ["+62 812 345"] }),
            json!({ "name": "Cid" }),
        ]
    );
}

#[test]
fn a_date_that_is_not_set_is_an_empty_cell_in_each_language() {
    let french = "Prénom;Nom;Adresse de messagerie;Anniversaire\nAnn;Lee;a@b.id;0/0/00\n";
    assert_eq!(contacts(french.as_bytes()), [json!({ "name": "Ann Lee", "emails": ["a@b.id"] })]);
}

#[test]
fn only_a_uuid_of_version_7_is_an_id_of_this_service() {
    let foreign = "550e8400-e29b-41d4-a716-446655440000";
    let file = format!("id,Name,Email\n{foreign},Ann,a@b.id\n");
    assert_eq!(contacts(file.as_bytes())[0]["external_id"], foreign);
    let own = "0190D1A2-7C3B-7ABC-8DEF-0123456789AB";
    let file = format!("id,Name\n{own},Ann\n");
    assert_eq!(contacts(file.as_bytes()), [json!({ "id": own.to_lowercase(), "name": "Ann" })]);
}

#[test]
fn the_first_number_of_an_own_export_is_not_split() {
    let id = "0190d1a2-7c3b-7abc-8def-0123456789ab";
    let phones = |id: &str| {
        let file =
            format!("Contact ID,Phone,All phones\n{id},0812; ext 3,\"\"\"0812; ext 3\"\"; 021\"\n");
        contacts(file.as_bytes())[0]["phones"].clone()
    };
    assert_eq!(phones(id), json!(["0812; ext 3", "021"]));
    assert_eq!(phones("17"), json!(["0812", "ext 3", "0812; ext 3", "021"]), "another program");
}

#[test]
fn rows_without_a_value_above_the_header_are_skipped_and_lines_of_text_are_named() {
    let blank = contacts(b",,\r\n\r\nName,Email,\r\nAnn,a@b.id,\r\n");
    assert_eq!(blank, [json!({ "name": "Ann", "emails": ["a@b.id"] })]);
    for (file, line) in [
        ("Customers 2024;;\nName;Email;Phone\nAnn;a@b.id;1\n", 2),
        ("Notes:\n\"When exporting, some, may\nbe missing\"\n\nFirst Name,URL,Email Address\n", 5),
        ("Report\n\nName;Email\nAnn;a@b.id\n", 3),
    ] {
        let csv = CsvText::open(file, None).unwrap();
        assert_eq!(mapping(&csv, &[]).unwrap_err(), MappingError::HeaderBelow(line), "{file}");
    }
    let csv = CsvText::open("Name,City\nAnn,Paris\nBob,b@b.id\n", None).unwrap();
    assert_eq!(mapping(&csv, &[]).unwrap_err(), MappingError::NoKey);
}

#[test]
fn an_override_names_a_column_in_any_normal_form() {
    let file = "Gro\u{308}sse,Email\n38,a@b.id\n";
    let csv = CsvText::open(file, None).unwrap();
    let mapping = mapping(&csv, &["Grösse=custom.size"]).unwrap();
    assert_eq!(mapping.columns()[0].field(), "custom.size");
}
