import { computed, reactive } from "vue";

/** The operations whose last answer was narrowed to the viewer's own records. */
const narrowed = reactive(new Set<string>());

/** Whether something on the page shows the viewer's own records only, because teams cannot be loaded. */
export const showsOwnOnly = computed(() => narrowed.size > 0);

/** Notes whether an answer was narrowed; the next answer of the same operation decides again. */
export function recordScope(operation: string, response: Response): void {
  if (response.headers.get("X-Team-Permission-Fallback") === "owned-only") narrowed.add(operation);
  else if (response.status < 500) narrowed.delete(operation);
}

/** Forgets what earlier pages have shown. */
export function resetScope(): void {
  narrowed.clear();
}
