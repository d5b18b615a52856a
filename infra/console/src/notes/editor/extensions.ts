import type { Extensions } from "@tiptap/core";
import Highlight from "@tiptap/extension-highlight";
import { TaskItem, TaskList } from "@tiptap/extension-list";
import Subscript from "@tiptap/extension-subscript";
import Superscript from "@tiptap/extension-superscript";
import { TableCell, TableHeader, TableKit } from "@tiptap/extension-table";
import TextAlign from "@tiptap/extension-text-align";
import { BackgroundColor, Color, FontFamily, FontSize, LineHeight, TextStyle } from "@tiptap/extension-text-style";
import { Placeholder } from "@tiptap/extensions";
import StarterKit from "@tiptap/starter-kit";
import { createMention, type MentionLink } from "./mention";

export interface NoteFormats {
  placeholder: string;
  /** Null if the company has no mentions. */
  mentions: MentionLink | null;
  /** The name of a task's checkbox for screen readers. */
  taskLabel: string;
}

/** A span of one is not written, because each character of the markup counts. */
const span = (name: "colspan" | "rowspan") => ({
  default: 1,
  renderHTML: (attributes: Record<string, unknown>) => (attributes[name] === 1 ? {} : { [name]: attributes[name] }),
});
const Cell = TableCell.extend({
  addAttributes() {
    return { ...this.parent?.(), colspan: span("colspan"), rowspan: span("rowspan") };
  },
});
const HeaderCell = TableHeader.extend({
  addAttributes() {
    return { ...this.parent?.(), colspan: span("colspan"), rowspan: span("rowspan") };
  },
});

/** The formats that the API stores (docs/note-formatting.md), as far as the editor has them. */
export function noteExtensions({ placeholder, mentions, taskLabel }: NoteFormats): Extensions {
  return [
    StarterKit.configure({ link: { openOnClick: false, defaultProtocol: "https" } }),
    TextAlign.configure({ types: ["heading", "paragraph"] }),
    TextStyle,
    Color,
    BackgroundColor,
    FontFamily,
    FontSize,
    LineHeight,
    Highlight.configure({ multicolor: true }),
    Subscript,
    Superscript,
    TaskList,
    TaskItem.configure({ nested: true, a11y: { checkboxLabel: () => taskLabel } }),
    TableKit.configure({ table: { resizable: true }, tableCell: false, tableHeader: false }),
    Cell,
    HeaderCell,
    Placeholder.configure({ placeholder }),
    createMention(mentions),
  ];
}
