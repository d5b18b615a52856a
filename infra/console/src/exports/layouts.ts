import { useMutation, useQuery, useQueryClient } from "@tanstack/vue-query";
import { body, useApi, type Schema } from "@/api";
import { layoutFields, type Column } from "./columns";

const KEY = ["export-layouts"];
const PAGE = 100;

/** The saved layouts of the company. */
export function useLayouts() {
  const api = useApi();
  const queries = useQueryClient();
  const query = useQuery({
    queryKey: KEY,
    queryFn: async ({ signal }): Promise<Schema<"Layout">[]> => {
      const all: Schema<"Layout">[] = [];
      for (let cursor: string | null | undefined = ""; typeof cursor === "string"; ) {
        const page: { data: Schema<"Layout">[]; meta: Schema<"PageMeta"> } = await body(
          api.GET("/cdp/export-layouts", { params: { query: { limit: PAGE, ...(cursor ? { cursor } : {}) } }, signal }),
        );
        all.push(...page.data);
        cursor = page.meta.next_cursor;
      }
      return all;
    },
  });
  const onSuccess = () => queries.invalidateQueries({ queryKey: KEY });

  /** Saves columns under a name: as a new layout, or in place of one. */
  const save = useMutation({
    mutationFn: async ({ id, name, columns }: { id: string | null; name: string; columns: readonly Column[] }): Promise<Schema<"Layout">> => {
      const input = { name: name.trim(), fields: layoutFields(columns) };
      const saved = id
        ? body(api.PUT("/cdp/export-layouts/{id}", { params: { path: { id } }, body: input }))
        : body(api.POST("/cdp/export-layouts", { body: input }));
      return (await saved).data;
    },
    onSuccess,
  });
  const remove = useMutation({
    mutationFn: async (id: string) => void (await body(api.DELETE("/cdp/export-layouts/{id}", { params: { path: { id } } }))),
    onSuccess,
  });
  return { query, save, remove };
}
