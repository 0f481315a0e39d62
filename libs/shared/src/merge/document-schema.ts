/** A schema that implements Standard Schema v1, as those of zod and valibot do. Only a synchronous one can be used. */
export interface StandardSchema {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult | Promise<StandardResult>;
  };
}

/** The result of a Standard Schema: without issues the value is valid. Its own value is not used. */
interface StandardResult {
  readonly issues?: readonly SchemaIssue[] | undefined;
}

/** A fault of a value, as a schema reports it. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** A JSON Schema, draft 2020-12. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
  readonly "~standard"?: never;
}
