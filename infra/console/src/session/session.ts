import { UserManager, WebStorageStateStore, type User } from "oidc-client-ts";
import { readonly, shallowRef, type InjectionKey, inject } from "vue";
import type { Send } from "@/api/client";
import type { Configuration } from "./configuration";

/** The name of the window in which a user signs in again. */
const POPUP = "console-sign-in";

/** How signing in again ended. */
export type Renewal = "renewed" | "other-person" | "failed";

/**
 * The session of the person who is signed in: authorization code with PKCE. The token is kept in the
 * session storage of the tab, so that it outlives a reload but not the tab.
 */
export class Session {
  readonly #manager: UserManager;
  readonly #user = shallowRef<User | null>(null);
  readonly #ended = shallowRef(false);
  /** Requests that wait until the user has signed in again. */
  #waiting: (() => void)[] = [];

  /** Whether the token has expired, and the user has not signed in again yet. */
  readonly ended = readonly(this.#ended);

  constructor(configuration: Configuration) {
    const storage = () => new WebStorageStateStore({ store: window.sessionStorage });
    this.#manager = new UserManager({
      authority: configuration.issuer,
      client_id: configuration.clientId,
      redirect_uri: configuration.redirectUri,
      popup_redirect_uri: configuration.redirectUri,
      post_logout_redirect_uri: window.location.origin,
      response_type: "code",
      scope: configuration.scope,
      userStore: storage(),
      stateStore: storage(),
      automaticSilentRenew: false,
      monitorSession: false,
      loadUserInfo: false,
      popupWindowTarget: POPUP,
      popupWindowFeatures: { width: 520, height: 680 },
    });
  }

  /** Whether this window is the pop-up of a sign-in. */
  static get isPopup(): boolean {
    return window.opener !== null && window.name === POPUP;
  }

  /** The token of the person who is signed in. */
  get accessToken(): string | undefined {
    return this.#user.value?.access_token;
  }

  /** Restores the session of this tab. Returns whether a user is signed in. */
  async restore(): Promise<boolean> {
    if (this.#user.value) return true;
    const user = await this.#manager.getUser();
    this.#user.value = user && !user.expired ? user : null;
    return this.#user.value !== null;
  }

  /** Leaves the page to sign in; the user comes back to the path. */
  async signIn(path: string): Promise<void> {
    await this.#manager.signinRedirect({ state: { path } });
  }

  /** Completes a sign-in on the redirect page. Returns the path to go to; null in the pop-up. */
  async complete(): Promise<string | null> {
    if (Session.isPopup) {
      await this.#manager.signinPopupCallback();
      return null;
    }
    const user = await this.#manager.signinRedirectCallback();
    this.#user.value = user;
    const state = user.state as { path?: string } | undefined;
    return state?.path ?? "/";
  }

  /** Signs in again in a pop-up, so that the page and what was typed stay. Needs a click. */
  async renew(): Promise<Renewal> {
    const before = this.#user.value?.profile;
    try {
      const hint = before?.email ? { login_hint: before.email } : {};
      // Without the option the library waits forever for a pop-up that the user has closed.
      const user = await this.#manager.signinPopup({ ...hint, popupAbortOnClose: true });
      if (before && user.profile.sub !== before.sub) {
        // What is on the page belongs to the first person.
        await this.#manager.removeUser();
        return "other-person";
      }
      this.#user.value = user;
      this.#ended.value = false;
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const go of waiting) go();
      return "renewed";
    } catch {
      return "failed";
    }
  }

  async signOut(): Promise<void> {
    const user = this.#user.value;
    this.#user.value = null;
    await this.#manager.signoutRedirect(user?.id_token ? { id_token_hint: user.id_token } : {});
  }

  /** Sends a request of the API. After a 401 it waits until the user has signed in again. */
  readonly send: Send = async (request) => {
    for (;;) {
      const token = this.#user.value;
      if (token && !token.expired) {
        const copy = request.clone();
        copy.headers.set("Authorization", `Bearer ${token.access_token}`);
        const response = await fetch(copy);
        if (response.status !== 401) return response;
        // The user signed in again while the request was on its way.
        if (this.#user.value !== token) continue;
      }
      await this.#untilRenewed(request.signal);
    }
  };

  #untilRenewed(signal: AbortSignal): Promise<void> {
    this.#ended.value = true;
    return new Promise((resolve, reject) => {
      this.#waiting.push(resolve);
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
  }
}

export const sessionKey: InjectionKey<Session> = Symbol("session");

export function useSession(): Session {
  const session = inject(sessionKey);
  if (!session) throw new Error("useSession() needs the session of the application");
  return session;
}
