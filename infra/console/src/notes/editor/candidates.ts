import { useInfiniteQuery } from "@tanstack/vue-query";
import { computed, type Ref } from "vue";
import { body, useApi } from "@/api";
import { debounced } from "@/people/search";

/** The people who can be mentioned, page by page. */
export function useCandidates(text: Ref<string>) {
  const api = useApi();
  const settled = debounced(text);
  const query = useInfiniteQuery({
    queryKey: ["mention-candidates", settled],
    queryFn: ({ pageParam, signal }) =>
      body(
        api.GET("/cdp/people", {
          params: { query: { query: settled.value.trim().slice(0, 100), ...(pageParam ? { cursor: pageParam } : {}) } },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.meta.next_cursor ?? undefined,
    staleTime: 30_000,
    // "Try again" is the user's choice, so that the picker answers at once.
    retry: false,
  });
  const people = computed(() => query.data.value?.pages.flatMap((page) => page.data) ?? []);
  /** Whether the list belongs to an earlier text. */
  const waiting = computed(() => settled.value !== text.value || (query.isFetching.value && !query.isFetchingNextPage.value && !query.data.value));
  return { people, waiting, query };
}
