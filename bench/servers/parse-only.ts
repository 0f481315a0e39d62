// The minimum cost of a 202: parses the body and answers. No operation is stored.
import { serveBatches } from "./serve.ts";

serveBatches(() => Promise.resolve([]), 202);
