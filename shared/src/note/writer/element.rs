//! Writes the start tag of an element with its allowed attributes, classes and styles.

use html5ever::local_name;

use super::Writer;
use crate::note::{
    allow::{Layout, Value, is_class},
    markup::push_attribute,
    removed::Removed,
    style,
    tree::{Node, NodeId},
};

impl<'t> Writer<'t> {
    /// Writes the start tag of an element. Returns whether its children are written next.
    pub(super) fn element(
        &mut self,
        id: NodeId,
        node: &'t Node,
        name: &'static str,
        layout: Layout,
        attributes: &'static [(&'static str, Value)],
    ) -> bool {
        if layout != Layout::Inline {
            self.end_run();
        }
        let style = self.style(node);
        let unwrapped = match name {
            // Google Docs puts a `b` without an effect around everything.
            "b" | "strong" if matches!(&*style, "font-weight: normal" | "font-weight: 400") => true,
            "i" | "em" if style == "font-style: normal" => true,
            _ => layout != Layout::Void && self.is_too_deep(),
        };
        if unwrapped {
            self.push_open("", 0);
            self.start_waiting(id);
            return true;
        }
        let start = self.clean.html.len();
        self.clean.html.push('<');
        self.clean.html.push_str(name);
        for attribute in node.attributes() {
            let (known, value) = (attribute.name.local.as_ref(), attribute.value.as_ref());
            match known {
                "class" => self.class(value),
                "style" | "color" | "face" | "size" => {}
                "dir" => {
                    let value = value.to_ascii_lowercase();
                    if matches!(&*value, "ltr" | "rtl" | "auto") {
                        self.attribute("dir", &value);
                    }
                }
                _ => self.allowed_attribute(attributes, known, value),
            }
        }
        if !style.is_empty() {
            self.attribute("style", &style);
        }
        self.clean.html.push('>');
        if layout == Layout::Void {
            self.start_waiting(id);
            return false;
        }
        self.push_open(name, start);
        if name == "pre" {
            self.behind_pre = self.clean.html.len();
        }
        self.start_waiting(id);
        true
    }

    fn allowed_attribute(&mut self, attributes: &[(&'static str, Value)], name: &str, value: &str) {
        let Some((name, rule)) = attributes.iter().find(|(known, _)| *known == name) else {
            return;
        };
        if *rule == Value::Flag {
            self.attribute(name, name);
        } else if *name == "type" && value.eq_ignore_ascii_case("checkbox") {
            self.attribute(name, "checkbox");
        } else if rule.admits(value) {
            self.attribute(name, value);
        }
    }

    pub(super) fn attribute(&mut self, name: &str, value: &str) {
        let html = &mut self.clean.html;
        html.push(' ');
        html.push_str(name);
        html.push_str("=\"");
        push_attribute(html, value);
        html.push('"');
    }

    fn class(&mut self, value: &str) {
        let mut classes = value.split_ascii_whitespace().filter(|class| is_class(class));
        let Some(first) = classes.next() else { return };
        let html = &mut self.clean.html;
        html.push_str(" class=\"");
        html.push_str(first);
        for class in classes {
            html.push(' ');
            html.push_str(class);
        }
        html.push('"');
    }

    /// The allowed declarations of an element's `style`, and of the attributes and elements of the
    /// time before style sheets that some editors and pasted texts have.
    pub(super) fn style(&mut self, node: &Node) -> String {
        let name = node.html_name();
        let mut text = String::new();
        if name == Some(&local_name!("center")) {
            text.push_str("text-align: center;");
        } else if name == Some(&local_name!("font")) {
            const SIZES: [&str; 7] =
                ["x-small", "small", "medium", "large", "x-large", "xx-large", "xx-large"];
            let size = node.attribute("size").and_then(|size| size.trim().parse::<usize>().ok());
            let size = size.and_then(|size| SIZES.get(size.checked_sub(1)?)).copied();
            let properties = [
                ("color", node.attribute("color")),
                ("font-family", node.attribute("face")),
                ("font-size", size),
            ];
            for (property, value) in properties {
                let value = value.filter(|value| !value.contains([';', '!', '\\', '(', '{']));
                if let Some(value) = value {
                    text.extend([property, ":", value, ";"]);
                }
            }
        }
        match node.attribute("style") {
            Some(style) => text.push_str(style),
            None if text.is_empty() => return text,
            None => {}
        }
        let style = style::read(&text);
        if style.removed {
            self.clean.remove(Removed::Style);
        }
        style.text
    }
}

pub(super) fn is_checkbox(node: &Node) -> bool {
    node.attribute("type").is_some_and(|kind| kind.eq_ignore_ascii_case("checkbox"))
}
