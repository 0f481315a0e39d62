import type { JsonObject } from "@syncline/shared/document";
import { below, createRandom, hexDigits, type Random } from "./random.ts";

/** The initial content of a database: the same for the same numbers. */
export interface Ground {
  readonly workspaces: number;
  /** In total, evenly over the workspaces. */
  readonly documents: number;
  /** The version of every initial document; 1 by default. */
  readonly version?: number;
}

export const GROUND: Ground = { workspaces: 50, documents: 10_000 };

export interface SeedDocument {
  readonly documentId: string;
  readonly data: JsonObject;
}

const WORDS =
  "milk bread call plan draft review invoice garden ticket meeting train window paint repair letter budget school order parcel visit".split(
    " ",
  );

export function workspaceId(index: number): string {
  return `00000000-0000-4000-8000-${index.toString(16).padStart(12, "0")}`;
}

export function documentId(random: Random): string {
  return `doc_${hexDigits(random, 12)}`;
}

/** The initial documents of a workspace. */
export function seedDocuments(ground: Ground, workspace: number): SeedDocument[] {
  const random = createRandom(workspace + 1);
  return Array.from({ length: Math.floor(ground.documents / ground.workspaces) }, () => ({
    documentId: documentId(random),
    data: makeDocument(random),
  }));
}

/** Makes a to-do of about 300 bytes. */
export function makeDocument(random: Random): JsonObject {
  return {
    title: words(random, 4),
    body: words(random, 20),
    tags: [words(random, 1), words(random, 1)],
    status: "open",
    assignee: `user_${hexDigits(random, 8)}`,
    estimate: below(random, 100),
    done: false,
    position: random(),
  };
}

/** Makes one edit of a person: three fields, about 150 bytes (RFC 7396). */
export function makePatch(random: Random): JsonObject {
  return { body: words(random, 20), estimate: below(random, 100), done: random() < 0.5 };
}

function words(random: Random, count: number): string {
  return Array.from({ length: count }, () => WORDS[below(random, WORDS.length)]).join(" ");
}
