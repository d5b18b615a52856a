import { createRouter, createWebHistory, type Router } from "vue-router";
import { resetScope } from "@/api/fallback";
import type { Session } from "@/session/session";

/** The addresses of the console. Each page is a chunk of its own. */
export function createPages(session: Session): Router {
  const router = createRouter({
    history: createWebHistory(),
    routes: [
      { path: "/", redirect: { name: "customers" } },
      { path: "/customers", name: "customers", component: () => import("@/contacts/ContactListPage.vue"), meta: { title: "nav.contacts" } },
      { path: "/customers/teams", redirect: { name: "customers", query: { view: "teams" } } },
      { path: "/customers/new", name: "new-customer", component: () => import("@/contacts/NewContactPage.vue"), meta: { title: "nav.contacts" } },
      { path: "/customers/:id", name: "customer", component: () => import("@/contacts/ContactPage.vue"), props: true, meta: { title: "nav.contacts" } },
      { path: "/exports", name: "exports", component: () => import("@/exports/ExportsPage.vue"), meta: { title: "nav.exports" } },
      { path: "/exports/new", name: "new-export", component: () => import("@/exports/NewExportPage.vue"), meta: { title: "exports.new", entry: "exports" } },
      { path: "/import", name: "import", component: () => import("@/import/ImportPage.vue"), meta: { title: "nav.import" } },
      { path: "/signed-in", name: "signed-in", component: () => import("@/session/SignedInPage.vue"), meta: { public: true, title: "app.signingIn" } },
      { path: "/:path(.*)*", name: "missing", component: () => import("./MissingPage.vue"), meta: { title: "errors.notFoundTitle" } },
    ],
    scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
  });

  router.beforeEach(async (to, from) => {
    if (to.path !== from.path) resetScope();
    if (to.meta["public"] || (await session.restore())) return true;
    await session.signIn(to.fullPath);
    return false;
  });
  return router;
}
