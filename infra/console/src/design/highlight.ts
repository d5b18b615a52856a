import { nextTick, watch, type Ref } from "vue";

/**
 * Moves the highlight of a reka-ui combobox to the first item when its items change. Otherwise it stays
 * on an item that is gone, and `aria-activedescendant` names nothing.
 */
export function useFreshHighlight(root: Readonly<Ref<{ highlightFirstItem?: (() => void) | undefined } | null>>, items: Ref<readonly unknown[]>): void {
  watch(items, async () => {
    await nextTick();
    if (items.value.length) root.value?.highlightFirstItem?.();
  });
}

/** The attributes of a combobox's input: without items nothing can be highlighted. */
export const highlightAttributes = (items: readonly unknown[]) => (items.length ? {} : { "aria-activedescendant": undefined });
