import { createI18n } from "vue-i18n";

export const languages = ["en", "id"] as const;
export type Language = (typeof languages)[number];

/** Where the user's choice is kept. */
const CHOICE = "console.language";

/** The languages whose texts are loaded. */
const loaded = new Set<Language>();
const texts = { en: () => import("./en"), id: () => import("./id") };

export const i18n = createI18n({ legacy: false, locale: "en", fallbackLocale: "en", messages: {}, missingWarn: false });

function isLanguage(value: unknown): value is Language {
  return languages.includes(value as Language);
}

/** The language that the user chose on this device. */
export function chosenLanguage(): Language | null {
  const choice = window.localStorage.getItem(CHOICE);
  return isLanguage(choice) ? choice : null;
}

/** The language before the company's is known. */
export function browserLanguage(): Language {
  return navigator.language.startsWith("id") ? "id" : "en";
}

/** Shows the application in a language. */
export async function show(language: Language): Promise<void> {
  if (!loaded.has(language)) {
    i18n.global.mergeLocaleMessage(language, (await texts[language]()).default);
    loaded.add(language);
  }
  i18n.global.locale.value = language;
  document.documentElement.lang = language;
}

/** Shows the application in the language that the user chooses, also on the next visit. */
export async function choose(language: Language): Promise<void> {
  window.localStorage.setItem(CHOICE, language);
  await show(language);
}
