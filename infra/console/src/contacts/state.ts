import { computed, shallowRef, watch } from "vue";
import { useRoute, useRouter } from "vue-router";
import { filterCount, formatState, isSearchable, parseState, type ListState } from "./filter";

/** The state of the list, which the address contains. */
export function useListState() {
  const route = useRoute();
  const router = useRouter();
  const query = shallowRef(route.query);
  // While the user leaves the page, the address is another page's already.
  watch(
    () => route.query,
    (next) => {
      if (route.name === "customers") query.value = next;
    },
    { flush: "sync" },
  );
  const state = computed(() => parseState(query.value));
  return {
    state,
    /** Whether a search or a filter narrows the view. */
    filtered: computed(() => isSearchable(state.value.q) || filterCount(state.value) > 0),
    filters: computed(() => filterCount(state.value)),
    /** Changes the state. `replace` leaves no entry in the history, for changes while the user types. */
    async change(part: Partial<ListState>, replace = false): Promise<void> {
      const to = { name: "customers", query: formatState({ ...state.value, ...part }) };
      await (replace ? router.replace(to) : router.push(to));
    },
    /** Shows the view without search and filters. */
    reset(): void {
      void router.push({ name: "customers", query: state.value.view ? { view: state.value.view } : {} });
    },
  };
}
