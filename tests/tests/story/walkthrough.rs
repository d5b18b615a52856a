//! Runs the commands of docs/walkthrough.md as the page shows them, and compares each answer with
//! the answer on the page. A JSON answer must have the same keys and types; ids, times, addresses
//! and other values may differ. Any other text must be the same line by line, and `…` on the page
//! matches any text.

use std::{fs, path::Path, time::Duration};

use local::{LocalCloud, Options};
use serde_json::Value;
use tests::workspace;
use tokio::{process::Command, time::timeout};

/// The mark that the shell prints after the output of each block of commands.
const END: char = '\u{1e}';
/// The time limit of all commands together. Each command on the page that waits stops after a
/// minute.
const TIME_LIMIT: Duration = Duration::from_secs(240);

/// A block of commands, and the answer that the page shows for it; `None` if it shows none.
#[derive(PartialEq, Debug)]
struct Step {
    /// The number of the line in which the block begins.
    line: usize,
    commands: String,
    answer: Option<Answer>,
}

#[derive(PartialEq, Debug)]
enum Answer {
    Json(Value),
    Text(String),
}

/// The steps of a page. A step is a block that is marked `sh` and the block after it that is marked
/// `json` or `text`.
fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut lines = page.lines().zip(1..);
    while let Some((fence, line)) = lines.find(|(line, _)| line.starts_with("```")) {
        let inside = lines.by_ref().map(|(line, _)| line).take_while(|line| *line != "```");
        let text = inside.collect::<Vec<_>>().join("\n");
        match (fence, steps.last_mut()) {
            ("```sh", _) => steps.push(Step { line, commands: text, answer: None }),
            ("```json", Some(step)) => {
                let answer = serde_json::from_str(&text);
                let answer = answer.unwrap_or_else(|error| panic!("line {line}: {error}"));
                let earlier = step.answer.replace(Answer::Json(answer));
                assert!(earlier.is_none(), "line {line}: a second answer");
            }
            ("```text", Some(step)) => {
                let earlier = step.answer.replace(Answer::Text(text));
                assert!(earlier.is_none(), "line {line}: a second answer");
            }
            _ => {}
        }
    }
    steps
}

/// Adds to `found` where two JSON values differ in keys, types or the length of arrays.
fn differences(at: &str, shown: &Value, real: &Value, found: &mut Vec<String>) {
    match (shown, real) {
        (Value::Object(shown), Value::Object(real)) => {
            for (name, shown) in shown {
                match real.get(name) {
                    Some(real) => differences(&format!("{at}.{name}"), shown, real, found),
                    None => found.push(format!("{at}.{name} is missing")),
                }
            }
            let new = real.keys().filter(|name| !shown.contains_key(*name));
            found.extend(new.map(|name| format!("{at}.{name} is not on the page")));
        }
        (Value::Array(shown), Value::Array(real)) => {
            if shown.len() != real.len() {
                found.push(format!("{at} has {} elements, not {}", real.len(), shown.len()));
            }
            for (index, (shown, real)) in shown.iter().zip(real).enumerate() {
                differences(&format!("{at}[{index}]"), shown, real, found);
            }
        }
        _ if std::mem::discriminant(shown) == std::mem::discriminant(real) => {}
        _ => found.push(format!("{at} is {real}, not {shown}")),
    }
}

/// Whether a line of output matches a line on the page, in which `…` matches any text.
fn is_line(shown: &str, real: &str) -> bool {
    let Some((before, after)) = shown.split_once('…') else { return shown == real };
    real.strip_prefix(before).is_some_and(|rest| rest.ends_with(after))
}

/// Adds to `found` where two texts differ in their lines.
fn text_differences(at: &str, shown: &str, real: &str, found: &mut Vec<String>) {
    let (shown, real): (Vec<_>, Vec<_>) = (shown.lines().collect(), real.lines().collect());
    if shown.len() != real.len() {
        found.push(format!("{at} has {} lines, not {}", real.len(), shown.len()));
    }
    let lines = shown.iter().zip(&real).filter(|(shown, real)| !is_line(shown, real));
    found.extend(lines.map(|(shown, real)| format!("{at} has {real:?}, not {shown:?}")));
}

/// Runs all steps in one shell. Returns the output of each step that succeeded, and the text that
/// the commands wrote to stderr.
async fn run(steps: &[Step], cloud: &LocalCloud, folder: &Path) -> (Vec<String>, String) {
    let blocks = steps.iter().map(|step| format!("{}\nprintf '{END}'\n", step.commands));
    let output = Command::new("bash")
        .args(["-e", "-c", &blocks.collect::<String>()])
        .env("API", cloud.gateway_url())
        .env("LAMBDA", cloud.lambda_url())
        .env("NO_PROXY", "127.0.0.1")
        .env("TMPDIR", folder)
        .current_dir(folder)
        .kill_on_drop(true)
        .output();
    let output = timeout(TIME_LIMIT, output).await;
    let output = output.unwrap_or_else(|_| panic!("the commands took longer than {TIME_LIMIT:?}"));
    let output = output.unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut printed: Vec<String> = printed.split(END).map(str::to_owned).collect();
    // The text after the last mark is the output of a block that failed.
    printed.pop();
    (printed, String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_walkthrough_work_as_they_are_written() {
    let curl = Command::new("curl").arg("--version").output().await;
    assert!(curl.is_ok(), "docs/walkthrough.md needs curl, which is not installed");
    let page = fs::read_to_string(workspace().join("docs/walkthrough.md")).unwrap();
    let steps = steps(&page);
    let answers = steps.iter().filter(|step| step.answer.is_some()).count();
    assert!(answers >= 10, "the page shows {answers} answers");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("walkthrough");
    fs::create_dir_all(&folder).unwrap();

    let cloud = LocalCloud::start(Options::new(workspace())).await.unwrap();
    let (printed, errors) = run(&steps, &cloud, &folder).await;
    cloud.shutdown().await;

    if let Some(failed) = steps.get(printed.len()) {
        panic!("the commands at line {} failed: {errors}", failed.line);
    }
    let mut found = Vec::new();
    for (step, printed) in steps.iter().zip(&printed) {
        let Some(shown) = &step.answer else { continue };
        let at = format!("line {}: $", step.line);
        fs::write(folder.join(format!("answer-{}.txt", step.line)), printed).unwrap();
        match shown {
            Answer::Text(shown) => text_differences(&at, shown, printed, &mut found),
            Answer::Json(shown) => match serde_json::from_str(printed) {
                Ok(real) => differences(&at, shown, &real, &mut found),
                Err(error) => found.push(format!("{at} is not a JSON value ({error}): {printed}")),
            },
        }
    }
    let answers = folder.display();
    assert!(found.is_empty(), "{}\nThe real answers are in {answers}", found.join("\n"));
}

#[test]
fn answers_belong_to_the_commands_before_them() {
    let page = "```text\nx\n```\n```sh\na\nb\n```\n```json\n{}\n```\n\
                ```sh\nc\n```\n```text\nd\n```\n```sh\ne\n```\n";
    let step = |line, commands: &str, answer| Step { line, commands: commands.to_owned(), answer };
    let expected = [
        step(4, "a\nb", Some(Answer::Json(serde_json::json!({})))),
        step(11, "c", Some(Answer::Text("d".to_owned()))),
        step(17, "e", None),
    ];
    assert_eq!(steps(page), expected);
}

#[test]
fn answers_differ_by_keys_types_and_lengths_and_not_by_values() {
    let shown = serde_json::json!({ "a": 1, "b": [{ "c": null }], "d": "x", "e": [] });
    let real = serde_json::json!({ "a": 2.5, "b": [{ "c": "y" }], "e": [1], "f": true });
    let mut found = Vec::new();
    differences("$", &shown, &real, &mut found);
    let expected = [
        "$.b[0].c is \"y\", not null",
        "$.d is missing",
        "$.e has 1 elements, not 0",
        "$.f is not on the page",
    ];
    assert_eq!(found, expected);
}

#[test]
fn texts_differ_by_lines_and_an_ellipsis_matches_any_text() {
    let mut found = Vec::new();
    text_differences("$", "a…\nb…c\nd", "abc\nbxc\nd\n", &mut found);
    assert!(found.is_empty(), "{found:?}");
    text_differences("$", "a…\nb…c\nd", "xa\nbc", &mut found);
    assert_eq!(found, ["$ has 2 lines, not 3", "$ has \"xa\", not \"a…\""]);
}
