import type { Policies } from "@syncline/shared/merge";

/** Documents of two collections violate their schema if `c` is 3. */
const schema = { properties: { c: { maximum: 2 } } };

// The histories' conflict policies, for the services and for the model.
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
    contracts: { strategy: "manual", deleteVsEdit: "park", schema },
    drafts: {
      strategy: "client-wins",
      rules: [{ path: "/n/x", is: "counter" }],
      deleteVsEdit: "delete-wins",
      schema,
    },
  },
} satisfies Policies;
