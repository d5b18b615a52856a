import { VueQueryPlugin } from "@tanstack/vue-query";
import { createApp } from "vue";
import "@/design/base.css";
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
  createApp(AppRoot)
    .use(i18n)
    .use(VueQueryPlugin, { queryClient: createQueries() })
    .use(createPages(session))
    .provide(sessionKey, session)
    .provide(apiKey, createApi(configuration.apiUrl, session.send))
    .mount("#app");
}

start().catch((error: unknown) => {
  console.warn("the console cannot start", error);
  createApp(StartFailed).mount("#app");
});
