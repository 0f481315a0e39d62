export { encryptedStorage, type EncryptionOptions } from "./encrypted-storage.ts";
