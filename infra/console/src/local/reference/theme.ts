import { onScopeDispose, ref, watchEffect } from "vue";
import { theme } from "@/design/theme";

/** The class with which Swagger UI turns dark. It belongs to the document. */
const DARK = "dark-mode";

/** Lets Swagger UI follow the theme while the component is shown. */
export function useDarkMode(): void {
  const device = window.matchMedia("(prefers-color-scheme: dark)");
  const isDeviceDark = ref(device.matches);
  const follow = () => (isDeviceDark.value = device.matches);
  device.addEventListener("change", follow);
  watchEffect(() => {
    document.documentElement.classList.toggle(DARK, theme.value === "dark" || (theme.value === "system" && isDeviceDark.value));
  });
  onScopeDispose(() => {
    device.removeEventListener("change", follow);
    document.documentElement.classList.remove(DARK);
  });
}
