// @vitest-environment jsdom
import { effectScope } from "vue";
import { beforeEach, expect, it } from "vitest";
import { draftKey, hasDraft, useNoteDraft, type NoteDraft } from "./drafts";

const empty: NoteDraft = { html: "", visibility: "public", attachments: [], sent: null, version: null };
const open = (key: string) => effectScope().run(() => useNoteDraft(key, empty))!;

beforeEach(() => window.sessionStorage.clear());

it("a draft is kept for each viewer, contact and note", () => {
  const key = draftKey("sinta", "contact-1", null);
  open(key).draft.html = "<p>typed</p>";
  expect(open(key).draft.html).toBe("<p>typed</p>");
  for (const other of [draftKey("budi", "contact-1", null), draftKey("sinta", "contact-2", null), draftKey("sinta", "contact-1", "note-1")]) {
    expect(hasDraft(other)).toBe(false);
    expect(open(other).draft.html).toBe("");
  }
});

it("a draft is forgotten when it is discarded, or is what it started from", () => {
  const key = draftKey("sinta", "contact-1", null);
  const { draft, changed, discard } = open(key);
  draft.attachments.push({ name: "a.pdf", content_type: "application/pdf", size: 0, url: "https://files.example.com/a.pdf" });
  expect([changed(), hasDraft(key)]).toEqual([true, true]);
  draft.attachments.pop();
  expect([changed(), hasDraft(key)]).toEqual([false, false]);
  draft.html = "<p>x</p>";
  discard();
  expect([draft.html, hasDraft(key)]).toEqual(["", false]);
});
