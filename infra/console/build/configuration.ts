import type { Connect, Plugin } from "vite";

/** The addresses of the API and of the issuer, as the local cloud uses them by default. */
const api = process.env["CONSOLE_API_URL"] ?? "http://127.0.0.1:3000";
const issuer = process.env["CONSOLE_ISSUER"] ?? api;
/** The operations of the local cloud on itself; a deployed API has none. */
const local = ["127.0.0.1", "localhost"].includes(new URL(api).hostname) ? `${api}/_local` : null;

const configuration = {
  apiUrl: api,
  issuer,
  clientId: "console",
  scope: "openid profile email",
  ...(local ? { localUrl: local, analyticsUrl: `${local}/analytics` } : {}),
};

/**
 * The content security policy of every deployment; `infra/console/template.yaml` has the same one.
 * Only the local console shows a frame: the mail of the local cloud.
 */
export const contentSecurityPolicy = (connect: string[], signIn: string, frames: string[] = []) =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' https: data:",
    "font-src 'self'",
    `connect-src 'self' ${connect.join(" ")}`,
    ...(frames.length ? [`frame-src ${frames.join(" ")}`] : []),
    "base-uri 'none'",
    `form-action 'self' ${signIn}`,
    "frame-ancestors 'none'",
  ].join("; ");

const answer: Connect.NextHandleFunction = (request, response, next) => {
  if (request.url?.split("?")[0] !== "/config.json") return next();
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify(configuration));
};

/**
 * Answers `/config.json` in `npm run dev` and `npm run preview`, as the web server of a deployment does.
 * The preview also sends the security headers; the development server cannot, because it needs inline styles.
 */
export function configurationPlugin(): Plugin {
  return {
    name: "console-configuration",
    configureServer(server) {
      server.middlewares.use(answer);
    },
    configurePreviewServer(server) {
      server.middlewares.use((_request, response, next) => {
        response.setHeader("Content-Security-Policy", contentSecurityPolicy([...new Set([api, issuer])], issuer, local ? [api] : []));
        response.setHeader("Referrer-Policy", "no-referrer");
        response.setHeader("X-Content-Type-Options", "nosniff");
        next();
      });
      server.middlewares.use(answer);
    },
  };
}
