import type { LocationQuery, LocationQueryRaw } from "vue-router";
import type { paths } from "@generated/api";
import type { Schema } from "@/api";
import { startOf } from "@/i18n/dates";

export type ListView = Schema<"ListView">;
export type OrderBy = "created_at" | "name";
export type Direction = "asc" | "desc";
export type ListQuery = NonNullable<paths["/cdp/customers"]["get"]["parameters"]["query"]>;

/** The filters that match any of their values. */
export const listFilters = ["owner_id", "assignee_id", "team_owner_ids", "tags", "source"] as const;
export type ListFilter = (typeof listFilters)[number];

/** The filters by time: from a moment on, and before a moment. */
export const timeFilters = ["created_from", "created_to", "updated_from", "updated_to"] as const;
export type TimeFilter = (typeof timeFilters)[number];

/** What the list shows. The address contains all of it, so that a shared link shows the same list. */
export interface ListState {
  view: ListView | null;
  q: string;
  orderBy: OrderBy;
  direction: Direction;
  lists: Record<ListFilter, string[]>;
  times: Partial<Record<TimeFilter, string>>;
  /** Custom fields by their keys. */
  custom: Record<string, string>;
}

const views: ListView[] = ["owned-by-me", "assigned-to-me", "teams", "deleted"];
const CUSTOM = "custom.";
const idFilters: readonly ListFilter[] = ["owner_id", "assignee_id", "team_owner_ids"];
const ID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** What the API takes at most. */
const MAX_VALUES = 100;
const MAX_CUSTOM = 20;
const MAX_BYTES = 256;
const MAX_SEARCH_BYTES = 320;
const bytes = (text: string) => new TextEncoder().encode(text).length;

function values(query: LocationQuery, key: string): string[] {
  const value = query[key];
  return (Array.isArray(value) ? value : [value]).filter((one): one is string => typeof one === "string" && one !== "");
}

/** The order of the list without a choice. */
export function defaultDirection(orderBy: OrderBy): Direction {
  return orderBy === "name" ? "asc" : "desc";
}

/** The values of a filter that the API takes. */
function listValues(query: LocationQuery, key: ListFilter): string[] {
  const isValid = idFilters.includes(key) ? (value: string) => ID.test(value) : (value: string) => bytes(value) <= MAX_BYTES;
  return values(query, key).filter(isValid).slice(0, MAX_VALUES);
}

/** A time as the API takes it; a date is the beginning of the day on this device. */
function timeOf(text: string): string | undefined {
  if (!/^\d{4}-\d{2}-\d{2}(T|$)/.test(text) || Number.isNaN(Date.parse(text))) return undefined;
  return text.includes("T") ? new Date(text).toISOString() : startOf(text);
}

/** Reads the state from an address. Unknown parameters and values are ignored, and those that the API refuses. */
export function parseState(query: LocationQuery): ListState {
  const [view] = values(query, "view");
  const [direction] = values(query, "direction");
  const orderBy: OrderBy = values(query, "order_by")[0] === "name" ? "name" : "created_at";
  return {
    view: views.find((known) => known === view) ?? null,
    q: values(query, "q").find((text) => bytes(text) <= MAX_SEARCH_BYTES) ?? "",
    orderBy,
    direction: direction === "asc" || direction === "desc" ? direction : defaultDirection(orderBy),
    lists: Object.fromEntries(listFilters.map((key) => [key, listValues(query, key)])) as Record<ListFilter, string[]>,
    times: Object.fromEntries(
      timeFilters.map((key) => [key, timeOf(values(query, key)[0] ?? "")]).filter(([, time]) => time),
    ),
    custom: Object.fromEntries(
      Object.keys(query)
        .filter((key) => key.startsWith(CUSTOM) && key.length > CUSTOM.length)
        .map((key) => [key.slice(CUSTOM.length), values(query, key)[0] ?? ""] as const)
        .filter(([key, value]) => value && bytes(key) <= MAX_BYTES && bytes(value) <= MAX_BYTES)
        .slice(0, MAX_CUSTOM),
    ),
  };
}

/** The address of a state; what is at its default is left out. */
export function formatState(state: ListState): LocationQueryRaw {
  const query: LocationQueryRaw = {};
  if (state.view) query["view"] = state.view;
  if (state.q) query["q"] = state.q;
  if (state.orderBy !== "created_at") query["order_by"] = state.orderBy;
  if (state.direction !== defaultDirection(state.orderBy)) query["direction"] = state.direction;
  for (const key of listFilters) if (state.lists[key].length) query[key] = state.lists[key];
  for (const key of timeFilters) if (state.times[key]) query[key] = state.times[key];
  for (const [key, value] of Object.entries(state.custom)) query[CUSTOM + key] = value;
  return query;
}

/** Whether the API can search for the text: three characters, or one in Han, Kana or Hangul. */
export function isSearchable(text: string): boolean {
  const wanted = text.trim();
  return [...wanted].length >= 3 || /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u.test(wanted);
}

/** The parameters of `GET /cdp/customers`, without those of the page. */
export function listQuery(state: ListState): ListQuery {
  if (state.view === "deleted") return { view: "deleted" };
  const query: ListQuery = {};
  const q = state.q.trim();
  if (state.view) query.view = state.view;
  if (isSearchable(q)) query.q = q;
  else Object.assign(query, { order_by: state.orderBy, direction: state.direction });
  for (const key of listFilters) if (state.lists[key].length) query[key] = state.lists[key];
  Object.assign(query, state.times);
  const custom = Object.entries(state.custom).map(([key, value]) => [CUSTOM + key, value]);
  if (custom.length) query.custom = Object.fromEntries(custom) as Record<string, string>;
  return query;
}

/** The filter of an export of everything that the list shows; null for deleted contacts, which cannot be exported. */
export function exportFilter(state: ListState): Schema<"Filter"> | null {
  if (state.view === "deleted") return null;
  const filter: Schema<"Filter"> = {};
  const q = state.q.trim();
  if (state.view) filter.view = state.view;
  if (isSearchable(q)) filter.q = q;
  for (const key of listFilters) if (state.lists[key].length) filter[key] = state.lists[key];
  Object.assign(filter, state.times);
  const custom = Object.entries(state.custom).map(([key, value]) => [key, [value]]);
  if (custom.length) filter.custom = Object.fromEntries(custom) as Record<string, string[]>;
  return filter;
}

/** How many filters beside view and search text are set. */
export function filterCount(state: ListState): number {
  return (
    listFilters.reduce((sum, key) => sum + state.lists[key].length, 0) +
    Object.keys(state.times).length +
    Object.keys(state.custom).length
  );
}
