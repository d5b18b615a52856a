//! Files of each program, as a user of that program expects to see them imported.

use serde_json::{Value, json};

use super::*;

/// Imports a file of a company without custom fields. Returns the contacts of its rows.
pub(super) fn contacts(bytes: &[u8]) -> Vec<Value> {
    contacts_with(bytes, &[])
}

fn contacts_with(bytes: &[u8], overrides: &[&str]) -> Vec<Value> {
    let (text, _) = decode(bytes, None).unwrap();
    let csv = CsvText::open(&text, None).unwrap();
    let overrides: Vec<Override> = overrides.iter().map(|it| it.parse().unwrap()).collect();
    let mapping = Mapping::new(csv.headers(), &overrides, &CompanyFields::default()).unwrap();
    let rows = csv.rows().map(|row| mapping.row(&row).unwrap());
    let contact = |row| match row {
        Imported::Contact(row) => Some(Value::Object(row.contact)),
        Imported::Skipped(_) => None,
    };
    rows.filter_map(contact).collect()
}

fn mapping_error(header: &str, overrides: &[&str]) -> String {
    let csv = CsvText::open(header, None).unwrap();
    let overrides: Vec<Override> = overrides.iter().map(|it| it.parse().unwrap()).collect();
    Mapping::new(csv.headers(), &overrides, &CompanyFields::default()).unwrap_err().to_string()
}

fn program(header: &str) -> Option<&'static str> {
    let csv = CsvText::open(header, None).unwrap();
    Mapping::new(csv.headers(), &[], &CompanyFields::default()).unwrap().program()
}

macro_rules! sample {
    ($name:literal) => {
        include_bytes!(concat!("samples/", $name))
    };
}

#[test]
fn google_contacts_since_2024() {
    let rows = contacts(sample!("google.csv"));
    assert_eq!(
        rows[0],
        json!({
            "name": "Ann Marie Lee Jr.", "emails": ["ann@goo.example", "ann2@goo.example"],
            "phones": ["+62 812 1", "+62 812 2", "021 1"], "company_name": "Acme",
            "tags": ["Friends"],
            "custom_fields": { "job_title": "CEO", "birthday": "1990-01-02", "notes": "a\nnote",
                "nickname": "Annie", "name_prefix": "Dr.", "website_1": "https://acme.example",
                "address_1_city": "Jakarta", "Shoe size": "38" },
        })
    );
    assert_eq!(
        rows[1],
        json!({ "name": "Bob", "emails": ["main@goo.example", "bob@goo.example"] })
    );
}

#[test]
fn google_contacts_before_2024() {
    assert_eq!(
        contacts(sample!("google_old.csv")),
        [json!({
            "name": "Ann Lee", "emails": ["ann@old.example", "lee@old.example"],
            "phones": ["0812 1", "0812 2"], "company_name": "Acme", "tags": ["Friends"],
            "custom_fields": { "job_title": "CEO", "notes": "x" },
        })]
    );
}

#[test]
fn google_pairs_with_the_same_label_are_all_kept() {
    let rows = contacts(
        b"First Name,Birthday,E-mail 1 - Label,E-mail 1 - Value,Relation 1 - Label,Relation 1 - Value,\
        Relation 2 - Label,Relation 2 - Value,Custom Field 1 - Label,Custom Field 1 - Value\n\
        Ann,1990-01-02,,a@goo.example,Child,Bob,Child,Cid,birthday,unknown\n",
    );
    assert_eq!(
        rows[0]["custom_fields"],
        json!({ "birthday": "1990-01-02", "Child": "Bob", "Child 2": "Cid", "birthday 2": "unknown" })
    );
}

#[test]
fn a_salesforce_report_keeps_its_people_and_loses_its_footer() {
    let report = "Contact ID,First Name,Last Name,Account Name,Email,Email Opt Out,Lead Source\n\
        003A,Ann,Lee,Acme,info@acme.example,0,Web\n003B,Bob,Lee,Acme,info@acme.example,0,Web\n";
    for report in [report, &report.replace(",Lead Source", "").replace(",Web", "")] {
        assert_eq!(program(report), Some("Salesforce report"), "{report}");
        let rows = contacts(report.as_bytes());
        let ids: Vec<&Value> = rows.iter().map(|row| &row["external_id"]).collect();
        assert_eq!(ids, ["003A", "003B"]);
    }
    let with_footer = "Contact ID,First Name,Last Name,Title,Account Name,Phone,Email\n\
        003A,Ann,Lee,CEO,Acme,1,a@acme.example\n\nContacts\nCopyright (c) salesforce.com\n\
        \"Confidential Information - Do Not Distribute\"\n";
    assert_eq!(contacts(with_footer.as_bytes()).len(), 1);
    // Another program's report has a footer too; a single id is a contact.
    let unknown = "External ID,Name,Email\nA1,Ann,a@b.id\nA2\nPrinted on 1 May 2026\n";
    assert_eq!(contacts(unknown.as_bytes()).len(), 2);
    // Zoho has a key of its own beside the id of the contact.
    let zoho =
        "Record Id,Contact Name,Last Name,Email,Email Opt Out\nz1,Ann Lee,Lee,a@b.id,false\n";
    assert_eq!(program(zoho), Some("Zoho CRM"));
    let without_key = "Contact Id,Contact Owner.id,Last Name,Email\nz1,z9,Lee,a@b.id\n";
    assert_eq!(contacts(without_key.as_bytes())[0]["external_id"], "z1");
}

#[test]
fn outlook_writes_an_unset_date_as_zeros() {
    let rows = contacts(
        b"First Name,E-mail Address,E-mail 2 Address,Birthday,Anniversary\nAnn,a@b.id,,0/0/00,1/2/2020\n",
    );
    assert_eq!(rows[0]["custom_fields"], json!({ "anniversary": "1/2/2020" }));
}

#[test]
fn outlook() {
    assert_eq!(
        contacts(sample!("outlook.csv")),
        [
            json!({
                "name": "Ann Maria Lee", "emails": ["ann@out.example", "lee@out.example"],
                "phones": ["021 1", "021 2", "0812 1"], "company_name": "Acme",
                "tags": ["VIP", "Fair"],
                "custom_fields": { "title": "Mrs.", "job_title": "CEO", "department": "Board",
                    "business_street": "1 Street\r\nFloor 2", "business_fax": "021 9" },
            }),
            json!({ "name": "Bob Ray", "emails": ["bob@out.example"] }),
        ]
    );
}

#[test]
fn hubspot() {
    assert_eq!(
        contacts(sample!("hubspot.csv")),
        [json!({
            "external_id": "151", "name": "Ann Lee",
            "emails": ["ann@hub.example", "ann2@hub.example", "ann3@hub.example"],
            "phones": ["021 1", "0812 1"], "company_name": "Acme",
            "custom_fields": { "contact_owner": "Maya Sari", "lead_status": "Open",
                "lifecycle_stage": "Lead", "associated_company": "Acme Holding",
                "create_date": "2024-01-02 10:11" },
        })]
    );
}

#[test]
fn salesforce_report_without_its_footer() {
    let rows = contacts(sample!("salesforce_report.csv"));
    assert_eq!(rows.len(), 4, "the lines below the report are no contacts");
    assert_eq!(
        rows[0],
        json!({
            "external_id": "0035g00000AAA1", "name": "Ann Lee", "emails": ["ann@sf.example"],
            "phones": ["021 1", "0812 1"], "company_name": "Acme", "source": "Web",
            "custom_fields": { "account_id": "0015g00000ACC1" },
        })
    );
    assert_eq!(rows[3]["external_id"], "0035g00000AAA4");
}

#[test]
fn salesforce_data_export_without_deleted_records() {
    assert_eq!(
        contacts(sample!("salesforce_export.csv")),
        [json!({
            "external_id": "0035g00000AAA1AAB", "name": "Ann Lee", "emails": ["ann@sf.example"],
            "phones": ["021 1", "0812 1"], "source": "Web",
            "custom_fields": { "account_id": "0015g00000ACC1AAB", "owner_id": "0055g000001",
                "mailing_city": "Jakarta", "title": "CEO", "salutation": "Ms.",
                "created_date": "2024-01-02T10:11:12.000Z" },
        })]
    );
}

#[test]
fn pipedrive() {
    assert_eq!(
        contacts(sample!("pipedrive.csv")),
        [json!({
            "external_id": "12", "name": "Ann Lee",
            "emails": ["ann@pipe.example", "ann2@pipe.example", "home@pipe.example"],
            "phones": ["0812 12345", "021 12345"], "company_name": "Acme",
            "tags": ["Hot lead", "Customer"], "custom_fields": { "owner": "Maya Sari" },
        })]
    );
}

#[test]
fn zoho() {
    assert_eq!(
        contacts(sample!("zoho.csv")),
        [json!({
            "external_id": "zcrm_41508", "name": "Ann Lee",
            "emails": ["ann@zoho.example", "ann2@zoho.example"], "phones": ["021 1", "0812 1"],
            "company_name": "Acme", "source": "Fair", "tags": ["VIP", "Expo"],
            "custom_fields": { "contact_owner_id": "zcrm_1", "contact_owner": "Maya Sari",
                "account_name_id": "zcrm_2", "title": "CEO", "email_opt_out": "false",
                "created_time": "2024-01-02 10:11:12", "mailing_city": "Jakarta" },
        })]
    );
}

#[test]
fn mailchimp() {
    assert_eq!(
        contacts(sample!("mailchimp.csv")),
        [json!({
            "name": "Ann Lee", "emails": ["ann@mc.example"], "phones": ["0812 7"],
            "tags": ["VIP", "News letter"],
            "custom_fields": { "address": "1 Street  City", "birthday": "01/02",
                "member_rating": "2", "confirm_time": "2024-01-02 10:11:12" },
        })]
    );
}

#[test]
fn a_list_with_semicolons_in_utf_8_utf_16_and_windows_1252() {
    let text = std::str::from_utf8(sample!("semicolon.csv")).unwrap();
    let expected = [
        json!({ "name": "Änn Lée", "emails": ["semi1@enc.example"], "phones": ["0812"],
            "custom_fields": { "city": "Köln" } }),
        json!({ "name": "Bob", "emails": ["semi2@enc.example"], "phones": ["0813"],
            "custom_fields": { "city": "Paris" } }),
    ];
    assert_eq!(contacts(text.as_bytes()), expected);
    let utf_16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(contacts(&[&[0xff, 0xfe], utf_16.as_slice()].concat()), expected);
    assert_eq!(contacts(&encoding_rs::WINDOWS_1252.encode(text).0), expected);
    assert_eq!(contacts(format!("sep=;\r\n{text}").as_bytes()), expected);
    assert_eq!(contacts(text.replace(';', "\t").as_bytes()), expected);
}

#[test]
fn the_exports_of_this_service_in_both_languages() {
    for header in [
        "Contact ID,External ID,Name,Email,All emails,Phone,All phones,Company,Owner ID,Owner,\
         Assignee ID,Assignee,Team owner IDs,Team owners,Tags,Source,Created at,Updated at",
        "ID Kontak,ID Eksternal,Nama,Email,Semua email,Telepon,Semua telepon,Perusahaan,\
         ID Pemilik,Pemilik,ID Penanggung jawab,Penanggung jawab,ID Tim pemilik,Tim pemilik,Tag,\
         Sumber,Dibuat pada (Asia/Jakarta),Diperbarui pada (Asia/Jakarta)",
    ] {
        let id = "0190d1a2-7c3b-7abc-8def-0123456789ab";
        let row = format!(
            "{id},E-1,'=Danger,a@b.id,a@b.id; c@d.id,+62 812,+62 812; 021,Acme,{id},Maya,{id},\
             Adi,{id},Sales,vip; \"a; b\",Fair,2026-11-21 15:16:50,2026-11-21 15:16:50"
        );
        assert_eq!(
            contacts(format!("\u{feff}{header}\r\n{row}\r\n").as_bytes()),
            [json!({
                "id": id, "external_id": "E-1", "name": "=Danger", "emails": ["a@b.id", "c@d.id"],
                "phones": ["+62 812", "021"], "company_name": "Acme", "owner_id": id,
                "assignee_id": id, "team_owner_ids": [id], "tags": ["vip", "a; b"],
                "source": "Fair",
            })]
        );
    }
}

#[test]
fn programs_are_recognized_by_their_columns() {
    assert_eq!(program("Contact ID,Name,Email,Phone"), None);
    assert_eq!(program("Index,Customer Id,First Name,Last Name,Email"), None);
    assert_eq!(program("Contact ID,First Name,Account ID,Email"), Some("Salesforce report"));
    assert_eq!(program("Record ID,First Name,Email"), Some("HubSpot"));
    assert_eq!(program("Person - Name,Person - Email - Work"), Some("Pipedrive"));
}

#[test]
fn an_id_of_another_program_is_an_external_id_and_never_two_columns_one_value() {
    assert_eq!(
        contacts(b"Contact ID,Name\n17,Ann\n"),
        [json!({ "external_id": "17", "name": "Ann" })]
    );
    let csv = CsvText::open("Contact ID,External ID,Name\n17,E-1,Ann\n", None).unwrap();
    let mapping = Mapping::new(csv.headers(), &[], &CompanyFields::default()).unwrap();
    let error = mapping.row(&csv.rows().next().unwrap()).unwrap_err();
    assert_eq!(error, RowError::Id("Contact ID".to_owned()));
    let error = mapping_error("Customer ID,External ID,Name\n", &[]);
    assert!(error.contains("\"Customer ID\" and \"External ID\""), "{error}");
    let error = mapping_error("Email,Notes,Notes\n", &[]);
    assert!(error.contains("\"#2\" and \"#3\" are all mapped to custom.notes"), "{error}");
    let fixed = contacts_with(b"Email,Notes,Notes\na@b.id,x,y\n", &["#3=custom.more"]);
    assert_eq!(fixed[0]["custom_fields"], json!({ "notes": "x", "more": "y" }));
    let error = mapping_error("Email,Company,Company name\n", &[]);
    assert!(error.contains("company_name, which has one value"), "{error}");
}

#[test]
fn an_override_decides_and_a_wrong_one_is_refused() {
    let file = b"Ref,Wert = x,Email\n7,3,\n";
    let rows = contacts_with(file, &["Ref=external_id", "Wert = x=-", "#3=custom.mail"]);
    assert_eq!(rows, [json!({ "external_id": "7" })]);
    let error = mapping_error("Email\n", &["Emial=emails"]);
    assert!(error.contains("no column \"Emial\"; its columns are: Email"), "{error}");
    assert!(mapping_error("Email\n", &["Email=mail"]).contains("unknown field \"mail\""));
    assert!(mapping_error("Name\n", &[]).contains("no column was recognized as an id"));
}

#[test]
fn custom_fields_keep_the_keys_that_the_company_has() {
    let company = CompanyFields {
        custom_keys: ["Tier. Größe", "mobile", "Deal Stage", "Name"].map(str::to_owned).to_vec(),
        labels: vec![("Pelanggan".to_owned(), "name".to_owned())],
        ..CompanyFields::default()
    };
    let header = "Email,Tier. Größe,mobile,deal stage,custom.Name,Pelanggan\n";
    let csv = CsvText::open(header, None).unwrap();
    let mapping = Mapping::new(csv.headers(), &[], &company).unwrap();
    let fields: Vec<_> = mapping.columns().iter().map(Column::field).collect();
    let custom = ["custom.Tier. Größe", "custom.mobile", "custom.Deal Stage", "custom.Name"];
    assert_eq!(fields, [&["emails"], &custom[..], &["name"]].concat());
}

#[test]
fn rows_that_need_a_guess_are_errors() {
    let read = |text: &str| {
        let csv = CsvText::open(text, None).unwrap();
        let mapping = Mapping::new(csv.headers(), &[], &CompanyFields::default()).unwrap();
        let row = csv.rows().next().unwrap();
        mapping.row(&row).unwrap_err().to_string()
    };
    assert!(read("Name,Email\nAnn,,a@b.id\n").contains("has 3 cells, but the header has 2"));
    assert!(read("Name,Email,\nAnn,a@b.id,x\n").contains("column 3 has no name"));
    assert!(read("Email,Phone\na@b.id,6.28E+11\n").contains("Phone was rounded by a spreadsheet"));
    assert!(read("Name,Email\n\"Ann,a@b.id\n").contains("opens in line 2 is never closed"));
}
