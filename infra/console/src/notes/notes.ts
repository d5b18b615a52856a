import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/vue-query";
import { computed, type Ref } from "vue";
import { body, isUncertain, useApi, type Schema } from "@/api";
import type { NoteDraft } from "./drafts";

export type Note = Schema<"Note">;
export type NoteWarning = Schema<"Warning">;

/** A note as it was stored, with what the API says about it. */
export interface Saved {
  note: Note;
  warnings: NoteWarning[];
}

/** The note was changed by another person since the edit started. */
export class NoteChanged extends Error {
  override readonly name = "NoteChanged";

  constructor(readonly current: Note) {
    super(`the note has version ${current.version} now`);
  }
}

type Input = Pick<Schema<"NoteInput">, "note" | "attachments" | "visibility">;

/** The notes of a contact, the newest first, page by page. */
export function useNotes(contactId: Ref<string>, enabled: Ref<boolean>) {
  const api = useApi();
  const query = useInfiniteQuery({
    queryKey: ["notes", contactId],
    queryFn: ({ pageParam, signal }) =>
      body(
        api.GET("/v1/contacts/{contact_id}/notes", {
          params: { path: { contact_id: contactId.value }, query: { limit: 50, ...(pageParam ? { cursor: pageParam } : {}) } },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.meta.next_cursor ?? undefined,
    enabled,
  });
  const notes = computed(() => query.data.value?.pages.flatMap((page) => page.data) ?? []);
  return { query, notes };
}

const inputOf = (draft: NoteDraft): Input => ({ note: draft.html, attachments: draft.attachments, visibility: draft.visibility });

/** Creates, changes and deletes notes of a contact. */
export function useNoteChanges(contactId: Ref<string>) {
  const api = useApi();
  const queries = useQueryClient();
  const refresh = () => queries.invalidateQueries({ queryKey: ["notes", contactId.value] });

  async function post(input: string, key: string): Promise<Saved> {
    const { data, warnings } = await body(
      api.POST("/v1/contacts/{contact_id}/notes", {
        params: { path: { contact_id: contactId.value }, header: { "Idempotency-Key": key } },
        body: JSON.parse(input) as Input,
      }),
    );
    return { note: data, warnings: warnings ?? [] };
  }

  async function put(id: string, input: Input): Promise<Saved> {
    const { data, warnings } = await body(
      api.PUT("/v1/contacts/{contact_id}/notes/{id}", { params: { path: { contact_id: contactId.value, id } }, body: input }),
    );
    return { note: data, warnings: warnings ?? [] };
  }

  /** Sends the draft under the key that it was sent with before, if there is one. */
  async function send(draft: NoteDraft, input: string): Promise<Saved> {
    draft.sent ??= { key: crypto.randomUUID(), body: input };
    try {
      return await post(draft.sent.body, draft.sent.key);
    } catch (error) {
      // A refused request stored nothing, so the next one is a request of its own.
      if (!isUncertain(error)) draft.sent = null;
      throw error;
    }
  }

  /**
   * Creates a note. If the answer to an earlier request was lost and the text has changed since, the
   * earlier request is repeated first: its note, and no second one, then gets the new text.
   */
  async function create(draft: NoteDraft): Promise<Saved> {
    const input = JSON.stringify(inputOf(draft));
    const earlier = draft.sent !== null && draft.sent.body !== input;
    const saved = await send(draft, input);
    if (!earlier) return saved;
    return put(saved.note.id, inputOf(draft));
  }

  /** Changes a note, unless another person changed it since the edit started. */
  async function change(note: Note, draft: NoteDraft): Promise<Saved> {
    const path = { contact_id: contactId.value, id: note.id };
    const { data: current } = await body(api.GET("/v1/contacts/{contact_id}/notes/{id}", { params: { path } }));
    if (draft.version !== null && current.version !== draft.version) throw new NoteChanged(current);
    const { note: text, attachments, visibility } = inputOf(draft);
    // Only the owner may name the visibility.
    return put(note.id, visibility === current.visibility ? { note: text, attachments } : { note: text, attachments, visibility });
  }

  return {
    create: useMutation({ mutationFn: create, onSuccess: refresh }),
    change: useMutation({ mutationFn: ({ note, draft }: { note: Note; draft: NoteDraft }) => change(note, draft), onSuccess: refresh }),
    remove: useMutation({
      mutationFn: async (id: string) => {
        await body(api.DELETE("/v1/contacts/{contact_id}/notes/{id}", { params: { path: { contact_id: contactId.value, id } } }));
      },
      onSuccess: refresh,
    }),
  };
}
