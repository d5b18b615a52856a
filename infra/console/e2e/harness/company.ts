import { randomUUID } from "node:crypto";
import type { paths } from "@generated/api";
import createClient, { type Client } from "openapi-fetch";
import { world } from "./world";

export type Level = "disabled" | "own" | "team" | "everything";

export interface TestPerson {
  id: string;
  name: string;
  email: string;
  /** The API with the token of this person. */
  api: Client<paths>;
}

/** How a person of a test is described: a level for all permissions, exceptions, and teams by name. */
export interface PersonPlan {
  level?: Level;
  levels?: Partial<Record<string, Level>>;
  teams?: string[];
  fullName?: null;
  staffLevel?: string;
  status?: string;
}

export interface CompanyPlan {
  locale?: "en" | "id";
  plan?: "starter" | "growth" | "enterprise";
  /** Team names; `Jakarta SMB < Jakarta` is a team under `Jakarta`. */
  teams?: string[];
  people: Record<string, PersonPlan>;
  flags?: { team?: boolean; mention?: boolean };
}

export interface Company {
  id: string;
  name: string;
  teams: Record<string, string>;
  people: Record<string, TestPerson>;
}

const permissions = [
  "customers_customers_view",
  "customers_customers_manage",
  "customers_customers_delete",
  "customers_customers_searchassoc",
  "customers_customernotes_view",
  "customers_customernotes_add",
  "customers_customernotes_manage",
  "customers_customernotes_delete",
];

/** Calls an operation of the local cloud: `local("GET", "notifications")`. */
export async function local(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const request: RequestInit = { method };
  if (body !== undefined) {
    request.body = JSON.stringify(body);
    request.headers = { "Content-Type": "application/json" };
  }
  const response = await fetch(`${world().api}/_local/${path}`, request);
  if (!response.ok) throw new Error(`${method} /_local/${path}: ${response.status} ${await response.text()}`);
  const text = await response.text();
  return text ? (JSON.parse(text) as Record<string, unknown>) : {};
}

/** Makes the simulated world fail: `faults({ target: "launchpad.teams", status: 500 })`. */
export const fault = (plan: { target: string; latency_ms?: number; status?: number; rate?: number; kind?: string }) => local("POST", "faults", plan);

export const clearFaults = () => local("DELETE", "faults");

/** The seconds that tokens issued from now on are valid. */
export const tokenLifetime = (seconds: number) => local("PUT", "token-lifetime", { seconds });

async function setFlags(company: string, team: boolean, mention: boolean): Promise<void> {
  const response = await fetch(`${world().lambda}/2015-03-31/functions/SetFlags/invocations`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ company_sso_id: company, cdp_team_permission_enabled: team, cdp_notes_mention_enabled: mention }),
  });
  if (!response.ok || response.headers.has("X-Amz-Function-Error")) throw new Error(`SetFlags: ${await response.text()}`);
}

async function apiOf(id: string): Promise<Client<paths>> {
  const { token } = (await local("GET", `token?user=${id}`)) as { token: string };
  return createClient<paths>({ baseUrl: world().api, headers: { Authorization: `Bearer ${token}` } });
}

/** Creates a company of its own for a test, with its teams and people. */
export async function createCompany({ plan = "growth", locale = "en", teams = [], people, flags = {} }: CompanyPlan): Promise<Company> {
  const company: Company = { id: randomUUID(), name: `Company ${randomUUID().slice(0, 8)}`, teams: {}, people: {} };
  const parents: Record<string, string | undefined> = {};
  for (const team of teams) {
    const [name = team, parent] = team.split(" < ");
    company.teams[name] = randomUUID();
    parents[name] = parent;
  }
  const teamId = (name: string) => {
    const id = company.teams[name];
    if (!id) throw new Error(`the company has no team ${name}`);
    return id;
  };
  const ids = Object.fromEntries(Object.keys(people).map((name) => [name, randomUUID()]));
  const email = (name: string) => `${name.toLowerCase().replace(/\W+/g, ".")}.${company.id.slice(0, 8)}@staff.example`;

  await local("POST", "directory", {
    companies: [{ company_sso_id: company.id, name: company.name, plan, locale }],
    teams: Object.entries(company.teams).map(([name, id]) => ({
      id,
      company_sso_id: company.id,
      name,
      parent_id: parents[name] ? teamId(parents[name]) : null,
    })),
    people: Object.entries(people).map(([name, person]) => ({
      sso_id: ids[name],
      company_sso_id: company.id,
      full_name: person.fullName === null ? null : name,
      email: email(name),
      status: person.status ?? "active",
      staff_level: person.staffLevel ?? "Agent",
      team_ids: (person.teams ?? []).map(teamId),
      levels: { ...Object.fromEntries(permissions.map((permission) => [permission, person.level ?? "everything"])), ...person.levels },
    })),
  });
  const [found] = await Promise.all([
    Promise.all(Object.entries(ids).map(async ([name, id]): Promise<TestPerson> => ({ id, name, email: email(name), api: await apiOf(id) }))),
    plan === "starter" ? null : setFlags(company.id, flags.team ?? true, flags.mention ?? true),
  ]);
  return { ...company, people: Object.fromEntries(found.map((person) => [person.name, person])) };
}
