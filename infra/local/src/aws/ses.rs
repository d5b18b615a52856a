//! The emulator of SES version 1 (the query protocol). It stores sent mail in the mailbox.

use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::StatusCode;
use uuid::Uuid;

use super::response::{Service, xml_response};
use crate::record::{Mail, Mailbox};

/// Largest message that SES accepts, in bytes, including headers and encoded attachments.
const MAX_MESSAGE_BYTES: usize = 10 * 1024 * 1024;
/// Largest number of recipients that SES accepts for one message.
const MAX_RECIPIENTS: usize = 50;
const NAMESPACE: &str = "http://ses.amazonaws.com/doc/2010-12-01/";

/// The running SES emulator.
pub(crate) struct Mailer {
    mailbox: Mailbox,
}

/// The error for a message that SES refuses: the error code and the message of SES.
struct Refusal {
    code: &'static str,
    message: String,
}

impl Refusal {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// The parameters of a request, in the order of the request.
struct Form(Vec<(String, String)>);

impl Form {
    fn parse(body: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(body).into_owned().collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn sender(&self) -> Option<String> {
        let Some(source) = self.get("Source") else {
            let raw = STANDARD.decode(self.get("RawMessage.Data")?).ok()?;
            let message = mail_parser::MessageParser::new().parse_headers(&raw)?;
            return message.from()?.first()?.address().map(str::to_owned);
        };
        let address =
            source.rsplit_once('<').map_or(source, |(_, rest)| rest.trim_end_matches('>'));
        Some(address.trim().to_owned())
    }

    /// The values of the parameters `{name}.member.1`, `{name}.member.2` and so on.
    fn members<'a>(&'a self, name: &'a str) -> impl Iterator<Item = String> + 'a {
        self.0
            .iter()
            .filter(move |(key, _)| {
                key.strip_prefix(name).is_some_and(|rest| rest.starts_with(".member."))
            })
            .map(|(_, value)| value.clone())
    }
}

/// The action in the body of a request; `None` if the body has no action.
pub(crate) fn action(body: &[u8]) -> Option<String> {
    Form::parse(body).get("Action").map(str::to_owned)
}

/// The parts of a request on which its permissions depend.
pub(crate) struct Envelope {
    /// The sender's address: from the envelope, or from the `From` header if the envelope has none.
    pub(crate) sender: String,
    pub(crate) recipients: Vec<String>,
    pub(crate) configuration_set: Option<String>,
}

impl Envelope {
    pub(crate) fn parse(body: &[u8]) -> Self {
        let form = Form::parse(body);
        let lists = ["Destinations", "Destination.ToAddresses"];
        Self {
            sender: form.sender().unwrap_or_default(),
            recipients: lists.into_iter().flat_map(|list| form.members(list)).collect(),
            configuration_set: form.get("ConfigurationSetName").map(str::to_owned),
        }
    }
}

impl Mailer {
    pub(crate) fn new(mailbox: Mailbox) -> Self {
        Self { mailbox }
    }

    pub(crate) fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    /// Runs a call and returns the response.
    pub(crate) fn call(&self, action: &str, body: &Bytes) -> Response {
        let form = Form::parse(body);
        let sent = match action {
            "SendRawEmail" => self.send_raw(&form),
            "SendEmail" => self.send(&form),
            _ => Err(Refusal::new(
                "InvalidAction",
                format!("The action {action} is not valid for this endpoint."),
            )),
        };
        match sent {
            Ok(()) => accepted(action),
            Err(Refusal { code, message }) => {
                Service::Ses.error(StatusCode::BAD_REQUEST, code, &message)
            }
        }
    }

    fn send_raw(&self, form: &Form) -> Result<(), Refusal> {
        let data = form.get("RawMessage.Data").ok_or_else(|| missing("RawMessage.Data"))?;
        let raw = STANDARD
            .decode(data)
            .map_err(|_| Refusal::new("InvalidParameterValue", "RawMessage.Data is not base64."))?;
        check_size(raw.len())?;
        let to: Vec<String> = form.members("Destinations").collect();
        let from = form.get("Source").map(str::to_owned);
        let mail = self.mailbox.parse(raw, from, to).ok_or_else(|| {
            Refusal::new("InvalidParameterValue", "The message is not a valid MIME message.")
        })?;
        check_envelope(&mail)?;
        self.mailbox.keep(mail);
        Ok(())
    }

    fn send(&self, form: &Form) -> Result<(), Refusal> {
        let destinations =
            ["Destination.ToAddresses", "Destination.CcAddresses", "Destination.BccAddresses"];
        let body = |part: &str| form.get(&format!("Message.Body.{part}.Data")).map(str::to_owned);
        let mail = Mail {
            id: Uuid::new_v4(),
            from: form.get("Source").ok_or_else(|| missing("Source"))?.to_owned(),
            to: destinations.into_iter().flat_map(|name| form.members(name)).collect(),
            subject: form
                .get("Message.Subject.Data")
                .ok_or_else(|| missing("Message.Subject.Data"))?
                .to_owned(),
            text: body("Text"),
            html: body("Html"),
            attachments: Vec::new(),
            sent_at: self.mailbox.now(),
            raw: Vec::new(),
        };
        if mail.text.is_none() && mail.html.is_none() {
            return Err(missing("Message.Body"));
        }
        let length = |part: &Option<String>| part.as_ref().map_or(0, String::len);
        check_size(mail.subject.len() + length(&mail.text) + length(&mail.html))?;
        check_envelope(&mail)?;
        self.mailbox.keep(mail);
        Ok(())
    }
}

fn check_size(bytes: usize) -> Result<(), Refusal> {
    if bytes > MAX_MESSAGE_BYTES {
        return Err(Refusal::new(
            "InvalidParameterValue",
            format!("Message length is more than {MAX_MESSAGE_BYTES} bytes long: '{bytes}'."),
        ));
    }
    Ok(())
}

fn check_envelope(mail: &Mail) -> Result<(), Refusal> {
    if mail.from.is_empty() {
        return Err(Refusal::new("InvalidParameterValue", "Missing final '@domain'"));
    }
    if let Some(bad) = mail.to.iter().chain([&mail.from]).find(|address| !address.contains('@')) {
        return Err(Refusal::new(
            "InvalidParameterValue",
            format!("Missing final '@domain' in {bad}"),
        ));
    }
    match mail.to.len() {
        0 => Err(Refusal::new("InvalidParameterValue", "No recipients specified")),
        1..=MAX_RECIPIENTS => Ok(()),
        _ => Err(Refusal::new(
            "InvalidParameterValue",
            format!("Recipient count exceeds {MAX_RECIPIENTS}."),
        )),
    }
}

fn missing(name: &str) -> Refusal {
    Refusal::new("ValidationError", format!("1 validation error detected: {name} is required"))
}

fn accepted(action: &str) -> Response {
    let message_id = format!("0000{}-000000", Uuid::new_v4());
    let request_id = Uuid::new_v4();
    xml_response(
        StatusCode::OK,
        &format!(
            "<{action}Response xmlns=\"{NAMESPACE}\"><{action}Result><MessageId>{message_id}\
             </MessageId></{action}Result><ResponseMetadata><RequestId>{request_id}</RequestId>\
             </ResponseMetadata></{action}Response>"
        ),
    )
}
