/** A package that is installed only with the benchmarks, so its types are what the caller says that it uses. */
export async function importPackage<T>(name: string): Promise<T> {
  return (await import(name)) as T;
}
