//! The whole headers of the files that other programs export. Each column has one meaning, and no
//! two columns are taken for one field.

use super::*;

/// The fields of the columns that become no custom field and are not ignored, and the program.
fn mapped(header: &str) -> (Vec<String>, Option<&'static str>) {
    let csv = CsvText::open(header, None).unwrap();
    let mapping = Mapping::new(csv.headers(), &[], &CompanyFields::default())
        .unwrap_or_else(|error| panic!("{error}\n{header}"));
    let columns = mapping.columns().iter();
    let standard = columns.filter(|it| !it.field().starts_with("custom.") && it.field() != "-");
    let fields = standard.map(|it| format!("{} → {}", it.name, it.field())).collect();
    (fields, mapping.program())
}

#[test]
fn google_contacts() {
    let (fields, program) = mapped(
        "First Name,Middle Name,Last Name,Phonetic First Name,Phonetic Middle Name,Phonetic Last \
         Name,Name Prefix,Name Suffix,Nickname,File As,Organization Name,Organization Title,\
         Organization Department,Birthday,Notes,Photo,Labels,E-mail 1 - Label,E-mail 1 - Value,\
         E-mail 2 - Label,E-mail 2 - Value,Phone 1 - Label,Phone 1 - Value,Phone 2 - Label,Phone 2 \
         - Value,Address 1 - Label,Address 1 - Country,Address 1 - Street,Address 1 - Extended \
         Address,Address 1 - City,Address 1 - Region,Address 1 - Postal Code,Address 1 - PO Box,\
         Relation 1 - Label,Relation 1 - Value,Website 1 - Label,Website 1 - Value,Event 1 - Label,\
         Event 1 - Value,Custom Field 1 - Label,Custom Field 1 - Value\n",
    );
    assert_eq!(program, Some("Google Contacts"));
    assert_eq!(
        fields,
        [
            "First Name → first_name",
            "Middle Name → middle_name",
            "Last Name → last_name",
            "Name Suffix → name_suffix",
            "Organization Name → company_name",
            "Labels → tags",
            "E-mail 1 - Value → emails",
            "E-mail 2 - Value → emails",
            "Phone 1 - Value → phones",
            "Phone 2 - Value → phones",
        ]
    );
    let (fields, program) = mapped(
        "Name,Given Name,Additional Name,Family Name,Yomi Name,Given Name Yomi,Additional Name \
         Yomi,Family Name Yomi,Name Prefix,Name Suffix,Initials,Nickname,Short Name,Maiden Name,\
         Birthday,Gender,Location,Billing Information,Directory Server,Mileage,Occupation,Hobby,\
         Sensitivity,Priority,Subject,Notes,Language,Photo,Group Membership,E-mail 1 - Type,E-mail \
         1 - Value,E-mail 2 - Type,E-mail 2 - Value,IM 1 - Type,IM 1 - Service,IM 1 - Value,Phone 1 \
         - Type,Phone 1 - Value,Address 1 - Type,Address 1 - Formatted,Address 1 - Street,Address 1 \
         - City,Address 1 - PO Box,Address 1 - Region,Address 1 - Postal Code,Address 1 - Country,\
         Address 1 - Extended Address,Organization 1 - Type,Organization 1 - Name,Organization 1 - \
         Yomi Name,Organization 1 - Title,Organization 1 - Department,Organization 1 - Symbol,\
         Organization 1 - Location,Organization 1 - Job Description,Organization 2 - Name,Website 1 \
         - Type,Website 1 - Value\n",
    );
    assert_eq!(program, Some("Google Contacts"));
    assert_eq!(
        fields,
        [
            "Name → name",
            "Given Name → first_name",
            "Additional Name → middle_name",
            "Family Name → last_name",
            "Name Suffix → name_suffix",
            "Group Membership → tags",
            "E-mail 1 - Value → emails",
            "E-mail 2 - Value → emails",
            "Phone 1 - Value → phones",
            "Organization 1 - Name → company_name",
        ]
    );
}

#[test]
fn outlook_for_windows_and_on_the_web() {
    let names = [
        "First Name → first_name",
        "Middle Name → middle_name",
        "Last Name → last_name",
        "Suffix → name_suffix",
    ];
    let (fields, program) = mapped(
        "Title,First Name,Middle Name,Last Name,Suffix,Company,Department,Job Title,Business \
         Street,Business Street 2,Business City,Business State,Business Postal Code,Business \
         Country/Region,Home Street,Home City,Other Street,Assistant's Phone,Business Fax,Business \
         Phone,Business Phone 2,Callback,Car Phone,Company Main Phone,Home Fax,Home Phone,Home \
         Phone 2,ISDN,Mobile Phone,Other Fax,Other Phone,Pager,Primary Phone,Radio Phone,TTY/TDD \
         Phone,Telex,Account,Anniversary,Assistant's Name,Billing Information,Birthday,Business \
         Address PO Box,Categories,Children,Directory Server,E-mail Address,E-mail Type,E-mail \
         Display Name,E-mail 2 Address,E-mail 2 Type,E-mail 2 Display Name,E-mail 3 Address,E-mail \
         3 Type,E-mail 3 Display Name,Gender,Government ID Number,Hobby,Home Address PO Box,\
         Initials,Internet Free Busy,Keywords,Language,Location,Manager's Name,Mileage,Notes,Office \
         Location,Organizational ID Number,Other Address PO Box,Priority,Private,Profession,\
         Referred By,Sensitivity,Spouse,User 1,User 2,User 3,User 4,Web Page\n",
    );
    assert_eq!(program, Some("Outlook"));
    let phones = fields.iter().filter(|field| field.ends_with("→ phones")).count();
    let emails = fields.iter().filter(|field| field.ends_with("→ emails")).count();
    assert_eq!((fields.len(), phones, emails), (20, 11, 3), "{fields:#?}");
    assert_eq!(fields[..4], names);
    let (fields, program) = mapped(
        "First Name,Middle Name,Last Name,Title,Suffix,Nickname,Given Yomi,Surname Yomi,E-mail \
         Address,E-mail 2 Address,E-mail 3 Address,Home Phone,Home Phone 2,Business Phone,Business \
         Phone 2,Mobile Phone,Car Phone,Other Phone,Primary Phone,Pager,Business Fax,Home Fax,Other \
         Fax,Company Main Phone,Callback,Radio Phone,Telex,TTY/TDD Phone,IMAddress,Job Title,\
         Department,Company,Office Location,Manager's Name,Assistant's Name,Assistant's Phone,\
         Company Yomi,Business Street,Business City,Business State,Business Postal Code,Business \
         Country/Region,Home Street,Other Street,Personal Web Page,Spouse,Schools,Hobby,Location,Web \
         Page,Birthday,Anniversary,Notes\n",
    );
    assert_eq!(program, Some("Outlook"));
    assert_eq!(fields[..4], names);
}

#[test]
fn hubspot() {
    for id in ["Record ID", "Record ID - Contact"] {
        let (fields, program) = mapped(&format!(
            "{id},First Name,Last Name,Email,Phone Number,Mobile Phone Number,WhatsApp Phone \
             Number,Contact owner,Primary Associated Company ID,Last Activity Date (GMT+7),Lead \
             Status,Marketing contact status,Create Date (GMT+7),Email Domain,Additional email \
             addresses,Job Title,Company Name,Website URL,City,State/Region,Country/Region,Original \
             Source,Lifecycle Stage,Associated Company IDs,Associated Company,Associated Company IDs \
             (Primary),Associated Company (Primary)\n"
        ));
        assert_eq!(program, Some("HubSpot"));
        assert_eq!(
            fields,
            [
                &format!("{id} → external_id"),
                "First Name → first_name",
                "Last Name → last_name",
                "Email → emails",
                "Phone Number → phones",
                "Mobile Phone Number → phones",
                "WhatsApp Phone Number → phones",
                "Additional email addresses → emails",
                "Company Name → company_name",
            ]
        );
    }
}

#[test]
fn salesforce_reports_of_contacts_and_leads_and_the_data_export() {
    let (fields, program) = mapped(
        "Salutation,First Name,Last Name,Title,Account Name,Mailing Street,Mailing City,Mailing \
         State/Province,Mailing Zip/Postal Code,Mailing Country,Phone,Fax,Mobile,Email,Account \
         Owner\n",
    );
    assert_eq!(program, Some("Salesforce report"));
    assert_eq!(
        fields,
        [
            "First Name → first_name",
            "Last Name → last_name",
            "Account Name → company_name",
            "Phone → phones",
            "Mobile → phones",
            "Email → emails",
        ]
    );
    let (fields, program) = mapped(
        "Lead ID,First Name,Last Name,Title,Company / Account,Email,Phone,Lead Source,Street,City,\
         Rating,Lead Owner,Lead Status\n",
    );
    assert_eq!(program, Some("Salesforce report"));
    assert_eq!(
        fields,
        [
            "Lead ID → external_id",
            "First Name → first_name",
            "Last Name → last_name",
            "Company / Account → company_name",
            "Email → emails",
            "Phone → phones",
            "Lead Source → source",
        ]
    );
    let (fields, program) = mapped(
        "ID,ISDELETED,MASTERRECORDID,ACCOUNTID,LASTNAME,FIRSTNAME,SALUTATION,MIDDLENAME,SUFFIX,\
         NAME,OTHERSTREET,OTHERCITY,MAILINGSTREET,MAILINGCITY,MAILINGSTATE,MAILINGPOSTALCODE,\
         MAILINGCOUNTRY,PHONE,FAX,MOBILEPHONE,HOMEPHONE,OTHERPHONE,ASSISTANTPHONE,REPORTSTOID,\
         EMAIL,TITLE,DEPARTMENT,ASSISTANTNAME,LEADSOURCE,BIRTHDATE,DESCRIPTION,OWNERID,CREATEDDATE,\
         CREATEDBYID,LASTMODIFIEDDATE,LASTMODIFIEDBYID,SYSTEMMODSTAMP,LASTACTIVITYDATE,\
         LASTCUREQUESTDATE,LASTCUUPDATEDATE,EMAILBOUNCEDREASON,EMAILBOUNCEDDATE,JIGSAW,LEVEL__C\n",
    );
    assert_eq!(program, Some("Salesforce data export"));
    assert_eq!(
        fields,
        [
            "ID → external_id",
            "ISDELETED → deleted",
            "LASTNAME → last_name",
            "FIRSTNAME → first_name",
            "MIDDLENAME → middle_name",
            "SUFFIX → name_suffix",
            "NAME → name",
            "PHONE → phones",
            "MOBILEPHONE → phones",
            "HOMEPHONE → phones",
            "OTHERPHONE → phones",
            "EMAIL → emails",
            "LEADSOURCE → source",
        ]
    );
}

#[test]
fn pipedrive() {
    let (fields, program) = mapped(
        "Person - Name,Person - First name,Person - Last name,Person - Labels,Person - \
         Organization,Person - Email - Work,Person - Email - Home,Person - Email - Other,Person - \
         Phone - Work,Person - Phone - Home,Person - Phone - Mobile,Person - Phone - Other,Person - \
         Open deals,Person - Next activity date,Person - Owner,Person - ID,Person - Person created,\
         Person - Update time,Person - Visible to,Person - Marketing status,Organization - Name,\
         Organization - Address\n",
    );
    assert_eq!(program, Some("Pipedrive"));
    assert_eq!(
        fields,
        [
            "Person - Name → name",
            "Person - First name → first_name",
            "Person - Last name → last_name",
            "Person - Labels → tags",
            "Person - Organization → company_name",
            "Person - Email - Work → emails",
            "Person - Email - Home → emails",
            "Person - Email - Other → emails",
            "Person - Phone - Work → phones",
            "Person - Phone - Home → phones",
            "Person - Phone - Mobile → phones",
            "Person - Phone - Other → phones",
            "Person - ID → external_id",
        ]
    );
}

#[test]
fn zoho_contacts_and_leads() {
    let (fields, program) = mapped(
        "Record Id,Contact Owner.id,Contact Owner,Lead Source,First Name,Last Name,Account Name.id,\
         Account Name,Vendor Name.id,Vendor Name,Email,Title,Department,Phone,Home Phone,Other \
         Phone,Fax,Mobile,Date of Birth,Assistant,Asst Phone,Email Opt Out,Skype ID,Created By.id,\
         Created By,Modified By.id,Modified By,Created Time,Modified Time,Salutation,Secondary Email,\
         Last Activity Time,Twitter,Reporting To.id,Reporting To,Unsubscribed Mode,Unsubscribed \
         Time,Mailing Street,Other Street,Mailing City,Other City,Mailing State,Mailing Zip,\
         Mailing Country,Description,Tag,Change Log Time,Locked\n",
    );
    assert_eq!(program, Some("Zoho CRM"));
    assert_eq!(
        fields,
        [
            "Record Id → external_id",
            "Lead Source → source",
            "First Name → first_name",
            "Last Name → last_name",
            "Account Name → company_name",
            "Email → emails",
            "Phone → phones",
            "Home Phone → phones",
            "Other Phone → phones",
            "Mobile → phones",
            "Secondary Email → emails",
            "Tag → tags",
        ]
    );
    let (fields, program) = mapped(
        "Record Id,Lead Owner.id,Lead Owner,Company,First Name,Last Name,Lead Name,Title,Email,\
         Phone,Mobile,Lead Source,Lead Status,Created By.id,Created By,Modified By.id,Modified By,\
         Email Opt Out,Tag\n",
    );
    assert_eq!(program, Some("Zoho CRM"));
    assert_eq!(fields[..2], ["Record Id → external_id", "Company → company_name"]);
    assert_eq!(fields[4], "Lead Name → name");
}

#[test]
fn mailchimp() {
    let (fields, program) = mapped(
        "Email Address,First Name,Last Name,Address,Phone Number,Birthday,Company,MEMBER_RATING,\
         OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,LATITUDE,LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,\
         REGION,LAST_CHANGED,LEID,EUID,NOTES,TAGS\n",
    );
    assert_eq!(program, Some("Mailchimp"));
    assert_eq!(
        fields,
        [
            "Email Address → emails",
            "First Name → first_name",
            "Last Name → last_name",
            "Phone Number → phones",
            "Company → company_name",
            "TAGS → tags",
        ]
    );
}

#[test]
fn lists_and_outlook_files_in_other_languages() {
    let all = ["first_name", "last_name", "company_name", "phones", "phones", "emails"];
    for header in [
        "Vorname;Nachname;Firma;Telefon geschäftlich;Mobiltelefon;E-Mail-Adresse\n",
        "Vorname;Name;Unternehmen;Telefon;Handy;E-Mail\n",
        "Prénom;Nom;Société;Téléphone (bureau);Tél. mobile;Adresse de messagerie\n",
        "Nombre;Apellidos;Empresa;Teléfono;Móvil;Correo electrónico\n",
        "Voornaam;Achternaam;Bedrijf;Telefoon op werk;Mobiele telefoon;E-mailadres\n",
        "Nome;Sobrenome;Empresa;Telefone;Celular;Endereço de e-mail\n",
        "Nama depan;Nama belakang;Perusahaan;Telepon kantor;Telepon seluler;Alamat email\n",
    ] {
        let (fields, _) = mapped(header);
        let fields = fields.iter().filter_map(|it| it.split_once(" → "));
        assert_eq!(fields.map(|(_, field)| field).collect::<Vec<_>>(), all, "{header}");
    }
}

/// The field of each name of a column, alone with a key.
fn field(name: &str) -> String {
    let header = format!("\"{name}\",Customer ID\n");
    let csv = CsvText::open(&header, None).unwrap();
    let mapping = Mapping::new(csv.headers(), &[], &CompanyFields::default()).unwrap();
    mapping.columns()[0].field()
}

#[test]
fn usual_names_in_each_language() {
    for (expected, names) in [
        (
            "phones",
            &[
                "Telephone Number",
                "Contact Number",
                "Phone No.",
                "Mobile No",
                "Cell Number",
                "Phone (main)",
                "Work Mobile",
                "Alternate phone 2",
                "Telpon",
                "No. Handphone",
                "No. WhatsApp",
                "Nomor Telepon Kantor",
                "Rufnummer",
                "Telefon-Nr. privat",
                "Handy 2",
                "N° de téléphone",
                "Tél.",
                "Téléphone portable",
                "Número de teléfono",
                "NUMERO DE TELEFONO",
                "Teléfono celular",
                "Nº de teléfono",
                "Número de telefone",
                "Telefone celular",
                "Mobiel nummer",
                "Telefoon zakelijk",
                "Telefono cellulare",
                "Numero di telefono ufficio",
                "Telefon komórkowy",
                "Nr telefonu",
                "Số điện thoại",
                "So\u{302}\u{301} điện thoại",
                "Điện thoại di động",
                "SĐT",
            ][..],
        ),
        (
            "emails",
            &[
                "Email ID",
                "Contact Email",
                "E-mail (private)",
                "Customer E-Mail Address",
                "Surel pribadi",
                "E-Mail geschäftlich",
                "E-Mail privat",
                "Courriel professionnel",
                "Correo electrónico del trabajo",
                "Correio eletrônico",
                "E-mailadres werk",
                "Indirizzo e-mail",
                "Adres e-mail",
                "Địa chỉ email",
            ],
        ),
        (
            "name",
            &[
                "Customer Name",
                "Nama Pelanggan",
                "Naam",
                "Nom et prénom",
                "Nombre y apellidos",
                "Imię i nazwisko",
                "Họ và tên",
                "Ho va ten",
            ],
        ),
        ("first_name", &["FNAME", "Imię", "Tên", "Primeiro nome"]),
        ("middle_name", &["Tussenvoegsel", "Tên đệm"]),
        ("last_name", &["LNAME", "Nazwisko", "Họ", "Último nome"]),
        (
            "company_name",
            &[
                "Bedrijfsnaam",
                "Firmenname",
                "Nom de la société",
                "Nombre de la empresa",
                "Nome da empresa",
                "Ragione sociale",
                "Nazwa firmy",
                "Công ty",
                "Nama usaha",
            ],
        ),
        // Words that only look like such names.
        ("custom.directmail", &["Directmail"]),
        ("custom.customer_number", &["Customer Number"]),
        ("custom.home_fax", &["Home Fax"]),
        ("custom.ten", &["Ten"]),
        ("custom.hotel", &["Hotel"]),
    ] {
        for name in names {
            assert_eq!(field(name), expected, "{name}");
        }
    }
}

#[test]
fn a_second_word_for_the_company_or_the_name_is_a_custom_field() {
    let (fields, _) = mapped("Empresa;Razón social;Correo\n");
    assert_eq!(fields, ["Empresa → company_name", "Correo → emails"]);
    for (header, name) in [
        ("Customer Name,Name,Email\n", "Name → name"),
        ("Customer Name,Client Name,Email\n", "Customer Name → name"),
        ("Kundenname,Nachname,Email\n", "Nachname → last_name"),
    ] {
        let (fields, _) = mapped(header);
        assert_eq!(fields, [name, "Email → emails"], "{header}");
    }
    let (fields, _) = mapped("Voornaam;Naam;E-mailadres\n");
    assert_eq!(fields[..2], ["Voornaam → first_name", "Naam → last_name"]);
}
