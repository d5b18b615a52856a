import { onScopeDispose, reactive, watch } from "vue";
import type { Schema } from "@/api";

export type Visibility = Schema<"Note">["visibility"];
export type Attachment = Schema<"Attachment">;

/** What a user typed, and has not saved yet. */
export interface NoteDraft {
  html: string;
  visibility: Visibility;
  attachments: Attachment[];
  /** The request whose answer was lost: the API may have stored a note already. */
  sent: { key: string; body: string } | null;
  /** The version that an edit started from. */
  version: number | null;
}

const PREFIX = "console.note-draft";

function read(key: string): NoteDraft | null {
  const text = window.sessionStorage.getItem(key);
  if (text === null) return null;
  try {
    return JSON.parse(text) as NoteDraft;
  } catch {
    return null;
  }
}

/** The key of a draft: one for each viewer, contact and note. */
export const draftKey = (viewer: string, contactId: string, noteId: string | null) => `${PREFIX}.${viewer}.${contactId}.${noteId ?? "new"}`;

/** Whether there is a draft, so that its editor can be opened again. */
export const hasDraft = (key: string) => window.sessionStorage.getItem(key) !== null;

/**
 * A draft that is kept in this tab until it is discarded, so that a reload, a lost connection or a new
 * sign-in loses nothing.
 */
export function useNoteDraft(key: string, initial: NoteDraft) {
  const start = JSON.stringify(initial);
  const fresh = () => JSON.parse(start) as NoteDraft;
  const draft = reactive<NoteDraft>(read(key) ?? fresh());
  const same = () => JSON.stringify(draft) === start;
  const store = () => {
    if (same()) window.sessionStorage.removeItem(key);
    else window.sessionStorage.setItem(key, JSON.stringify(draft));
  };
  const stop = watch(draft, store, { flush: "sync" });
  onScopeDispose(stop);

  return {
    draft,
    /** Whether the draft differs from what it started from. */
    changed: () => !same(),
    /** Forgets what was typed. */
    discard: () => {
      Object.assign(draft, fresh());
      window.sessionStorage.removeItem(key);
    },
  };
}
