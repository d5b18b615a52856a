import { describe, expect, it } from "vitest";
import { changesOf, creationOf, draftOf, inForm, problemsOf, type ContactDraft } from "./draft";
import type { FullContact } from "./list";

const contact: FullContact = {
  id: "1",
  external_id: null,
  name: "Citra",
  emails: ["citra@shop.example"],
  phones: [],
  company_name: null,
  owner_id: "o",
  owner_name: "Sinta",
  assignee_id: null,
  assignee_name: null,
  team_owner_ids: ["t1"],
  tags: [],
  source: null,
  custom_fields: { tier: "gold", outlets: 3, vip: true, since: "2020-01-31", likes: ["tea"], raw: { a: 1 } },
  created_at: "2026-01-01T00:00:00Z",
  updated_at: "2026-01-01T00:00:00Z",
  version: 1,
  permission: { update: true, delete: true },
};
const fields = [
  { key: "since", type: "date" as const },
  { key: "extra", type: "number" as const },
];
const custom = (draft: ContactDraft, key: string) => draft.custom.find((field) => field.key === key)!;

describe("a draft", () => {
  it("sends only what was changed", () => {
    const begun = draftOf(contact, fields);
    const draft = draftOf(contact, fields);
    expect(changesOf(draft, begun)).toEqual({});
    draft.name = "Citra A";
    draft.emails = ["citra@shop.example", " "];
    draft.team_owner_ids = [];
    custom(draft, "outlets").text = "4";
    custom(draft, "tier").text = "";
    expect(changesOf(draft, begun)).toEqual({ name: "Citra A", team_owner_ids: [], custom_fields: { outlets: 4, tier: null } });
  });

  it("edits custom fields by their types and leaves objects alone", () => {
    const draft = draftOf(contact, fields);
    expect(draft.custom.map(({ key, type, fixed }) => [key, type, fixed])).toEqual([
      ["since", "date", false],
      ["extra", "number", false],
      ["tier", "text", false],
      ["outlets", "number", false],
      ["vip", "boolean", false],
      ["likes", "list", false],
      ["raw", "text", true],
    ]);
  });

  it("creates a contact with what has a value, and with its team owners even if there are none", () => {
    const draft = draftOf(null, fields);
    draft.name = " Ayu ";
    custom(draft, "extra").text = "1.5";
    expect(creationOf(draft)).toEqual({ name: "Ayu", team_owner_ids: [], custom_fields: { extra: 1.5 } });
  });

  it("finds what the API would refuse", () => {
    const draft = draftOf(null, fields);
    draft.emails = ["a@b.example", "no address", "a@b@c"];
    custom(draft, "extra").text = "many";
    expect(problemsOf(draft)).toEqual({ "emails[1]": "emails", "emails[2]": "emails", "custom_fields.extra": "number" });
  });

  it("finds a number that would be rounded, and leaves a stored one alone", () => {
    const draft = draftOf({ ...contact, custom_fields: { huge: 1e21, tiny: -1.5e-7 } }, fields);
    expect([custom(draft, "huge").text, custom(draft, "tiny").text]).toEqual(["1000000000000000000000", "-0.00000015"]);
    expect([problemsOf(draft), changesOf(draft, draftOf({ ...contact, custom_fields: { huge: 1e21, tiny: -1.5e-7 } }, fields))]).toEqual([{}, {}]);
    custom(draft, "extra").text = "12345678901234567890";
    expect(problemsOf(draft)).toEqual({ "custom_fields.extra": "digits" });
  });

  it("shows an error of the API at the row of the form, which may have blank rows", () => {
    const draft = draftOf(null, fields);
    Object.assign(draft, { emails: ["", "a@b.example", " ", "no address"], phones: ["1", "2"] });
    expect(["emails[0]", "emails[1]", "phones[1]", "emails", "tags[3]", "custom_fields.a"].map((field) => inForm(field, draft))).toEqual(["emails[1]", "emails[3]", "phones[1]", "emails", "tags[3]", "custom_fields.a"]);
  });
});
