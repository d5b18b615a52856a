//! Finds the caller, the service and the action of a request in its headers, path and query.

use http::request::Parts;
use http::{HeaderMap, Method, header};
use url::form_urlencoded;

use super::response::Service;

/// The access key and the service in the credential scope of a signed request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Signature {
    pub(crate) access_key_id: String,
    pub(crate) service: Service,
}

impl Signature {
    /// Reads the credential scope from the `Authorization` header, or from the query of a presigned
    /// URL.
    pub(crate) fn from_parts(parts: &Parts) -> Option<Self> {
        Self::parse(&header_credential(&parts.headers).or_else(|| query_credential(parts))?)
    }

    /// Parses a credential scope such as `KEY/20260101/region/service/aws4_request`.
    fn parse(credential: &str) -> Option<Self> {
        let mut fields = credential.split('/');
        let access_key_id = fields.next()?.to_owned();
        let service = Service::from_scope(fields.nth(2)?)?;
        Some(Self { access_key_id, service })
    }
}

fn header_credential(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (_, credential) = value.strip_prefix("AWS4-HMAC-SHA256")?.split_once("Credential=")?;
    credential.split(',').next().map(|credential| credential.trim().to_owned())
}

fn query_credential(parts: &Parts) -> Option<String> {
    form_urlencoded::parse(parts.uri.query()?.as_bytes())
        .find(|(name, _)| name.eq_ignore_ascii_case("X-Amz-Credential"))
        .map(|(_, value)| value.into_owned())
}

/// The action in the `X-Amz-Target: Prefix.Action` header of a DynamoDB or SQS request.
pub(crate) fn target_action(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-amz-target")?.to_str().ok()?.split_once('.').map(|(_, action)| action)
}

/// The most likely service of an unsigned request. It decides the format of the error response.
pub(crate) fn likely_service(parts: &Parts) -> Service {
    let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    match target {
        Some(target) if target.starts_with("DynamoDB") => Service::DynamoDb,
        Some(_) => Service::Sqs,
        None if parts.method == Method::POST && parts.uri.path() == "/" => Service::Ses,
        None => Service::S3,
    }
}

/// The S3 action of a request, from its method, path and query.
pub(crate) fn s3_action(parts: &Parts) -> &'static str {
    let path = parts.uri.path().trim_start_matches('/');
    let key = path.split_once('/').is_some_and(|(_, key)| !key.is_empty());
    let query: Vec<String> = form_urlencoded::parse(parts.uri.query().unwrap_or("").as_bytes())
        .map(|(name, _)| name.into_owned())
        .collect();
    let has = |name: &str| query.iter().any(|one| one == name);
    let copies = parts.headers.contains_key("x-amz-copy-source");
    match (parts.method.as_str(), key) {
        ("GET", true) if has("uploadId") => "ListParts",
        ("GET", true) => "GetObject",
        ("HEAD", true) => "HeadObject",
        ("PUT", true) if has("uploadId") && copies => "UploadPartCopy",
        ("PUT", true) if has("uploadId") => "UploadPart",
        ("PUT", true) if copies => "CopyObject",
        ("PUT", true) => "PutObject",
        ("POST", true) if has("uploads") => "CreateMultipartUpload",
        ("POST", true) if has("uploadId") => "CompleteMultipartUpload",
        ("DELETE", true) if has("uploadId") => "AbortMultipartUpload",
        ("DELETE", true) => "DeleteObject",
        ("GET", false) if path.is_empty() => "ListBuckets",
        ("GET", false) if has("uploads") => "ListMultipartUploads",
        ("GET", false) if has("location") => "GetBucketLocation",
        ("GET", false) if has("list-type") => "ListObjectsV2",
        ("GET", false) => "ListObjects",
        ("HEAD", false) => "HeadBucket",
        ("POST", false) if has("delete") => "DeleteObjects",
        ("PUT", false) => "CreateBucket",
        ("DELETE", false) => "DeleteBucket",
        _ => "Unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn parts(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_signature_identifies_the_caller_and_the_service() {
        let authorization = "AWS4-HMAC-SHA256 Credential=KEY/20261121/us-east-1/dynamodb/\
                             aws4_request, SignedHeaders=host, Signature=00";
        let signed = parts("POST", "/", &[("authorization", authorization)]);
        let expected = |service| Some(Signature { access_key_id: "KEY".to_owned(), service });
        assert_eq!(Signature::from_parts(&signed), expected(Service::DynamoDb));

        let presigned =
            "/b/k?X-Amz-Credential=KEY%2F20261121%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Expires=1";
        assert_eq!(Signature::from_parts(&parts("GET", presigned, &[])), expected(Service::S3));
        assert_eq!(Signature::from_parts(&parts("GET", "/b/k", &[])), None);
        assert_eq!(
            Signature::from_parts(&parts("GET", "/", &[("authorization", "Bearer x")])),
            None
        );
    }

    #[test]
    fn s3_actions_are_recognized_by_method_path_and_query() {
        let cases = [
            ("PUT", "/b/k/l", "PutObject"),
            ("PUT", "/b/k?partNumber=1&uploadId=u", "UploadPart"),
            ("POST", "/b/k?uploads", "CreateMultipartUpload"),
            ("POST", "/b/k?uploadId=u", "CompleteMultipartUpload"),
            ("DELETE", "/b/k?uploadId=u", "AbortMultipartUpload"),
            ("DELETE", "/b/k", "DeleteObject"),
            ("POST", "/b?delete", "DeleteObjects"),
            ("GET", "/b?list-type=2&prefix=x", "ListObjectsV2"),
            ("GET", "/b/?uploads", "ListMultipartUploads"),
            ("HEAD", "/b", "HeadBucket"),
            ("HEAD", "/b/k", "HeadObject"),
            ("GET", "/b/k", "GetObject"),
        ];
        for (method, uri, action) in cases {
            assert_eq!(s3_action(&parts(method, uri, &[])), action, "{method} {uri}");
        }
        let copy = parts("PUT", "/b/k", &[("x-amz-copy-source", "b/other")]);
        assert_eq!(s3_action(&copy), "CopyObject");
    }
}
