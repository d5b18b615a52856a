//! Files that this service exported with the layouts of a company.

use serde_json::{Value, json};

use super::*;

fn texts(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(label, field)| ((*label).to_owned(), (*field).to_owned())).collect()
}

/// A company with export layouts: for each, the label and the field of its columns.
fn company(layouts: &[&[(&str, &str)]]) -> CompanyFields {
    CompanyFields {
        custom_keys: ["aa", "bb"].map(str::to_owned).to_vec(),
        labels: texts(&layouts.concat()),
        headers: layouts.iter().map(|layout| texts(layout)).collect(),
    }
}

fn fields(header: &str, company: &CompanyFields) -> Result<Vec<String>, MappingError> {
    let csv = CsvText::open(header, None).unwrap();
    let mapping = Mapping::new(csv.headers(), &[], company)?;
    Ok(mapping.columns().iter().map(Column::field).collect())
}

#[test]
fn a_label_that_another_program_or_field_has_belongs_to_the_layout_of_the_file() {
    let layouts: [&[(&str, &str)]; 3] = [
        &[("Contact ID", "id"), ("Name", "company_name"), ("Company", "name")],
        &[("Contact ID", "id"), ("Handphone", "custom.aa"), ("Source", "owner_name")],
        &[("Contact ID", "id"), ("Email 1 - Value", "custom.bb"), ("Created at", "created_at")],
    ];
    let company = company(&layouts);
    for (header, expected) in [
        ("Contact ID,Name,Company\n", ["id", "company_name", "name"]),
        ("Contact ID,Handphone,Source\n", ["id", "custom.aa", "-"]),
        ("Contact ID,Email 1 - Value,Created at (Asia/Jakarta)\n", ["id", "custom.bb", "-"]),
        // The same names in the file of another program have their usual meaning.
        ("Email,Name,Company\n", ["emails", "name", "company_name"]),
    ] {
        assert_eq!(fields(header, &company).unwrap(), expected, "{header}");
    }
}

#[test]
fn a_label_that_layouts_use_for_different_fields_is_not_guessed() {
    let layouts: [&[(&str, &str)]; 3] = [
        &[("Contact ID", "id"), ("Tierx", "custom.aa")],
        &[("Contact ID", "id"), ("Tierx", "custom.bb")],
        &[("Contact ID", "id"), ("Tierx", "custom.aa"), ("Name", "name")],
    ];
    let company = company(&layouts);
    for header in ["Contact ID,Tierx\n", "Tierx,Contact ID\n"] {
        assert_eq!(
            fields(header, &company).unwrap_err().to_string(),
            "the column \"Tierx\" has the name that export layouts use for custom.aa and \
             custom.bb; choose one, for example \"Tierx=custom.aa\""
        );
    }
    // Only one layout has these columns.
    assert_eq!(fields("Contact ID,Tierx,Name\n", &company).unwrap(), ["id", "custom.aa", "name"]);
    let chosen = ["Tierx=custom.bb".parse().unwrap()];
    let csv = CsvText::open("Contact ID,Tierx\n", None).unwrap();
    let mapping = Mapping::new(csv.headers(), &chosen, &company).unwrap();
    assert_eq!(mapping.columns()[1].field(), "custom.bb");
}

/// The tags of the only row of a file.
fn tags(file: &str, company: &CompanyFields) -> Value {
    let csv = CsvText::open(file, None).unwrap();
    let mapping = Mapping::new(csv.headers(), &[], company).unwrap();
    let row = mapping.row(&csv.rows().next().unwrap()).unwrap();
    let Imported::Contact(row) = row else { panic!("{row:?}") };
    row.contact["tags"].clone()
}

#[test]
fn tags_of_an_own_export_are_split_as_the_export_joins_them() {
    let none = CompanyFields::default();
    let id = "019b8be1-f500-7a8a-b49f-1af85278bb50";
    let own = |tags: &str| format!("Contact ID,Tags\n{id},{tags}\n");
    assert_eq!(tags(&own("\"Jakarta, Selatan\""), &none), json!(["Jakarta, Selatan"]));
    let quoted = own("\"\"\"a; b\"\"; c, d\"");
    assert_eq!(tags(&quoted, &none), json!(["a; b", "c, d"]));
    let layout = company(&[&[("Email", "email"), ("Tags", "tags")]]);
    let file = "Email,Tags\na@b.id,\"Jakarta, Selatan\"\n";
    assert_eq!(tags(file, &layout), json!(["Jakarta, Selatan"]));
    assert_eq!(tags(file, &none), json!(["Jakarta", "Selatan"]), "another program's file");
}
