import { UnrecoverableError, type Job } from "bullmq";
import type { z } from "zod";

/**
 * Reads a job's data.
 * @throws UnrecoverableError if it has another shape, so that the job is dropped: a retry cannot succeed, and would keep
 * a sweep from enqueuing a job that can be read
 */
export function readJob<T>(schema: z.ZodType<T>, { data, id, queueName }: Job): T {
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join(".") ?? "";
  throw new UnrecoverableError(
    `Job ${id} of the queue ${queueName} cannot be read and was dropped: ${field} ${issue?.message}`,
  );
}
