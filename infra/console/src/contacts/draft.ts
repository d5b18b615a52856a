import type { Schema } from "@/api";
import { typeOf, type FieldType } from "./fields";
import type { FullContact } from "./list";
import { plainNumber, readNumber, type NumberProblem } from "./numbers";

export type ContactInput = Schema<"ContactInput">;

/** A person as a field of a contact has them. */
export interface PersonField {
  id: string;
  name: string | null;
}

/** A custom field while it is edited; `text` is what the control has. */
export interface CustomValue {
  key: string;
  type: FieldType;
  text: string;
  list: string[];
  /** Neither text, number, yes/no nor list: shown, not edited. */
  fixed: boolean;
}

/** What the form has. Empty texts are absent fields. */
export interface ContactDraft {
  name: string;
  emails: string[];
  phones: string[];
  company_name: string;
  owner: PersonField | null;
  assignee: PersonField | null;
  team_owner_ids: string[];
  tags: string[];
  source: string;
  external_id: string;
  custom: CustomValue[];
}

const person = (id: string | null, name: string | null): PersonField | null => (id ? { id, name } : null);

function customValue(key: string, type: FieldType, value: unknown): CustomValue {
  const field: CustomValue = { key, type, text: "", list: [], fixed: false };
  if (value === null || value === undefined) return field;
  const actual = typeOf(value);
  // A value that does not fit the company's type is edited as what it is.
  if (type !== "date" || actual !== "text") field.type = actual;
  if (Array.isArray(value)) {
    if (value.every((one) => typeof one === "string")) field.list = [...(value as string[])];
    else Object.assign(field, { fixed: true, text: JSON.stringify(value) });
  } else if (typeof value === "object") Object.assign(field, { fixed: true, text: JSON.stringify(value) });
  else field.text = typeof value === "number" ? plainNumber(value) : `${value as string | boolean}`;
  if (field.type === "date" && !/^\d{4}-\d{2}-\d{2}$/.test(field.text)) field.type = "text";
  return field;
}

/** The draft of a contact, with the company's custom fields and those that only the contact has. */
export function draftOf(contact: FullContact | null, fields: readonly { key: string; type: FieldType }[]): ContactDraft {
  const stored = contact?.custom_fields ?? {};
  const known = new Map(fields.map(({ key, type }) => [key, type]));
  for (const [key, value] of Object.entries(stored)) if (!known.has(key)) known.set(key, typeOf(value));
  return {
    name: contact?.name ?? "",
    emails: [...(contact?.emails ?? [])],
    phones: [...(contact?.phones ?? [])],
    company_name: contact?.company_name ?? "",
    owner: person(contact?.owner_id ?? null, contact?.owner_name ?? null),
    assignee: person(contact?.assignee_id ?? null, contact?.assignee_name ?? null),
    team_owner_ids: [...(contact?.team_owner_ids ?? [])],
    tags: [...(contact?.tags ?? [])],
    source: contact?.source ?? "",
    external_id: contact?.external_id ?? "",
    custom: [...known].map(([key, type]) => customValue(key, type, stored[key])),
  };
}

/** The value that a custom field's control stands for; null if it is empty. */
export function valueOf(field: CustomValue): unknown {
  if (field.type === "list") return field.list.length ? field.list : null;
  const text = field.text.trim();
  if (text === "") return null;
  if (field.type === "boolean") return text === "true";
  if (field.type === "number") {
    const number = readNumber(text);
    return typeof number === "number" ? number : text;
  }
  return text;
}

const present = (texts: readonly string[]) => texts.map((text) => text.trim()).filter(Boolean);

/** A field as the API names it, by the rows of the form: the API does not get the rows that are blank. */
export function inForm(field: string, draft: ContactDraft): string {
  const [, list, place] = /^(emails|phones)\[(\d+)\]/.exec(field) ?? [];
  if (!list) return field;
  const rows = [...draft[list as "emails" | "phones"].entries()].filter(([, text]) => text.trim());
  return `${list}[${rows[Number(place)]?.[0] ?? 0}]`;
}

const orNull = (text: string) => text.trim() || null;

/** All fields of a draft, as the API takes them. */
function inputOf(draft: ContactDraft): ContactInput {
  return {
    name: orNull(draft.name),
    emails: present(draft.emails),
    phones: present(draft.phones),
    company_name: orNull(draft.company_name),
    owner_id: draft.owner?.id ?? null,
    assignee_id: draft.assignee?.id ?? null,
    team_owner_ids: [...draft.team_owner_ids],
    tags: [...draft.tags],
    source: orNull(draft.source),
    external_id: orNull(draft.external_id),
    custom_fields: Object.fromEntries(draft.custom.filter((field) => !field.fixed).map((field) => [field.key, valueOf(field)])),
  };
}

const equal = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

/** The fields in which a draft differs from the one that it began as. The others are not sent, so that nothing of another person's change is undone. */
export function changesOf(draft: ContactDraft, begun: ContactDraft): ContactInput {
  const [now, before] = [inputOf(draft), inputOf(begun)];
  const changes: ContactInput = {};
  for (const key of Object.keys(now) as (keyof ContactInput)[]) {
    if (key !== "custom_fields" && !equal(now[key], before[key])) Object.assign(changes, { [key]: now[key] });
  }
  const custom = Object.entries(now.custom_fields ?? {}).filter(([key, value]) => !equal(value, before.custom_fields?.[key] ?? null));
  if (custom.length) changes.custom_fields = Object.fromEntries(custom);
  return changes;
}

/** The body that creates a contact: what has a value, and always the team owners. */
export function creationOf(draft: ContactDraft): ContactInput {
  const { team_owner_ids, custom_fields, ...rest } = inputOf(draft);
  const filled = Object.entries(rest).filter(([, value]) => value !== null && !(Array.isArray(value) && !value.length));
  const custom = Object.entries(custom_fields ?? {}).filter(([, value]) => value !== null);
  return {
    ...(Object.fromEntries(filled) as ContactInput),
    team_owner_ids: team_owner_ids ?? [],
    ...(custom.length ? { custom_fields: Object.fromEntries(custom) } : {}),
  };
}

const EMAIL = /^[^\s@,;<>"]+@[^\s@,;<>"]+$/u;

/** What is wrong with a field: no address, or a number that cannot be stored. */
export type Problem = "emails" | NumberProblem;

/** The fields that the API would refuse or that would be rounded, by their names as the API reports them, with what is wrong. */
export function problemsOf(draft: ContactDraft): Record<string, Problem> {
  const problems: Record<string, Problem> = {};
  for (const [index, email] of draft.emails.entries()) {
    if (email.trim() && !EMAIL.test(email.trim())) problems[`emails[${index}]`] = "emails";
  }
  for (const field of draft.custom) {
    const number = field.type === "number" && field.text.trim() ? readNumber(field.text) : 0;
    if (typeof number === "string") problems[`custom_fields.${field.key}`] = number;
  }
  return problems;
}
