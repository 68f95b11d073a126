/** What a sandbox can begin with. */

/** `big` may be followed by its size, `bookinfo` by tags: `big:100x5`, `big:100x5,plain`, `bookinfo:prod`. */
export const scenarioNames: readonly string[] = ['bookinfo', 'big', 'empty'];
