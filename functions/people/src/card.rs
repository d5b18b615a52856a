use serde::Serialize;
use shared::{
    directory::{DirectoryError, LastKnown, Person, PersonTeam},
    entry::{Failure, Reply, http::Request},
    error::chain,
    id::UserId,
    identity::Permission,
    table::{Key, from_item},
};

use crate::App;

/// The preview card of a mentioned person (PRD NOTE-MENTION-S05).
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Card {
    sso_id: UserId,
    status: Status,
    name: Option<String>,
    email: Option<String>,
    avatar: Option<String>,
    staff_level: Option<String>,
    teams: Vec<PersonTeam>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Active,
    /// The person is deactivated, deleted or unknown. Launchpad does not distinguish these cases
    /// (PRD OQ-13).
    InactiveOrNotFound,
    /// The call to Launchpad failed.
    Unavailable,
}

impl Card {
    fn new(
        sso_id: UserId,
        answer: Result<Option<Person>, DirectoryError>,
        last_known: Option<LastKnown>,
    ) -> Self {
        let status = match &answer {
            Ok(Some(person)) if person.is_active() => Status::Active,
            Ok(_) => Status::InactiveOrNotFound,
            Err(_) => Status::Unavailable,
        };
        match answer {
            Ok(Some(person)) => Self {
                sso_id,
                status,
                name: Some(person.display_name().to_owned()),
                email: Some(person.email),
                avatar: person.avatar,
                staff_level: person.staff_level,
                teams: person.teams,
            },
            Ok(None) | Err(_) => Self {
                sso_id,
                status,
                name: last_known.map(|known| known.name),
                email: None,
                avatar: None,
                staff_level: None,
                teams: Vec::new(),
            },
        }
    }
}

/// Returns the preview card of a mentioned person. For an unknown person, this is not an error: the
/// card contains the last known name, or no name.
///
/// # Errors
/// 404 if the id is not an SSO UUID or the flag is off, 403 if the viewer has no permission to view
/// notes.
pub(crate) async fn show(app: &App, request: &Request) -> Result<Reply, Failure> {
    let viewer = request.viewer()?;
    let sso_id: UserId = request.path("sso_id")?;
    let key = Key::person(&viewer.company, sso_id);
    let id = sso_id.to_string();
    let (session, answer) = tokio::join!(
        app.authority.session_with_items(viewer, &[], std::slice::from_ref(&key)),
        app.services.directory.person(&viewer.company, &id)
    );
    let (session, mut items) = session?;
    crate::check(&session, &[Permission::ViewNotes])?;
    let last_known = items.remove(&key).map(from_item).transpose().unwrap_or_else(|error| {
        tracing::warn!(error = %chain(&error), "could not parse the last known name of a person");
        None
    });
    if let Err(error) = &answer {
        tracing::warn!(
            error = %chain(error),
            remembered = error.remembered,
            "could not load a person; the card contains only the last known name"
        );
    }
    Reply::ok(&Card::new(sso_id, answer, last_known))
}
