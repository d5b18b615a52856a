import { readonly, ref } from "vue";

export const themes = ["system", "light", "dark"] as const;
export type Theme = (typeof themes)[number];

/** Where the user's choice is kept. */
const CHOICE = "console.theme";

const current = ref<Theme>("system");

/** The theme that the user chose; `system` follows the device. */
export const theme = readonly(current);

function apply(choice: Theme): void {
  current.value = choice;
  if (choice === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = choice;
}

export function restoreTheme(): void {
  const choice = window.localStorage.getItem(CHOICE);
  apply(themes.includes(choice as Theme) ? (choice as Theme) : "system");
}

export function chooseTheme(choice: Theme): void {
  window.localStorage.setItem(CHOICE, choice);
  apply(choice);
}
