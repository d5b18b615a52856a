use super::mapping::{CompanyFields, Mapping};
use crate::{
    contact::{CustomField, ImportContext},
    export::{Layouts, MAX_LAYOUTS},
    id::CompanyId,
    table::{Table, TableError},
};

impl CompanyFields {
    /// Loads the names of the company's own fields, as far as the columns of a file need them.
    pub async fn load(
        table: &Table,
        company: &CompanyId,
        custom: &[CustomField],
        headers: &[String],
    ) -> Result<Self, TableError> {
        let custom_keys: Vec<String> = custom.iter().map(|field| field.key.clone()).collect();
        if !Mapping::has_unknown_names(headers, &custom_keys) {
            return Ok(Self { custom_keys, labels: Vec::new() });
        }
        let page = Layouts::new(table.clone(), company.clone()).list(None, MAX_LAYOUTS).await?;
        let fields = page.layouts.into_iter().flat_map(|layout| layout.fields);
        let labels = fields.filter_map(|it| Some((it.label?, it.field.name().into_owned())));
        Ok(Self { custom_keys, labels: labels.collect() })
    }
}

/// Creates the context of an import into a company with these custom fields.
#[must_use]
pub fn context(custom: Vec<CustomField>, mapping: &Mapping) -> ImportContext {
    let types = custom.into_iter().map(|field| (field.key, field.field_type)).collect();
    ImportContext { types, zone: mapping.zone() }
}
