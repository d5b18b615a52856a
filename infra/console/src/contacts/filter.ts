import type { LocationQuery, LocationQueryRaw } from "vue-router";
import type { paths } from "@generated/api";
import type { Schema } from "@/api";

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

function values(query: LocationQuery, key: string): string[] {
  const value = query[key];
  return (Array.isArray(value) ? value : [value]).filter((one): one is string => typeof one === "string" && one !== "");
}

/** The order of the list without a choice. */
export function defaultDirection(orderBy: OrderBy): Direction {
  return orderBy === "name" ? "asc" : "desc";
}

/** Reads the state from an address. Unknown parameters and values are ignored. */
export function parseState(query: LocationQuery): ListState {
  const [view] = values(query, "view");
  const [direction] = values(query, "direction");
  const orderBy: OrderBy = values(query, "order_by")[0] === "name" ? "name" : "created_at";
  return {
    view: views.find((known) => known === view) ?? null,
    q: values(query, "q")[0] ?? "",
    orderBy,
    direction: direction === "asc" || direction === "desc" ? direction : defaultDirection(orderBy),
    lists: Object.fromEntries(listFilters.map((key) => [key, values(query, key)])) as Record<ListFilter, string[]>,
    times: Object.fromEntries(
      timeFilters.flatMap((key) => values(query, key).slice(0, 1).filter((time) => !Number.isNaN(Date.parse(time))).map((time) => [key, time])),
    ),
    custom: Object.fromEntries(
      Object.keys(query)
        .filter((key) => key.startsWith(CUSTOM) && key.length > CUSTOM.length)
        .flatMap((key) => values(query, key).slice(0, 1).map((value) => [key.slice(CUSTOM.length), value])),
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

/** The filter of an export of everything that the list shows. */
export function exportFilter(state: ListState): Schema<"Filter"> {
  const filter: Schema<"Filter"> = {};
  const q = state.q.trim();
  if (state.view && state.view !== "deleted") filter.view = state.view;
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
