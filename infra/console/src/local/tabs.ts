import { Activity, Gauge, Mail, ScrollText, ToggleRight, Webhook } from "@lucide/vue";

/** The tabs of the developer panel, by the names of their routes. */
export const tabs = {
  "developer-requests": { title: "Requests", icon: Activity },
  "developer-usage": { title: "Usage", icon: Gauge },
  "developer-mail": { title: "Mail", icon: Mail },
  "developer-events": { title: "Events", icon: ScrollText },
  "developer-faults": { title: "Faults", icon: ToggleRight },
  "developer-api": { title: "API reference", icon: Webhook },
};
