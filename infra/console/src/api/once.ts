import { isUncertain } from "./error";

/**
 * Sends requests that create something, each with an `Idempotency-Key`. While it is uncertain whether
 * the API stored a content, the content keeps its key, so that a repetition creates nothing twice.
 */
export function createsOnce() {
  const keys = new Map<string, string>();

  return async <Sent, Created>(sent: Sent, post: (sent: Sent, key: string) => Promise<Created>): Promise<Created> => {
    const content = JSON.stringify(sent);
    const key = keys.get(content) ?? crypto.randomUUID();
    keys.set(content, key);
    try {
      const created = await post(sent, key);
      keys.delete(content);
      return created;
    } catch (error) {
      if (!isUncertain(error)) keys.delete(content);
      throw error;
    }
  };
}
