import { inject, type InjectionKey } from "vue";

/** What the product measures in the console, with the properties of each event (RFC, Observability). */
export interface Events {
  cdp_team_owner_field_saved: { team_owner_count: number; was_autofilled: boolean; cleared_to_unassigned: boolean };
  cdp_team_filter_view_loaded: { result_count: number; is_empty: boolean };
  cdp_team_fallback_banner_shown: { surface: "list" | "detail" | "assoc" };
  cdp_team_owner_save_rejected: { rejected_team_count: number };
}

export type Track = <Name extends keyof Events>(name: Name, properties: Events[Name]) => void;

/** Sends events to the endpoint of the deployment. Without an endpoint nothing is sent. */
export function createTrack(url: string | undefined): Track {
  return (name, properties) => {
    // Text needs no preflight request, and a beacon is also sent when the user leaves the page.
    if (url) navigator.sendBeacon(url, new Blob([JSON.stringify({ name, properties })], { type: "text/plain" }));
  };
}

export const trackKey: InjectionKey<Track> = Symbol("track");

/** The function that sends an event. */
export function useTrack(): Track {
  const track = inject(trackKey);
  if (!track) throw new Error("useTrack() needs the analytics of the application");
  return track;
}
