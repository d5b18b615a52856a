// @vitest-environment jsdom
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createApp, defineComponent } from "vue";
import { createI18n } from "vue-i18n";
import { ApiError, ConnectionError } from "@/api";
import en from "@/i18n/en";
import id from "@/i18n/id";
import { useImportMessages } from "./messages";

function messagesIn(locale: "en" | "id") {
  let messages: ReturnType<typeof useImportMessages> | undefined;
  const component = defineComponent(() => {
    messages = useImportMessages();
    return () => null;
  });
  createApp(component)
    .use(createI18n({ legacy: false, locale, messages: { en, id } }))
    .mount(document.createElement("div"));
  return messages!;
}

const source = (file: string) => readFileSync(join(import.meta.dirname, "../../../../shared/src", file), "utf8");

/** The texts of the errors of a Rust file, with a number in each place for a value. */
function reasons(file: string): string[] {
  const texts = [...source(file).matchAll(/#\[error\(\s*"((?:[^"\\]|\\[^])*)"/g)].map(([, text = ""]) => text);
  return texts.map((text) => text.replace(/\\\n\s*/g, "").replaceAll('\\"', '"').replace(/\{[^}]*\}/g, "7"));
}

/** Reasons that the API gives for parameters that this page never sends. */
const foreign = /^(must be of the form|the file has no column|unknown field|delimiter must be|unknown encoding)/;

/** Reasons that are not the texts of errors. */
const values: Record<string, string[]> = {
  "contact/input.rs": ["is not a valid email address", "each key must be 1 to {MAX_CUSTOM_KEY_BYTES} bytes long", "must be at most {MAX_CONTACT_BYTES} bytes in total", "must be at most {most} bytes long", "must have at most {most} entries"],
  "contact/changes.rs": ["was rounded by a spreadsheet; export it again as text"],
  "contact/custom_fields.rs": ["a number must have at most {MAX_DIGITS} significant digits"],
  "contact/edit.rs": ["is not an active user of the company"],
  "contact/sync.rs": ["each row must have an id, an external_id or an email address"],
  "id.rs": ["must be a UUID"],
};

const failure = (error: string, message: string, field?: string) => ({ error, message: field ? `${field}: ${message}` : message, details: field ? { field } : {} });

describe("the words for what the API says about an import", () => {
  it("exist for each of its reasons, in both languages", () => {
    const files = ["mapping_error", "file", "encoding", "row", "records"].map((name) => `import/${name}.rs`);
    const said = files.flatMap(reasons).filter((text) => !foreign.test(text));
    expect(said.length).toBeGreaterThan(12);
    const unknown = Object.entries(values).flatMap(([file, texts]) => texts.filter((text) => !source(file).includes(text)));
    expect(unknown, "texts that the API no longer has").toEqual([]);
    const rest = Object.values(values).flat().map((text) => text.replace(/\{[^}]*\}/g, "7"));
    for (const locale of ["en", "id"] as const) {
      const { refusal, problem } = messagesIn(locale);
      for (const text of [...said, ...rest]) {
        const { text: words, detail } = refusal(failure("INVALID_REQUEST", text, "emails[0]"));
        expect([words, detail], text).toEqual([expect.stringMatching(/^[^{}]+\.$/), undefined]);
        expect(words).not.toContain("imports.");
      }
      for (const code of ["KEY_TAKEN", "TEAM_OWNER_INVALID", "FORBIDDEN", "NOT_FOUND"]) {
        expect(refusal(failure(code, "", "external_id")), code).toEqual({ text: expect.stringMatching(/^[^{}]+\.$/) });
      }
      expect(problem(new ConnectionError("x"), "")).toEqual({ text: expect.any(String) });
    }
  });

  it("name the fields and columns as the page does", () => {
    const { refusal, problem } = messagesIn("en");
    const conflict = 'the columns "Name" and "#3" are all mapped to name, which has one value; choose one of them, and map the others to custom.<key> or -';
    expect(problem(new ApiError(400, "INVALID_REQUEST", `header: ${conflict}`, { field: "header" }, null), "").text).toBe(
      "“Name” and Column 3 all become “Full name”, which has one value. Keep it for one of them, and choose another field or “Do not import” for the others.",
    );
    expect(refusal(failure("INVALID_REQUEST", "must be at most 64 bytes long", "phones[1]")).text).toMatch(/^Phone numbers: .* 64 bytes\.$/);
    expect(refusal(failure("INVALID_REQUEST", 'Ref was rounded by a spreadsheet ("1E+5"); export it again as text', "Ref")).text).toContain("“Ref” (1E+5)");
  });

  it("are followed by the API's own message where there are none", () => {
    const { refusal } = messagesIn("en");
    expect(refusal(failure("INVALID_REQUEST", "must be blue", "tags[0]"))).toEqual({ text: "The row could not be imported.", detail: "must be blue" });
  });
});
