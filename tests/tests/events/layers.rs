//! Tests that dependencies go in one direction: between the layers that docs/architecture.md
//! states, and between the files of a module.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use tests::workspace;

/// A path in the code of a file, as its parts from the root of the crate.
type Named = Vec<String>;

/// The code of one Rust file without comments and unit tests.
struct Source {
    /// The path of the file's module from the root of the crate, such as `["table", "key"]`.
    module: Vec<String>,
    code: String,
}

/// Reads the files of a crate's `src` folder, except the files that only tests use.
fn sources(crate_folder: &str) -> Vec<Source> {
    let root = workspace().join(crate_folder).join("src");
    let mut found = Vec::new();
    let mut open = vec![root.clone()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                open.extend((!["tests", "bin"].contains(&name.as_str())).then_some(path));
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && !is_for_tests(&path, &name)
            {
                let code = code(&fs::read_to_string(&path).unwrap());
                found.push(Source { module: module(&root, &path), code });
            }
        }
    }
    found
}

/// Whether a file contains unit tests, or code that only unit tests use.
fn is_for_tests(path: &Path, name: &str) -> bool {
    let parent = path.parent().unwrap();
    let declared_in = ["mod.rs", "lib.rs"].map(|file| parent.join(file));
    let for_tests =
        declared_in.iter().filter_map(|file| fs::read_to_string(file).ok()).any(|text| {
            let declared = [format!("mod {name};"), format!("pub(crate) mod {name};")];
            declared.iter().any(|line| text.contains(&format!("#[cfg(test)]\n{line}")))
        });
    for_tests || name == "main" || name == "tests" || name.ends_with("_tests")
}

/// The path of a file's module. The module of `mod.rs` is its folder, and the module of `lib.rs` is
/// the root.
fn module(root: &Path, file: &Path) -> Vec<String> {
    let inside = file.strip_prefix(root).unwrap().with_extension("");
    let mut parts: Vec<String> =
        inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib") {
        parts.pop();
    }
    parts
}

/// The text of a file without comments, and without the unit tests at its end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Adds the paths that a use tree contains to `found`. For example, `a::{b, c::d}` contains `a::b`
/// and `a::c::d`.
fn expand(prefix: &[String], tree: &str, found: &mut Vec<Named>) {
    let mut depth = 0;
    let mut begin = 0;
    let mut items = Vec::new();
    for (at, character) in tree.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&tree[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    items.push(&tree[begin..]);
    for item in items.into_iter().map(str::trim).filter(|item| !item.is_empty()) {
        let (path, group) = match item.split_once('{') {
            Some((path, rest)) => (path, Some(rest.trim_end_matches('}'))),
            None => (item, None),
        };
        let path = path.split(" as ").next().unwrap_or_default();
        let parts = path.split("::").map(str::trim).filter(|part| !part.is_empty());
        let mut named = prefix.to_vec();
        named.extend(parts.filter(|part| *part != "self").map(str::to_owned));
        match group {
            // The last brace of the tree closes this group, even if the group contains other
            // groups.
            Some(_) => {
                let open = item.find('{').unwrap_or_default();
                let close = item.rfind('}').unwrap_or(item.len());
                expand(&named, &item[open + 1..close], found);
            }
            None => found.push(named),
        }
    }
}

/// The paths inside the crate that a file uses, in `use` declarations and elsewhere.
fn named(source: &Source) -> Vec<Named> {
    let mut found = Vec::new();
    for (lead, up) in [("crate::", None), ("super::super::", Some(2)), ("super::", Some(1))] {
        for (at, _) in source.code.match_indices(lead) {
            let before = &source.code[..at];
            if before.ends_with("super::") || before.ends_with(|c: char| c.is_alphanumeric()) {
                continue;
            }
            let rest = &source.code[at + lead.len()..];
            if rest.starts_with("super::") {
                continue;
            }
            let prefix: Vec<String> = match up {
                None => Vec::new(),
                Some(up) => source.module[..source.module.len().saturating_sub(up)].to_vec(),
            };
            let is_use = before.ends_with("use ");
            let end = if is_use {
                rest.find(';').unwrap_or(rest.len())
            } else {
                let part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
                rest.find(|c| !part(c)).unwrap_or(rest.len())
            };
            expand(&prefix, &rest[..end], &mut found);
        }
    }
    found
}

/// The module to which a path leads: the longest beginning of the path that is a module, or the
/// file from which that module re-exports the name. `None` if the path leads to no module except
/// the root.
fn target(path: &Named, modules: &BTreeSet<Vec<String>>, exports: &Exports) -> Option<Vec<String>> {
    let mut module = Vec::new();
    for part in path {
        let mut inner: Vec<String> = module.clone();
        inner.push(part.clone());
        if modules.contains(&inner) {
            module = inner;
            continue;
        }
        if let Some(file) = exports.get(&(module.clone(), part.clone())) {
            module.push(file.clone());
        }
        break;
    }
    (!module.is_empty()).then_some(module)
}

/// The file from which a module re-exports a name. The key contains the module and the name.
type Exports = BTreeMap<(Vec<String>, String), String>;

fn exports(sources: &[Source]) -> Exports {
    let mut found = Exports::new();
    for source in sources {
        let declared = source.code.match_indices("use ").filter(|(at, _)| {
            let line = source.code[..*at].rsplit('\n').next().unwrap_or_default().trim();
            line.is_empty() || line.starts_with("pub")
        });
        for (at, _) in declared {
            let rest = &source.code[at + 4..];
            let mut paths = Vec::new();
            expand(&[], &rest[..rest.find(';').unwrap_or(rest.len())], &mut paths);
            for path in paths {
                if let [file, .., name] = path.as_slice() {
                    found.insert((source.module.clone(), name.clone()), file.clone());
                }
            }
        }
    }
    found
}

/// For each file of a crate, the files of the same crate on which it depends.
fn dependencies(crate_folder: &str) -> BTreeMap<Vec<String>, BTreeSet<Vec<String>>> {
    dependencies_of(&sources(crate_folder))
}

fn dependencies_of(sources: &[Source]) -> BTreeMap<Vec<String>, BTreeSet<Vec<String>>> {
    let modules: BTreeSet<Vec<String>> = sources.iter().map(|s| s.module.clone()).collect();
    let mut exports = exports(sources);
    exports.retain(|(module, _), file| {
        let mut file_of = module.clone();
        file_of.push(file.clone());
        modules.contains(&file_of)
    });
    let found = sources.iter().map(|source| {
        let targets =
            named(source).into_iter().filter_map(|path| target(&path, &modules, &exports));
        (source.module.clone(), targets.filter(|target| *target != source.module).collect())
    });
    found.collect()
}

/// The layer of each module of a crate, from the table in docs/architecture.md. The lowest layer
/// has the lowest number.
fn layers(name: &str) -> BTreeMap<String, usize> {
    let document = fs::read_to_string(workspace().join("docs/architecture.md")).unwrap();
    let table = document.split(&format!("<!-- layers:{name} -->")).nth(1).expect("a table");
    let table = table.split("<!-- /layers -->").next().unwrap_or_default();
    let mut layers = BTreeMap::new();
    for (rank, row) in table.lines().filter(|line| line.starts_with('|')).skip(2).enumerate() {
        let modules = row.split('|').nth(2).expect("the column with the modules");
        for module in modules.split('`').skip(1).step_by(2) {
            assert!(layers.insert(module.to_owned(), rank).is_none(), "{module} is in two layers");
        }
    }
    layers
}

/// The dependencies of modules on modules in the same layer or in a higher layer.
fn violations(
    dependencies: &BTreeMap<Vec<String>, BTreeSet<Vec<String>>>,
    layers: &BTreeMap<String, usize>,
) -> Vec<String> {
    let mut found = Vec::new();
    for (from, targets) in dependencies {
        let Some(own) = from.first() else { continue };
        let rank = layers.get(own).unwrap_or_else(|| panic!("{own} has no layer"));
        for to in targets.iter().filter(|to| to.first() != Some(own)) {
            if layers.get(&to[0]).unwrap_or_else(|| panic!("{} has no layer", to[0])) >= rank {
                found.push(format!("{} -> {}", from.join("::"), to.join("::")));
            }
        }
    }
    found
}

/// The cycles of dependencies between the files of one folder. Each cycle is described by one of
/// its files and the path that leads back to it.
fn cycles(dependencies: &BTreeMap<Vec<String>, BTreeSet<Vec<String>>>) -> Vec<String> {
    // Returns the file or folder to which a dependency leads, if it is in the same folder.
    let sibling = |from: &[String], to: &[String]| {
        let folder = from.len().saturating_sub(1);
        (to.len() > folder && to[..folder] == from[..folder] && to[folder] != from[folder])
            .then(|| to[..=folder].to_vec())
    };
    let mut edges: BTreeMap<Vec<String>, BTreeSet<Vec<String>>> = BTreeMap::new();
    for (from, targets) in dependencies {
        for depth in 1..=from.len() {
            let own = from[..depth].to_vec();
            let siblings = targets.iter().filter_map(|to| sibling(&own, to));
            edges.entry(own.clone()).or_default().extend(siblings);
        }
    }
    let mut found = Vec::new();
    for start in edges.keys() {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&Vec<String>> = edges[start].iter().collect();
        while let Some(next) = open.pop() {
            if seen.insert(next) {
                open.extend(edges.get(next).into_iter().flatten());
            }
        }
        if seen.contains(start) {
            let to: Vec<String> = edges[start].iter().map(|to| to.join("::")).collect();
            found.push(format!("{} -> {}", start.join("::"), to.join(", ")));
        }
    }
    found
}

fn check(crate_folder: &str, name: &str) {
    let dependencies = dependencies(crate_folder);
    assert!(dependencies.len() > 20, "{} files were read", dependencies.len());
    let layers = layers(name);
    for module in dependencies.keys().filter_map(|module| module.first()) {
        assert!(layers.contains_key(module), "docs/architecture.md names no layer of {module}");
    }
    let wrong = violations(&dependencies, &layers);
    assert!(wrong.is_empty(), "against the layers of docs/architecture.md: {wrong:#?}");
}

#[test]
fn modules_of_shared_depend_on_lower_layers_only() {
    check("shared", "shared");
}

#[test]
fn modules_of_the_local_cloud_depend_on_lower_layers_only() {
    check("infra/local", "local");
}

#[test]
fn files_of_a_folder_do_not_depend_on_each_other_in_a_cycle() {
    let functions = fs::read_dir(workspace().join("functions")).unwrap();
    let functions: Vec<PathBuf> = functions.map(|entry| entry.unwrap().path()).collect();
    let functions = functions.iter().map(|path| path.strip_prefix(workspace()).unwrap());
    let functions = functions.map(|path| path.to_string_lossy().into_owned());
    for folder in functions.chain(["shared".to_owned(), "infra/local".to_owned()]) {
        let found = cycles(&dependencies(&folder));
        assert!(found.is_empty(), "{folder} has files in a cycle: {found:#?}");
    }
}

#[test]
fn a_reversed_dependency_is_found() {
    let path = |module: &str| vec![module.to_owned()];
    let mut sources = sources("shared");
    let table = sources.iter_mut().find(|source| source.module == path("table")).unwrap();
    table.code.push_str("\nuse crate::{\n    contact::{Contact, model::ContactView},\n};\n");
    let dependencies = dependencies_of(&sources);
    let found = violations(&dependencies, &layers("shared"));
    assert_eq!(found, ["table -> contact::model"], "the module that re-exports a name is resolved");
    assert!(cycles(&dependencies).iter().any(|cycle| cycle.starts_with("table -> ")));
}

#[test]
fn dependencies_are_read_from_use_declarations_and_paths() {
    let dependencies = dependencies("shared");
    let edges: usize = dependencies.values().map(BTreeSet::len).sum();
    assert!(edges > 300, "{edges} dependencies were read");
    let path = |text: &str| text.split("::").map(str::to_owned).collect::<Vec<_>>();
    for (from, to) in [
        ("contact::write", "table::retry"),
        ("contact::write", "contact::edit"),
        ("note::store", "access::authority"),
        ("directory::client", "upstream"),
    ] {
        assert!(dependencies[&path(from)].contains(&path(to)), "{from} -> {to}");
    }
}
