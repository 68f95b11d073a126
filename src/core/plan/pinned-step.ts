/** What the step of pinned objects holds beyond what every step holds. */
import * as z from 'zod';

const objectRefSchema = z.strictObject({
  apiVersion: z.string(),
  kind: z.string(),
  namespace: z.string().optional(),
  name: z.string(),
});

export const copyRevisionedObjectsFields = {
  /** The revision that reads the copies. */
  revision: z.string(),
  copies: z.array(
    z.strictObject({
      source: objectRefSchema,
      /** sha256 over the content of the source as the plan found it. */
      sourceDigest: z.string(),
      /** The copy, whole. */
      object: z.looseObject({
        apiVersion: z.string(),
        kind: z.string(),
        metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
      }),
    }),
  ),
};

/**
 * What the removal of a control plane holds about objects that are pinned to it; absent where there are none. A digest is a sha256
 * over the content of the object as the plan found it.
 */
export const pinnedRemovalSchema = z.strictObject({
  /** Labelled with the revision: they go with it, unless they were changed since their copies were made. */
  goes: z.array(z.strictObject({ ref: objectRefSchema, digest: z.string() })).default([]),
  /** Labelled with the revision, and left where they are: nobody reads them any more. */
  stays: z.array(objectRefSchema).default([]),
  /** EnvoyFilters of old proxies: they go only when no proxy is left whose version one of the expressions matches. */
  byVersion: z.array(z.strictObject({ ref: objectRefSchema, digest: z.string(), expressions: z.array(z.string()) })).default([]),
});

export type PinnedRemoval = z.infer<typeof pinnedRemovalSchema>;
