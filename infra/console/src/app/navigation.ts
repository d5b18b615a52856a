import { Download, Trash2, Upload, UserCheck, UserRound, Users, UsersRound } from "@lucide/vue";
import { computed, inject, type Component } from "vue";
import type { RouteLocationRaw } from "vue-router";
import { useMe } from "@/session/me";
import { localKey } from "./local";

export interface Entry {
  key: string;
  icon: Component;
  to: RouteLocationRaw;
}

/** The entries of the navigation that the viewer's levels allow. */
export function useNavigation() {
  const { can, me } = useMe();
  const list = (view?: string): RouteLocationRaw => ({ name: "customers", query: view ? { view } : {} });

  const contacts = computed<Entry[]>(() => [
    ...(can("customers_customers_view")
      ? [
          { key: "nav.all", icon: Users, to: list() },
          { key: "nav.ownedByMe", icon: UserRound, to: list("owned-by-me") },
          { key: "nav.assignedToMe", icon: UserCheck, to: list("assigned-to-me") },
          { key: "nav.teams", icon: UsersRound, to: list("teams") },
        ]
      : []),
    ...(can("customers_customers_delete") ? [{ key: "nav.deleted", icon: Trash2, to: list("deleted") }] : []),
  ]);

  const files = computed<Entry[]>(() => [
    ...(can("customers_customers_view") ? [{ key: "nav.exports", icon: Download, to: { name: "exports" } }] : []),
    ...(can("customers_customers_manage") ? [{ key: "nav.import", icon: Upload, to: { name: "import" } }] : []),
  ]);

  const local = inject(localKey, null);

  return { contacts, files, local: local ? [local.entry] : [], known: computed(() => me.value !== null) };
}
