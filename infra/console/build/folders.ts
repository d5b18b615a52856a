import type { PreRenderedAsset, PreRenderedChunk } from "rolldown";

/** What only the local cloud shows: the sources of the folder, and what only they use. */
const LOCAL = /\/src\/local\/|^src\/local\/|\/swagger-ui-dist\/|\binfra\/openapi\.yaml$|^\.\.\/openapi\.yaml$/;

const folderOf = (sources: readonly string[]) => (sources.some((source) => LOCAL.test(source)) ? "local" : "assets");

/** Puts the files of `src/local` into a folder of their own, which is not deployed. */
export const outputNames = {
  chunkFileNames: ({ moduleIds }: PreRenderedChunk) => `${folderOf(moduleIds)}/[name]-[hash].js`,
  assetFileNames: ({ originalFileNames }: PreRenderedAsset) => `${folderOf(originalFileNames)}/[name]-[hash][extname]`,
};
