/** As the CLI's messages become JSON: what is empty is absent. */
export type Shown<T> = T extends readonly (infer Item)[]
  ? readonly Shown<Item>[] | undefined
  : T extends object
    ? { readonly [K in keyof T]?: Shown<T[K]> | undefined }
    : T;
