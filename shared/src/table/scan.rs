//! Reads the whole table. Only the removal of a company does this.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};

use super::{Item, Key, Table, TableError};
use crate::id::CompanyId;

/// The maximum number of items in a page. The table also ends a page at 1 MB.
const PAGE: i32 = 1000;

/// A page of all items.
#[derive(Debug)]
pub struct ScanPage {
    /// The items, in no useful order.
    pub items: Vec<Item>,
    /// The key of the last item that was read; `None` if the table has no more items.
    pub last: Option<Key>,
    /// The read units that the page cost.
    pub read_units: f64,
}

impl Table {
    /// Reads the page of items after this key.
    pub async fn scan(&self, after: Option<&Key>) -> Result<ScanPage, TableError> {
        let scan = self
            .client()
            .scan()
            .table_name(self.name())
            .consistent_read(true)
            .limit(PAGE)
            .set_exclusive_start_key(after.map(Key::to_attributes))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let page = scan.send().await?;
        let units = page.consumed_capacity.and_then(|used| used.capacity_units);
        Ok(ScanPage {
            last: page.last_evaluated_key.as_ref().and_then(Key::from_item),
            items: page.items.unwrap_or_default(),
            read_units: units.unwrap_or_default(),
        })
    }
}

/// Whether an item belongs to this company, by its key, or, if the key does not name a company, by
/// its content.
#[must_use]
pub fn is_of_company(item: &Item, company: &CompanyId) -> bool {
    let Some(key) = Key::from_item(item) else { return false };
    if let Some(owner) = key.company() {
        return owner == company.as_str();
    }
    item.values().any(|value| names(value, company.as_str()))
}

/// Whether a value is this company's id, or contains it in the text of a JSON document.
fn names(value: &AttributeValue, company: &str) -> bool {
    match value {
        AttributeValue::S(text) => {
            let is_quoted = |(at, _): (usize, &str)| {
                let after = &text[at + company.len()..];
                text[..at].ends_with('"') && (after.starts_with('"') || after.starts_with("\\\""))
            };
            text == company || text.match_indices(company).any(is_quoted)
        }
        AttributeValue::M(values) => values.values().any(|value| names(value, company)),
        AttributeValue::L(values) => values.iter().any(|value| names(value, company)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::ContactId,
        table::{Due, DueKind, Partition, to_item},
    };

    fn company(id: &str) -> CompanyId {
        id.parse().unwrap()
    }

    fn due(payload: &serde_json::Value) -> Item {
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        Due::new(DueKind::Message, at, "1", payload).unwrap().item().unwrap()
    }

    #[test]
    fn an_item_belongs_to_the_company_that_its_key_or_its_content_names() {
        let acme = company("acme");
        let id: ContactId = "019b8be1-f500-7a8a-b49f-1af85278bb50".parse().unwrap();
        let empty = serde_json::json!({});
        let own = [
            to_item(&Key::contact(&acme, id), &empty).unwrap(),
            to_item(&Key::pointer(&acme, &Partition::All, id), &empty).unwrap(),
            to_item(&Key::link("0"), &serde_json::json!({ "job": { "company": "acme" } })).unwrap(),
            due(&serde_json::json!({ "company": "acme" })),
            due(&serde_json::json!({ "body": "{\"company\":\"acme\"}" })),
        ];
        for item in &own {
            assert!(is_of_company(item, &acme), "{item:?}");
            for other in ["acm", "acme2", "me"] {
                assert!(!is_of_company(item, &company(other)), "{other}: {item:?}");
            }
        }
        let other = to_item(&Key::flags(&company("other")), &serde_json::json!({ "name": "acme" }));
        assert!(!is_of_company(&other.unwrap(), &acme), "a name in another company's item");
    }
}
