import { computed, shallowRef } from "vue";
import type { Schema } from "@/api";

/** The most contacts that an export takes by their ids. */
export const MAX_SELECTED = 10_000;

/** Contacts that the user selected in the list: single ones, or all that match a filter. */
export type ContactSelection = { kind: "ids"; ids: ReadonlySet<string>; wasAll: boolean } | { kind: "all"; filter: Schema<"Filter"> };

const selected = shallowRef<ContactSelection | null>(null);

/**
 * The selection of the contact list. It outlives the page, so that the exports page finds it.
 *
 *     const { request, count, clear } = useContactSelection();
 *     if (request.value) await body(api.POST("/cdp/exports", { body: { selection: request.value, … } }));
 */
export function useContactSelection() {
  return {
    selection: computed(() => selected.value),
    /** The selection as `POST /cdp/exports` takes it; null if nothing is selected. */
    request: computed((): Schema<"Selection"> | null => {
      const now = selected.value;
      if (!now) return null;
      return now.kind === "ids" ? { ids: [...now.ids] } : { filter: now.filter };
    }),
    /** The number of selected contacts; null if all matching ones are, because their number is unknown. */
    count: computed(() => {
      const now = selected.value;
      if (!now) return 0;
      return now.kind === "ids" ? now.ids.size : null;
    }),
    /** Whether all matching contacts were selected, and only those of them are that were loaded. */
    wasAll: computed(() => selected.value?.kind === "ids" && selected.value.wasAll === true),
    isSelected(id: string): boolean {
      const now = selected.value;
      return now !== null && (now.kind === "all" || now.ids.has(id));
    },
    /** Selects or deselects contacts. After "all matching", the loaded contacts without the deselected ones stay selected. */
    set(ids: readonly string[], on: boolean, loaded: readonly string[] = []): void {
      const now = selected.value;
      const next = new Set(now?.kind === "ids" ? now.ids : now ? loaded.slice(0, MAX_SELECTED) : []);
      for (const id of ids) {
        if (!on) next.delete(id);
        else if (next.size < MAX_SELECTED) next.add(id);
      }
      const wasAll = now?.kind === "all" || now?.wasAll === true;
      selected.value = next.size ? { kind: "ids", ids: next, wasAll } : null;
    },
    selectAll(filter: Schema<"Filter">): void {
      selected.value = { kind: "all", filter };
    },
    clear(): void {
      selected.value = null;
    },
  };
}
