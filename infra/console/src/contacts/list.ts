import { useInfiniteQuery, type InfiniteData, type QueryClient } from "@tanstack/vue-query";
import { computed, watch, type Ref } from "vue";
import { body, useApi, type Schema } from "@/api";
import { rememberName } from "@/people/names";
import { listQuery, type ListQuery, type ListState } from "./filter";

export type FullContact = Schema<"Contact">;
export type AnyContact = Schema<"ReachedContact">;

interface Page {
  data: AnyContact[];
  meta: Schema<"ScopedPageMeta">;
}

const PAGE = 100;
/** The page shows at least so many rows at once, if there are. */
const FIRST_ROWS = 25;
/** Lists with more pages are shown again as they were, instead of being read anew. */
const FEW_PAGES = 2;

/** Whether the viewer may see the whole contact. */
export function isFull(contact: AnyContact): contact is FullContact {
  return "emails" in contact;
}

/** The contacts that a state of the list selects, page by page. */
export function useContactList(state: Ref<ListState>, enabled: Ref<boolean>) {
  const api = useApi();
  const request = computed(() => listQuery(state.value));
  const query = useInfiniteQuery({
    queryKey: ["contacts", request],
    queryFn: async ({ pageParam, signal }): Promise<Page> => {
      const cursor = pageParam ? { cursor: pageParam } : {};
      return body(api.GET("/cdp/customers", { params: { query: { ...request.value, ...cursor, limit: PAGE } }, signal }));
    },
    enabled,
    initialPageParam: "",
    getNextPageParam: (page) => page.meta.next_cursor ?? undefined,
    refetchOnMount: ({ state: { data } }) => ((data as InfiniteData<Page> | undefined)?.pages.length ?? 0) <= FEW_PAGES,
    // Thousands of contacts are neither compared nor made reactive.
    structuralSharing: false,
    shallow: true,
  });
  const contacts = computed(() => (query.data.value?.pages ?? []).flatMap((page) => page.data));

  watch(contacts, (list) => {
    for (const contact of list.slice(-PAGE)) if (isFull(contact)) rememberPeople(contact);
  });
  // Pages can be short or empty while more follow.
  const isShort = computed(() => contacts.value.length < FIRST_ROWS && query.hasNextPage.value);
  watch([isShort, contacts, query.isFetching, query.isError], () => {
    if (isShort.value) readNextPage(query);
  });
  /** Whether the first rows are there. */
  const isLoaded = computed(() => query.isSuccess.value && !query.isFetching.value && !isShort.value);
  return { query, contacts, isLoaded };
}

/** Reads the next page, unless a page is being read, or one failed: then the user decides. */
export function readNextPage(query: ReturnType<typeof useContactList>["query"]): void {
  if (query.hasNextPage.value && !query.isFetching.value && !query.isError.value) void query.fetchNextPage();
}

/** Remembers the names of the people of a contact. */
export function rememberPeople(contact: FullContact): void {
  rememberName(contact.owner_id, contact.owner_name);
  rememberName(contact.assignee_id, contact.assignee_name);
}

/** Reads the lists anew, from their first pages on, after a change of which contacts they have. */
export async function reloadLists(queries: QueryClient): Promise<void> {
  await queries.resetQueries({ queryKey: ["contacts"] });
}

/** Takes a restored contact out of the list of deleted ones, which stays as it is, and reads the others anew. */
export async function moveOutOfDeleted(queries: QueryClient, id: string): Promise<void> {
  const isDeleted = ({ queryKey }: { queryKey: readonly unknown[] }) => (queryKey[1] as ListQuery).view === "deleted";
  queries.setQueriesData<InfiniteData<Page>>({ queryKey: ["contacts"], predicate: isDeleted }, (list) =>
    list && { ...list, pages: list.pages.map((page) => ({ ...page, data: page.data.filter((one) => one.id !== id) })) },
  );
  await queries.resetQueries({ queryKey: ["contacts"], predicate: (query) => !isDeleted(query) });
}

/** Shows a changed contact in the lists that have it. */
export function showInLists(queries: QueryClient, contact: FullContact): void {
  queries.setQueriesData<InfiniteData<Page>>({ queryKey: ["contacts"] }, (list) =>
    list && {
      ...list,
      pages: list.pages.map((page) =>
        page.data.some((one) => one.id === contact.id)
          ? { ...page, data: page.data.map((one) => (one.id === contact.id ? contact : one)) }
          : page,
      ),
    },
  );
}
