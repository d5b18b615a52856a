//! What the columns of known programs contain, by their names.
//!
//! The names are those of the exports of Google Contacts (before and since 2024), Outlook, HubSpot,
//! Salesforce (reports and data export), Pipedrive, Zoho, Mailchimp, and of files that people write
//! themselves, in English and Indonesian. Names are compared without case, spaces and punctuation,
//! so that `E-mail 1 - Value`, `MAILINGSTREET` and `First Name` need no special rule.

/// What the cells of a column contain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Known {
    /// An id: of this service if it is a UUID, otherwise of another program.
    Id,
    /// The id of another program.
    ExternalId,
    /// The whole name.
    Name,
    /// A part of the name.
    Part(NamePart),
    /// Email addresses.
    Emails,
    /// Phone numbers.
    Phones,
    /// The name of the company.
    CompanyName,
    /// The company, unless another column has it.
    OtherCompanyName,
    /// Where the contact came from.
    Source,
    /// Tags.
    Tags,
    /// The SSO id of the owner.
    OwnerId,
    /// The SSO id of the assignee.
    AssigneeId,
    /// The ids of the owning teams.
    TeamOwnerIds,
    /// Whether the record is deleted in the other program.
    Deleted,
    /// A custom field with this key.
    Custom(&'static str),
    /// Something that the service computes, or that only the other program can use.
    Ignored,
}

/// A part of a name, in the order in which the parts are joined.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum NamePart {
    /// The first name.
    First,
    /// The middle name.
    Middle,
    /// The last name.
    Last,
    /// What follows the name, such as "Jr.".
    Suffix,
}

/// A program whose files have columns with a meaning of their own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Program {
    Google,
    Outlook,
    HubSpot,
    SalesforceReport,
    SalesforceDataExport,
    Pipedrive,
    Zoho,
    Mailchimp,
}

use Known::{
    AssigneeId, CompanyName, Custom, Emails, ExternalId, Id, Ignored, Name, OtherCompanyName,
    OwnerId, Part, Phones, Source, Tags, TeamOwnerIds,
};

/// The meaning of names in all files.
const COLUMNS: &[(&[&str], Known)] = &[
    (&["id", "contactid", "idkontak"], Id),
    (
        &[
            "externalid",
            "ideksternal",
            "customerid",
            "recordid",
            "recordidcontact",
            "clientid",
            "idpelanggan",
        ],
        ExternalId,
    ),
    (&["name", "fullname", "contactname", "displayname", "nama", "namalengkap"], Name),
    (&["firstname", "givenname", "forename", "namadepan"], Part(NamePart::First)),
    (&["middlename", "additionalname", "namatengah"], Part(NamePart::Middle)),
    (&["lastname", "familyname", "surname", "namabelakang"], Part(NamePart::Last)),
    (&["suffix", "namesuffix"], Part(NamePart::Suffix)),
    (
        &[
            "email",
            "emails",
            "emailaddress",
            "emailaddresses",
            "mail",
            "allemails",
            "semuaemail",
            "surel",
            "alamatemail",
            "emailvalue",
            "workemail",
            "homeemail",
            "otheremail",
            "personalemail",
            "privateemail",
            "businessemail",
            "primaryemail",
            "secondaryemail",
            "additionalemail",
            "additionalemails",
            "additionalemailaddresses",
            "additionalemailaddressessemicolonseparated",
            "alternateemail",
            "emailwork",
            "emailhome",
            "emailother",
        ],
        Emails,
    ),
    (
        &[
            "phone",
            "phones",
            "phonenumber",
            "phonenumbers",
            "telephone",
            "tel",
            "allphones",
            "semuatelepon",
            "telepon",
            "nomortelepon",
            "notelepon",
            "notelp",
            "telp",
            "phonevalue",
            "mobile",
            "mobilephone",
            "mobilenumber",
            "mobilephonenumber",
            "cell",
            "cellphone",
            "handphone",
            "nohp",
            "nomorhp",
            "hp",
            "whatsapp",
            "nowa",
            "whatsappphonenumber",
            "whatsappnumber",
            "homephone",
            "workphone",
            "businessphone",
            "otherphone",
            "primaryphone",
            "companyphone",
            "companymainphone",
            "teleponkantor",
            "teleponrumah",
            "teleponseluler",
            "ponsel",
            "nomorponsel",
            "nomorwhatsapp",
            "carphone",
            "radiophone",
            "callback",
            "phonework",
            "phonehome",
            "phonemobile",
            "phoneother",
        ],
        Phones,
    ),
    (
        &[
            "company",
            "companyname",
            "organization",
            "organisation",
            "organizationname",
            "organization1name",
            "accountname",
            "perusahaan",
            "namaperusahaan",
        ],
        CompanyName,
    ),
    (
        &["associatedcompany", "primaryassociatedcompany", "companyaccount", "employer"],
        OtherCompanyName,
    ),
    (&["source", "sumber", "leadsource"], Source),
    (&["tag", "tags", "label", "labels", "categories", "groupmembership", "groups"], Tags),
    (&["ownerid", "idpemilik"], OwnerId),
    (&["assigneeid", "idpenanggungjawab"], AssigneeId),
    (&["teamownerids", "idtimpemilik"], TeamOwnerIds),
    // What this service computes, and the columns that it adds to a file of rejected rows.
    (
        &[
            "owner",
            "pemilik",
            "ownername",
            "assignee",
            "penanggungjawab",
            "assigneename",
            "teamowners",
            "timpemilik",
            "teamownernames",
            "createdat",
            "dibuatpada",
            "updatedat",
            "diperbaruipada",
            "version",
            "permission",
            "importrow",
            "importline",
            "importerror",
        ],
        Ignored,
    ),
    (&["index", "no"], Ignored),
];

const GOOGLE: &[(&[&str], Known)] = &[
    (
        &[
            "photo",
            "fileas",
            "initials",
            "shortname",
            "emaillabel",
            "emailtype",
            "phonelabel",
            "phonetype",
        ],
        Ignored,
    ),
    (&["organization1title", "organizationtitle"], Custom("job_title")),
    (&["organization1department", "organizationdepartment"], Custom("department")),
];

const OUTLOOK: &[(&[&str], Known)] = &[(
    &["emailtype", "emaildisplayname", "initials", "private", "priority", "sensitivity"],
    Ignored,
)];

/// Fields of every Salesforce object. In a data export, names have no spaces and may be in capitals.
const SALESFORCE: &[(&[&str], Known)] = &[
    (&["id", "contactid", "leadid", "contactid18", "casesafeid"], ExternalId),
    (&["isdeleted"], Known::Deleted),
    (&["ownerid"], Custom("owner_id")),
    (&["accountid"], Custom("account_id")),
    (&["reportstoid"], Custom("reports_to_id")),
    (&["mailingstreet"], Custom("mailing_street")),
    (&["mailingcity"], Custom("mailing_city")),
    (&["mailingstate", "mailingstateprovince"], Custom("mailing_state")),
    (&["mailingpostalcode", "mailingzippostalcode"], Custom("mailing_postal_code")),
    (&["mailingcountry"], Custom("mailing_country")),
    (&["otherstreet"], Custom("other_street")),
    (&["othercity"], Custom("other_city")),
    (&["otherstate", "otherstateprovince"], Custom("other_state")),
    (&["otherpostalcode", "otherzippostalcode"], Custom("other_postal_code")),
    (&["othercountry"], Custom("other_country")),
    (&["assistantname"], Custom("assistant_name")),
    (&["assistantphone"], Custom("assistant_phone")),
    (&["createddate"], Custom("created_date")),
    (&["lastactivitydate"], Custom("last_activity_date")),
    (&["hasoptedoutofemail", "emailoptout"], Custom("email_opt_out")),
    (&["donotcall"], Custom("do_not_call")),
    (
        &[
            "masterrecordid",
            "createdbyid",
            "lastmodifieddate",
            "lastmodifiedbyid",
            "systemmodstamp",
            "lastvieweddate",
            "lastreferenceddate",
            "lastcurequestdate",
            "lastcuupdatedate",
            "isemailbounced",
            "emailbouncedreason",
            "emailbounceddate",
            "photourl",
            "jigsaw",
            "jigsawcontactid",
            "cleanstatus",
            "individualid",
            "mailinglatitude",
            "mailinglongitude",
            "mailinggeocodeaccuracy",
            "otherlatitude",
            "otherlongitude",
            "othergeocodeaccuracy",
        ],
        Ignored,
    ),
];

const PIPEDRIVE: &[(&[&str], Known)] = &[
    (&["id"], ExternalId),
    (&["owner", "ownername"], Custom("owner")),
    (&["personcreated", "addtime"], Custom("person_created")),
    (
        &[
            "closeddeals",
            "opendeals",
            "wondeals",
            "lostdeals",
            "totalactivities",
            "doneactivities",
            "activitiestodo",
            "emailmessagescount",
            "updatetime",
            "visibleto",
            "profilepicture",
            "nextactivitydate",
            "lastactivitydate",
            "lastemailreceived",
            "lastemailsent",
        ],
        Ignored,
    ),
];

const ZOHO: &[(&[&str], Known)] = &[
    (&["recordid"], ExternalId),
    (&["leadname"], Name),
    (&["contactid"], Custom("contact_id")),
    (&["dateofbirth"], Custom("date_of_birth")),
    (
        &[
            "createdbyid",
            "createdby",
            "modifiedbyid",
            "modifiedby",
            "modifiedtime",
            "lastactivitytime",
            "layoutid",
            "layout",
            "locked",
            "recordimage",
            "userid",
            "unsubscribedmode",
            "unsubscribedtime",
            "changelogtime",
            "recordstatus",
        ],
        Ignored,
    ),
];

const MAILCHIMP: &[(&[&str], Known)] = &[(
    &[
        "latitude",
        "longitude",
        "gmtoff",
        "dstoff",
        "timezone",
        "cc",
        "region",
        "lastchanged",
        "leid",
        "euid",
    ],
    Ignored,
)];

impl Program {
    /// Recognizes the program by columns that no other program has.
    pub(super) fn recognize(squashed: &[&str]) -> Option<Self> {
        let has = |name: &str| squashed.contains(&name);
        let any = |names: &[&str]| names.iter().any(|name| has(name));
        let all = |names: &[&str]| names.iter().all(|name| has(name));
        if any(&["email1value", "phone1value", "groupmembership", "organization1name"])
            || all(&["labels", "fileas"])
        {
            Some(Self::Google)
        } else if any(&["isdeleted", "systemmodstamp", "masterrecordid"]) {
            Some(Self::SalesforceDataExport)
        } else if any(&["leid", "euid", "memberrating", "optintime"]) {
            Some(Self::Mailchimp)
        } else if squashed.iter().any(|it| it.starts_with("person") && it.len() > "person".len())
            && any(&[
                "personname",
                "personid",
                "personemail",
                "personemailwork",
                "personorganization",
            ])
        {
            Some(Self::Pipedrive)
        } else if (any(&["contactownerid", "accountnameid", "modifiedbyid"])
            // Salesforce reports can have this column too.
            || has("emailoptout") && (has("recordid") || !has("contactid")))
            && any(&["recordid", "contactname", "lastname", "fullname"])
            && !has("accountid")
        {
            Some(Self::Zoho)
        } else if any(&["accountid", "casesafeid", "contactid18", "leadid", "leadsource"])
            && any(&["contactid", "contactid18", "casesafeid", "leadid"])
            || all(&["accountname", "mailingzippostalcode"])
            || all(&["accountname", "mailingstateprovince"])
            || all(&["accountname", "contactid"])
        {
            Some(Self::SalesforceReport)
        } else if has("recordid") || has("recordidcontact") {
            Some(Self::HubSpot)
        } else if has("emailaddress")
            && any(&[
                "email2address",
                "emaildisplayname",
                "businessphone",
                "givenyomi",
                "categories",
            ])
        {
            Some(Self::Outlook)
        } else {
            None
        }
    }

    /// The name of the program.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Google => "Google Contacts",
            Self::Outlook => "Outlook",
            Self::HubSpot => "HubSpot",
            Self::SalesforceReport => "Salesforce report",
            Self::SalesforceDataExport => "Salesforce data export",
            Self::Pipedrive => "Pipedrive",
            Self::Zoho => "Zoho CRM",
            Self::Mailchimp => "Mailchimp",
        }
    }

    fn columns(self) -> &'static [(&'static [&'static str], Known)] {
        match self {
            Self::Google => GOOGLE,
            Self::Outlook => OUTLOOK,
            Self::SalesforceReport | Self::SalesforceDataExport => SALESFORCE,
            Self::Pipedrive => PIPEDRIVE,
            Self::Zoho => ZOHO,
            Self::Mailchimp => MAILCHIMP,
            Self::HubSpot => &[],
        }
    }
}

/// What a column with this name contains in a file of the program; `None` if the name is unknown.
/// A number in the name of a column with several values, as in `Phone 2`, does not count.
pub(super) fn known(squashed: &str, program: Option<Program>) -> Option<Known> {
    let name = match program {
        Some(Program::Pipedrive) => squashed.strip_prefix("person").unwrap_or(squashed),
        _ => squashed,
    };
    // Pipedrive's columns of the organization, other than its name, are not about the person.
    if program == Some(Program::Pipedrive) && squashed == "organizationname" {
        return Some(OtherCompanyName);
    }
    look_up(&[program.map_or(&[][..], Program::columns), COLUMNS], name)
}

/// The meaning of a name in the first table that has it, with or without its number.
pub(super) fn look_up(tables: &[&[(&[&str], Known)]], name: &str) -> Option<Known> {
    let find = |name: &str| {
        let mut rows = tables.iter().flat_map(|table| table.iter());
        rows.find(|(names, _)| names.contains(&name)).map(|(_, known)| *known)
    };
    find(name).or_else(|| {
        let unnumbered: String = name.chars().filter(|c| !c.is_numeric()).collect();
        let several = |known: &Known| matches!(known, Emails | Phones | Tags | Ignored);
        let is_numbered = unnumbered.len() < name.len() && !unnumbered.is_empty();
        find(&unnumbered).filter(|known| is_numbered && several(known))
    })
}
