// @vitest-environment jsdom
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { sanitizeNote } from "./sanitize";
import stored from "./stored-notes.json";

const attacks = readFileSync(join(import.meta.dirname, "../../../../shared/src/note/tests/attacks.jsonl"), "utf8")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => JSON.parse(line) as string);

describe("sanitizeNote", () => {
  it("CHG-002: keeps what the API stores for each feature of every recorded editor", { timeout: 20_000 }, () => {
    for (const [editor, features] of Object.entries(stored)) {
      for (const [feature, html] of Object.entries(features)) expect(sanitizeNote(html), `${editor}: ${feature}`).toBe(html);
    }
  });

  it("keeps the identity of a mention, verified or pending", () => {
    for (const state of ["true", "pending"]) {
      const html = `<p><a data-user-id="6f1c2a34-9b7d-4e21-8c55-0a1b2c3d4e5f" data-mention="${state}">@Name</a></p>`;
      expect(sanitizeNote(html)).toBe(html);
    }
  });

  it("removes what the API would not store", () => {
    const cases: [string, string][] = [
      ['<p onclick="x()" id="a" name="b">x</p>', "<p>x</p>"],
      ['<a href="javascript:x()">x</a>', "<a>x</a>"],
      ['<p class="dialog ql-align-center">x</p>', '<p class="ql-align-center">x</p>'],
      ['<p style="position: fixed; color: red">x</p>', '<p style="color: red">x</p>'],
      ['<p style="color: var(--brand)">x</p>', "<p>x</p>"],
      ['<p style="width: 100vw; margin-left: -5px; font-size: 200px">x</p>', "<p>x</p>"],
      ['<input type="text"><input type="checkbox">', '<input type="checkbox">'],
      ['<p data-color="#fff">x</p>', "<p>x</p>"],
      ["<img src=x><iframe></iframe><p>x</p>", "<p>x</p>"],
    ];
    for (const [html, safe] of cases) expect(sanitizeNote(html)).toBe(safe);
  });

  it("leaves nothing of the attack strings that could run", { timeout: 60_000 }, () => {
    expect(attacks.length).toBeGreaterThan(500);
    for (const attack of attacks) {
      const page = new DOMParser().parseFromString(sanitizeNote(attack), "text/html");
      for (const element of page.body.querySelectorAll("*")) {
        expect(["script", "iframe", "img", "svg", "math", "object", "embed", "style", "link", "form", "button"]).not.toContain(element.localName);
        for (const { name, value } of element.attributes) {
          expect(name).not.toMatch(/^on|^src|^id$|^name$/);
          if (name === "href") expect(value).toMatch(/^(?:https?|mailto|tel):/i);
        }
      }
    }
  });
});
