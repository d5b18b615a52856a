import { once } from "node:events";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "vite";
import { expect, test } from "vitest";
import { createCompany, openPage, signIn, world } from "./harness";

const repository = join(import.meta.dirname, "../../..");
const sources = ["index.html", "vite.config.ts", "package.json", "tsconfig.json", "src", "build", "public", "generated"].map((name) => `infra/console/${name}`);

/** Copies the sources, so that the test can edit them. Returns the folder of the copy. */
async function copySources(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "console-"));
  for (const path of [...sources, "docs/note-allowlist.json"]) await cp(join(repository, path), join(folder, path), { recursive: true });
  await symlink(join(repository, "infra/console/node_modules"), join(folder, "infra/console/node_modules"));
  return folder;
}

/** The origin of the development server, which the local cloud allows. */
const ORIGIN = "http://127.0.0.1:5173";

test("Development: the development server with the running cloud shows an edit of a component at once, and keeps what was typed", { timeout: 90_000 }, async () => {
  const { people } = await createCompany({ people: { Maya: {} } });
  const folder = await copySources();
  const root = join(folder, "infra/console");
  // A developer may use the development server's own port. So this server listens on any free port, and
  // the browser's requests go there.
  const http = createHttpServer().listen(0, "127.0.0.1");
  await once(http, "listening");
  const { port } = http.address() as AddressInfo;
  process.env["CONSOLE_API_URL"] = world().api;
  const server = await createServer({
    root,
    configFile: join(root, "vite.config.ts"),
    cacheDir: join(folder, "cache"),
    logLevel: "error",
    server: { middlewareMode: true, ws: { server: http, clientPort: port }, fs: { allow: [folder, join(repository, "infra/console/node_modules")] } },
  });
  http.on("request", server.middlewares);
  try {
    const [page, session] = await Promise.all([openPage({ baseURL: ORIGIN }), signIn(people["Maya"]!)]);
    await page.addInitScript(({ key, value }) => sessionStorage.setItem(key, value), session);
    await page.route(`${ORIGIN}/**`, (route) => route.continue({ url: route.request().url().replace(ORIGIN, `http://127.0.0.1:${port}`) }));
    // The first page waits until the server has bundled the dependencies.
    await page.goto("/customers", { waitUntil: "commit" });
    await page.getByRole("heading", { name: "All contacts", level: 1 }).waitFor({ timeout: 60_000 });
    await page.getByRole("searchbox", { name: "Search contacts" }).fill("typed");

    const component = join(root, "src/contacts/ContactListPage.vue");
    const text = await readFile(component, "utf8");
    const edited = text.replace("{{ t(title) }}</h1>", "{{ t(title) }}, edited</h1>");
    expect(edited).not.toBe(text);
    await writeFile(component, edited);
    await page.getByRole("heading", { name: "All contacts, edited" }).waitFor({ timeout: 3_000 });
    expect(await page.getByRole("searchbox", { name: "Search contacts" }).inputValue()).toBe("typed");
  } finally {
    delete process.env["CONSOLE_API_URL"];
    await server.close();
    http.close();
    await rm(folder, { recursive: true, force: true });
  }
});
