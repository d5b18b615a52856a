//! Returns the people and teams of a company from Launchpad (SPEC §2, §3).
//!
//! | module | what it does |
//! |---|---|
//! | `typeahead` | searches the people who can be mentioned |
//! | `card` | returns the preview card of a mentioned person |
//! | `me` | returns the signed-in user's own levels, flags and plan |
//! | `teams` | lists the teams that the viewer can choose as owners of a contact |

mod card;
mod me;
mod teams;
mod typeahead;

use std::sync::Arc;

use shared::{
    access::{AccessError, Authority, Session},
    entry::{Code, Failure, Reply, http::Request},
    environment::{Environment, StartError},
    identity::{Level, Permission},
    locale::Locale,
    services::Services,
};

/// The dependencies of the function.
#[derive(Clone, Debug)]
pub struct App {
    authority: Authority,
    services: Services,
    default_locale: Locale,
}

impl App {
    /// Creates the dependencies from the environment.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        let services = environment.services()?;
        let default_locale = environment.default_locale()?;
        Ok(Self { authority: Authority::new(services.clone()), services, default_locale })
    }
}

/// Handles the requests of all four routes: typeahead, card, the viewer's own data and teams.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Reply, Failure> {
    match request.route() {
        "GET /cdp/me" => me::show(&app, request.viewer()?).await,
        "GET /cdp/me/teams" => teams::list(&app, request.viewer()?).await,
        "GET /cdp/people" => typeahead::search(&app, &request).await,
        _ => card::show(&app, &request).await,
    }
}

/// Checks that mentions are enabled, and that the viewer has at least one of these permissions.
///
/// # Errors
/// 404 `FEATURE_DISABLED` if mentions are not enabled, 403 if the viewer has none of the
/// permissions.
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
