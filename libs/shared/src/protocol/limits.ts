/** The most operations of a batch. */
export const BATCH_OPERATIONS_MAX = 100;
/** The largest size of a request body in bytes, before and after decompression. */
export const BATCH_BYTES_MAX = 10 * 1024 * 1024;
