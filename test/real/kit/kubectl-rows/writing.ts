/** Making, changing and removing things in a namespace of one's own. Later rows build on earlier ones. */
import type { KubectlRow, RowsInput } from './kubectl-row.ts';

const manifest = (color: string, more = ''): string => `apiVersion: v1
kind: ConfigMap
metadata:
  name: palette
data:
  color: ${color}
${more}`;

const deployment = (ns: string, image: string, replicas: number): string => `apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: ${ns}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - {name: shop, image: ${image}, ports: [{containerPort: 8080}]}
`;

export function creatingRows({ ns, image }: RowsInput): readonly KubectlRow[] {
  return [
    { line: `create namespace ${ns}`, out: [`namespace/${ns} created`] },
    { line: `create namespace ${ns}`, code: 1, err: [`Error from server (AlreadyExists): namespaces "${ns}" already exists`] },
    {
      line: 'create namespace Not_A_Name',
      code: 1,
      err: [
        'The Namespace "Not_A_Name" is invalid: metadata.name: Invalid value: "Not_A_Name": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or \'-\'',
      ],
    },
    { line: `create deployment web -n ${ns} --image=${image} --replicas=2 --port=8080`, out: ['deployment.apps/web created'] },
    {
      line: `create deployment web -n ${ns} --image=${image}`,
      code: 1,
      err: ['error: failed to create deployment: deployments.apps "web" already exists'],
    },
    {
      line: `create deployment far -n nowhere --image=${image}`,
      code: 1,
      err: ['error: failed to create deployment: namespaces "nowhere" not found'],
    },
    { line: `create deployment dry -n ${ns} --image=${image} --dry-run=server`, out: ['deployment.apps/dry created (server dry run)'] },
    { line: `create deployment dry -n ${ns} --image=${image} --dry-run=client -o yaml`, out: ['kind: Deployment\n', 'app: dry'] },
    { line: `get deployment dry -n ${ns}`, code: 1, err: ['NotFound'] },
    { line: `rollout status deployment/web -n ${ns} --timeout=60s`, out: ['deployment "web" successfully rolled out'] },
    { line: `expose deployment web -n ${ns} --port 80 --target-port 8080`, out: ['service/web exposed'] },
    { line: `create service clusterip plain -n ${ns} --tcp=80:8080`, out: ['service/plain created'] },
    { line: `create service nodeport open -n ${ns} --tcp=80:8080 --node-port=30999`, out: ['service/open created'] },
    {
      line: `create service nodeport taken -n ${ns} --tcp=80:8080 --node-port=30999`,
      code: 1,
      err: ['provided port is already allocated'],
    },
    { line: `create service externalname else -n ${ns} --external-name example.com`, out: ['service/else created'] },
    {
      line: `get services -n ${ns}`,
      out: [
        /^else +ExternalName +<none> +example\.com +<none>/m,
        /^open +NodePort +\S+ +<none> +80:30999\/TCP/m,
        /^web +ClusterIP +\S+ +<none> +80\/TCP/m,
      ],
    },
    {
      line: `get endpointslices -n ${ns} -l kubernetes.io/service-name=web`,
      retry: true,
      out: [/^web-\w+ +IPv4 +8080 +\d+\.\d+\.\d+\.\d+,\d+\.\d+\.\d+\.\d+ /m],
    },
    { line: `create configmap settings -n ${ns} --from-literal=a=1 --from-literal=b=2`, out: ['configmap/settings created'] },
    { line: `create secret generic keys -n ${ns} --from-literal=token=hush`, out: ['secret/keys created'] },
    { line: `get secret keys -n ${ns} -o 'jsonpath={.data.token} {.type}'`, out: ['aHVzaA== Opaque'] },
    { line: `create serviceaccount robot -n ${ns}`, out: ['serviceaccount/robot created'] },
    { line: `create token robot -n ${ns}`, out: [/^[\w-]+\.[\w-]+\.[\w-]+\n?$/] },
    { line: `create token ghost -n ${ns}`, code: 1, err: [/failed to create token: serviceaccounts "ghost" not found/] },
    {
      line: `create role reader -n ${ns} --verb=get,list,watch --resource=pods,configmaps,deployments.apps`,
      out: ['role.rbac.authorization.k8s.io/reader created'],
    },
    {
      line: `create rolebinding readers -n ${ns} --role=reader --serviceaccount=${ns}:robot --user=viewer`,
      out: ['rolebinding.rbac.authorization.k8s.io/readers created'],
    },
    {
      line: `create clusterrole ${ns}-nodes --verb=get,list --resource=nodes --dry-run=server`,
      out: [`clusterrole.rbac.authorization.k8s.io/${ns}-nodes created (server dry run)`],
    },
    { line: `create job once -n ${ns} --image=${image} --dry-run=server -o name`, out: ['job.batch/once'] },
    {
      line: `create cronjob nightly -n ${ns} --image=${image} --schedule='0 3 * * *' -- /bin/true`,
      out: ['cronjob.batch/nightly created'],
    },
    {
      line: `create cronjob wrong -n ${ns} --image=${image} --schedule=sometimes`,
      code: 1,
      err: ['is invalid: spec.schedule: Invalid value: "sometimes"'],
    },
    { line: `get cronjob nightly -n ${ns}`, out: [/^nightly +0 3 \* \* \* +<none> +False +0 +<none>/m] },
    {
      line: `create poddisruptionbudget web -n ${ns} --selector=app=web --min-available=1`,
      out: ['poddisruptionbudget.policy/web created'],
    },
    { line: `get pdb web -n ${ns}`, retry: true, out: [/^web +1 +N\/A +1 /m] },
    { line: `create quota small -n ${ns} --hard=configmaps=50,pods=40`, out: ['resourcequota/small created'] },
    { line: `create ingress front -n ${ns} --rule=shop.example.com/*=web:80`, out: ['ingress.networking.k8s.io/front created'] },
    { line: `get ingress front -n ${ns}`, out: [/^front +<none> +shop\.example\.com +80 /m] },
    { line: `describe ingress front -n ${ns}`, out: ['web:80 ('] },
    { line: `run single -n ${ns} --image=${image} --labels=app=single --restart=Never`, out: ['pod/single created'] },
    { line: `wait pod/single -n ${ns} --for=condition=Ready --timeout=60s`, out: ['pod/single condition met'] },
    { line: `wait pod/single -n ${ns} --for=jsonpath={.status.phase}=Running --timeout=20s`, out: ['pod/single condition met'] },
    {
      line: `wait pod/single -n ${ns} --for=condition=Nothing --timeout=1s`,
      code: 1,
      err: ['error: timed out waiting for the condition on pods/single'],
    },
    {
      line: `wait pod/ghost -n ${ns} --for=condition=Ready --timeout=1s`,
      code: 1,
      err: [/Error from server \(NotFound\): pods "ghost" not found|timed out waiting/],
    },
    { line: `logs single -n ${ns} --tail=1`, retry: true, out: [/./] },
  ];
}

export function changingRows({ ns, image, otherImage }: RowsInput): readonly KubectlRow[] {
  return [
    { line: `label pod single -n ${ns} tier=front`, out: ['pod/single labeled'] },
    { line: `label pod single -n ${ns} tier=back`, code: 1, err: ["'tier' already has a value (front), and --overwrite is false"] },
    { line: `label pod single -n ${ns} tier=back --overwrite`, out: ['pod/single labeled'] },
    { line: `label pod single -n ${ns} tier-`, out: ['pod/single unlabeled'] },
    { line: `label pod single -n ${ns} tier=not/a/value`, code: 1, err: ['invalid label value: "tier=not/a/value"'] },
    { line: `label pods -n ${ns} --all seen=yes`, out: ['pod/single labeled', /pod\/web-\S+ labeled/] },
    { line: `annotate deployment web -n ${ns} owner=team-a kubernetes.io/change-cause=first`, out: ['deployment.apps/web annotated'] },
    { line: `annotate deployment web -n ${ns} owner-`, out: ['deployment.apps/web annotated'] },
    {
      line: `patch deployment web -n ${ns} -p {"spec":{"template":{"spec":{"terminationGracePeriodSeconds":1}}}}`,
      out: ['deployment.apps/web patched'],
    },
    {
      line: `patch deployment web -n ${ns} -p {"spec":{"template":{"spec":{"terminationGracePeriodSeconds":1}}}}`,
      // Its status changes while the pods do.
      retry: true,
      out: ['deployment.apps/web patched (no change)'],
    },
    { line: `patch configmap settings -n ${ns} --type=merge -p {"data":{"a":null,"c":"3"}}`, out: ['configmap/settings patched'] },
    {
      line: `patch configmap settings -n ${ns} --type=json -p '[{"op":"replace","path":"/data/b","value":"two"},{"op":"add","path":"/data/d","value":"4"}]'`,
      out: ['configmap/settings patched'],
    },
    { line: `get configmap settings -n ${ns} -o 'jsonpath={.data}'`, out: ['{"b":"two","c":"3","d":"4"}'] },
    {
      line: `patch configmap settings -n ${ns} --type=json -p '[{"op":"test","path":"/data/b","value":"2"}]'`,
      code: 1,
      err: ['The request is invalid: the server rejected our request due to an error in our request'],
    },
    {
      line: `patch configmap settings -n ${ns} -p '{"data":["a"]}'`,
      code: 1,
      err: [/Error from server \(BadRequest\)|is invalid|cannot unmarshal|invalid/],
    },
    {
      line: `patch deployment web -n ${ns} -p '{"spec":{"replicas":"two"}}'`,
      code: 1,
      err: ['invalid: patch: Invalid value: "map[spec:map[replicas:two]]": unrecognized type: int32'],
    },
    {
      line: `patch deployment web -n ${ns} --subresource=scale --type=merge -p '{"spec":{"replicas":3}}'`,
      out: ['scale.autoscaling/web patched'],
    },
    { line: `scale deployment web -n ${ns} --replicas=1 --current-replicas=7`, code: 1, err: ['Expected replicas to be 7, was 3'] },
    { line: `scale deployment web -n ${ns} --replicas=1`, out: ['deployment.apps/web scaled'] },
    { line: `scale pod single -n ${ns} --replicas=1`, code: 1, err: ['NotFound'] },
    {
      line: `autoscale deployment web -n ${ns} --min=1 --max=3 --cpu-percent=50`,
      out: ['horizontalpodautoscaler.autoscaling/web autoscaled'],
    },
    { line: `get hpa web -n ${ns}`, out: [/^web +Deployment\/web +cpu: <unknown>\/50% +1 +3 /m] },
    { line: `delete hpa web -n ${ns}`, out: [/horizontalpodautoscaler\.autoscaling "web" deleted/] },
    { line: `set image deployment/web -n ${ns} *=${otherImage}`, out: ['deployment.apps/web image updated'] },
    { line: `rollout status deployment/web -n ${ns} --timeout=60s`, out: ['successfully rolled out'] },
    { line: `set env deployment/web -n ${ns} MODE=quick`, out: ['deployment.apps/web env updated'] },
    { line: `set env deployment/web -n ${ns} --list`, out: ['MODE=quick'] },
    {
      line: `set resources deployment/web -n ${ns} --requests=cpu=5m,memory=8Mi`,
      out: ['deployment.apps/web resource requirements updated'],
    },
    { line: `set serviceaccount deployment web robot -n ${ns}`, out: ['deployment.apps/web serviceaccount updated'] },
    { line: `rollout history deployment/web -n ${ns}`, out: [/^REVISION +CHANGE-CAUSE$/m, /^1 +/m, /^6 +first$/m] },
    { line: `rollout history deployment/web -n ${ns} --revision=1`, out: ['with revision #1', image] },
    { line: `rollout undo deployment/web -n ${ns} --to-revision=1`, out: ['deployment.apps/web rolled back'] },
    {
      line: `rollout undo deployment/web -n ${ns} --to-revision=99`,
      code: 1,
      err: ['error: unable to find specified revision 99 in history'],
    },
    { line: `rollout pause deployment/web -n ${ns}`, out: ['deployment.apps/web paused'] },
    { line: `rollout pause deployment/web -n ${ns}`, code: 1, err: ['deployments.apps "web" is already paused'] },
    { line: `rollout restart deployment/web -n ${ns}`, code: 1, err: ["can't restart paused deployment (run rollout resume first)"] },
    { line: `rollout resume deployment/web -n ${ns}`, out: ['deployment.apps/web resumed'] },
    { line: `rollout restart deployment/web -n ${ns}`, out: ['deployment.apps/web restarted'] },
    { line: `rollout status deployment/web -n ${ns} --timeout=60s`, out: ['successfully rolled out'] },
    {
      line: `get replicasets -n ${ns} -l app=web --sort-by .metadata.creationTimestamp`,
      out: [/^web-\w+ +0 +0 +0 /m, /^web-\w+ +1 +1 +1 /m],
    },
    { line: `exec deployment/web -n ${ns} -- hostname`, out: [/^web-\w+-\w+\n$/] },
  ];
}

export function applyingRows({ ns, image, otherImage }: RowsInput): readonly KubectlRow[] {
  const file = `-n ${ns} -f -`;
  return [
    { line: `apply ${file}`, stdin: manifest('red'), out: ['configmap/palette created'] },
    { line: `apply ${file}`, stdin: manifest('red'), out: ['configmap/palette unchanged'] },
    { line: `diff ${file}`, stdin: manifest('red'), not: [/./] },
    { line: `diff ${file}`, stdin: manifest('blue'), code: 1, out: ['-  color: red', '+  color: blue'] },
    { line: `apply ${file} --dry-run=server`, stdin: manifest('blue'), out: ['configmap/palette configured (server dry run)'] },
    { line: `apply ${file}`, stdin: manifest('blue'), out: ['configmap/palette configured'] },
    { line: `apply view-last-applied configmap palette -n ${ns} -o json`, out: ['"color": "blue"'] },
    { line: `apply ${file} --server-side`, stdin: manifest('blue'), out: ['configmap/palette serverside-applied'] },
    {
      line: `apply ${file} --server-side --field-manager=other`,
      stdin: manifest('green'),
      code: 1,
      err: ['Apply failed with 1 conflict: conflict with "kubectl": .data.color'],
    },
    {
      line: `apply ${file} --server-side --field-manager=other --force-conflicts`,
      stdin: manifest('green'),
      out: ['configmap/palette serverside-applied'],
    },
    { line: `diff ${file} --server-side --field-manager=other`, stdin: manifest('green'), not: [/./] },
    { line: `diff ${file} --server-side --field-manager=other`, stdin: manifest('grey'), code: 1, out: ['+  color: grey'] },
    { line: `apply ${file}`, stdin: manifest('red', 'colour: red\n'), code: 1, err: ['strict decoding error: unknown field "colour"'] },
    { line: `apply ${file} --validate=ignore`, stdin: manifest('red', 'colour: red\n'), out: ['configmap/palette configured'] },
    {
      line: `apply ${file} --validate=warn`,
      stdin: manifest('pink', 'colour: red\n'),
      out: ['configmap/palette configured'],
      err: ['Warning: unknown field "colour"'],
    },
    { line: `apply ${file}`, stdin: 'a: [', code: 1, err: ['error parsing STDIN: error converting YAML to JSON: yaml: line 1'] },
    {
      line: `apply ${file}`,
      stdin: 'apiVersion: example.com/v9\nkind: Gizmo\nmetadata: {name: x}\n',
      code: 1,
      err: ['no matches for kind "Gizmo" in version "example.com/v9"'],
    },
    {
      line: `apply ${file}`,
      stdin: deployment(ns, image, -1),
      code: 1,
      err: ['The Deployment "shop" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0'],
    },
    { line: `apply ${file}`, stdin: deployment(ns, image, 2), out: ['deployment.apps/shop created'] },
    { line: `apply ${file}`, stdin: deployment(ns, otherImage, 2), out: ['deployment.apps/shop configured'] },
    { line: `apply ${file} --server-side`, stdin: deployment(ns, otherImage, 2), out: ['deployment.apps/shop serverside-applied'] },
    {
      line: `apply ${file}`,
      stdin: deployment(ns, image, 2).replace('selector: {matchLabels: {app: shop}}', 'selector: {matchLabels: {app: other}}'),
      code: 1,
      err: ['selector', 'is invalid'],
    },
    { line: `rollout status deployment/shop -n ${ns} --timeout=60s`, out: ['successfully rolled out'] },
    { line: `replace ${file}`, stdin: manifest('white'), out: ['configmap/palette replaced'] },
    {
      line: `replace ${file}`,
      stdin: manifest('white').replace('palette', 'ghost'),
      code: 1,
      err: ['Error from server (NotFound): error when replacing "STDIN": configmaps "ghost" not found'],
    },
    {
      line: `replace ${file}`,
      stdin: manifest('white').replace('name: palette', 'name: palette\n  resourceVersion: "1"'),
      code: 1,
      err: [
        'Error from server (Conflict): error when replacing "STDIN": Operation cannot be fulfilled on configmaps "palette": the object has been modified; please apply your changes to the latest version and try again',
      ],
    },
    { line: `replace --force ${file}`, stdin: manifest('black'), out: [/configmap "palette" deleted/, 'configmap/palette replaced'] },
    {
      line: `create ${file}`,
      stdin: manifest('black'),
      code: 1,
      err: ['Error from server (AlreadyExists): error when creating "STDIN": configmaps "palette" already exists'],
    },
    { line: `edit configmap palette -n ${ns}`, env: { KUBE_EDITOR: 'sed -i s/black/white/' }, out: ['configmap/palette edited'] },
    { line: `edit configmap palette -n ${ns}`, env: { KUBE_EDITOR: 'true' }, err: ['Edit cancelled, no changes made'] },
    { line: `get configmap palette -n ${ns} -o 'jsonpath={.data.color}'`, out: [/^white$/] },
    { line: `apply ${file} --prune -l none=none`, stdin: '', code: 1, err: ['error: no objects passed to apply'] },
  ];
}

export function deletingRows({ ns }: RowsInput): readonly KubectlRow[] {
  return [
    { line: `delete pod -n ${ns} -l app=single --wait=false`, out: [/pod "single" deleted/] },
    { line: `wait pod/single -n ${ns} --for=delete --timeout=60s`, out: [/^(pod\/single condition met\n)?$/] },
    { line: `delete pod ghost -n ${ns}`, code: 1, err: ['Error from server (NotFound): pods "ghost" not found'] },
    { line: `delete pod ghost -n ${ns} --ignore-not-found`, not: ['rror'] },
    {
      line: `delete pods -n ${ns} -l app=shop --force --grace-period=0`,
      out: [/pod "shop-\S+" force deleted/],
      err: ['Warning: Immediate deletion does not wait'],
    },
    { line: `rollout status deployment/shop -n ${ns} --timeout=60s`, out: ['successfully rolled out'] },
    { line: `delete deployment shop -n ${ns} --cascade=orphan`, out: [/deployment\.apps "shop" deleted/] },
    { line: `get replicasets -n ${ns} -l app=shop -o 'jsonpath={.items[*].metadata.ownerReferences}'`, retry: true, out: [/^$/] },
    { line: `get pods -n ${ns} -l app=shop --no-headers`, out: [/(shop-\S+ +1\/1 +Running.*\n){2}/] },
    { line: `delete replicasets -n ${ns} -l app=shop --cascade=foreground`, out: [/replicaset\.apps "shop-\w+" deleted/] },
    { line: `get pods -n ${ns} -l app=shop`, err: ['No resources found'] },
    {
      line: `delete deployment/web service/web -n ${ns} --cascade=background`,
      out: [/deployment\.apps "web" deleted/, /service "web" deleted/],
    },
    { line: `get replicasets,pods -n ${ns} -l app=web`, retry: true, err: ['No resources found'] },
    { line: `delete configmap palette settings -n ${ns} --dry-run=server`, out: [/configmap "palette" deleted.* \(server dry run\)/] },
    { line: `delete configmap --all -n ${ns}`, out: [/configmap "palette" deleted/] },
    { line: `delete namespace ${ns} --wait=false`, out: [`namespace "${ns}" deleted`] },
    { line: `create configmap late -n ${ns}`, code: 1, err: [/because it is being terminated|namespaces "\S+" not found/] },
    { line: `wait namespace/${ns} --for=delete --timeout=60s`, out: [/^(namespace\/\S+ condition met\n)?$/] },
    { line: `get namespace ${ns}`, code: 1, err: [`Error from server (NotFound): namespaces "${ns}" not found`] },
  ];
}
