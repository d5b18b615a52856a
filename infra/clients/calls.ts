// Calls every operation of a running local cloud once with the client that is generated from
// infra/openapi.yaml. The type of `calls` requires one call for each operation of the document, so a
// new operation without a call does not compile.
import createClient from "openapi-fetch";
import type { components, operations, paths } from "./api.js";

declare const process: { env: Record<string, string | undefined>; exitCode?: number };

const api = process.env["API"];
if (api === undefined) throw new Error("set API to the address of the local cloud");

/** The answer of one call, as openapi-fetch returns it. */
type Answer = { response: Response; error?: unknown };

const signIn = async (user: string): Promise<string> => {
  const response = await fetch(`${api}/_local/token?user=${user}`);
  return ((await response.json()) as { token: string }).token;
};

const client = createClient<paths>({
  baseUrl: api,
  headers: { authorization: `Bearer ${await signIn("maya")}` },
});

/** The data of a call that must succeed. */
const must = async <T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> => {
  const { data, error, response } = await call;
  if (data === undefined) throw new Error(`${response.status} ${JSON.stringify(error)}`);
  return data;
};

// The records that the calls below read and change.
const email = `client-${Date.now()}@customers.example`;
const contact = (
  await must(
    client.POST("/cdp/customers", {
      body: { name: "Client Check", emails: [email], phones: ["+62 812 5550 0001"], custom_fields: { tier: "gold" } },
    }),
  )
).data;
const id = contact.id;
const me = (await must(client.GET("/cdp/me"))).data.id;
const note = async (): Promise<string> =>
  (await must(client.POST("/v1/contacts/{contact_id}/notes", { params: { path: { contact_id: id } }, body: { note: "<p>Hi</p>" } }))).data.id;
const layout = async (): Promise<string> =>
  (await must(client.POST("/cdp/export-layouts", { body: { name: `Layout ${Math.random()}`, fields: [{ field: "name" }] } }))).data.id;
const request: components["schemas"]["ExportRequest"] = {
  format: "csv",
  selection: { filter: { source: ["demo"], created_from: "2020-01-01T00:00:00Z" } },
  fields: ["name", "emails"],
};
const requested = async (): Promise<string> => (await must(client.POST("/cdp/exports", { body: request }))).data.id;
const exportId = await requested();
const notePath = async () => ({ params: { path: { contact_id: id, id: await note() } } });
const contactPath = { params: { path: { contact_id: id } } };

const calls: Record<keyof operations, () => Promise<Answer>> = {
  listContacts: () => client.GET("/cdp/customers", { params: { query: { limit: 5, order_by: "name" } } }),
  createContact: () => client.POST("/cdp/customers", { body: { name: "Another Client" } }),
  syncContacts: () => client.POST("/cdp/customers/sync", { body: { contacts: [{ emails: [email], name: "Client Check" }] } }),
  searchContacts: () => client.GET("/cdp/customers/search-assoc", { params: { query: { q: "client" } } }),
  readContactByEmail: () => client.GET("/cdp/customers/by-email/{email}", { params: { path: { email } } }),
  readContactByPhone: () => client.GET("/cdp/customers/by-phone/{phone}", { params: { path: { phone: "+6281255500001" } } }),
  readContact: () => client.GET("/cdp/customers/{id}", { params: { path: { id } } }),
  changeContact: () => client.PATCH("/cdp/customers/{id}", { params: { path: { id } }, body: { tags: ["vip"] } }),
  deleteContact: async () => {
    const created = await must(client.POST("/cdp/customers", { body: { name: "Deleted Client" } }));
    return client.DELETE("/cdp/customers/{id}", { params: { path: { id: created.data.id } } });
  },
  importContacts: () =>
    client.POST("/cdp/customers/import", {
      params: { query: { dry_run: true } },
      body: "Name;Email\nAyu Lestari;ayu@customers.example\n",
      bodySerializer: (body) => body,
      headers: { "content-type": "application/octet-stream" },
    }),
  restoreContact: () => client.POST("/cdp/customers/{id}/restore", { params: { path: { id } } }),
  getMe: () => client.GET("/cdp/me"),
  explainAccess: () => client.GET("/cdp/customers/{id}/access", { params: { path: { id }, query: { user: me } } }),
  listOwnTeams: () => client.GET("/cdp/me/teams"),
  searchPeople: () => client.GET("/cdp/people", { params: { query: { query: "sin" } } }),
  readPerson: () => client.GET("/cdp/people/{sso_id}", { params: { path: { sso_id: me } } }),
  listNotes: () => client.GET("/v1/contacts/{contact_id}/notes", contactPath),
  createNote: () => client.POST("/v1/contacts/{contact_id}/notes", { ...contactPath, body: { note: "<p>One</p>" } }),
  readNote: async () => client.GET("/v1/contacts/{contact_id}/notes/{id}", await notePath()),
  changeNote: async () => client.PUT("/v1/contacts/{contact_id}/notes/{id}", { ...(await notePath()), body: { note: "<p>Two</p>" } }),
  deleteNote: async () => client.DELETE("/v1/contacts/{contact_id}/notes/{id}", await notePath()),
  listNotesDeprecated: () => client.GET("/v1/contacts/notes/{contact_id}", contactPath),
  createNoteDeprecated: () => client.POST("/v1/contacts/notes/{contact_id}", { ...contactPath, body: { note: "<p>Old</p>" } }),
  readNoteDeprecated: async () => client.GET("/v1/contacts/notes/{contact_id}/{id}", await notePath()),
  changeNoteDeprecated: async () => client.PUT("/v1/contacts/notes/{contact_id}/{id}", { ...(await notePath()), body: { note: "<p>New</p>" } }),
  deleteNoteDeprecated: async () => client.DELETE("/v1/contacts/notes/{contact_id}/{id}", await notePath()),
  listExports: () => client.GET("/cdp/exports"),
  requestExport: () => client.POST("/cdp/exports", { body: { ...request, format: "xlsx" } }),
  readExport: () => client.GET("/cdp/exports/{id}", { params: { path: { id: exportId } } }),
  cancelExport: () => client.DELETE("/cdp/exports/{id}", { params: { path: { id: exportId } } }),
  listExportFields: () => client.GET("/cdp/export-fields"),
  listLayouts: () => client.GET("/cdp/export-layouts"),
  createLayout: () => client.POST("/cdp/export-layouts", { body: { name: "Client layout", fields: [{ field: "name" }] } }),
  readLayout: async () => client.GET("/cdp/export-layouts/{id}", { params: { path: { id: await layout() } } }),
  replaceLayout: async () =>
    client.PUT("/cdp/export-layouts/{id}", { params: { path: { id: await layout() } }, body: { name: "Replaced", fields: [{ field: "emails" }] } }),
  deleteLayout: async () => client.DELETE("/cdp/export-layouts/{id}", { params: { path: { id: await layout() } } }),
  checkLink: () => client.HEAD("/d/{token}", { params: { path: { token: "A".repeat(43) } }, redirect: "manual" }),
  openLink: () => client.GET("/d/{token}", { params: { path: { token: "A".repeat(43) } }, redirect: "manual" }),
};

/** The answers to an unknown link are the only ones that are not a success. */
const expected = (name: string, status: number): boolean =>
  name === "openLink" || name === "checkLink" ? status === 404 : status >= 200 && status < 300;

for (const [name, call] of Object.entries(calls)) {
  const { response, error } = await call();
  if (!expected(name, response.status)) {
    console.error(`${name}: ${response.status} ${JSON.stringify(error)}`);
    process.exitCode = 1;
  }
}
console.log(`the TypeScript client called ${Object.keys(calls).length} operations`);
