//! What a column can contain, and how its name is looked up. Names are compared without case, spaces
//! and punctuation.

use crate::contact::Extent;

/// Names of columns, and what these columns contain.
pub(super) type Names = &'static [(&'static [&'static str], Known)];

/// What the cells of a column contain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Known {
    /// An id: of this service if it is a UUID of version 7, otherwise of another program.
    Id,
    /// The id of another program.
    ExternalId,
    /// The whole name.
    Name,
    /// The whole name, unless other columns have it or its parts. In a list of companies, it is
    /// the name of the company.
    OtherName,
    /// A part of the name.
    Part(NamePart),
    /// Email addresses.
    Emails(Extent),
    /// Phone numbers.
    Phones(Extent),
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

/// The meaning of a name in the first table that has it, with or without its number.
pub(super) fn look_up(tables: &[Names], name: &str) -> Option<Known> {
    find_numbered(name, |name| {
        let mut rows = tables.iter().flat_map(|table| table.iter());
        rows.find(|(names, _)| names.contains(&name)).map(|(_, known)| *known)
    })
}

/// What `find` knows of a name, or of the name without its number.
pub(super) fn find_numbered(name: &str, find: impl Fn(&str) -> Option<Known>) -> Option<Known> {
    find(name).or_else(|| {
        let unnumbered: String = name.chars().filter(|c| !c.is_numeric()).collect();
        let is_numbered = unnumbered.len() < name.len() && !unnumbered.is_empty();
        match find(&unnumbered).filter(|_| is_numbered)? {
            Known::Emails(_) => Some(Known::Emails(Extent::Any)),
            Known::Phones(_) => Some(Known::Phones(Extent::Any)),
            known @ (Known::Tags | Known::Ignored) => Some(known),
            _ => None,
        }
    })
}
