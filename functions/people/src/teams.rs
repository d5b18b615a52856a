use shared::{
    entry::{Failure, Reply},
    identity::Viewer,
};

use crate::App;

/// The viewer's own teams, which they may make the owners of a contact: the teams that they are
/// directly in, not those below (SPEC §2; RFC §2.4, Decision 10). A viewer without teams has none.
///
/// # Errors
/// 503 when Launchpad cannot tell them: nothing is guessed.
pub(crate) async fn list(app: &App, viewer: &Viewer) -> Result<Reply, Failure> {
    let set = app.authority.team_set(viewer).await?;
    let own: Vec<_> = set.teams.iter().filter(|team| set.team_ids.contains(&team.id)).collect();
    Reply::ok(&own)
}
