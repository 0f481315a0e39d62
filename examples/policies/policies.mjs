// Conflict policies by collection. Start the services with POLICIES=examples/policies/policies.mjs to use them.
export default {
  // Every collection that is not named below.
  default: { strategy: "merge" },

  collections: {
    notes: {
      rules: [
        { path: "/body", is: "text" },
        { path: "/tags", is: "set" },
        { path: "/views", is: "counter" },
      ],
    },
    settings: { strategy: "last-write-wins" },
    contracts: { strategy: "manual", override: "nobody" },
    orders: {
      override: "admins",
      resolveTimeoutMs: 500,
      resolve({ ancestor, remote, local, merged }) {
        // Returning undefined leaves the conflict to the strategy.
        if (ancestor === null || remote === null || local === null) return undefined;
        // A shipped order must not change.
        if (remote.state === "shipped") return { use: "server-wins" };
        if (remote.price !== ancestor.price && local.price !== ancestor.price) {
          return { ask: "Both sides changed the price" };
        }
        // Takes the merge, but with the higher quantity, so that no order shrinks.
        if (remote.quantity !== local.quantity) {
          return { document: { ...merged, quantity: Math.max(remote.quantity, local.quantity) } };
        }
        return undefined;
      },
    },
    bookings: {
      // A document that violates the schema is not stored.
      schema: {
        type: "object",
        required: ["table"],
        properties: {
          table: { type: "integer", minimum: 1 },
          guests: { type: "array", maxItems: 4, items: { type: "string" } },
        },
      },
    },
  },
};
