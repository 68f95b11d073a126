/** Workloads that a plain restart would hurt or not move, there and back under load. */
import { restartSafety } from '../scenarios/restart-safety.ts';
import { realCluster } from './kit/real-cluster.ts';

restartSafety(realCluster);
