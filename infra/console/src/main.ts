import { VueQueryPlugin } from "@tanstack/vue-query";
import { createApp } from "vue";
import "@/design/base.css";
import { createTrack, trackKey } from "@/analytics";
import { apiKey } from "@/api";
import { createApi } from "@/api/client";
import { createQueries } from "@/api/queries";
import AppRoot from "@/app/AppRoot.vue";
import { createPages } from "@/app/router";
import StartFailed from "@/app/StartFailed.vue";
import { restoreTheme } from "@/design/theme";
import { browserLanguage, chosenLanguage, i18n, show } from "@/i18n";
import { loadConfiguration } from "@/session/configuration";
import { Session, sessionKey } from "@/session/session";

async function start(): Promise<void> {
  restoreTheme();
  const [configuration] = await Promise.all([loadConfiguration(), show(chosenLanguage() ?? browserLanguage())]);
  const session = new Session(configuration);
  const pages = createPages(session);
  const app = createApp(AppRoot)
    .use(i18n)
    .use(VueQueryPlugin, { queryClient: createQueries() })
    .provide(sessionKey, session)
    .provide(apiKey, createApi(configuration.apiUrl, session.send))
    .provide(trackKey, createTrack(configuration.analyticsUrl));
  if (configuration.localUrl) {
    const { addLocalParts } = await import("@/local");
    addLocalParts(app, pages, configuration.localUrl, configuration.apiUrl);
  }
  app.use(pages).mount("#app");
}

start().catch((error: unknown) => {
  console.warn("the console cannot start", error);
  createApp(StartFailed).mount("#app");
});
