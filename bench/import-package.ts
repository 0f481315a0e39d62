/** Imports a package that is installed only with the benchmarks; the caller declares the types that it uses. */
export async function importPackage<T>(name: string): Promise<T> {
  return (await import(name)) as T;
}
