// @vitest-environment jsdom
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createApp, defineComponent } from "vue";
import { createI18n } from "vue-i18n";
import { ApiError, ConnectionError } from "@/api";
import en from "@/i18n/en";
import id from "@/i18n/id";
import { useNoteMessages } from "./messages";
import { NoteChanged, type Note, type NoteWarning } from "./notes";

const ID = "6f1c2a34-9b7d-4e21-8c55-0a1b2c3d4e5f";
const html = `<p><a data-user-id="${ID}" data-mention="true">@Budi Hartono</a></p>`;

function messagesIn(locale: "en" | "id") {
  let messages: ReturnType<typeof useNoteMessages> | undefined;
  const component = defineComponent(() => {
    messages = useNoteMessages();
    return () => null;
  });
  createApp(component)
    .use(createI18n({ legacy: false, locale, messages: { en, id } }))
    .mount(document.createElement("div"));
  return messages!;
}

const description = readFileSync(join(import.meta.dirname, "../../../openapi.yaml"), "utf8");

/** The words of the first `enum` that follows a place in the API document. */
const listed = (place: string) => new RegExp(`${place}[\\s\\S]*?enum: \\[([^\\]]+)\\]`).exec(description)?.[1]?.split(/,\s*/) ?? [];

it("the words of every warning and refusal of notes", () => {
  const kinds = listed("\\n        kinds:");
  expect(kinds).toContain("image");
  const warnings: NoteWarning[] = [
    { code: "CONTENT_REMOVED", message: "", kinds: kinds as NonNullable<NoteWarning["kinds"]> },
    { code: "INVALID_MENTION", message: "", invalid_sso_id: ID },
    { code: "MENTIONS_PENDING", message: "", pending_ids: [ID] },
    { code: "MENTION_CANNOT_SEE_CONTACT", message: "", sso_id: ID },
  ];
  // The other codes are those of contacts.
  expect([...warnings.map(({ code }) => code), "POSSIBLE_DUPLICATE", "KEY_NOT_RESTORED"].sort()).toEqual(
    listed("\\n    Warning:").sort(),
  );
  const refusals = listed("\\n    NoteRefused:");
  expect(refusals).toContain("NOTE_TOO_LONG");
  const details = { invalid_sso_ids: [ID], kinds: ["image" as const], length: 10_001, count: 11, limit: 10 };
  const errors = [...refusals, "INVALID_REQUEST", "CONFLICT", "NOT_FOUND", "FORBIDDEN", "THROTTLED", "UNAVAILABLE"].map(
    (code) => new ApiError(422, code, "", details, null),
  );

  for (const locale of ["en", "id"] as const) {
    const { warning, problem } = messagesIn(locale);
    for (const each of warnings) {
      const text = warning(each, html);
      expect(text, each.code).toMatch(/^[^{}]+\.$/);
      expect(text).not.toContain("notes.");
      if (each.code !== "CONTENT_REMOVED") expect(text).toContain("Budi Hartono");
    }
    const changed = new NoteChanged({ version: 2 } as Note);
    for (const error of [...errors, new ConnectionError("x"), changed, new Error("x")]) {
      expect(problem(error, html)).toMatch(/^[^{}]+\.$/);
      expect(problem(error, html)).not.toMatch(/notes\.|errors\./);
    }
    const file = (field: string) => problem(new ApiError(400, "INVALID_REQUEST", "", { field }, null), html);
    expect(new Set(["attachments[1].url", "attachments[1].size", "attachments[1].name", "attachments"].map(file)).size).toBe(4);
  }
});
