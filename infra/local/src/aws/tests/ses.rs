use aws_sdk_ses::primitives::Blob;
use aws_sdk_ses::types::{Body, Content, Destination, Message, RawMessage};

use super::*;

/// A mail with a text part, an HTML part and a CSV file that starts with a byte order mark.
const RAW: &str = "From: Exports <exports@example.com>\r\n\
To: Maya <maya@nusantara.example>\r\n\
Subject: =?utf-8?q?Ekspor_selesai_=E2=9C=93?=\r\n\
MIME-Version: 1.0\r\n\
Content-Type: multipart/mixed; boundary=\"outer\"\r\n\
\r\n\
--outer\r\n\
Content-Type: multipart/alternative; boundary=\"inner\"\r\n\
\r\n\
--inner\r\n\
Content-Type: text/plain; charset=\"utf-8\"\r\n\
\r\n\
Siap.\r\n\
--inner\r\n\
Content-Type: text/html; charset=\"utf-8\"\r\n\
\r\n\
<p>Siap.</p>\r\n\
--inner--\r\n\
--outer\r\n\
Content-Type: text/csv\r\n\
Content-Disposition: attachment; filename=\"Contacts.csv\"\r\n\
Content-Transfer-Encoding: base64\r\n\
\r\n\
77u/bmFtZQ0KQW5pDQo=\r\n\
--outer--\r\n";

async fn send_raw(cloud: &Cloud, raw: Vec<u8>) -> Result<String, String> {
    let message = RawMessage::builder().data(Blob::new(raw)).build().unwrap();
    let sent = cloud.ses().send_raw_email().raw_message(message).send().await;
    sent.map(|sent| sent.message_id).map_err(|error| {
        let error = error.into_service_error();
        format!("{}: {}", error.meta().code().unwrap(), error.meta().message().unwrap())
    })
}

#[tokio::test]
async fn a_raw_mail_is_kept_byte_for_byte_and_parsed() {
    let cloud = Cloud::start().await;
    assert!(!send_raw(&cloud, RAW.as_bytes().to_vec()).await.unwrap().is_empty());
    let mail = cloud.aws.mailbox().list().remove(0);
    assert_eq!(mail.raw, RAW.as_bytes());
    insta::assert_json_snapshot!(mail, { ".id" => "[id]", ".sent_at" => "[time]" });
    assert_eq!(cloud.cost().calls, 1);
}

#[tokio::test]
async fn a_message_over_ten_megabytes_is_refused() {
    let cloud = Cloud::start().await;
    let limit = 10 * 1024 * 1024;
    let mut raw = RAW.as_bytes().to_vec();
    raw.resize(limit, b'x');
    send_raw(&cloud, raw.clone()).await.unwrap();
    raw.push(b'x');
    assert_eq!(
        send_raw(&cloud, raw).await.unwrap_err(),
        "InvalidParameterValue: Message length is more than 10485760 bytes long: '10485761'."
    );
    assert_eq!(cloud.aws.mailbox().list().len(), 1);
}

#[tokio::test]
async fn a_mail_without_recipients_is_refused() {
    let cloud = Cloud::start().await;
    let refused = send_raw(&cloud, b"From: a@b.example\r\nSubject: x\r\n\r\ny".to_vec()).await;
    assert_eq!(refused.unwrap_err(), "InvalidParameterValue: No recipients specified");
}

#[tokio::test]
async fn a_simple_mail_arrives() {
    let cloud = Cloud::start().await;
    let content = |text: &str| Content::builder().data(text).build().unwrap();
    let body = Body::builder().text(content("Hi")).html(content("<p>Hi & bye</p>")).build();
    cloud
        .ses()
        .send_email()
        .source("exports@example.com")
        .destination(Destination::builder().to_addresses("maya@nusantara.example").build())
        .message(Message::builder().subject(content("Ready")).body(body).build())
        .send()
        .await
        .unwrap();
    let mail = cloud.aws.mailbox().list().remove(0);
    assert_eq!(mail.to, ["maya@nusantara.example"]);
    assert_eq!((mail.subject.as_str(), mail.html.as_deref()), ("Ready", Some("<p>Hi & bye</p>")));
}
