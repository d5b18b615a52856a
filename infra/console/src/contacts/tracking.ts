import { computed, watch, type Ref } from "vue";
import { useTrack } from "@/analytics";
import type { ApiError } from "@/api";
import type { ContactInput } from "./draft";
import type { ListView } from "./filter";
import type { AnyContact } from "./list";

const sameTeams = (one: readonly string[], other: readonly string[]) => one.length === other.length && one.every((id) => other.includes(id));

/** Reports how the Team Owner of a contact is saved. */
export function useTeamOwnerTracking() {
  const track = useTrack();
  return {
    /** After a save; `begun` is the set of teams that the form started with. */
    saved({ team_owner_ids: teams }: ContactInput, begun: readonly string[], isNew: boolean): void {
      if (!teams) return;
      track("cdp_team_owner_field_saved", {
        team_owner_count: teams.length,
        was_autofilled: isNew && teams.length > 0 && sameTeams(teams, begun),
        cleared_to_unassigned: teams.length === 0 && begun.length > 0,
      });
    },
    /** After the API refused the set of teams. */
    rejected(error: ApiError): void {
      track("cdp_team_owner_save_rejected", { rejected_team_count: error.details.rejected_team_ids?.length ?? 0 });
    },
  };
}

/** Reports the first rows of the team list view, once for each time that the view is opened. */
export function useTeamViewTracking(view: Ref<ListView | null>, contacts: Ref<readonly AnyContact[]>, isLoaded: Ref<boolean>): void {
  const track = useTrack();
  const isReady = computed(() => view.value === "teams" && isLoaded.value);
  let reported = false;
  watch(view, () => (reported = false), { flush: "sync" });
  // After the render, because only then the list belongs to the view.
  watch(
    isReady,
    (ready) => {
      if (!ready || reported) return;
      reported = true;
      track("cdp_team_filter_view_loaded", { result_count: contacts.value.length, is_empty: contacts.value.length === 0 });
    },
    { immediate: true, flush: "post" },
  );
}
