/** What steps hold about Helm releases beyond what every step holds. */
import * as z from 'zod';

/** A release by its name and the namespace of its records. */
export const releaseSchema = z.strictObject({ name: z.string(), namespace: z.string() });

/** The release of the base chart that is brought along when the default moves. */
export const baseReleaseSchema = z.strictObject({
  name: z.string(),
  namespace: z.string(),
  /** Version of Istio that its chart gets. */
  target: z.string(),
});
