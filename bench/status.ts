/** `meshlift status` against what people type for it, on the cluster of KUBECONFIG. Needs MESHLIFT_ISTIOCTL_NEW. */
import { fileURLToPath } from 'node:url';
import { compare, report } from './measure.ts';

const meshlift = fileURLToPath(new URL('../bin/meshlift', import.meta.url));
const istioctl = process.env['MESHLIFT_ISTIOCTL_NEW'];
if (istioctl === undefined || process.env['KUBECONFIG'] === undefined) {
  process.stdout.write('status: not measured; it needs KUBECONFIG of a cluster with Istio, and MESHLIFT_ISTIOCTL_NEW\n');
} else {
  report(
    'status',
    compare(
      [
        { name: 'meshlift status', commands: [[meshlift, 'status']] },
        {
          name: 'istioctl proxy-status; kubectl get pods -A',
          commands: [
            [
              istioctl,
              'proxy-status',
              ...(process.env['MESHLIFT_REVISION'] === undefined ? [] : ['--revision', process.env['MESHLIFT_REVISION']]),
            ],
            ['kubectl', 'get', 'pods', '-A'],
          ],
        },
      ],
      15,
    ),
    1,
  );
}
