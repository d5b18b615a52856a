/** What differs between deployments: the answer of `/config.json`. */
export interface Configuration {
  apiUrl: string;
  issuer: string;
  clientId: string;
  scope: string;
}

/** Reads the configuration of this deployment. */
export async function loadConfiguration(): Promise<Configuration> {
  const response = await fetch("/config.json", { cache: "no-store" });
  if (!response.ok) throw new Error(`/config.json answered ${response.status}`);
  const { apiUrl, issuer, clientId, scope } = (await response.json()) as Partial<Configuration>;
  if (!apiUrl || !issuer || !clientId) throw new Error("/config.json has no apiUrl, issuer or clientId");
  return { apiUrl, issuer, clientId, scope: scope ?? "openid" };
}
