import { SquareTerminal } from "@lucide/vue";
import type { App } from "vue";
import type { Router } from "vue-router";
import { localKey } from "@/app/local";
import { i18n } from "@/i18n";
import { LocalCloud, localCloudKey } from "./cloud";
import NotificationBell from "./NotificationBell.vue";
import en from "./texts/en.json";
import id from "./texts/id.json";

/** Adds what only the console of the local cloud has: the bell and the developer panel. */
export function addLocalParts(app: App, pages: Router, localUrl: string, apiUrl: string): void {
  i18n.global.mergeLocaleMessage("en", { local: en });
  i18n.global.mergeLocaleMessage("id", { local: id });
  app.provide(localCloudKey, new LocalCloud(localUrl, apiUrl));
  app.provide(localKey, { bell: NotificationBell, entry: { key: "local.developer", icon: SquareTerminal, to: { name: "developer" } } });
  pages.addRoute({
    path: "/developer",
    name: "developer",
    component: () => import("./DeveloperPage.vue"),
    redirect: { name: "developer-requests" },
    meta: { title: "local.developer", entry: "developer" },
    children: [
      { path: "requests", name: "developer-requests", component: () => import("./requests/RequestsTab.vue") },
      { path: "usage", name: "developer-usage", component: () => import("./usage/UsageTab.vue") },
      { path: "mail", name: "developer-mail", component: () => import("./mail/MailTab.vue") },
      { path: "events", name: "developer-events", component: () => import("./events/EventsTab.vue") },
      { path: "faults", name: "developer-faults", component: () => import("./faults/FaultsTab.vue") },
      { path: "api", name: "developer-api", component: () => import("./reference/ReferenceTab.vue") },
    ],
  });
}
