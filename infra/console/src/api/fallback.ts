import { computed, reactive } from "vue";
import type { Events } from "@/analytics";

/** The operations whose last answer was narrowed to the viewer's own records. */
const narrowed = reactive(new Set<string>());
/** Counts the pages that were shown. */
let page = 0;

/** Whether something on the page shows the viewer's own records only, because teams cannot be loaded. */
export const showsOwnOnly = computed(() => narrowed.size > 0);

/** The part of the product that shows the viewer's own records only: that of the first narrowed answer. */
export function narrowedSurface(): Events["cdp_team_fallback_banner_shown"]["surface"] {
  const [operation = ""] = narrowed;
  if (operation.includes("search-assoc")) return "assoc";
  return operation.includes("{") ? "detail" : "list";
}

/** The page that sends requests now. */
export function sendingPage(): number {
  return page;
}

/**
 * Notes whether an answer was narrowed; the next answer of the same operation decides again. An answer
 * to a request of an earlier page says nothing about what is shown.
 */
export function recordScope(operation: string, response: Response, sentBy: number): void {
  if (sentBy !== page) return;
  if (response.headers.get("X-Team-Permission-Fallback") === "owned-only") narrowed.add(operation);
  else if (response.status < 500) narrowed.delete(operation);
}

/** Forgets what earlier pages have shown. */
export function resetScope(): void {
  page += 1;
  narrowed.clear();
}
