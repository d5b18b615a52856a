use std::collections::BTreeMap;

use serde::Serialize;
use shared::{
    access::Session,
    directory::{Company, SubscriptionPlan},
    entry::{Failure, Reply},
    error::chain,
    id::{CompanyId, UserId},
    identity::{Level, Permission, Viewer},
    locale::Locale,
};

use crate::App;

/// What a client needs to know about the signed-in user, so that it does not offer what the service
/// would refuse with 403.
#[derive(Serialize)]
struct Me<'a> {
    id: UserId,
    /// The name in the token, or the email address; `None` if the token has neither.
    name: Option<String>,
    email: Option<&'a str>,
    company: OwnCompany<'a>,
    /// `None` while Launchpad cannot return the company.
    plan: Option<SubscriptionPlan>,
    /// The company's language, or the default language of the service.
    locale: Locale,
    flags: EffectiveFlags,
    permissions: BTreeMap<&'static str, Levels>,
}

#[derive(Serialize)]
struct OwnCompany<'a> {
    sso_id: &'a CompanyId,
    /// `None` while Launchpad cannot return the company.
    name: Option<&'a str>,
}

#[derive(Serialize)]
struct EffectiveFlags {
    cdp_team_permission_enabled: bool,
    cdp_notes_mention_enabled: bool,
}

#[derive(Serialize)]
struct Levels {
    /// The level in Launchpad.
    level: Level,
    /// The level that decides: with the team flag off, `team` has the effect of `everything`.
    effective_level: Level,
}

/// Returns the signed-in user's own data: company, plan, flags, and the level of each permission. A
/// failure of the teams call has no effect on the answer, because it narrows single requests and
/// changes no level.
///
/// # Errors
/// 503 if the levels could not be loaded from Launchpad.
pub(crate) async fn show(app: &App, viewer: &Viewer) -> Result<Reply, Failure> {
    let (session, company) = tokio::join!(
        app.authority.session(viewer, &[]),
        app.services.directory.company(&viewer.company)
    );
    let session = session?;
    let company = company
        .inspect_err(|error| {
            tracing::warn!(
                error = %chain(error),
                remembered = error.remembered,
                "could not load the company; the answer contains no plan"
            );
        })
        .ok();
    Reply::ok(&me(app, &session, company.as_ref()))
}

fn me<'a>(app: &App, session: &'a Session, company: Option<&'a Company>) -> Me<'a> {
    let viewer = &session.viewer;
    let levels = |permission: Permission| {
        let (level, effective_level) =
            (session.level(permission), session.effective_level(permission));
        (permission.as_str(), Levels { level, effective_level })
    };
    Me {
        id: viewer.user,
        name: viewer.known_name(),
        email: viewer.email.as_deref(),
        company: OwnCompany {
            sso_id: &viewer.company,
            name: company.map(|company| company.name.as_str()),
        },
        plan: company.map(|company| company.plan),
        locale: company.and_then(|company| company.locale).unwrap_or(app.default_locale),
        flags: EffectiveFlags {
            cdp_team_permission_enabled: session.flags.team_permission,
            cdp_notes_mention_enabled: session.flags.notes_mention,
        },
        permissions: Permission::ALL.into_iter().map(levels).collect(),
    }
}
