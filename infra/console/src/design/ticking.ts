import { onScopeDispose, ref, type Ref } from "vue";

/** The present time, which the page follows in steps. */
export function useNow(step: number): Readonly<Ref<number>> {
  const now = ref(Date.now());
  const timer = setInterval(() => (now.value = Date.now()), step);
  onScopeDispose(() => clearInterval(timer));
  return now;
}
