import { useQuery } from "@tanstack/vue-query";
import { computed, reactive, type Ref } from "vue";
import { body, useApi, type Schema } from "@/api";

/** Names of people that other answers contained. */
const seen = reactive(new Map<string, string>());

/** Remembers a name, so that it need not be asked for. */
export function rememberName(id: string | null | undefined, name: string | null | undefined): void {
  if (id && name && !seen.has(id)) seen.set(id, name);
}

/** The people whose names other answers contained. */
export const rememberedPeople = (): { id: string; name: string }[] => [...seen].map(([id, name]) => ({ id, name }));

/** The name of a person of the company; null while it is unknown. */
export function usePersonName(id: Ref<string>) {
  const api = useApi();
  const card = useQuery({
    queryKey: ["person", id],
    queryFn: async ({ signal }): Promise<Schema<"Card">> =>
      (await body(api.GET("/cdp/people/{sso_id}", { params: { path: { sso_id: id.value } }, signal }))).data,
    enabled: computed(() => id.value !== "" && !seen.has(id.value)),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return computed(() => seen.get(id.value) ?? card.data.value?.name ?? null);
}
