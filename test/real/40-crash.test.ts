/** Drivers that are killed, on a real cluster, with istioctl as the installer. */
import { killedDriver } from '../scenarios/killed-driver.ts';
import { realCluster } from './kit/real-cluster.ts';

killedDriver(realCluster);
