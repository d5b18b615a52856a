//! The HTTP client that the upstream services and the AWS SDK share, with one connection pool.
//! Because there is only one client, a function has only one TLS stack. It trusts the root
//! certificates that are compiled in, because reading those of the system takes more than half of a
//! function's start (docs/benchmarks.md, "Size and cold start").

use std::{error::Error, time::Duration};

use aws_smithy_runtime_api::client::{
    http::{
        HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
    },
    orchestrator::{HttpRequest, HttpResponse},
    result::{ConnectorError, SdkError},
};
use aws_smithy_types::body::SdkBody;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

/// The time for which an idle connection is kept. After a longer pause, the server may have closed
/// the connection.
const POOL_IDLE: Duration = Duration::from_secs(20);

/// The time-out for making a connection, including TLS. After a lost packet, TCP waits one second
/// before it sends the packet again, and a new attempt is faster than that.
const CONNECT: Duration = Duration::from_millis(300);

/// Returns a builder for a client with a connection pool. The client has no time-out except the one
/// for making a connection, because each call sets its own time-out. It uses rustls with ring for
/// TLS, and HTTP 1.1, which all called services support. It trusts Mozilla's root certificates.
pub fn builder() -> reqwest::ClientBuilder {
    with_roots(public_roots())
}

/// Returns a builder like [`builder`] for a client that also trusts these root certificates.
///
/// # Errors
/// The reason why the text contains no valid certificates in the PEM format.
pub fn builder_trusting(pem: &str) -> Result<reqwest::ClientBuilder, String> {
    let mut roots = public_roots();
    let known = roots.len();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.len() == known {
        Err("no certificate in it".to_owned())
    } else {
        Ok(with_roots(roots))
    }
}

/// Returns a builder like [`builder`] for a client that trusts the root certificates of the system,
/// as the AWS SDK does. It is for programs that start rarely.
pub fn builder_with_system_roots() -> reqwest::ClientBuilder {
    plain_builder()
}

fn public_roots() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

fn with_roots(roots: RootCertStore) -> reqwest::ClientBuilder {
    let builder = plain_builder();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    builder.tls_backend_preconfigured(config)
}

fn plain_builder() -> reqwest::ClientBuilder {
    // The call fails only if a provider is already installed, and that provider is sufficient.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .connect_timeout(CONNECT)
        .pool_idle_timeout(POOL_IDLE)
        .tcp_nodelay(true)
        .redirect(reqwest::redirect::Policy::none())
}

/// Opens a connection to `url`, within the time-out `budget`. The client keeps the connection for
/// its next call to the same host.
pub(crate) async fn connect(client: &reqwest::Client, url: String, budget: Duration) {
    // The status of the response is not needed. If no connection can be made, the next call reports
    // the error.
    let _ = client.head(url).timeout(budget).send().await;
}

/// Adapts the client to the AWS SDK, whose own time-outs limit its attempts.
#[must_use]
pub fn for_sdk(client: reqwest::Client) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(Connector(client));
    http_client_fn(move |_, _| connector.clone())
}

#[derive(Debug)]
struct Connector(reqwest::Client);

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(send(self.0.clone(), request))
    }
}

async fn send(
    client: reqwest::Client,
    request: HttpRequest,
) -> Result<HttpResponse, ConnectorError> {
    let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let request =
        reqwest::Request::try_from(request.map(reqwest::Body::wrap)).map_err(connector_error)?;
    let response = http::Response::<reqwest::Body>::from(
        client.execute(request).await.map_err(connector_error)?,
    );
    HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
        .map_err(|error| ConnectorError::other(error.into(), None))
}

/// Converts an error so that the SDK retries time-outs and connections that failed before a
/// response.
fn connector_error(error: reqwest::Error) -> ConnectorError {
    if error.is_builder() {
        ConnectorError::user(error.into())
    } else if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else {
        ConnectorError::io(error.into())
    }
}

/// Whether it is certain that the service did not receive a call of the AWS SDK, because no
/// connection was made.
pub fn never_connected<E, R>(error: &SdkError<E, R>) -> bool {
    client_error(error).is_some_and(reqwest::Error::is_connect)
}

/// The error of this HTTP client that ended a call of the AWS SDK; `None` if the call failed for
/// another reason.
pub(crate) fn client_error<E, R>(error: &SdkError<E, R>) -> Option<&reqwest::Error> {
    let SdkError::DispatchFailure(failure) = error else { return None };
    let mut cause = failure.as_connector_error().and_then(Error::source);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// An authority of this test only, and a server certificate for `localhost` that it signed.
    const AUTHORITY: &str = include_str!("../data/tls/authority.pem");
    const CERTIFICATE: &str = include_str!("../data/tls/server.pem");
    const KEY: &str = include_str!("../data/tls/server.key");

    /// Starts a TLS server that answers every connection with 204, and returns its URL.
    fn tls_server() -> String {
        use std::io::{Read, Write};
        let _ = rustls::crypto::ring::default_provider().install_default();
        let certificate = CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
        let config = rustls::ServerConfig::builder().with_no_client_auth();
        let config = Arc::new(config.with_single_cert(vec![certificate], key).unwrap());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let session = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut stream = rustls::StreamOwned::new(session, connection.unwrap());
                // A client that does not trust the certificate ends the handshake.
                if stream.read(&mut [0; 1024]).is_ok() {
                    let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n");
                }
            }
        });
        url
    }

    #[tokio::test]
    async fn a_private_authority_is_trusted_only_by_a_client_that_was_given_its_certificate() {
        let url = tls_server();
        let trusting = builder_trusting(AUTHORITY).unwrap().build().unwrap();
        assert_eq!(trusting.get(&url).send().await.unwrap().status(), 204);
        let public = builder().build().unwrap();
        assert!(public.get(&url).send().await.unwrap_err().is_connect());
    }

    #[test]
    fn a_text_without_a_certificate_is_refused() {
        assert!(builder_trusting("public").is_err());
        assert!(builder_trusting(&AUTHORITY.replace("MIIB", "xxxx")).is_err());
    }

    #[test]
    fn the_certificates_that_are_compiled_in_contain_those_of_aws() {
        let subjects: Vec<String> = public_roots()
            .roots
            .iter()
            .map(|root| String::from_utf8_lossy(root.subject.as_ref()).into_owned())
            .collect();
        assert!(subjects.len() > 100, "{}", subjects.len());
        assert!(subjects.iter().any(|subject| subject.contains("Amazon Root CA 1")));
    }

    fn request(uri: &str) -> HttpRequest {
        let request = http::Request::put(uri).header("x-signed", "yes").body(SdkBody::from("text"));
        HttpRequest::try_from(request.unwrap()).unwrap()
    }

    async fn call(uri: &str) -> Result<HttpResponse, ConnectorError> {
        send(builder().build().unwrap(), request(uri)).await
    }

    #[tokio::test]
    async fn a_request_of_the_sdk_is_sent_and_its_response_is_returned() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}/bucket/a%20b?x-id=PutObject", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"text") {
                request.push(connection.read_u8().await.unwrap());
            }
            let answer =
                b"HTTP/1.1 307 Temporary Redirect\r\nlocation: /\r\ncontent-length: 2\r\n\r\nok";
            connection.write_all(answer).await.unwrap();
            String::from_utf8(request).unwrap()
        });
        let response = call(&uri).await.unwrap();
        assert_eq!(response.status().as_u16(), 307, "the SDK follows redirects itself");
        let sent = server.await.unwrap();
        assert!(sent.starts_with("PUT /bucket/a%20b?x-id=PutObject HTTP/1.1\r\n"), "{sent}");
        assert!(sent.contains("x-signed: yes\r\n") && sent.contains("content-length: 4\r\n"));
    }

    #[tokio::test]
    async fn errors_have_the_kind_by_which_the_sdk_decides_about_a_retry() {
        let refused = call("http://127.0.0.1:9/").await.unwrap_err();
        assert!(refused.is_io(), "{refused:?}");

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}/", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { drop(listener.accept().await.unwrap()) });
        let broken = call(&uri).await.unwrap_err();
        assert!(broken.is_io(), "{broken:?}");
        server.await.unwrap();

        let failed = |error| SdkError::<(), ()>::dispatch_failure(error);
        assert!(never_connected(&failed(refused)), "nothing was sent");
        assert!(!never_connected(&failed(broken)), "something may have arrived");

        let wrong = call("/no/host").await.unwrap_err();
        assert!(wrong.is_user(), "{wrong:?}");
    }
}
