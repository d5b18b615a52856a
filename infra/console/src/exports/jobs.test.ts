import { expect, it } from "vitest";
import { isMoving, type Job } from "./jobs";

const job = (status: Job["status"], email_status: Job["email_status"]) => ({ status, email_status }) as Job;

it("an export is read again until its file is made and its email is sent", () => {
  for (const status of ["queued", "running"] as const) expect(isMoving(job(status, "pending")), status).toBe(true);
  for (const email of ["pending", "sending"] as const) expect(isMoving(job("completed", email)), email).toBe(true);
  for (const email of ["sent", "unknown", "failed", "skipped"] as const) expect(isMoving(job("completed", email)), email).toBe(false);
  for (const status of ["failed", "cancelled", "expired"] as const) expect(isMoving(job(status, "pending")), status).toBe(false);
});
