use super::{
    mapping::{CompanyFields, Mapping},
    zone::without_zone,
};
use crate::{
    contact::{CustomField, ImportContext},
    export::{Layouts, MAX_LAYOUTS},
    id::CompanyId,
    locale::Locale,
    table::{Table, TableError},
};

/// Stands for the time zone in the labels of times, which is not compared.
const NO_ZONE: &str = "UTC";

impl CompanyFields {
    /// Loads the names of the company's own fields.
    pub async fn load(
        table: &Table,
        company: &CompanyId,
        custom: &[CustomField],
    ) -> Result<Self, TableError> {
        let custom_keys = custom.iter().map(|field| field.key.clone()).collect();
        let page = Layouts::new(table.clone(), company.clone()).list(None, MAX_LAYOUTS).await?;
        let layouts = &page.layouts;
        let fields = layouts.iter().flat_map(|layout| &layout.fields);
        let labels =
            fields.filter_map(|it| Some((it.label.clone()?, it.field.name().into_owned())));
        let headers = layouts.iter().flat_map(|layout| {
            [Locale::En, Locale::Id].map(|locale| {
                let columns = layout.columns(locale, NO_ZONE).into_iter();
                columns.map(|it| (without_zone(&it.label), it.field.name().into_owned())).collect()
            })
        });
        Ok(Self { custom_keys, labels: labels.collect(), headers: headers.collect() })
    }
}

/// Creates the context of an import into a company with these custom fields.
#[must_use]
pub fn context(custom: Vec<CustomField>, mapping: &Mapping) -> ImportContext {
    let types = custom.into_iter().map(|field| (field.key, field.field_type)).collect();
    ImportContext { types, zone: mapping.zone() }
}
