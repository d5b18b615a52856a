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

/// What the preview card of a mention shows (PRD NOTE-MENTION-S05).
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
    /// Launchpad does not tell a deactivated person from a deleted or an unknown one (PRD OQ-13).
    InactiveOrNotFound,
    /// Launchpad cannot tell at the moment.
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

/// Shows who a mentioned person is. An unknown person is no error: the card then has the name by
/// which they were last known, or none.
///
/// # Errors
/// 404 for what is no SSO UUID and while the flag is off, 403 without the permission to view notes.
pub(crate) async fn show(app: &App, request: &Request) -> Result<Reply, Failure> {
    let viewer = request.viewer()?;
    let sso_id: UserId = request.path("sso_id")?;
    let key = Key::person(&viewer.company, sso_id);
    let id = sso_id.to_string();
    let (opened, answer) = tokio::join!(
        app.authority.session_beside(viewer, &[], std::slice::from_ref(&key)),
        app.services.directory.person(&viewer.company, &id)
    );
    let (session, mut items) = opened?;
    crate::check(&session, &[Permission::ViewNotes])?;
    // A kept name that does not fit is no name.
    let last_known = items.remove(&key).and_then(|item| from_item(item).ok());
    if let Err(error) = &answer {
        tracing::warn!(error = %chain(error), "could not look up a person");
    }
    Reply::ok(&Card::new(sso_id, answer, last_known))
}
