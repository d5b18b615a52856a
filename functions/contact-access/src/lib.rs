//! `GET /cdp/customers/{id}/access?user={sso}`: explains why a person can or cannot access a
//! contact (SPEC §2). The explanation uses the same access decision as every other request.

use std::{collections::HashMap, sync::Arc};

use serde::Serialize;
use shared::{
    access::{Authority, Explanation, Rule, Session},
    contact::Contact,
    directory::{Directory, Person},
    entry::{Code, Failure, Reply, http::Request},
    environment::{Environment, StartError},
    error::chain,
    id::{ContactId, TeamId, UserId},
    identity::{Level, Permission, Viewer},
    note::{NoteAccess, NoteAction},
    services::Services,
    table::{Key, from_item},
};

#[derive(Serialize)]
struct Access<'a> {
    contact_id: ContactId,
    user_sso_id: UserId,
    name: &'a str,
    status: &'a str,
    /// Whether the team flag is on and the company's plan allows it.
    team_flag_counts: bool,
    permissions: Vec<Decided>,
}

#[derive(Serialize)]
struct Decided {
    permission: &'static str,
    level: Level,
    allowed: bool,
    rule: Rule,
    matched_teams: Vec<MatchedTeam>,
    narrowed: bool,
}

/// A team that matched. `name` is `None` if it could not be loaded.
#[derive(Serialize)]
struct MatchedTeam {
    id: TeamId,
    name: Option<String>,
}

/// The dependencies of the function.
#[derive(Clone, Debug)]
pub struct App {
    authority: Authority,
    services: Services,
}

impl App {
    /// Creates the dependencies from the environment.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        let services = environment.services()?;
        Ok(Self { authority: Authority::new(services.clone()), services })
    }
}

/// Returns the person's access level and the deciding rule for each permission.
///
/// # Errors
/// As in SPEC §5: 403 if the caller cannot see all contacts, 404 if the contact or the person does
/// not exist in the company.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Reply, Failure> {
    let viewer = request.viewer()?;
    let id: ContactId = request.path("id")?;
    let user = user(request.query())?;
    let key = Key::contact(&viewer.company, id);
    let needed = [Permission::ViewCustomers];
    let keys = std::slice::from_ref(&key);
    let (caller, mut items) = app.authority.session_with_items(viewer, &needed, keys).await?;
    if caller.level(Permission::ViewCustomers) != Level::Everything {
        let message =
            "only a user who can see all contacts can check another user's access to a contact";
        return Err(Failure::new(Code::Forbidden, message));
    }
    let contact: Option<Contact> = items.remove(&key).map(from_item).transpose()?;
    let contact = contact.filter(Contact::is_live).ok_or_else(Failure::not_found)?;
    let person = app.services.directory.person(&viewer.company, &user.to_string()).await?;
    let person = person.ok_or_else(Failure::not_found)?;
    let subject = Viewer { user, name: None, email: None, ..viewer.clone() };
    let session = app.authority.inspect(&subject, &Permission::ALL).await?;
    let explanations = explain(&session, &contact);
    let names = team_names(&app.services.directory, &session, &explanations).await;
    Reply::ok(&access(&contact, &person, &session, explanations, &names))
}

/// Parses the id of the person from the query.
fn user(query: &[(String, String)]) -> Result<UserId, Failure> {
    match query {
        [(name, value)] if name == "user" => {
            value.parse().map_err(|error| Failure::invalid("user", error))
        }
        _ => match query.iter().find(|(name, _)| name != "user") {
            Some((name, _)) => Err(Failure::invalid(name, "unknown query parameter")),
            None => Err(Failure::invalid("user", "must be given exactly once")),
        },
    }
}

fn explain(session: &Session, contact: &Contact) -> Vec<Explanation> {
    let notes = NoteAccess::new(session);
    let decide = |permission: &Permission| match permission {
        Permission::ViewNotes => notes.explain(NoteAction::View, contact),
        Permission::AddNotes => notes.explain(NoteAction::Add, contact),
        Permission::ManageNotes => notes.explain(NoteAction::Update, contact),
        Permission::DeleteNotes => notes.explain(NoteAction::Delete, contact),
        Permission::ViewCustomers
        | Permission::ManageCustomers
        | Permission::DeleteCustomers
        | Permission::SearchCustomers => session.explain(*permission, contact),
    };
    Permission::ALL.iter().map(decide).collect()
}

/// Returns the names of the teams that matched. The names of the person's own teams are already
/// loaded; this loads the names of descendant teams.
async fn team_names(
    directory: &Directory,
    session: &Session,
    explanations: &[Explanation],
) -> HashMap<TeamId, String> {
    let own = session.teams().iter().map(|team| (team.id, team.name.clone()));
    let mut names: HashMap<TeamId, String> = own.collect();
    let mut matched = explanations.iter().flat_map(|explanation| &explanation.teams);
    if matched.any(|team| !names.contains_key(team)) {
        match directory.team_names(&session.viewer.company).await {
            Ok(all) => names.extend(all),
            Err(error) => tracing::warn!(
                error = %chain(&error),
                remembered = error.remembered,
                "could not load the names of teams; the answer contains only their ids"
            ),
        }
    }
    names
}

fn access<'a>(
    contact: &Contact,
    person: &'a Person,
    session: &Session,
    explanations: Vec<Explanation>,
    names: &HashMap<TeamId, String>,
) -> Access<'a> {
    let team = |id: TeamId| MatchedTeam { id, name: names.get(&id).cloned() };
    let decided = |explanation: Explanation| Decided {
        permission: explanation.permission.as_str(),
        level: explanation.level,
        allowed: explanation.allowed,
        rule: explanation.rule,
        matched_teams: explanation.teams.into_iter().map(team).collect(),
        narrowed: explanation.narrowed,
    };
    Access {
        contact_id: contact.id,
        user_sso_id: person.sso_id,
        name: person.display_name(),
        status: &person.status,
        team_flag_counts: session.flags.team_permission,
        permissions: explanations.into_iter().map(decided).collect(),
    }
}
