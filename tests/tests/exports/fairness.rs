use local::{
    demo_company,
    upstreams::{Company, Person, Upserts},
};
use tests::World;

use super::steps::{order, requested, view};

/// The largest number of active jobs of a user and of a company.
const LIMITS: (usize, usize) = (3, 20);

/// Adds a company in which as many people work as are needed for 20 active exports. Returns their
/// ids.
fn company(world: &World, name: &str) -> Vec<String> {
    let id = demo_company::id("company", name);
    let maya = world.directory.find("maya").unwrap();
    let people: Vec<Person> = (0..LIMITS.1.div_ceil(LIMITS.0))
        .map(|number| Person {
            sso_id: demo_company::id("person", &format!("{name} {number}")),
            company_sso_id: id.clone(),
            handle: None,
            team_ids: Vec::new(),
            ..maya.clone()
        })
        .collect();
    let ids = people.iter().map(|person| person.sso_id.clone()).collect();
    let company = Company {
        company_sso_id: id,
        id: None,
        name: name.to_owned(),
        plan: "growth".to_owned(),
        locale: "en".to_owned(),
    };
    let upserts = Upserts { companies: vec![company], people, ..Upserts::default() };
    world.directory.upsert(upserts).unwrap();
    ids
}

/// Requests 20 exports for a company and returns them as pairs of user and job.
async fn backlog(world: &World, people: &[String]) -> Vec<(String, String)> {
    let mut jobs = Vec::new();
    for user in people.iter().cycle().take(LIMITS.1) {
        jobs.push((user.clone(), requested(world, user, &order("csv")).await));
    }
    jobs
}

/// The number of jobs that no worker has started.
async fn queued(world: &World, jobs: &[(String, String)]) -> usize {
    let mut queued = 0;
    for (user, job) in jobs {
        queued += usize::from(view(world, user, job).await["status"] == "queued");
    }
    queued
}

#[tokio::test]
async fn an_export_waits_for_one_export_of_each_company_and_not_for_their_backlogs() {
    let world = World::start().await;
    let (first, second) = (company(&world, "first"), company(&world, "second"));
    let backlogs = [backlog(&world, &first).await, backlog(&world, &second).await];
    for _ in 0..4 {
        assert!(world.process_next("ExportGenerate").await);
    }
    let user = company(&world, "third").remove(0);
    let job = requested(&world, &user, &order("csv")).await;
    for _ in 0..3 {
        assert!(world.process_next("ExportGenerate").await);
    }
    assert_eq!(view(&world, &user, &job).await["status"], "completed");
    for jobs in &backlogs {
        assert_eq!(queued(&world, jobs).await, 17, "three of each company have run");
    }
    world.process_queues().await;
    for jobs in &backlogs {
        assert_eq!(queued(&world, jobs).await, 0);
    }
}
