/** Everything that a call of the client rejects with, or a status shows. Apps branch on these: add, never rename. */
export const CLIENT_ERRORS = {
  validationFailed: { retryable: false, action: "correct the document" },
  documentTooLarge: { retryable: false, action: "split the document, or remove something from it" },
  invalidId: { retryable: false, action: "use an id of 1 to 200 characters" },
  notFound: { retryable: false, action: "create the document, or read it again" },
  groupTooLarge: { retryable: false, action: "split the transaction" },
  storageFull: { retryable: true, action: "free space on the device" },
  storageLocked: { retryable: false, action: "provide the key of the database" },
  storageUnavailable: { retryable: true, action: "allow the app to store data, or use memory storage" },
  storageTooNew: { retryable: false, action: "load the newest version of the app" },
  storageClosed: { retryable: false, action: "create a new client" },
  storageBusy: { retryable: true, action: "try again; another tab or process writes the same rows" },
  offline: { retryable: true, action: "wait: the client tries again by itself" },
  timeout: { retryable: true, action: "wait: the client tries again by itself" },
  server: { retryable: true, action: "wait: the client tries again by itself" },
  rateLimited: { retryable: true, action: "wait: the client tries again by itself" },
  signedOut: { retryable: true, action: "sign in" },
  wrongAccount: { retryable: false, action: "sign in as the account that the database belongs to" },
  readOnly: { retryable: true, action: "ask for the role writer" },
  accessLost: { retryable: false, action: "tell the user; the edits are kept as outcomes" },
  protocol: { retryable: true, action: "report it, with the output of inspect()" },
  stalled: { retryable: true, action: "report it, with the output of inspect()" },
  deposed: { retryable: true, action: "none: another tab or process syncs this database" },
} as const satisfies Record<string, { retryable: boolean; action: string }>;

export type ClientErrorCode = keyof typeof CLIENT_ERRORS;

export class SynclineClientError extends Error {
  override readonly name = "SynclineClientError";
  readonly code: ClientErrorCode;
  /** The places at fault, as JSON Pointers with a reason. */
  readonly issues: readonly string[];

  constructor(code: ClientErrorCode, message: string, options?: ErrorOptions & { issues?: string[] }) {
    super(message, options);
    this.code = code;
    this.issues = options?.issues ?? [];
  }

  get retryable(): boolean {
    return CLIENT_ERRORS[this.code].retryable;
  }

  get action(): string {
    return CLIENT_ERRORS[this.code].action;
  }
}
