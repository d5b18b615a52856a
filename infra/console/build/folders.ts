import { relative, resolve, sep } from "node:path";
import type { Rolldown } from "vite";

const root = resolve(import.meta.dirname, "..");
/** What only the local cloud shows: the sources of the bell and of the panel, and the description of the API. */
const local = ["src/local/", "../openapi.yaml"];

function folderOf(sources: readonly string[]): "local" | "assets" {
  const paths = sources.map((source) => relative(root, resolve(root, source)).replaceAll(sep, "/"));
  return paths.some((path) => local.some((start) => path.startsWith(start))) ? "local" : "assets";
}

/** Puts the files that only the local cloud needs into a folder of their own, which is not deployed. */
export const outputNames = {
  chunkFileNames: ({ moduleIds }: Rolldown.PreRenderedChunk) => `${folderOf(moduleIds)}/[name]-[hash].js`,
  assetFileNames: ({ originalFileNames }: Rolldown.PreRenderedAsset) => `${folderOf(originalFileNames)}/[name]-[hash][extname]`,
};

/** What each page needs. In one chunk it is smaller than in the many that the pages of the panel would split it into. */
export const framework = { name: "framework", test: /\/node_modules\/(@vue|vue|vue-router|vue-i18n|@intlify)\// };
