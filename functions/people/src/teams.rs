use shared::{
    entry::{Failure, Reply},
    identity::Viewer,
};

use crate::App;

/// Lists the teams that the viewer can set as owners of a contact. These are the teams of which the
/// viewer is a direct member, without descendants (SPEC §2; RFC §2.4, Decision 10). The list is
/// empty if the viewer has no teams.
///
/// # Errors
/// 503 if the teams could not be loaded from Launchpad.
pub(crate) async fn list(app: &App, viewer: &Viewer) -> Result<Reply, Failure> {
    let set = app.authority.team_set(viewer).await?;
    let own: Vec<_> = set.teams.iter().filter(|team| set.team_ids.contains(&team.id)).collect();
    Reply::ok(&own)
}
