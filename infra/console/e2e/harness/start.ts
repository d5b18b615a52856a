import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import type { TestProject } from "vitest/node";
import type { World } from "./world";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
/** A cold build of the functions takes minutes. */
const START_MS = 15 * 60_000;

/**
 * The list of Playwright, which this one replaces, and the popup of the address bar: in each window it
 * is a page of its own, which takes as much time to load as a page of the console.
 */
const DISABLED_FEATURES = [
  "AvoidUnnecessaryBeforeUnloadCheckSync",
  "DestroyProfileOnBrowserClose",
  "HttpsUpgrades",
  "HttpsFirstBalancedModeAutoEnable",
  "LensOverlay",
  "MediaRouter",
  "PaintHolding",
  "ThirdPartyStoragePartitioning",
  "AvoidCorsURLLoaderRestartOnRedirect",
  "OptimizationHints",
  "NetworkTimeServiceQuerying",
  "AimEnabled",
  "PreconnectToSearch",
  "WebUIOmniboxPopup",
  "WebUIOmniboxAimPopup",
];

const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  `--disable-features=${DISABLED_FEATURES.join(",")}`,
];

interface Cloud {
  addresses: Omit<World, "browser">;
  child: ChildProcess | null;
}

/** The running cloud that the environment names. */
function runningCloud(): Cloud | null {
  const { CONSOLE_E2E_API: api, CONSOLE_E2E_LAMBDA: lambda, CONSOLE_E2E_URL: page } = process.env;
  return api && lambda && page ? { addresses: { api, lambda, console: page }, child: null } : null;
}

/** Starts `cargo run` on free ports. */
async function startCloud(): Promise<Cloud> {
  const options = ["--port", "0", "--lambda-port", "0", "--console-port", "0", "--console-folder", fileURLToPath(new URL("../../dist", import.meta.url))];
  const child = spawn("cargo", ["run", "--quiet", "--locked", "--", ...options], { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
  const addresses = { api: "", lambda: "", console: "" };
  const lines = createInterface({ input: child.stdout });
  const timer = setTimeout(() => child.kill("SIGINT"), START_MS);
  for await (const line of lines) {
    const [, name, url] = /^\s+(API|Lambda API|Web console)\s+(http:\S+)/i.exec(line) ?? [];
    if (url && name) {
      const key = { api: "api", "lambda api": "lambda", "web console": "console" }[name.toLowerCase()] as keyof typeof addresses;
      addresses[key] = url.replace(/\/$/, "");
    }
    if (Object.values(addresses).every(Boolean)) break;
  }
  clearTimeout(timer);
  if (!addresses.console) throw new Error("the local cloud did not start, or it serves no console");
  child.stdout.resume();
  return { addresses, child };
}

/** Starts a local cloud for each process that runs test files, one after another: they build the same program. */
async function clouds(count: number): Promise<Cloud[]> {
  const running = runningCloud();
  if (running) return [running];
  const started: Cloud[] = [];
  while (started.length < count) started.push(await startCloud());
  return started;
}

export default async function start({ config, provide }: TestProject) {
  const started = await clouds(config.maxWorkers);
  const browser = await chromium.launchServer({ executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium", args: flags });
  provide("worlds", started.map(({ addresses }) => ({ ...addresses, browser: browser.wsEndpoint() })));
  return async () => {
    await browser.close();
    for (const { child } of started) {
      if (!child) continue;
      child.kill("SIGINT");
      await once(child, "exit");
    }
  };
}
