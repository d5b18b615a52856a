use jiff::tz::TimeZone;
use mail_parser::{Message, MessageParser, MimeHeaders};

use super::*;
use crate::mail::{MAX_ATTACHED_MESSAGE_BYTES, Mailbox, encoded_size};

const JOB: &str = "0199a1b2-0000-7000-8000-000000000001";
const LINK: &str = "https://cdp.example/d/Zm9v?a=1&b=2";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

struct World {
    from: Mailbox,
    to: Mailbox,
    zone: TimeZone,
}

impl World {
    fn new(recipient: &str) -> Self {
        Self {
            from: Mailbox::new("sender", Some("Customer Data"), "no-reply@cdp.example").unwrap(),
            to: Mailbox::new("recipient", Some(recipient), "sari@demo.example").unwrap(),
            zone: TimeZone::get("Asia/Jakarta").unwrap(),
        }
    }

    fn context(&self, locale: Locale) -> Context<'_> {
        Context {
            from: &self.from,
            to: &self.to,
            company: Some("Toko <Maju> & Sons"),
            job_id: JOB,
            locale,
            time_zone: &self.zone,
            now: "2026-11-21T08:16:50Z".parse().unwrap(),
        }
    }

    fn compose(&self, mail: &ExportMail<'_>, locale: Locale) -> String {
        String::from_utf8(mail.compose(&self.context(locale)).unwrap().raw).unwrap()
    }
}

fn ready<'a>(file_name: &'a str, attachment: Option<Attachment<'a>>) -> ExportMail<'a> {
    ExportMail::Ready {
        file_name,
        rows: 12_345,
        skipped: 3,
        cut_cells: 0,
        size_bytes: 2_460_000,
        link: LINK,
        expires_at: "2026-11-23T08:15:00Z".parse().unwrap(),
        attachment,
    }
}

fn failed(failure: FailureCode) -> ExportMail<'static> {
    ExportMail::Failed {
        file_name: "contacts.xlsx",
        failure,
        requested_at: "2026-11-21T08:00:00Z".parse().unwrap(),
    }
}

fn parse(raw: &str) -> Message<'_> {
    MessageParser::new().parse(raw.as_bytes()).unwrap()
}

/// The headers of the email as the service sends them, then the decoded bodies as the reader sees
/// them.
fn shown(raw: &str) -> String {
    let message = parse(raw);
    let (headers, _) = raw.split_once("\r\n\r\n").unwrap();
    format!(
        "{}\n\n{}\n\n{}",
        headers.replace("\r\n", "\n"),
        message.body_text(0).unwrap().replace("\r\n", "\n"),
        message.body_html(0).unwrap().replace("\r\n", "\n"),
    )
}

#[test]
fn whole_emails_match_their_snapshots_in_both_languages() {
    let world = World::new("Sari Dewi");
    let file = Attachment { file_name: "contacts.xlsx", content_type: XLSX, bytes: b"PK\x03\x04" };
    for locale in [Locale::En, Locale::Id] {
        let attached = ready("contacts.xlsx", Some(file));
        insta::assert_snapshot!(
            format!("ready_with_file_{locale}"),
            shown(&world.compose(&attached, locale))
        );
        insta::assert_snapshot!(
            format!("ready_with_link_{locale}"),
            shown(&world.compose(&ready("contacts.xlsx", None), locale))
        );
        for (name, failure) in [
            ("too_large", FailureCode::ExportTooLarge),
            ("directory_unavailable", FailureCode::DirectoryUnavailable),
            ("forbidden", FailureCode::Forbidden),
            ("other", FailureCode::ExportFailed),
        ] {
            insta::assert_snapshot!(
                format!("failed_{name}_{locale}"),
                shown(&world.compose(&failed(failure), locale))
            );
        }
    }
}

#[test]
fn the_attachment_keeps_its_bytes_and_its_name() {
    let world = World::new("Sari");
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let name = "Kontak “Größe” 連絡先, akhir; \"2026\".xlsx";
    let file = Attachment { file_name: name, content_type: XLSX, bytes: &bytes };
    let raw = world.compose(&ready(name, Some(file)), Locale::En);
    let message = parse(&raw);
    let part = message.attachment(0).unwrap();
    assert_eq!(part.contents(), bytes);
    assert_eq!(part.attachment_name(), Some(name));
    assert_eq!(message.subject(), Some(format!("Your contact export is ready: {name}").as_str()));
}

#[test]
fn a_name_with_line_breaks_adds_no_header() {
    let evil = "x\r\nBcc: all@demo.example\r\n\r\nbody";
    let world = World::new(evil);
    let file = Attachment { file_name: evil, content_type: XLSX, bytes: b"x" };
    let raw = world.compose(&ready(evil, Some(file)), Locale::En);
    let message = parse(&raw);
    assert!(message.bcc().is_none());
    assert!(!raw.contains("\r\nBcc:"));
    let part = message.attachment(0).unwrap();
    assert_eq!(part.attachment_name(), Some("x Bcc: all@demo.example body"));
}

#[test]
fn names_are_escaped_in_html() {
    let world = World::new("<b>Sari</b>");
    let raw = world.compose(&ready("<script>alert(1)</script>.xlsx", None), Locale::En);
    let message = parse(&raw);
    let html = message.body_html(0).unwrap();
    assert!(!html.contains("<script>") && !html.contains("<b>"), "{html}");
    assert!(html.contains("Toko &lt;Maju&gt; &amp; Sons") && !html.contains("<Maju>"), "{html}");
    assert!(message.body_text(0).unwrap().contains("<script>alert(1)</script>.xlsx"));
}

#[test]
fn composing_an_email_twice_gives_the_same_email() {
    let world = World::new("Sari");
    let mail = ready("contacts.xlsx", None);
    let raw = world.compose(&mail, Locale::En);
    assert_eq!(raw, world.compose(&mail, Locale::En));
    let id = format!("export-{JOB}-ready@cdp.example");
    assert_eq!(parse(&raw).message_id(), Some(id.as_str()));
}

#[test]
fn a_file_is_attached_if_the_finished_message_stays_under_the_limit() {
    let world = World::new("Sari");
    let context = world.context(Locale::Id);
    let attaches = |size: u64| {
        let mut mail = ready("Kontak – akhir.xlsx", None);
        if let ExportMail::Ready { size_bytes, .. } = &mut mail {
            *size_bytes = size;
        }
        mail.fits_with_attachment(&context, XLSX).unwrap()
    };
    let (mut fits, mut too_large) = (0, MAX_ATTACHED_MESSAGE_BYTES);
    while too_large - fits > 1 {
        let middle = u64::midpoint(fits, too_large);
        if attaches(middle) { fits = middle } else { too_large = middle }
    }
    let finished = |size: u64| {
        let bytes = vec![0; usize::try_from(size).unwrap()];
        let name = "Kontak – akhir.xlsx";
        let file = Attachment { file_name: name, content_type: XLSX, bytes: &bytes };
        let mut mail = ready(name, Some(file));
        if let ExportMail::Ready { size_bytes, .. } = &mut mail {
            *size_bytes = size;
        }
        u64::try_from(mail.compose(&context).unwrap().raw.len()).unwrap()
    };
    assert!(finished(fits) < MAX_ATTACHED_MESSAGE_BYTES);
    // The estimate and the true size may differ by the last line end, which has 2 bytes.
    assert!(finished(too_large) + 2 >= MAX_ATTACHED_MESSAGE_BYTES);
    assert!(!failed(FailureCode::ExportFailed).fits_with_attachment(&context, XLSX).unwrap());
}

#[test]
fn the_encoded_size_counts_base64_and_line_ends() {
    assert_eq!(encoded_size(0), 0);
    assert_eq!(encoded_size(1), 4 + 2);
    assert_eq!(encoded_size(57), 76 + 2);
    assert_eq!(encoded_size(58), 80 + 4);
    assert_eq!(encoded_size(u64::MAX), u64::MAX);
}
