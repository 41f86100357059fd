/** As much of Bun's foreign function interface as is used here. */
declare module 'bun:ffi' {
  type Kind = 'i32' | 'ptr';
  export function dlopen<Name extends string>(
    library: string,
    functions: Readonly<Record<Name, { readonly args: readonly Kind[]; readonly returns: Kind }>>,
  ): { readonly symbols: Readonly<Record<Name, (...values: unknown[]) => number>> };
  /** The address of the bytes; they have to be held for as long as it is used. */
  export function ptr(bytes: NodeJS.TypedArray): number;
  export const read: { readonly i32: (address: number) => number };
}
