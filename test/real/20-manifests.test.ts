/** Control planes from rendered manifests, on a real cluster. */
import { renderedManifests } from '../scenarios/rendered-manifests.ts';
import { realCluster } from './kit/real-cluster.ts';

renderedManifests(realCluster);
