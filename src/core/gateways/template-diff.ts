/** What a chart renders of pods against the pods that run: what an upgrade would change, and what it would lose. */
import { diffWanted, isRecord } from '../controlplane/diff-objects.ts';
import type { KubeObject, PodTemplate } from '../mesh/kube-objects.ts';
import { parseQuantity } from '../mesh/quantity.ts';

/** Differences between the pods that a chart renders and those of a Deployment; none when an upgrade would restart nothing. */
export function templateDiff(rendered: KubeObject, live: KubeObject): string[] {
  const templateOf = ({ spec }: KubeObject): PodTemplate => (spec as { template?: PodTemplate } | undefined)?.template ?? {};
  return diffWanted(withQuantitiesOf(templateOf(live), templateOf(rendered)), templateOf(live), 'spec.template');
}

/** Maps of quantities in pods. @source kubernetes/api core/v1 types.go (ResourceRequirements) @ v1.34.3 */
const QUANTITIES = new Set(['limits', 'requests']);

/** The API server writes quantities in its own way: one that is the same, such as 2000m and 2, is written as it is live. */
function withQuantitiesOf(live: unknown, wanted: unknown, isQuantity = false): unknown {
  if (isRecord(wanted) && isRecord(live))
    return Object.fromEntries(
      Object.entries(wanted).map(([key, value]) => [
        key,
        withQuantitiesOf(live[key], value, QUANTITIES.has(key) || (isQuantity && !isRecord(value))),
      ]),
    );
  if (Array.isArray(wanted) && Array.isArray(live))
    return wanted.map((item: unknown, index) => {
      const match: unknown = live.find((other: unknown) => isRecord(other) && isRecord(item) && other['name'] === item['name']);
      return withQuantitiesOf(match ?? live[index], item);
    });
  return isQuantity && quantity(wanted) !== undefined && quantity(wanted) === quantity(live) ? live : wanted;
}

/** As a number, rounded where rounding does not show: 2000m is 2. */
function quantity(value: unknown): number | undefined {
  const parsed = typeof value === 'string' || typeof value === 'number' ? parseQuantity(value) : undefined;
  return parsed === undefined ? undefined : Number(parsed.toPrecision(12));
}

/** Fields of pods that the API server sets where nobody did, and marks of restarts. @source kubernetes/kubernetes pkg/apis/core/v1/defaults.go @ v1.34.3 */
const SET_BY_OTHERS = new Set([
  'apiVersion',
  'creationTimestamp',
  'defaultMode',
  'dnsPolicy',
  'failureThreshold',
  'imagePullPolicy',
  'kubectl.kubernetes.io/restartedAt',
  'meshlift.io/restart',
  'periodSeconds',
  'protocol',
  'restartPolicy',
  'schedulerName',
  'scheme',
  'serviceAccount',
  'successThreshold',
  'terminationMessagePath',
  'terminationMessagePolicy',
  'timeoutSeconds',
]);

/** Paths of what somebody has put into live pods and a chart would not: fields and members, not their values. */
export function missingIn(live: unknown, rendered: unknown, path: string): string[] {
  if (isEmpty(live)) return [];
  if (isEmpty(rendered)) return [path];
  if (isRecord(live) && isRecord(rendered))
    return Object.entries(live).flatMap(([key, value]) =>
      SET_BY_OTHERS.has(key) ? [] : missingIn(value, rendered[key], `${path}.${key}`),
    );
  if (!Array.isArray(live) || !Array.isArray(rendered)) return [];
  return live.flatMap((item: unknown, index) => {
    const name = isRecord(item) && typeof item['name'] === 'string' ? item['name'] : undefined;
    const match: unknown =
      name === undefined ? rendered[index] : rendered.find((other: unknown) => isRecord(other) && other['name'] === name);
    return missingIn(item, match, `${path}[${name ?? index}]`);
  });
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return Array.isArray(value) ? value.length === 0 : isRecord(value) && Object.keys(value).length === 0;
}
