//! Pages of a bucket's list, as `ListObjectsV2` returns them.

use std::collections::BTreeMap;

use s3s::dto::{CommonPrefix, ListObjectsV2Input, ListObjectsV2Output, Object};

/// The number of entries on a page if the request names none, and the maximum.
const MAX_KEYS: i32 = 1000;

/// Returns the requested page of all objects of a bucket. With a delimiter, the objects whose keys
/// have the same text up to the delimiter are one entry, as AWS counts them.
pub(super) fn page(input: ListObjectsV2Input, all: Vec<Object>) -> ListObjectsV2Output {
    let prefix = input.prefix.clone().unwrap_or_default();
    let after = input.continuation_token.clone().max(input.start_after.clone());
    let limit = input.max_keys.unwrap_or(MAX_KEYS).clamp(0, MAX_KEYS);
    let mut entries: BTreeMap<String, Option<Object>> = BTreeMap::new();
    for object in all {
        let Some(key) = object.key.clone().filter(|key| key.starts_with(&prefix)) else { continue };
        match shared_part(&key, &prefix, input.delimiter.as_deref()) {
            Some(folder) => entries.insert(folder, None),
            None => entries.insert(key, Some(object)),
        };
    }
    entries.retain(|name, _| after.as_ref().is_none_or(|after| name > after));
    let rest = entries.len();
    let page: Vec<_> =
        entries.into_iter().take(usize::try_from(limit).unwrap_or_default()).collect();
    let is_truncated = page.len() < rest;
    let next = page.last().filter(|_| is_truncated).map(|(name, _)| name.clone());
    let key_count = i32::try_from(page.len()).ok();
    let (folders, objects): (Vec<_>, Vec<_>) =
        page.into_iter().partition(|(_, object)| object.is_none());
    let folders = folders.into_iter().map(|(name, _)| CommonPrefix { prefix: Some(name) });
    ListObjectsV2Output {
        name: Some(input.bucket),
        prefix: input.prefix,
        delimiter: input.delimiter,
        start_after: input.start_after,
        continuation_token: input.continuation_token,
        max_keys: Some(limit),
        key_count,
        is_truncated: Some(is_truncated),
        next_continuation_token: next,
        common_prefixes: Some(folders.collect()),
        contents: Some(objects.into_iter().filter_map(|(_, object)| object).collect()),
        ..ListObjectsV2Output::default()
    }
}

/// The text of a key up to the first delimiter after the prefix; `None` if it has no delimiter
/// there.
fn shared_part(key: &str, prefix: &str, delimiter: Option<&str>) -> Option<String> {
    let delimiter = delimiter.filter(|delimiter| !delimiter.is_empty())?;
    let (folder, _) = key[prefix.len()..].split_once(delimiter)?;
    Some(format!("{prefix}{folder}{delimiter}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(
        prefix: &str,
        delimiter: Option<&str>,
        limit: i32,
        after: Option<&str>,
    ) -> ListObjectsV2Output {
        let keys = ["a/1", "a/2", "a/b/3", "ab", "c"];
        let object = |key: &str| Object { key: Some(key.to_owned()), ..Object::default() };
        let input = ListObjectsV2Input {
            prefix: Some(prefix.to_owned()),
            delimiter: delimiter.map(str::to_owned),
            max_keys: Some(limit),
            continuation_token: after.map(str::to_owned),
            ..ListObjectsV2Input::default()
        };
        page(input, keys.into_iter().map(object).collect())
    }

    fn keys(output: &ListObjectsV2Output) -> Vec<&str> {
        output.contents.iter().flatten().filter_map(|object| object.key.as_deref()).collect()
    }

    #[test]
    fn a_list_is_divided_into_pages() {
        let first = list("", None, 3, None);
        assert_eq!(keys(&first), ["a/1", "a/2", "a/b/3"]);
        let next = first.next_continuation_token.as_deref();
        let last = list("", None, 3, next);
        assert_eq!((keys(&last), last.next_continuation_token.is_none()), (vec!["ab", "c"], true));
    }

    #[test]
    fn a_delimiter_makes_one_entry_of_a_folder() {
        let root = list("", Some("/"), 10, None);
        assert_eq!(keys(&root), ["ab", "c"]);
        let folders: Vec<_> = root.common_prefixes.iter().flatten().collect();
        assert_eq!(folders[0].prefix.as_deref(), Some("a/"));
        let folder = list("a/", Some("/"), 10, None);
        assert_eq!(keys(&folder), ["a/1", "a/2"]);
        assert_eq!(keys(&list("a", None, 10, None)).len(), 4);
    }
}
