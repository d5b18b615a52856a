use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use shared::{
    access::AccessError,
    directory::{DirectoryError, Person},
    entry::{
        Failure, Reply,
        http::Request,
        page::{self, once},
    },
    id::UserId,
    identity::{Permission, Viewer},
    note::event,
};

use crate::App;

/// Where Launchpad begins to count pages.
const FIRST_PAGE: u32 = 1;
/// The people of one page.
const PAGE: u32 = 25;
/// The most of Launchpad's pages that are read for one of ours, where whole pages of people are
/// inactive; then a page is short and has a cursor.
const MAX_READS: u32 = 4;
/// The most characters of a query.
const MAX_QUERY: usize = 100;

/// Somebody who can be mentioned (PRD NOTE-MENTION-S01).
#[derive(Debug, Serialize)]
struct Candidate {
    sso_id: UserId,
    full_name: Option<String>,
    display_name: String,
    email: String,
    avatar: Option<String>,
}

impl From<Person> for Candidate {
    fn from(person: Person) -> Self {
        Self {
            sso_id: person.sso_id,
            display_name: person.display_name().to_owned(),
            full_name: person.full_name,
            email: person.email,
            avatar: person.avatar,
        }
    }
}

/// What is typed behind the `@`, and the page of Launchpad's to begin with.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Search {
    query: String,
    page: u32,
}

/// Some candidates, and the page to go on with.
struct Found {
    people: Vec<Candidate>,
    next: Option<u32>,
}

/// Answers the active users of the company whose name or email matches.
///
/// # Errors
/// 404 while the flag is off, 403 without a permission to write notes, 503 in Launchpad's trouble.
pub(crate) async fn search(app: &App, request: &Request) -> Result<Reply, Failure> {
    let viewer = request.viewer()?;
    let wanted = Search::from_query(request.query())?;
    // Nothing of the people found is answered before the session says that it may be.
    let (opened, found) =
        tokio::join!(app.authority.session(viewer, &[]), candidates(app, viewer, wanted));
    let session = opened.inspect_err(|error| {
        if let AccessError::Directory(_) = error {
            event::note_mention_picker_failed(viewer);
        }
    })?;
    crate::check(&session, &[Permission::AddNotes, Permission::ManageNotes])?;
    let found = found.inspect_err(|_| event::note_mention_picker_failed(viewer))?;
    Ok(Reply::ok(&found.people)?.with_meta("next_cursor", found.next.map(encode)))
}

async fn candidates(
    app: &App,
    viewer: &Viewer,
    Search { query, mut page }: Search,
) -> Result<Found, DirectoryError> {
    let mut people: Vec<Candidate> = Vec::new();
    for _ in 0..MAX_READS {
        let directory = &app.services.directory;
        let answer = directory.search_people(&viewer.company, &query, page, PAGE).await?;
        people.extend(answer.people.into_iter().filter(Person::is_active).map(Into::into));
        if !answer.more {
            return Ok(Found { people, next: None });
        }
        page = page.saturating_add(1);
        if !people.is_empty() {
            break;
        }
    }
    Ok(Found { people, next: Some(page) })
}

impl Search {
    /// The parameters of the query, each given once at most.
    fn from_query(parameters: &[(String, String)]) -> Result<Self, Failure> {
        let (mut query, mut page) = (None, None);
        for (name, value) in parameters {
            match name.as_str() {
                "query" => once(&mut query, name, value.trim())?,
                "cursor" => once(&mut page, name, page::begin(value, decode)?)?,
                _ => return Err(Failure::invalid(name, "unknown query parameter")),
            }
        }
        let query = query.unwrap_or_default().to_owned();
        if query.chars().count() > MAX_QUERY {
            let reason = format_args!("must be at most {MAX_QUERY} characters long");
            return Err(Failure::invalid("query", reason));
        }
        Ok(Self { query, page: page.flatten().unwrap_or(FIRST_PAGE) })
    }
}

/// A page's number as an opaque cursor; it says nothing of what the viewer may see.
fn encode(page: u32) -> String {
    URL_SAFE_NO_PAD.encode(page.to_be_bytes())
}

fn decode(text: &str) -> Option<u32> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let page = u32::from_be_bytes(bytes.try_into().ok()?);
    (page > FIRST_PAGE).then_some(page)
}

#[cfg(test)]
mod tests {
    use shared::entry::Code;

    use super::*;

    fn parameters(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_search_begins_with_the_first_page_and_goes_on_by_its_cursor() {
        let first = Search::from_query(&parameters(&[("query", " bu "), ("cursor", "")])).unwrap();
        assert_eq!(first, Search { query: "bu".to_owned(), page: 1 });
        let next = Search::from_query(&parameters(&[("cursor", &encode(2))])).unwrap();
        assert_eq!(next, Search { query: String::new(), page: 2 });
    }

    #[test]
    fn a_doubled_parameter_is_400_naming_it() {
        for (name, value) in [("query", "bu"), ("cursor", "")] {
            let failure = Search::from_query(&parameters(&[(name, value); 2])).unwrap_err();
            assert_eq!(failure.code(), Code::InvalidRequest);
            assert_eq!(failure.message(), format!("{name}: must be given only once"));
        }
    }

    #[test]
    fn what_is_no_search_is_400_naming_the_parameter() {
        let long = "x".repeat(MAX_QUERY + 1);
        for (name, value) in [
            ("query", long.as_str()),
            ("cursor", "tampered"),
            ("cursor", "AAAAAQ"),
            ("cursor", "AAAAAAA"),
            ("page", "2"),
        ] {
            let failure = Search::from_query(&parameters(&[(name, value)])).unwrap_err();
            assert_eq!(failure.code(), Code::InvalidRequest, "{name}={value}");
            assert!(failure.message().starts_with(name), "{}", failure.message());
        }
    }
}
