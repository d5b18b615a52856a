use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use shared::{
    access::AccessError,
    directory::{DirectoryError, Person},
    entry::{
        Failure, Reply,
        http::Request,
        page::{self, set_once},
    },
    id::UserId,
    identity::{Permission, Viewer},
    note::event,
};

use crate::App;

/// The number of the first page in Launchpad.
const FIRST_PAGE: u32 = 1;
/// The page size of Launchpad requests.
const PAGE: u32 = 25;
/// The maximum number of Launchpad pages that are read for one page of the response. If all people
/// on these pages are inactive, the page of the response is empty but has a cursor.
const MAX_READS: u32 = 4;
/// The maximum length of a query, in characters.
const MAX_QUERY: usize = 100;

/// A person who can be mentioned (PRD NOTE-MENTION-S01).
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

/// The text after the `@`, and the number of the Launchpad page to read first.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Search {
    query: String,
    page: u32,
}

/// The people that were found, and the next Launchpad page to read; `None` if there is none.
struct Found {
    people: Vec<Candidate>,
    next: Option<u32>,
}

/// Returns the active users of the company whose name or email address matches the query.
///
/// # Errors
/// 404 if the flag is off, 403 if the viewer has no permission to write notes, 503 if Launchpad
/// fails.
pub(crate) async fn search(app: &App, request: &Request) -> Result<Reply, Failure> {
    let viewer = request.viewer()?;
    let wanted = Search::from_query(request.query())?;
    // The people are loaded in parallel with the session. They are returned only if the session
    // allows it.
    let (session, found) =
        tokio::join!(app.authority.session(viewer, &[]), candidates(app, viewer, wanted));
    let session = session.inspect_err(|error| {
        if let AccessError::Directory(cause) = error {
            event::note_mention_picker_failed(viewer, cause);
        }
    })?;
    crate::check(&session, &[Permission::AddNotes, Permission::ManageNotes])?;
    let found = found.inspect_err(|cause| event::note_mention_picker_failed(viewer, cause))?;
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
    /// Parses the query parameters. A parameter must not be repeated.
    fn from_query(parameters: &[(String, String)]) -> Result<Self, Failure> {
        let (mut query, mut page) = (None, None);
        for (name, value) in parameters {
            match name.as_str() {
                "query" => set_once(&mut query, name, value.trim())?,
                "cursor" => set_once(&mut page, name, page::parse_cursor(value, decode)?)?,
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

/// Encodes a page number as an opaque cursor. The cursor reveals nothing about the people whom the
/// viewer can see.
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
    fn a_search_starts_with_the_first_page_and_continues_after_its_cursor() {
        let first = Search::from_query(&parameters(&[("query", " bu "), ("cursor", "")])).unwrap();
        assert_eq!(first, Search { query: "bu".to_owned(), page: 1 });
        let next = Search::from_query(&parameters(&[("cursor", &encode(2))])).unwrap();
        assert_eq!(next, Search { query: String::new(), page: 2 });
    }

    #[test]
    fn a_repeated_parameter_is_400_with_its_name() {
        for (name, value) in [("query", "bu"), ("cursor", "")] {
            let failure = Search::from_query(&parameters(&[(name, value); 2])).unwrap_err();
            assert_eq!(failure.code(), Code::InvalidRequest);
            assert_eq!(failure.message(), format!("{name}: must be given only once"));
        }
    }

    #[test]
    fn an_invalid_parameter_is_400_with_its_name() {
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
