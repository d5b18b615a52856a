//! Measures the time of the note pipeline relative to `ammonia` alone with a reused builder:
//! `cargo run --release --example note_pipeline`. Target: a ratio of at most 1.4. Then it measures
//! submissions of almost 10,000 characters that are the slowest known ones. Target: 0.3 s each.

use std::{hint::black_box, time::Instant};

use shared::note::{Draft, MentionOutcome, MentionRef, Site};

const ROUNDS: usize = 41;
const NOTES_PER_ROUND: usize = 200;

/// About 1.7 KB with 4 mentions, as an editor writes it.
fn note() -> String {
    let paragraph = "<p>Called the <strong>customer</strong> about the <em>renewal</em>; they asked \
                     for a quote &amp; a call next week, see <a href=\"https://docs.example.com/q?id=7&amp;v=2\">\
                     the draft</a>.</p><ul><li><p>Budget is approved</p></li><li><p>Legal is not</p></li></ul>";
    let mention = |n: usize| {
        format!(
            "<p>Over to <a data-user-id=\"0191d2c4-8a3e-7c11-9f00-00000000000{n}\" data-mention=\"true\">@Ann Lee</a>, please.</p>"
        )
    };
    (0..4)
        .map(|n| mention(n) + paragraph + "<p>Nothing else was said, and the line was bad.</p>")
        .collect()
}

/// The slowest known submissions, by name. The parser repeats misnested formatting in every block,
/// and moves a link that is around other links into each block.
fn worst_cases() -> [(&'static str, String); 6] {
    let numbered = (0..900).map(|n| format!("<b a{n}><p>")).collect();
    let classes = (0..330).map(|n| format!("<b class=language-{n}><p>")).collect();
    let links = (0..400).map(|n| format!("<a href=//{n}.x><p><b>")).collect();
    let nested = format!("<a href=//x.x>{}<a href=//y.x>x</a>", "<ol>".repeat(95)).repeat(23);
    [
        ("`<b aN><p>` 900 times", numbered),
        ("`<b class=language-N><p>` 330 times", classes),
        ("`<a href=//N.x><p><b>` 400 times", links),
        ("`<b><p>` 1,600 times", "<b><p>".repeat(1_600)),
        ("`<font size=1><p>` 600 times", "<font size=1><p>".repeat(600)),
        ("a link around 95 lists and a link, 23 times", nested),
    ]
}

fn directory(reference: &MentionRef) -> MentionOutcome {
    match reference {
        MentionRef::User(user) => MentionOutcome::Verified {
            user: *user,
            display_name: "Ann Lee".to_owned(),
            known_names: Vec::new(),
        },
        MentionRef::Raw(_) | MentionRef::Malformed(_) => MentionOutcome::Text,
    }
}

/// Microseconds per note over one round.
fn round(work: &mut impl FnMut() -> usize) -> f64 {
    let start = Instant::now();
    for _ in 0..NOTES_PER_ROUND {
        black_box(work());
    }
    start.elapsed().as_secs_f64() * 1e6 / NOTES_PER_ROUND as f64
}

fn median(mut rounds: Vec<f64>) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

fn main() {
    let html = note();
    let site = Site::new("https://app.example.com");
    let sanitizer = ammonia::Builder::default();
    let mut alone = || sanitizer.clean(black_box(&html)).to_string().len();
    let mut pipeline = || match Draft::from_submission(black_box(&html), &site) {
        Ok(draft) => draft.render(directory).html.len(),
        Err(_) => 0,
    };
    // The two alternate round by round, so that other load on the machine affects both.
    let rounds: Vec<_> = (0..ROUNDS).map(|_| (round(&mut alone), round(&mut pipeline))).collect();
    let ratio = median(rounds.iter().map(|(alone, pipeline)| pipeline / alone).collect());
    let (alone, pipeline): (Vec<_>, Vec<_>) = rounds.into_iter().unzip();
    let (alone, pipeline) = (median(alone), median(pipeline));
    println!("note: {} bytes, 4 mentions", html.len());
    println!("ammonia alone      {alone:8.1} µs");
    println!("the whole pipeline {pipeline:8.1} µs, {ratio:.2} of it");
    for (name, html) in worst_cases() {
        let time = |_| {
            let start = Instant::now();
            let draft = Draft::from_submission(black_box(&html), &site);
            black_box(draft.map(|draft| draft.render(directory).html.len()).ok());
            start.elapsed().as_secs_f64() * 1e3
        };
        println!(
            "{:5} characters, {name}: {:.1} ms",
            html.len(),
            median((0..5).map(time).collect())
        );
    }
}
