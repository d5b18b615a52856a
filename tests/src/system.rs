use std::{
    collections::{BTreeMap, BTreeSet},
    sync::PoisonError,
};

use http::Method;
use local::template::{Authorizer, Event};

use crate::World;

/// The names of environment variables for each function. The key is the function's logical id.
pub type Variables = BTreeMap<String, BTreeSet<String>>;

/// Facts about the system that the template declares.
impl World {
    /// The logical id in the template of the function that runs this binary.
    #[must_use]
    pub fn function_with_binary(&self, binary: &str) -> String {
        let mut functions = self.template.functions.values();
        let function = functions.find(|function| function.binary == binary);
        function.expect("the template has a function with this binary").id.clone()
    }

    /// The functions whose environment contains a value of the secret of the upstream services.
    #[must_use]
    pub fn holders_of_the_secret(&self) -> BTreeSet<String> {
        let mut functions = self.variables_set();
        functions.retain(|_, variables| variables.contains("LAUNCHPAD_PASSWORD"));
        functions.into_keys().collect()
    }

    /// The names of the binaries of all functions in the template.
    #[must_use]
    pub fn binaries(&self) -> BTreeSet<String> {
        self.template.functions.values().map(|function| function.binary.clone()).collect()
    }

    /// Pairs of a binary and what invokes it: the key of a route, the logical id of a queue, or
    /// `schedule`.
    #[must_use]
    pub fn sources(&self) -> BTreeSet<(String, String)> {
        let functions = self.template.functions.values();
        let sources = functions.flat_map(|function| {
            let source = |event: &Event| (function.binary.clone(), source(event));
            function.events.iter().map(source)
        });
        sources.collect()
    }

    /// The routes that need no authentication.
    #[must_use]
    pub fn public_routes(&self) -> BTreeSet<String> {
        let events = self.template.functions.values().flat_map(|function| &function.events);
        let public = events.filter(
            |event| matches!(event, Event::Route(route) if route.authorizer == Authorizer::None),
        );
        public.map(source).collect()
    }

    /// The variables that the template sets for each function.
    #[must_use]
    pub fn variables_set(&self) -> Variables {
        let functions = self.template.functions.values();
        let set = functions
            .map(|function| (function.id.clone(), function.environment.keys().cloned().collect()));
        set.collect()
    }

    /// The variables that each function has read so far. A function that has not started yet is
    /// missing.
    #[must_use]
    pub fn variables_read(&self) -> Variables {
        let mut read = Variables::new();
        let environments = self.environments.lock().unwrap_or_else(PoisonError::into_inner);
        for (function, environment) in environments.iter() {
            let names = environment.variables_read().into_iter().map(str::to_owned);
            read.entry(function.clone()).or_default().extend(names);
        }
        read
    }
}

fn source(event: &Event) -> String {
    match event {
        Event::Route(route) => match &route.path {
            None => "$default".to_owned(),
            Some(path) => {
                let method = route.method.as_ref().map_or("ANY", Method::as_str);
                format!("{method} {path}")
            }
        },
        Event::Queue(source) => source.queue.clone(),
        Event::Schedule(_) => "schedule".to_owned(),
    }
}
