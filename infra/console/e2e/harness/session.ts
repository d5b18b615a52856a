import { InMemoryWebStorage, OidcClient, User, WebStorageStateStore } from "oidc-client-ts";
import type { TestPerson } from "./company";
import { world } from "./world";

const CLIENT = "console";

/** An entry of the session storage. */
export interface StoredSession {
  key: string;
  value: string;
}

/**
 * Signs a person in at the issuer with the library of the console: authorization code with PKCE.
 * Returns what the library keeps in the session storage of the tab afterwards.
 */
export async function signIn(person: TestPerson): Promise<StoredSession> {
  const { api: authority, console: page } = world();
  const client = new OidcClient({
    authority,
    client_id: CLIENT,
    redirect_uri: `${page}/signed-in`,
    scope: "openid profile email",
    stateStore: new WebStorageStateStore({ store: new InMemoryWebStorage() }),
  });
  const request = await client.createSigninRequest({});
  const answer = await fetch(`${request.url}&person=${person.id}`, { redirect: "manual" });
  const response = await client.processSigninResponse(answer.headers.get("location") ?? "");
  return { key: `oidc.user:${authority}:${CLIENT}`, value: new User(response).toStorageString() };
}
