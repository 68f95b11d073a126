/** Every check, in the order in which results are shown. */
import type { Check } from './check-context.ts';
import { firstInjection, gatewaysThatFollow, injectionLabels, labelOwners } from './checks/configuration.ts';
import { defaultMove, mustBeEqual, readiness, valuesKnown, webhookOverlap, webhookTargets } from './checks/control-planes.ts';
import { keptObjects, pinnedObjects, proxyVersions, takenNames, unreadObjects } from './checks/pinned.ts';
import { gatewayListeners, gatewaySelectors, idleServices, serviceReleases, waitingAddresses } from './checks/gateway-services.ts';
import { copyNames, gatewayDrains, gatewayOwners, gatewayTemplates } from './checks/gateways.ts';
import { baseRelease, pendingReleases, releaseOwner, takenRelease, validatorKeeper } from './checks/helm.ts';
import { kubernetesRange, permissions } from './checks/platform.ts';
import { gatewaysBehindTags, leftBehindTags, tagOwners } from './checks/tags.ts';
import { crdVersions, proxySkew, versionHop } from './checks/versions.ts';
import {
  autoscalers,
  disruptionBudgets,
  firstSidecars,
  graceTime,
  health,
  notMoved,
  pinnedProxies,
  preStop,
  probes,
  surgeRoom,
  surges,
  takenDown,
} from './checks/workloads.ts';

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
  pendingReleases,
  takenRelease,
  releaseOwner,
  baseRelease,
  validatorKeeper,
  pinnedObjects,
  unreadObjects,
  proxyVersions,
  keptObjects,
  takenNames,
  injectionLabels,
  labelOwners,
  firstInjection,
  gatewaysThatFollow,
  tagOwners,
  gatewaysBehindTags,
  leftBehindTags,
  gatewaySelectors,
  idleServices,
  waitingAddresses,
  gatewayListeners,
  serviceReleases,
  gatewayTemplates,
  copyNames,
  gatewayOwners,
  gatewayDrains,
  takenDown,
  disruptionBudgets,
  probes,
  health,
  firstSidecars,
  pinnedProxies,
  notMoved,
  preStop,
  graceTime,
  autoscalers,
  surgeRoom,
  surges,
];
