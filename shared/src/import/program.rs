//! What the columns of known programs contain, by their names.
//!
//! The names are those of the exports of Google Contacts (before and since 2024), Outlook, HubSpot,
//! Salesforce (reports and data export), Pipedrive, Zoho and Mailchimp. Names are compared without
//! case, spaces and punctuation, so that `E-mail 1 - Value`, `MAILINGSTREET` and `First Name` need no
//! special rule.

use super::{
    known::{
        Known::{self, Custom, ExternalId, Ignored, Name, OtherCompanyName},
        Names, look_up,
    },
    usual::COLUMNS,
};

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

const GOOGLE: Names = &[
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

const OUTLOOK: Names = &[(
    &["emailtype", "emaildisplayname", "initials", "private", "priority", "sensitivity"],
    Ignored,
)];

/// Fields of every Salesforce object. In a data export, names have no spaces and may be in capitals.
const SALESFORCE: Names = &[
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

const PIPEDRIVE: Names = &[
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

const ZOHO: Names = &[
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

const MAILCHIMP: Names = &[(
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

    fn columns(self) -> Names {
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
    // Pipedrive's columns of the organization, other than its name, are not about the person.
    if program == Some(Program::Pipedrive) && squashed == "organizationname" {
        return Some(OtherCompanyName);
    }
    look_up(&[program.map_or(&[], Program::columns), COLUMNS], bare(squashed, program))
}

/// The name of a column without what the program puts before each name.
pub(super) fn bare(squashed: &str, program: Option<Program>) -> &str {
    match program {
        Some(Program::Pipedrive) => squashed.strip_prefix("person").unwrap_or(squashed),
        _ => squashed,
    }
}
