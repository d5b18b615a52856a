//! `GET /cdp/export-fields` and `/cdp/export-layouts[/{id}]`: lists the fields that can be
//! exported, and manages a company's saved layouts (SPEC §4).

use std::sync::Arc;

use shared::{
    access::Authority,
    contact::Catalog,
    directory::SubscriptionPlan,
    entry::{
        Failure, Reply,
        http::Request,
        page::{PageRequest, encode_cursor},
    },
    environment::{Environment, StartError},
    error::chain,
    export::{Defaults, FieldDescription, Layout, LayoutDraft, LayoutInput, LayoutView, Layouts},
    identity::{Level, Permission, Viewer},
    locale::Locale,
    services::Services,
};

/// The function's dependencies, created once per process.
#[derive(Clone, Debug)]
pub struct App {
    /// Decides which users may see and change layouts.
    pub authority: Authority,
    /// The table, the directory and the clock.
    pub services: Services,
    /// The default language.
    pub defaults: Defaults,
}

impl App {
    /// Creates the dependencies from the environment variables.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        let services = environment.services()?;
        Ok(Self {
            authority: Authority::new(services.clone()),
            services,
            defaults: environment.export_defaults()?,
        })
    }
}

/// Lists the fields, returns layouts, or changes a layout.
///
/// # Errors
/// - 403 if the caller may not see contacts or may not change the layout, or if the company's plan
///   does not include exports and the caller creates or changes a layout
/// - 404 if the company has no layout with this id
/// - 409 if another layout has the name
/// - all others as in SPEC §5
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
    /// Lists the fields that can be exported. The labels are in the requested language. If the
    /// request names none, they are in the company's language or else in the default language.
    async fn fields(&self, viewer: &Viewer, query: &[(String, String)]) -> Result<Reply, Failure> {
        let requested = locale(query)?;
        let locale = match requested {
            Some(locale) => locale,
            None => self.company_locale(viewer).await,
        };
        let own = Catalog::load(&self.services.table, &viewer.company).await?;
        Reply::ok(&FieldDescription::catalog(&own, locale))
    }

    /// The company's language, or the default language if the company has none. If Launchpad does
    /// not return the company, this is also the default, so that the request does not fail because
    /// of labels.
    async fn company_locale(&self, viewer: &Viewer) -> Locale {
        let locale = match self.services.directory.company(&viewer.company).await {
            Ok(company) => company.locale,
            Err(error) => {
                tracing::warn!(
                    error = %chain(&error),
                    "could not load the company's language; using the default language"
                );
                None
            }
        };
        locale.unwrap_or(self.defaults.locale)
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

/// Handles the layout requests of a caller who may see layouts.
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
        Ok(Reply::ok(&views)?.with_meta("next_cursor", page.next.map(|name| encode_cursor(&name))))
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
        Reply::ok(
            &self.view(&self.layouts.replace(id, &draft, |it| self.can_change(it), now).await?),
        )
    }

    async fn delete(&self, request: &Request) -> Result<Reply, Failure> {
        self.layouts.delete(request.path("id")?, |layout| self.can_change(layout)).await?;
        Reply::ok(&serde_json::json!({}))
    }

    /// Checks the layout in a request, and checks that the company's plan includes exports.
    async fn checked(&self, input: LayoutInput) -> Result<LayoutDraft, Failure> {
        let draft = input.check()?;
        let company = self.app.services.directory.company(&self.viewer.company).await?;
        match company.plan {
            SubscriptionPlan::Starter => Err(Failure::plan_not_allowed()),
            SubscriptionPlan::Growth | SubscriptionPlan::Enterprise => Ok(draft),
        }
    }

    fn can_change(&self, layout: &Layout) -> bool {
        layout.can_be_changed_by(self.viewer.user, self.level)
    }

    fn view<'a>(&self, layout: &'a Layout) -> LayoutView<'a> {
        layout.view(self.viewer.user, self.level)
    }
}
