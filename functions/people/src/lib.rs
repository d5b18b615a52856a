//! The people of a company, as the directory knows them (SPEC §2, §3).
//!
//! | module | its one idea |
//! |---|---|
//! | `typeahead` | who can be mentioned |
//! | `card` | who a mentioned person is |
//! | `teams` | which teams the viewer can choose |

mod card;
mod teams;
mod typeahead;

use std::sync::Arc;

use shared::{
    access::{AccessError, Authority, Session},
    entry::{Code, Failure, Reply, http::Request},
    environment::{Environment, StartError},
    identity::{Level, Permission},
    services::Services,
};

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

/// Answers one of the three routes.
///
/// # Errors
/// As SPEC §2, §3 and §5 map them.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Reply, Failure> {
    match request.route() {
        "GET /cdp/me/teams" => teams::list(&app, request.viewer()?).await,
        "GET /cdp/people" => typeahead::search(&app, &request).await,
        _ => card::show(&app, &request).await,
    }
}

/// Lets a session through where notes can mention people and any of these permissions is given.
///
/// # Errors
/// 404 `FEATURE_DISABLED`, 403.
fn check(session: &Session, any_of: &[Permission]) -> Result<(), Failure> {
    if !session.flags.notes_mention {
        return Err(Failure::new(
            Code::FeatureDisabled,
            "mentions in notes are not enabled for your company",
        ));
    }
    if any_of.iter().all(|permission| session.level(*permission) == Level::Disabled) {
        return Err(AccessError::Disabled.into());
    }
    Ok(())
}
