import { useQuery } from "@tanstack/vue-query";
import { computed } from "vue";
import { useI18n } from "vue-i18n";
import { body, useApi, type Schema } from "@/api";

/** The viewer's own teams: the only ones that the viewer can set as Team Owner. */
export function useMyTeams() {
  const { t } = useI18n();
  const api = useApi();
  const query = useQuery({
    queryKey: ["my-teams"],
    queryFn: async ({ signal }): Promise<Schema<"Team">[]> => (await body(api.GET("/cdp/me/teams", { signal }))).data,
    staleTime: 60_000,
  });
  const names = computed(() => new Map((query.data.value ?? []).map((team) => [team.id, team.name])));
  const teams = computed(() => query.data.value ?? null);
  /** Until the viewer's teams are known, a team may be one of them. */
  const nameOf = (id: string) => names.value.get(id) ?? t(teams.value ? "contacts.anotherTeam" : "contacts.unknownTeam");
  return { query, teams, names, nameOf };
}
