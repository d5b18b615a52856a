import { ApiError, errorText } from "@/api";

/** The key of the text that explains why an export was not started. */
export function exportErrorText(error: unknown): string {
  if (error instanceof ApiError) {
    if (error.code === "TOO_MANY_EXPORTS") return "exports.errors.tooMany";
    if (error.code === "PLAN_NOT_ALLOWED") return "exports.errors.plan";
    if (error.code === "EXPORT_EXPIRED") return "exports.errors.expired";
    if (error.status === 400 && error.details.field === "fields") return "exports.errors.fields";
    if (error.status === 400 && error.details.field === "layout_id") return "exports.errors.layout";
    if (error.status === 400 && error.details.field?.startsWith("selection")) return "exports.errors.selection";
  }
  return errorText(error);
}
