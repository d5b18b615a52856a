// @vitest-environment jsdom
import { User, UserManager } from "oidc-client-ts";
import { afterEach, expect, it, vi } from "vitest";
import { Session } from "./session";

const user = (access_token: string) =>
  new User({ access_token, token_type: "Bearer", profile: { sub: "sinta", iss: "", aud: "", exp: 0, iat: 0 }, expires_at: Date.now() / 1000 + 3600 });

const configuration = { apiUrl: "", issuer: "https://issuer.example", clientId: "console", redirectUri: "https://console.example/signed-in", scope: "openid" };

afterEach(() => void vi.restoreAllMocks());

it("a request whose 401 arrives after the user has signed in again is sent again, and the session has not ended", async () => {
  vi.spyOn(UserManager.prototype, "getUser").mockResolvedValue(user("old"));
  vi.spyOn(UserManager.prototype, "signinPopup").mockResolvedValue(user("new"));
  /** The answers that are still on their way, by token. */
  const answers = new Map<string, (status: number) => void>();
  vi.spyOn(globalThis, "fetch").mockImplementation(
    (request) =>
      new Promise((resolve) => {
        answers.set((request as Request).headers.get("Authorization") ?? "", (status) => resolve(new Response(null, { status })));
      }),
  );

  const session = new Session(configuration);
  await session.restore();
  const response = session.send(new Request("https://api.example/cdp/me"));
  await session.renew();
  answers.get("Bearer old")!(401);
  await vi.waitFor(() => expect([...answers.keys()]).toEqual(["Bearer old", "Bearer new"]));
  expect(session.ended.value).toBe(false);
  answers.get("Bearer new")!(200);
  expect((await response).status).toBe(200);
});

it("a request with the token of this session waits after a 401 until the user has signed in again", async () => {
  vi.spyOn(UserManager.prototype, "getUser").mockResolvedValue(user("old"));
  vi.spyOn(UserManager.prototype, "signinPopup").mockResolvedValue(user("new"));
  vi.spyOn(globalThis, "fetch").mockImplementation(async (request) =>
    new Response(null, { status: (request as Request).headers.get("Authorization") === "Bearer new" ? 200 : 401 }),
  );

  const session = new Session(configuration);
  await session.restore();
  const response = session.send(new Request("https://api.example/cdp/me"));
  await vi.waitFor(() => expect(session.ended.value).toBe(true));
  await session.renew();
  expect([(await response).status, session.ended.value]).toEqual([200, false]);
});
