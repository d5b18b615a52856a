import Mention from "@tiptap/extension-mention";
import type { SuggestionKeyDownProps, SuggestionProps } from "@tiptap/suggestion";
import { shallowReactive } from "vue";

/** The person that a chip stands for. */
export interface Mentioned {
  id: string;
  label: string;
}

/** The text after `@` that is being typed, and where it is. */
export interface MentionQuery {
  text: string;
  /** Where the picker opens; null while the text is not visible. */
  place: () => DOMRect | null;
  /** Replaces the text by a chip. */
  choose: (person: Mentioned) => void;
}

/** What the editor and the picker know about each other. */
export interface MentionLink {
  query: MentionQuery | null;
  /** The picker's keys; returns whether a key was one of them. */
  onKey: ((event: KeyboardEvent) => boolean) | null;
}

export const createMentionLink = () => shallowReactive<MentionLink>({ query: null, onKey: null });

function render(link: MentionLink) {
  const update = ({ query, clientRect, command }: SuggestionProps<Mentioned>) => {
    link.query = { text: query, place: () => clientRect?.() ?? null, choose: command };
  };
  return {
    onStart: update,
    onUpdate: update,
    onKeyDown: ({ event }: SuggestionKeyDownProps) => link.onKey?.(event) ?? false,
    onExit: () => (link.query = null),
  };
}

/**
 * Mentions in the form that the API stores: `<a data-user-id="…" data-mention="true">@Name</a>`. A chip
 * is one character for the editor. Without a link to a picker, `@` is an ordinary character.
 */
export function createMention(link: MentionLink | null) {
  return Mention.extend({
    addAttributes() {
      return {
        id: {
          default: null,
          parseHTML: (element) => element.getAttribute("data-user-id") ?? element.getAttribute("data-id"),
          renderHTML: ({ id }) => ({ "data-user-id": id as string }),
        },
        label: {
          default: null,
          parseHTML: (element) => (element.textContent ?? "").replace(/^@/, ""),
          renderHTML: () => ({}),
        },
        // A mention that is not verified yet stays one.
        state: {
          default: "true",
          parseHTML: (element) => (element.getAttribute("data-mention") === "pending" ? "pending" : "true"),
          renderHTML: ({ state }) => ({ "data-mention": state as string }),
        },
        mentionSuggestionChar: { default: "@", rendered: false },
      };
    },
    parseHTML() {
      return [{ tag: 'a[data-user-id]:not([data-mention="false"])', priority: 1001 }, { tag: 'span[data-type="mention"][data-id]' }];
    },
    renderHTML({ node, HTMLAttributes }) {
      return ["a", HTMLAttributes, `@${node.attrs["label"] as string}`];
    },
    renderText({ node }) {
      return `@${node.attrs["label"] as string}`;
    },
    addProseMirrorPlugins() {
      return link ? (this.parent?.() ?? []) : [];
    },
  }).configure({
    deleteTriggerWithBackspace: link === null,
    suggestion: {
      char: "@",
      allowedPrefixes: [" ", "(", "\u00a0"],
      // The picker asks the API itself, and shows what it waits for.
      items: () => [],
      ...(link ? { render: () => render(link) } : {}),
    },
  });
}
