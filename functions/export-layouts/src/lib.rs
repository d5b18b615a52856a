//! `GET /cdp/export-fields` and `/cdp/export-layouts[/{id}]`: what can be exported, and the saved
//! layouts of a company (SPEC §4).

use std::sync::Arc;

use shared::{
    access::Authority,
    contact::Catalog,
    directory::SubscriptionPlan,
    entry::{
        Failure, Reply,
        http::Request,
        page::{PageRequest, cursor},
    },
    environment::{Environment, StartError},
    export::{Defaults, FieldDescription, Layout, LayoutDraft, LayoutInput, Layouts},
    identity::{Level, Permission, Viewer},
    locale::Locale,
    services::Services,
};

/// What the function works with.
#[derive(Clone, Debug)]
pub struct App {
    /// Tells who may export.
    pub authority: Authority,
    /// The table, the directory and the clock.
    pub services: Services,
    /// The language where nobody chose.
    pub defaults: Defaults,
}

impl App {
    /// Wires the function.
    ///
    /// # Errors
    /// When a variable is missing or wrong.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        let services = environment.services()?;
        Ok(Self {
            authority: Authority::new(services.clone()),
            services,
            defaults: environment.export_defaults()?,
        })
    }
}

/// Answers the fields or the layouts, or changes a layout.
///
/// # Errors
/// 403 for who may not see contacts, for a layout of somebody else's, and for making or changing
/// one on a plan without exports; 404 for one that is not the company's; 409 for a name that is
/// taken; otherwise as SPEC §5 maps them.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Reply, Failure> {
    let viewer = request.viewer()?;
    let session = app.authority.session(viewer, &[Permission::ViewCustomers]).await?;
    session.scope(Permission::ViewCustomers)?;
    let editor = Editor {
        app: &app,
        viewer,
        level: session.level(Permission::ViewCustomers),
        layouts: Layouts::new(app.services.table.clone(), viewer.company.clone()),
    };
    match request.route() {
        "GET /cdp/export-fields" => app.fields(viewer, request.query()).await,
        "GET /cdp/export-layouts" => editor.list(request.query()).await,
        "POST /cdp/export-layouts" => editor.create(request.json()?).await,
        _ => match request.method() {
            "PUT" => editor.replace(&request).await,
            "DELETE" => editor.delete(&request).await,
            _ => editor.read(&request).await,
        },
    }
}

impl App {
    /// What can be exported, labeled in the language asked for, the company's or the default.
    async fn fields(&self, viewer: &Viewer, query: &[(String, String)]) -> Result<Reply, Failure> {
        let asked = locale(query)?;
        let locale = match asked {
            Some(locale) => locale,
            None => self.company_locale(viewer).await,
        };
        let own = Catalog::of(&self.services.table, &viewer.company).await?;
        Reply::ok(&FieldDescription::catalog(&own, locale))
    }

    /// The company's language; the default also while Launchpad cannot tell, since labels are no
    /// reason to fail.
    async fn company_locale(&self, viewer: &Viewer) -> Locale {
        let company = self.services.directory.company(&viewer.company).await;
        company.ok().and_then(|company| company.locale).unwrap_or(self.defaults.locale)
    }
}

fn locale(query: &[(String, String)]) -> Result<Option<Locale>, Failure> {
    let mut locale = None;
    for (name, value) in query {
        if name != "locale" {
            return Err(Failure::invalid(name, "unknown query parameter"));
        }
        locale = Some(value.parse().map_err(|error| Failure::invalid("locale", error))?);
    }
    Ok(locale)
}

/// A request on behalf of somebody who may see the layouts.
struct Editor<'a> {
    app: &'a App,
    viewer: &'a Viewer,
    level: Level,
    layouts: Layouts,
}

impl Editor<'_> {
    async fn list(&self, query: &[(String, String)]) -> Result<Reply, Failure> {
        let PageRequest { limit, after } = PageRequest::parse(query)?;
        let page = self.layouts.list(after.as_deref(), limit).await?;
        let views: Vec<_> = page.layouts.iter().map(|layout| self.view(layout)).collect();
        Ok(Reply::ok(&views)?.with_meta("next_cursor", page.next.map(|name| cursor(&name))))
    }

    async fn read(&self, request: &Request) -> Result<Reply, Failure> {
        let layout = self.layouts.get(request.path("id")?).await?.ok_or_else(Failure::not_found)?;
        Reply::ok(&self.view(&layout))
    }

    async fn create(&self, input: LayoutInput) -> Result<Reply, Failure> {
        let draft = self.checked(input).await?;
        let now = self.app.services.clock.now();
        Reply::new(201, &self.view(&self.layouts.create(draft, self.viewer, now).await?))
    }

    async fn replace(&self, request: &Request) -> Result<Reply, Failure> {
        let id = request.path("id")?;
        let draft = self.checked(request.json()?).await?;
        let now = self.app.services.clock.now();
        Reply::ok(&self.view(&self.layouts.replace(id, &draft, |it| self.may(it), now).await?))
    }

    async fn delete(&self, request: &Request) -> Result<Reply, Failure> {
        self.layouts.delete(request.path("id")?, |layout| self.may(layout)).await?;
        Reply::ok(&serde_json::json!({}))
    }

    /// What a request says, from a company that may export.
    async fn checked(&self, input: LayoutInput) -> Result<LayoutDraft, Failure> {
        let draft = input.check()?;
        let company = self.app.services.directory.company(&self.viewer.company).await?;
        match company.plan {
            SubscriptionPlan::Starter => Err(Failure::plan_not_allowed()),
            SubscriptionPlan::Growth | SubscriptionPlan::Enterprise => Ok(draft),
        }
    }

    fn may(&self, layout: &Layout) -> bool {
        layout.may_be_changed_by(self.viewer.user, self.level)
    }

    fn view<'a>(&self, layout: &'a Layout) -> shared::export::LayoutView<'a> {
        layout.view(self.viewer.user, self.level)
    }
}
