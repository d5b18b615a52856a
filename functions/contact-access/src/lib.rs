//! `GET /cdp/customers/{id}/access?user={sso}`: why a person can or cannot do something with a
//! contact (SPEC §2). The answer is the guard's own decision, put into words.

use std::{collections::HashMap, sync::Arc};

use serde::Serialize;
use shared::{
    access::{Authority, Explanation, Rule, Session},
    contact::Contact,
    directory::{Directory, Person},
    entry::{Code, Failure, Reply, http::Request},
    environment::{Environment, StartError},
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
    /// Whether the team flag is on and counts for the company's plan.
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

/// A team; without a name where Launchpad does not tell it.
#[derive(Serialize)]
struct MatchedTeam {
    id: TeamId,
    name: Option<String>,
}

/// What the function works with.
#[derive(Clone, Debug)]
pub struct App {
    authority: Authority,
    services: Services,
}

impl App {
    /// Wires the function.
    ///
    /// # Errors
    /// When a variable is missing or wrong.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        let services = environment.services()?;
        Ok(Self { authority: Authority::new(services.clone()), services })
    }
}

/// Answers, for each permission, the level and the rule that decides.
///
/// # Errors
/// As SPEC §5 maps them: 403 for a caller who does not see everything, 404 for a contact or a
/// person that the company does not have.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Reply, Failure> {
    let viewer = request.viewer()?;
    let id: ContactId = request.path("id")?;
    let user = user(request.query())?;
    let key = Key::contact(&viewer.company, id);
    let needed = [Permission::ViewCustomers];
    let keys = std::slice::from_ref(&key);
    let (session, mut items) = app.authority.session_beside(viewer, &needed, keys).await?;
    if session.level(Permission::ViewCustomers) != Level::Everything {
        let message =
            "only a user who can see all contacts can check another user's access to a contact";
        return Err(Failure::new(Code::Forbidden, message));
    }
    let contact: Option<Contact> = items.remove(&key).map(from_item).transpose()?;
    let contact = contact.filter(Contact::is_live).ok_or_else(Failure::not_found)?;
    let person = app.services.directory.person(&viewer.company, &user.to_string()).await?;
    let person = person.ok_or_else(Failure::not_found)?;
    let asked_about = Viewer { user, name: None, email: None, ..viewer.clone() };
    let theirs = app.authority.inspect(&asked_about, &Permission::ALL).await?;
    let explanations = explain(&theirs, &contact);
    let names = team_names(&app.services.directory, &theirs, &explanations).await;
    Reply::ok(&access(&contact, &person, &theirs, explanations, &names))
}

/// The person that the query asks about.
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

fn explain(theirs: &Session, contact: &Contact) -> Vec<Explanation> {
    let notes = NoteAccess::new(theirs);
    let decide = |permission: &Permission| match permission {
        Permission::ViewNotes => notes.explain(NoteAction::View, contact),
        Permission::AddNotes => notes.explain(NoteAction::Add, contact),
        Permission::ManageNotes => notes.explain(NoteAction::Update, contact),
        Permission::DeleteNotes => notes.explain(NoteAction::Delete, contact),
        Permission::ViewCustomers
        | Permission::ManageCustomers
        | Permission::DeleteCustomers
        | Permission::SearchCustomers => theirs.explain(*permission, contact),
    };
    Permission::ALL.iter().map(decide).collect()
}

/// The names of the teams that matched: the person's own came with their teams, those below are
/// asked for.
async fn team_names(
    directory: &Directory,
    theirs: &Session,
    explanations: &[Explanation],
) -> HashMap<TeamId, String> {
    let own = theirs.teams().iter().map(|team| (team.id, team.name.clone()));
    let mut names: HashMap<TeamId, String> = own.collect();
    let mut matched = explanations.iter().flat_map(|explanation| &explanation.teams);
    if matched.any(|team| !names.contains_key(team)) {
        // A name is a convenience: without it the id stands alone.
        let all = directory.team_names(&theirs.viewer.company).await;
        names.extend(all.unwrap_or_default());
    }
    names
}

fn access<'a>(
    contact: &Contact,
    person: &'a Person,
    theirs: &Session,
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
        team_flag_counts: theirs.flags.team_permission,
        permissions: explanations.into_iter().map(decided).collect(),
    }
}
