// @vitest-environment jsdom
import { VueQueryPlugin } from "@tanstack/vue-query";
import { expect, it } from "vitest";
import { createApp, defineComponent, nextTick, ref, type Ref } from "vue";
import { createI18n } from "vue-i18n";
import { apiKey, type Api } from "@/api";
import { useExportDraft } from "./draft";
import type { Job } from "./jobs";

const job = (download_url: string) =>
  ({ format: "csv", delimiter: "tab", file_name: "people.csv", time_zone: "UTC", locale: "id", fields: ["name", "email"], download_url }) as Job;

/** The draft of a page whose API knows no fields. */
function draftFor(earlier: Ref<Job | null>) {
  const api = { GET: async () => ({ data: { data: [] }, response: new Response() }) } as unknown as Api;
  let draft: ReturnType<typeof useExportDraft>["draft"] | undefined;
  const component = defineComponent(() => {
    draft = useExportDraft(earlier).draft;
    return () => null;
  });
  createApp(component)
    .use(createI18n({ legacy: false, locale: "en", messages: { en: {} } }))
    .use(VueQueryPlugin)
    .provide(apiKey, api)
    .mount(document.createElement("div"));
  return draft!;
}

it("an export is filled as an earlier one was, and keeps what the user changes when that one is read again", async () => {
  const earlier = ref<Job | null>(null);
  const draft = draftFor(earlier);
  earlier.value = job("https://files.example/1");
  await nextTick();
  expect(draft).toEqual({ format: "csv", delimiter: "tab", fileName: "people", timeZone: "UTC", locale: "id", columns: [{ field: "name", label: "" }, { field: "email", label: "" }] });

  draft.fileName = "mine";
  draft.columns = [{ field: "name", label: "Customer" }];
  earlier.value = job("https://files.example/2");
  await nextTick();
  expect([draft.fileName, draft.columns]).toEqual(["mine", [{ field: "name", label: "Customer" }]]);
});
