//! Finds the route of the template that a request matches.

use std::collections::BTreeMap;

use http::Method;
use percent_encoding::percent_decode_str;

use crate::template::{Api, Authorizer, JwtAuthorizer, Route, Template};

/// The routes of an API. They are in the order in which API Gateway prefers them.
#[derive(Clone, Debug)]
pub(super) struct Routes(Vec<Target>);

/// A route with its function and its authorizer.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) function: String,
    pub(super) authorizer: Option<JwtAuthorizer>,
    /// The route key, such as `GET /cdp/customers/{id}`, or `$default`.
    pub(super) key: String,
    /// The HTTP method; `None` if the route accepts any method.
    method: Option<Method>,
    /// The segments of the path; `None` for `$default`.
    path: Option<Vec<Segment>>,
}

/// A segment of a path template. The variants are in the order in which API Gateway prefers them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Static(String),
    Variable(String),
    Greedy(String),
}

/// The route that a request matches, with the decoded values of the path's variables.
pub(super) struct Match<'a> {
    pub(super) target: &'a Target,
    pub(super) parameters: BTreeMap<String, String>,
}

impl Routes {
    /// Collects the routes of all functions of the template.
    pub(super) fn new(template: &Template) -> Self {
        let mut targets: Vec<_> = template
            .functions
            .values()
            .flat_map(|function| {
                function
                    .routes()
                    .map(|route| Target::new(&function.id, route, template.api.as_ref()))
            })
            .collect();
        targets.sort_by_key(Target::preference);
        Self(targets)
    }

    /// The route that a request matches; `None` if there is no such route. `path` is the path as
    /// the client sent it, still percent-encoded.
    pub(super) fn find(&self, method: &Method, path: &str) -> Option<Match<'_>> {
        let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
        self.0.iter().find_map(|target| {
            let parameters = target.matches(method, &segments)?;
            Some(Match { target, parameters })
        })
    }
}

impl Target {
    fn new(function: &str, route: &Route, api: Option<&Api>) -> Self {
        let authorizer = api.and_then(|api| match &route.authorizer {
            Authorizer::None => None,
            Authorizer::Default => api.authorizers.get(api.default_authorizer.as_ref()?),
            Authorizer::Named(name) => api.authorizers.get(name),
        });
        let method = route.method.as_ref().map_or("ANY", Method::as_str);
        let key = route
            .path
            .as_ref()
            .map_or_else(|| "$default".to_owned(), |path| format!("{method} {path}"));
        Self {
            function: function.to_owned(),
            authorizer: authorizer.cloned(),
            key,
            method: route.method.clone(),
            path: route.path.as_deref().map(segments),
        }
    }

    /// The sort key for the order of preference. Full matches come before greedy matches, and
    /// greedy matches before `$default`. Then the segments are compared from left to right: static
    /// text comes before variables. Then a fixed method comes before any method.
    fn preference(&self) -> (bool, bool, Vec<Segment>, bool) {
        let path = self.path.clone().unwrap_or_default();
        let greedy = path.iter().any(|segment| matches!(segment, Segment::Greedy(_)));
        (self.path.is_none(), greedy, path, self.method.is_none())
    }

    fn matches(&self, method: &Method, path: &[&str]) -> Option<BTreeMap<String, String>> {
        let Some(template) = &self.path else { return Some(BTreeMap::new()) };
        if self.method.as_ref().is_some_and(|required| required != method) {
            return None;
        }
        let mut parameters = BTreeMap::new();
        let mut rest = path;
        for segment in template {
            let (first, others) = rest.split_first()?;
            match segment {
                Segment::Static(text) if text == first => rest = others,
                Segment::Static(_) => return None,
                Segment::Variable(_) if first.is_empty() => return None,
                Segment::Variable(name) => {
                    parameters.insert(name.clone(), decode(first));
                    rest = others;
                }
                Segment::Greedy(name) => {
                    parameters.insert(name.clone(), decode(&rest.join("/")));
                    rest = &[];
                }
            }
        }
        rest.is_empty().then_some(parameters)
    }
}

fn segments(path: &str) -> Vec<Segment> {
    let segment = |text: &str| match text.strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
        Some(name) => match name.strip_suffix('+') {
            Some(name) => Segment::Greedy(name.to_owned()),
            None => Segment::Variable(name.to_owned()),
        },
        None => Segment::Static(text.to_owned()),
    };
    path.trim_matches('/').split('/').map(segment).collect()
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::{Parameters, example_parameters};

    fn routes(declared: &[(&str, &str)]) -> Routes {
        let mut template = String::from(
            "Resources:\n  Api: { Type: AWS::Serverless::HttpApi }\n  F:\n    Type: AWS::Serverless::Function\n    Metadata: { BuildProperties: { Binary: f } }\n    Properties:\n      Events:\n",
        );
        for (index, (method, path)) in declared.iter().enumerate() {
            let route = match *path {
                "$default" => String::new(),
                path => format!("Method: {method}, Path: \"{path}\""),
            };
            template.push_str(&format!(
                "        E{index}: {{ Type: HttpApi, Properties: {{ {route} }} }}\n"
            ));
        }
        Routes::new(&Template::parse(&template, &Parameters::new()).unwrap())
    }

    fn key(routes: &Routes, method: &Method, path: &str) -> String {
        routes.find(method, path).map_or_else(String::new, |found| found.target.key.clone())
    }

    #[test]
    fn static_segments_are_preferred_to_variables_from_the_left() {
        let routes = routes(&[
            ("GET", "/v1/contacts/{contact_id}/notes"),
            ("GET", "/v1/contacts/notes/{contact_id}"),
            ("GET", "/v1/contacts/{contact_id}/notes/{id}"),
            ("GET", "/v1/contacts/notes/{contact_id}/{id}"),
        ]);
        let key = |path| key(&routes, &Method::GET, path);
        assert_eq!(key("/v1/contacts/c1/notes"), "GET /v1/contacts/{contact_id}/notes");
        assert_eq!(key("/v1/contacts/notes/c1"), "GET /v1/contacts/notes/{contact_id}");
        assert_eq!(key("/v1/contacts/notes/notes"), "GET /v1/contacts/notes/{contact_id}");
        assert_eq!(key("/v1/contacts/c1/notes/n1"), "GET /v1/contacts/{contact_id}/notes/{id}");
        assert_eq!(key("/v1/contacts/notes/c1/n1"), "GET /v1/contacts/notes/{contact_id}/{id}");
    }

    #[test]
    fn full_matches_are_preferred_to_greedy_ones_and_default_is_last() {
        let routes = routes(&[
            ("ANY", "$default"),
            ("ANY", "/cdp/{proxy+}"),
            ("ANY", "/cdp/{id}"),
            ("GET", "/cdp/{id}"),
        ]);
        assert_eq!(key(&routes, &Method::GET, "/cdp/a"), "GET /cdp/{id}");
        assert_eq!(key(&routes, &Method::PUT, "/cdp/a"), "ANY /cdp/{id}");
        assert_eq!(key(&routes, &Method::GET, "/cdp/a/b"), "ANY /cdp/{proxy+}");
        assert_eq!(key(&routes, &Method::GET, "/other"), "$default");
    }

    #[test]
    fn a_route_matches_only_its_method() {
        let routes = routes(&[("GET", "/cdp/customers")]);
        assert!(routes.find(&Method::POST, "/cdp/customers").is_none());
        assert!(routes.find(&Method::GET, "/cdp").is_none());
        assert!(routes.find(&Method::GET, "/cdp/customers/").is_some());
    }

    #[test]
    fn path_parameters_are_decoded() {
        let routes = routes(&[("GET", "/by-email/{email}"), ("GET", "/files/{path+}")]);
        let found = routes.find(&Method::GET, "/by-email/a%2Bb%40example.com").unwrap();
        assert_eq!(found.parameters["email"], "a+b@example.com");
        let found = routes.find(&Method::GET, "/files/a/b%20c").unwrap();
        assert_eq!(found.parameters["path"], "a/b c");
        assert!(routes.find(&Method::GET, "/by-email/").is_none());
    }

    #[test]
    fn routes_without_an_authorizer_use_the_default_one() {
        let text = include_str!("../../../../template.yaml");
        let routes = Routes::new(&Template::parse(text, &example_parameters()).unwrap());
        let authorizer = |path| routes.find(&Method::GET, path).unwrap().target.authorizer.clone();
        assert_eq!(authorizer("/cdp/customers").unwrap().audience, ["contact-service"]);
        assert_eq!(authorizer("/d/token"), None);
        assert_eq!(authorizer("/nothing/here"), None);
    }
}
