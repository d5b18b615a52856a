import { useMutation, useQueryClient } from "@tanstack/vue-query";
import { computed, ref, watch } from "vue";
import { useMe } from "@/session/me";
import { useLocalCloud, useRecords } from "./cloud";

/** A notification of the simulated Notification Service. */
export interface Notification {
  notification_id: string;
  body: { title: string; description: string; click_action_url: string };
  received_at: string;
  read_at: string | null;
}

/** The notifications of the person who is signed in, the newest first. */
export function useNotifications() {
  const cloud = useLocalCloud();
  const queries = useQueryClient();
  const { me } = useMe();
  const path = computed(() => `notifications?user=${encodeURIComponent(me.value?.id ?? "")}`);
  const query = useRecords<Notification[]>(path);
  const notifications = computed(() => [...(query.data.value ?? [])].reverse());
  const unread = computed(() => notifications.value.filter((one) => one.read_at === null).length);

  /** The notification that arrived last while the page was open. */
  const arrived = ref<Notification | null>(null);
  let known: Set<string> | null = null;
  watch(
    notifications,
    (list) => {
      if (!query.data.value) return;
      const seen = known;
      if (seen) arrived.value = list.find((one) => !seen.has(one.notification_id)) ?? arrived.value;
      known = new Set(list.map((one) => one.notification_id));
    },
    { immediate: true },
  );

  const { mutate: markRead } = useMutation({
    mutationFn: ({ notification_id: id }: Notification) => cloud.send<Notification>("PUT", `notifications/${id}`, { read: true }),
    onSuccess: async (read) => {
      const queryKey = ["local", path.value];
      // An answer that is on its way may be older than the change.
      await queries.cancelQueries({ queryKey });
      queries.setQueryData<Notification[]>(queryKey, (list) => list?.map((one) => (one.notification_id === read.notification_id ? read : one)));
    },
  });

  return { query, notifications, unread, arrived, markRead };
}
