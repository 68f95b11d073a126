/** There and back under load from inside the mesh, on a real cluster. */
import { thereAndBack } from '../scenarios/there-and-back.ts';
import { realCluster } from './kit/real-cluster.ts';

thereAndBack(realCluster);
