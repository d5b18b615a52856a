//! The request for an export, and its checks.

use jiff::{Timestamp, tz::TimeZone};
use serde::Deserialize;

use super::{
    field::Field,
    file_name,
    label::Column,
    layout::Layout,
    order::{Delimiter, ExportOrder, Format, Selection},
    request_error::RequestError,
};
use crate::{
    contact::Filter,
    id::{ContactId, LayoutId},
    locale::{Locale, UnknownLocale},
};

/// The maximum number of selected contact ids.
pub const MAX_IDS: usize = 10_000;
/// The maximum size of a filter as JSON, in bytes. The job stores the filter, and each heartbeat of
/// a worker writes the job.
const MAX_FILTER_BYTES: usize = 16 * 1024;

/// The default language and time zone of an export. They are used if neither the request nor the
/// company sets them (SPEC §4, "Language and zone").
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Defaults {
    /// The language of column headers and emails.
    pub locale: Locale,
    /// The IANA name of the time zone in which dates are written, such as `Asia/Jakarta`.
    pub time_zone: String,
}

/// The body of `POST /cdp/exports`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportRequest {
    format: Format,
    selection: SelectionInput,
    #[serde(default)]
    fields: Option<Vec<String>>,
    #[serde(default)]
    layout_id: Option<LayoutId>,
    #[serde(default)]
    file_name: Option<String>,
    #[serde(default)]
    time_zone: Option<String>,
    #[serde(default)]
    locale: Option<String>,
    #[serde(default)]
    delimiter: Option<Delimiter>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SelectionInput {
    #[serde(default)]
    ids: Option<Vec<ContactId>>,
    #[serde(default)]
    filter: Option<Filter>,
}

fn wrong(field: &'static str, reason: impl Into<String>) -> RequestError {
    RequestError::new(field, reason)
}

impl Defaults {
    /// Creates the defaults, and checks the name of the time zone.
    ///
    /// # Errors
    /// [`RequestError`] if `time_zone` is not the IANA name of a time zone.
    pub fn new(locale: Locale, time_zone: &str) -> Result<Self, RequestError> {
        Ok(Self { locale, time_zone: zone(time_zone)? })
    }
}

impl ExportRequest {
    /// The id of the layout that the request uses; `None` if the request lists fields.
    #[must_use]
    pub fn layout_id(&self) -> Option<LayoutId> {
        self.layout_id
    }

    /// Checks the request. `layout` is the layout that the request uses. `company_locale` is the
    /// language if the request sets none.
    ///
    /// # Errors
    /// [`RequestError`] for the first field that is not valid.
    pub fn check(
        self,
        layout: Option<&Layout>,
        company_locale: Option<Locale>,
        defaults: &Defaults,
        now: Timestamp,
    ) -> Result<ExportOrder, RequestError> {
        let asked = self.locale.as_deref().map(str::parse).transpose();
        let asked = asked.map_err(|error: UnknownLocale| wrong("locale", error.to_string()))?;
        let locale = asked.or(company_locale).unwrap_or(defaults.locale);
        let time_zone = match &self.time_zone {
            Some(name) => zone(name)?,
            None => defaults.time_zone.clone(),
        };
        let columns = columns(self.fields.as_deref(), layout, locale, &time_zone)?;
        let (selection, ids) = self.selection.check()?;
        let named = self.file_name.unwrap_or_default();
        let file_name = file_name::safe(&named, self.format, &time_zone, now)
            .map_err(|error| wrong("file_name", error.to_string()))?;
        Ok(ExportOrder {
            format: self.format,
            delimiter: self.delimiter.unwrap_or_default(),
            selection,
            ids,
            columns,
            layout_id: self.layout_id,
            file_name,
            time_zone,
            locale,
        })
    }
}

/// The columns from the request's fields or from its layout. They are copied, so that a later
/// change of the layout does not change the export.
fn columns(
    fields: Option<&[String]>,
    layout: Option<&Layout>,
    locale: Locale,
    time_zone: &str,
) -> Result<Vec<Column>, RequestError> {
    match (fields, layout) {
        (Some(names), None) => {
            let fields =
                Field::parse_all(names).map_err(|error| wrong("fields", error.to_string()))?;
            Ok(fields.into_iter().map(|field| Column::in_zone(field, locale, time_zone)).collect())
        }
        (None, Some(layout)) => Ok(layout.columns(locale, time_zone)),
        _ => Err(wrong("fields", "exactly one of fields and layout_id is required")),
    }
}

impl SelectionInput {
    fn check(self) -> Result<(Selection, Vec<ContactId>), RequestError> {
        match (self.ids, self.filter) {
            (Some(ids), None) => {
                if ids.is_empty() || ids.len() > MAX_IDS {
                    return Err(wrong("selection.ids", format!("must have 1 to {MAX_IDS} ids")));
                }
                let ids = distinct(ids);
                let count = u64::try_from(ids.len()).unwrap_or(u64::MAX);
                Ok((Selection::Ids { count }, ids))
            }
            (None, Some(filter)) => {
                filter.check().map_err(|error| RequestError {
                    field: format!("selection.filter.{}", error.field).into(),
                    reason: error.reason,
                })?;
                let size = serde_json::to_vec(&filter).map_or(usize::MAX, |json| json.len());
                if size > MAX_FILTER_BYTES {
                    let reason = format!("must be at most {MAX_FILTER_BYTES} bytes long as JSON");
                    return Err(wrong("selection.filter", reason));
                }
                Ok((Selection::Filter(Box::new(filter)), Vec::new()))
            }
            _ => Err(wrong("selection", "exactly one of ids and filter is required")),
        }
    }
}

fn distinct(mut ids: Vec<ContactId>) -> Vec<ContactId> {
    let mut seen = std::collections::HashSet::with_capacity(ids.len());
    ids.retain(|id| seen.insert(*id));
    ids
}

/// Checks the name of a time zone and returns its canonical spelling.
fn zone(name: &str) -> Result<String, RequestError> {
    let zone = TimeZone::get(name).ok();
    let name = zone.as_ref().and_then(|zone| zone.iana_name()).map(str::to_owned);
    name.ok_or_else(|| wrong("time_zone", "must be an IANA time zone such as Asia/Jakarta"))
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
