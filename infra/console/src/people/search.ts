import { useQuery } from "@tanstack/vue-query";
import { onScopeDispose, ref, watch, type Ref } from "vue";
import { body, useApi, type Schema } from "@/api";

/** The pause in typing after which a search starts. */
const PAUSE_MS = 200;

/** The value of a source after it has not changed for a moment. */
export function debounced(source: Ref<string>, pause = PAUSE_MS): Ref<string> {
  const settled = ref(source.value);
  let timer: ReturnType<typeof setTimeout> | undefined;
  watch(source, (value) => {
    clearTimeout(timer);
    timer = setTimeout(() => (settled.value = value), pause);
  });
  onScopeDispose(() => clearTimeout(timer));
  return settled;
}

/** The active people of the company whose name or address contains the text. */
export function usePeopleSearch(text: Ref<string>, enabled: Ref<boolean>) {
  const api = useApi();
  const query = debounced(text);
  return useQuery({
    queryKey: ["people", query],
    queryFn: async ({ signal }): Promise<Schema<"Candidate">[]> =>
      (await body(api.GET("/cdp/people", { params: { query: { query: query.value.trim() } }, signal }))).data,
    enabled,
    staleTime: 30_000,
    placeholderData: (previous) => previous,
  });
}
