// What a 202 costs at least: the body is parsed, and answered. Nothing is kept.
import { serveBatches } from "./serve.ts";

serveBatches(() => Promise.resolve([]), 202);
