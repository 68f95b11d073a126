/** Every check, in the order in which results are shown. */
import type { Check } from './check-context.ts';
import { firstInjection, gatewaysThatFollow, injectionLabels, labelOwners, pinnedObjects } from './checks/configuration.ts';
import { defaultMove, mustBeEqual, readiness, valuesKnown, webhookOverlap, webhookTargets } from './checks/control-planes.ts';
import { kubernetesRange, permissions } from './checks/platform.ts';
import { crdVersions, proxySkew, versionHop } from './checks/versions.ts';
import { disruptionBudgets, health, notMoved, preStop, probes, sidecarChanges, takenDown } from './checks/workloads.ts';

export const allChecks: readonly Check[] = [
  permissions,
  kubernetesRange,
  versionHop,
  proxySkew,
  crdVersions,
  webhookOverlap,
  webhookTargets,
  readiness,
  mustBeEqual,
  valuesKnown,
  defaultMove,
  pinnedObjects,
  injectionLabels,
  labelOwners,
  firstInjection,
  gatewaysThatFollow,
  takenDown,
  disruptionBudgets,
  probes,
  health,
  sidecarChanges,
  notMoved,
  preStop,
];
