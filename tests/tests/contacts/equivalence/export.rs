//! Exports.

use http::Method;
use serde_json::{Value, json};
use shared::{directory::SubscriptionPlan, export::MAX_ATTEMPTS};

use super::{VIEW_CUSTOMERS, ViewerCheck};

impl ViewerCheck<'_> {
    /// Exports everything or selected ids. If teams are needed and Launchpad cannot return them,
    /// the export fails and leaves no file.
    pub(super) async fn export(&mut self) {
        let by_ids = self.index % 2 == 1;
        let all =
            self.company.contacts.iter().map(|one| one.id).chain(self.foreign.iter().copied());
        let mut all: Vec<String> = all.map(|id| id.to_string()).collect();
        all.sort_unstable();
        all.dedup();
        let selection = if by_ids { json!({ "ids": all }) } else { json!({ "filter": {} }) };
        let body = json!({
            "format": "csv", "selection": selection, "fields": ["id"], "file_name": "ids",
        });
        let response = self.call(Method::POST, "/cdp/exports", Some(body)).await;
        let (company, viewer) = (&self.company, self.viewer());
        let expected = match company.plan {
            _ if company.level(viewer, VIEW_CUSTOMERS) == "disabled" => 403,
            _ if company.profile_is_down => 503,
            SubscriptionPlan::Starter => 403,
            SubscriptionPlan::Growth | SubscriptionPlan::Enterprise => 202,
        };
        assert_eq!(response.status, expected, "{}", self.about("the request of an export"));
        if expected != 202 {
            return;
        }
        let job = response.data()["id"].as_str().unwrap().to_owned();
        let at = json!({ "company": company.id, "user": viewer.id, "job": job });
        let key = format!("private/exports/{}/{job}/1/ids.csv", company.id);
        let mut expected: Vec<String> =
            self.visible().iter().map(|contact| contact.id.to_string()).collect();
        if !by_ids {
            expected.reverse();
        }
        let skipped = if by_ids { all.len() - expected.len() } else { 0 };
        // The queue delivers a message at most `MAX_ATTEMPTS` times.
        for count in 1..=MAX_ATTEMPTS {
            self.world.invoke("ExportGenerate", delivery(&at, count)).await;
        }
        let view = self.get(&format!("/cdp/exports/{job}")).await;
        let file = self.world.files().await.read(&key).await;
        if self.company.narrows(self.viewer(), VIEW_CUSTOMERS) {
            assert_eq!(
                view.data()["status"],
                "failed",
                "{}",
                self.about("an export without teams")
            );
            assert!(file.is_err(), "{}", self.about("the file of an export without teams"));
            return;
        }
        assert_eq!(view.data()["status"], "completed", "{}", self.about("the export"));
        let file = String::from_utf8(file.unwrap()).unwrap();
        let rows: Vec<&str> = file.lines().skip(1).collect();
        assert_eq!(rows, expected, "{}", self.about("the rows of the export"));
        assert_eq!(
            view.data()["skipped"],
            skipped,
            "{}",
            self.about("the skipped contacts of the export")
        );
    }
}

fn delivery(at: &Value, count: u32) -> Value {
    json!({ "Records": [{
        "messageId": "1", "receiptHandle": "none", "body": json!({ "body": at }).to_string(),
        "attributes": { "ApproximateReceiveCount": count.to_string() },
        "messageAttributes": {}, "eventSource": "aws:sqs",
    }] })
}
