/** Variables that the path of an injection webhook sets: `/inject/cluster/east/net/network1`. */

const NAMES: Readonly<Record<string, string>> = { cluster: 'ISTIO_META_CLUSTER_ID', net: 'ISTIO_META_NETWORK' };

/** A slash in a value is written `--slash--`. Source: istio/istio, pkg/kube/inject/webhook.go (parseInjectEnvs), tag 1.28.2. */
export function pathEnvironment(path: string): Readonly<Record<string, string>> {
  const parts = path.replace(/\/$/, '').split('/').slice(2);
  const env: Record<string, string> = {};
  for (let index = 0; index + 1 < parts.length; index += 2) {
    const key = parts[index] ?? '';
    const name = NAMES[key] ?? key.toUpperCase();
    if (name !== '') env[name] = (parts[index + 1] ?? '').replaceAll('--slash--', '/');
  }
  return env;
}
