import { useQuery } from "@tanstack/vue-query";
import { computed } from "vue";
import { body, useApi, type Schema } from "@/api";

/** What a user may do; the names of the API. */
export type Permission =
  | "customers_customers_view"
  | "customers_customers_manage"
  | "customers_customers_delete"
  | "customers_customers_searchassoc"
  | "customers_customernotes_view"
  | "customers_customernotes_add"
  | "customers_customernotes_manage"
  | "customers_customernotes_delete";

export type Level = "disabled" | "own" | "team" | "everything";

/** The viewer: company, plan, flags and levels. They decide what is offered; the API decides what is allowed. */
export function useMe() {
  const api = useApi();
  const query = useQuery({
    queryKey: ["me"],
    queryFn: async (): Promise<Schema<"Me">> => (await body(api.GET("/cdp/me"))).data,
    staleTime: 60_000,
  });
  const me = computed(() => query.data.value ?? null);
  const level = (permission: Permission): Level => me.value?.permissions[permission]?.effective_level ?? "disabled";
  return {
    me,
    query,
    /** The level that decides; `disabled` while it is unknown. */
    level,
    /** Whether the permission is not disabled. */
    can: (permission: Permission) => level(permission) !== "disabled",
  };
}
