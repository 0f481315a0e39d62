import type { Policies } from "@syncline/shared";

// How the histories' conflicts are decided: given to the services, and to the model.
export default {
  collections: {
    notes: {
      strategy: "last-write-wins",
      rules: [
        { path: "/a", is: "counter" },
        { path: "/items", is: "set" },
      ],
      deleteVsEdit: "local-wins",
    },
    contracts: { strategy: "manual", deleteVsEdit: "park" },
    drafts: {
      strategy: "client-wins",
      rules: [{ path: "/n/x", is: "counter" }],
      deleteVsEdit: "delete-wins",
    },
  },
} satisfies Policies;
