/**
 * Returns the file name of a database: readable, short, and valid in every file system. Names that differ in case only
 * get different files. Should two names get one file, the name inside the file tells them apart.
 */
export function fileNameOf(name: string): string {
  const readable = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  return `${readable.slice(0, 60)}-${hash(name).toString(36)}.db`;
}

/** FNV-1a over UTF-16 code units, 32 bits. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  return state >>> 0;
}
