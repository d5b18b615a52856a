import { useQuery } from "@tanstack/vue-query";
import { computed } from "vue";
import { body, useApi, type Schema } from "@/api";

/** The viewer's own teams: the only ones that the viewer can set as Team Owner. */
export function useMyTeams() {
  const api = useApi();
  const query = useQuery({
    queryKey: ["my-teams"],
    queryFn: async ({ signal }): Promise<Schema<"Team">[]> => (await body(api.GET("/cdp/me/teams", { signal }))).data,
    staleTime: 60_000,
  });
  const names = computed(() => new Map((query.data.value ?? []).map((team) => [team.id, team.name])));
  return { query, teams: computed(() => query.data.value ?? null), names };
}
