import type { components } from "@generated/api";

type Details = components["schemas"]["Details"];

/** The body of an error of the API; answers of API Gateway itself have a message only. */
interface ErrorBody {
  error?: string;
  message?: string;
  details?: Details;
}

/** The API answered with an error. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly status: number,
    /** The API's code, or `HTTP_{status}` where the answer has none. */
    readonly code: string,
    message: string,
    readonly details: Details,
    /** The seconds after which the request can be repeated. */
    readonly retryAfter: number | null,
  ) {
    super(message);
  }

  /** The error that an answer of the API contains. */
  static from(response: Response, body: unknown): ApiError {
    const { error, message, details }: ErrorBody = typeof body === "object" && body !== null ? body : {};
    const seconds = Number(response.headers.get("Retry-After") ?? Number.NaN);
    return new ApiError(
      response.status,
      error ?? `HTTP_${response.status}`,
      message ?? response.statusText,
      details ?? {},
      Number.isFinite(seconds) ? seconds : null,
    );
  }

  /** Whether the same request may succeed later, because only the teams could not be loaded. */
  get narrowed(): boolean {
    return this.details.team_scope === "owned_only_fallback";
  }
}

/** The API could not be reached. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
}

/** Whether the API may have stored what was sent although it answered with an error, or its answer did not arrive. */
export function isUncertain(error: unknown): boolean {
  return !(error instanceof ApiError) || error.status >= 500 || error.status === 409 || error.status === 429;
}

/** The key of the text that explains an error to a user. */
export function errorText(error: unknown): string {
  if (error instanceof ConnectionError) return "errors.connection";
  if (!(error instanceof ApiError)) return "errors.unexpected";
  if (error.narrowed) return "errors.narrowed";
  const known: Record<string, string> = {
    FORBIDDEN: "errors.forbidden",
    NOT_FOUND: "errors.notFound",
    CONFLICT: "errors.conflict",
    THROTTLED: "errors.throttled",
    PLAN_NOT_ALLOWED: "errors.planNotAllowed",
    FEATURE_DISABLED: "errors.featureDisabled",
    DIRECTORY_UNAVAILABLE: "errors.directoryUnavailable",
    UNAVAILABLE: "errors.unavailable",
  };
  return known[error.code] ?? "errors.unexpected";
}
