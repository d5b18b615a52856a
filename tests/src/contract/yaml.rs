use granit_parser::{Event, Parser, ScalarStyle, StrInput};
use serde_json::{Map, Value};

/// A YAML document as JSON: no anchors, no tags, and keys that are texts. A plain scalar is what
/// JSON takes it for, else a text.
///
/// # Errors
/// What cannot be read, with its line.
pub(super) fn to_json(text: &str) -> Result<Value, String> {
    let options = granit_parser::options! { emit_comments: false };
    let mut reader = Reader { parser: Parser::new_from_str_with_options(text, options), line: 1 };
    loop {
        match reader.next()? {
            Event::StreamEnd => return Err("the document is empty".to_owned()),
            event if event.is_node() => return reader.value(event),
            _ => {}
        }
    }
}

struct Reader<'input> {
    parser: Parser<'input, StrInput<'input>>,
    line: usize,
}

impl<'input> Reader<'input> {
    fn next(&mut self) -> Result<Event<'input>, String> {
        match self.parser.next() {
            Some(Ok((event, span))) => {
                self.line = span.start.line();
                Ok(event)
            }
            Some(Err(error)) => Err(error.to_string()),
            None => Ok(Event::StreamEnd),
        }
    }

    fn value(&mut self, event: Event<'input>) -> Result<Value, String> {
        match event {
            Event::Scalar(text, ScalarStyle::Plain, ..) => Ok(plain(&text)),
            Event::Scalar(text, ..) => Ok(Value::String(text.into_owned())),
            Event::SequenceStart(..) => self.items(),
            Event::MappingStart(..) => self.entries(),
            other => Err(format!("line {}: {other:?} is not understood", self.line)),
        }
    }

    fn items(&mut self) -> Result<Value, String> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                Event::SequenceEnd => return Ok(Value::Array(items)),
                event => items.push(self.value(event)?),
            }
        }
    }

    fn entries(&mut self) -> Result<Value, String> {
        let mut entries = Map::new();
        loop {
            let key = match self.next()? {
                Event::MappingEnd => return Ok(Value::Object(entries)),
                Event::Scalar(text, ..) => text.into_owned(),
                other => return Err(format!("line {}: {other:?} is no key", self.line)),
            };
            let at = self.line;
            let event = self.next()?;
            let value = self.value(event)?;
            if entries.insert(key, value).is_some() {
                return Err(format!("line {at}: the key stands here twice"));
            }
        }
    }
}

fn plain(text: &str) -> Value {
    match text {
        "" | "~" => Value::Null,
        text => {
            let scalar = serde_json::from_str(text).ok();
            let scalar = scalar.filter(|value: &Value| !value.is_array() && !value.is_object());
            scalar.unwrap_or_else(|| Value::String(text.to_owned()))
        }
    }
}
