/** What differs between deployments: the answer of `/config.json`. */
export interface Configuration {
  apiUrl: string;
  issuer: string;
  clientId: string;
  scope: string;
  /** Where the issuer sends the user back to; by default `/signed-in` at the console's own address. */
  redirectUri: string;
  /** Where events of the analytics are sent; without it none are. */
  analyticsUrl?: string | undefined;
  /** The operations of the local cloud. Deployments have none, and none of the pages that need them. */
  localUrl?: string | undefined;
}

/** Reads the configuration of this deployment. */
export async function loadConfiguration(): Promise<Configuration> {
  const response = await fetch("/config.json", { cache: "no-store" });
  if (!response.ok) throw new Error(`/config.json answered ${response.status}`);
  const { apiUrl, issuer, clientId, scope, redirectUri, analyticsUrl, localUrl } = (await response.json()) as Partial<Configuration>;
  if (!apiUrl || !issuer || !clientId) throw new Error("/config.json has no apiUrl, issuer or clientId");
  return {
    apiUrl,
    issuer,
    clientId,
    scope: scope ?? "openid",
    redirectUri: redirectUri || `${window.location.origin}/signed-in`,
    analyticsUrl,
    localUrl,
  };
}
