/** Pinned objects: the filters are obeyed by real proxies, before, after and again before. */
import { run } from '../kit/child-process.ts';
import { pinnedObjects, QUOTES } from '../scenarios/pinned.ts';
import { realCluster } from './kit/real-cluster.ts';

async function addedHeaders(): Promise<string[]> {
  const script = `fortio curl ${QUOTES} 2>&1`;
  const answer = await run('kubectl', ['-n', 'outside', 'exec', 'plain', '-c', 'app', '--', 'sh', '-c', script]);
  return [...answer.matchAll(/\bx-by-(?:revision|version)\b/gi)].map(([name]) => name.toLowerCase()).toSorted();
}

pinnedObjects(realCluster, { addedHeaders });
