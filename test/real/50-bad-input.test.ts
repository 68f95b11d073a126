/** What goes wrong, on a real cluster; what only istioctl refuses besides. */
import { badInput } from '../scenarios/bad-input.ts';
import { istioctlNew, istioctlOld, NEW_VERSION } from './kit/cluster.ts';
import { realCluster } from './kit/real-cluster.ts';

const plan = ['plan', '--to', NEW_VERSION];

badInput(realCluster, [
  ['istioctl that is missing', () => [...plan, '--istioctl', '/does/not/exist'], 'TOOL-001', 1],
  ['istioctl of another version', () => [...plan, '--istioctl', istioctlOld()], 'TOOL-002', 3],
  ['a profile with gateways', () => [...plan, '--istioctl', istioctlNew(), '--set', 'profile=default'], 'TOOL-004', 3],
  ['a setting that istioctl refuses', (install) => [...plan, ...install, '--set', 'values.pilot.bogus=1'], 'TOOL-003', 1],
]);
