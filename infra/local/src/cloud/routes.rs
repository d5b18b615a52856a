//! The routes of the local cloud's servers: the API of the functions, the pages of the sign-in, the
//! `/_local` endpoints and the Lambda API.

use std::sync::Arc;

use axum::Router;
use shared::{export::Files, table::Table};

use super::guard::{self, Origins};
use super::operator;
use super::options::Options;
use super::state::State;
use crate::control::{self, ControlState};
use crate::gateway::{self, GatewayOptions};
use crate::identity::{Identity, TokenLifetime};
use crate::lambda::{self, Lambda};
use crate::record::Mailbox;
use crate::sign_in::{self, SignInState};
use crate::sources::Schedules;
use crate::template::Template;

/// The parts that the routes use.
pub(super) struct Routes<'a> {
    pub(super) options: &'a Options,
    pub(super) state: &'a State,
    pub(super) template: &'a Arc<Template>,
    pub(super) identity: Identity,
    pub(super) lambda: &'a Lambda,
    pub(super) schedules: &'a Schedules,
    pub(super) mailbox: Mailbox,
    pub(super) files: Files,
    pub(super) table: &'a Table,
}

impl Routes<'_> {
    /// The routes of the gateway.
    pub(super) fn gateway(self) -> Router {
        // The pages of the web application come from the origins that the API allows.
        let origins = guard::local_origins(self.template);
        let api = gateway::router(GatewayOptions {
            template: Arc::clone(self.template),
            lambda: self.lambda.clone(),
            identity: self.identity.clone(),
            requests: self.state.requests.clone(),
            clock: self.options.clock.clone(),
        });
        let control = self.control();
        let sign_in =
            guard::protect_with_forms(sign_in_router(&control, &origins), Arc::clone(&origins));
        let analytics = control::analytics_router(control.clone());
        let local = guard::protect(control::router(control), Arc::clone(&origins))
            .merge(guard::protect_with_forms(analytics, origins));
        Router::new().nest("/_local", local).merge(sign_in).fallback_service(api)
    }

    fn control(self) -> ControlState {
        let (issuer, audience) = operator::token_rules(self.template);
        ControlState {
            identity: self.identity,
            lifetime: TokenLifetime::new(self.options.token_lifetime),
            issuer,
            audience,
            directory: self.state.directory.clone(),
            mailbox: self.mailbox,
            notifications: self.state.notifications.clone(),
            events: self.state.events.clone(),
            requests: self.state.requests.clone(),
            usage: self.state.usage.clone(),
            faults: self.state.faults.clone(),
            files: self.files,
            flags: operator::flags(self.table.clone()),
            clean_up: operator::clean_up(self.template, self.schedules),
            clock: self.options.clock.clone(),
        }
    }
}

/// The pages of the sign-in sign the same tokens as the `/_local` endpoints.
fn sign_in_router(control: &ControlState, origins: &Origins) -> Router {
    sign_in::router(SignInState {
        identity: control.identity.clone(),
        lifetime: control.lifetime.clone(),
        issuer: control.issuer.clone(),
        audience: control.audience.clone(),
        origins: Arc::clone(origins),
        directory: control.directory.clone(),
        flags: Arc::clone(&control.flags),
        clock: control.clock.clone(),
    })
}

/// The routes of the Lambda API.
pub(super) fn lambda_api(template: &Template, lambda: &Lambda) -> Router {
    guard::protect(lambda::router(lambda.clone()), guard::local_origins(template))
}
