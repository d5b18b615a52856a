import { fileURLToPath } from "node:url";
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vitest/config";
import { configurationPlugin } from "./build/configuration.ts";
import { framework, outputNames } from "./build/folders.ts";

export default defineConfig({
  plugins: [vue(), configurationPlugin()],
  resolve: {
    alias: {
      "@generated": fileURLToPath(new URL("generated", import.meta.url)),
      "@": fileURLToPath(new URL("src", import.meta.url)),
    },
  },
  define: {
    __VUE_OPTIONS_API__: false,
    __VUE_PROD_DEVTOOLS__: false,
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: false,
    __VUE_I18N_FULL_INSTALL__: false,
    __VUE_I18N_LEGACY_API__: false,
    __INTLIFY_PROD_DEVTOOLS__: false,
  },
  build: {
    target: "es2022",
    // Without a lowered form of `light-dark()`: a note with colors has a color scheme of its own.
    cssTarget: ["chrome123", "edge123", "firefox120", "safari17.5"],
    // The content security policy allows no `data:` fonts.
    assetsInlineLimit: 0,
    rolldownOptions: { output: { ...outputNames, codeSplitting: { groups: [framework] } } },
  },
  // `localhost` may be another address family, and it is not an origin that the local cloud allows.
  server: { host: "127.0.0.1", port: 5173, strictPort: true },
  preview: { host: "127.0.0.1", port: 3002, strictPort: true },
  // In CI the unit tests run beside the type check and the build.
  test: { include: ["src/**/*.test.ts", "build/**/*.test.ts"], testTimeout: 30_000 },
});
