/** What concerns the whole cluster: nodes, definitions, and other people. */
import type { KubectlRow, RowsInput } from './kubectl-row.ts';

export function nodeRows({ node }: RowsInput): readonly KubectlRow[] {
  return [
    { line: `cordon ${node}`, out: [`node/${node} cordoned`] },
    { line: `cordon ${node}`, out: [`node/${node} already cordoned`] },
    { line: `get node ${node}`, out: [new RegExp(`^${node} +Ready,SchedulingDisabled `, 'm')] },
    {
      line: `drain ${node} --ignore-daemonsets --timeout=60s`,
      code: 1,
      err: ['cannot delete Pods with local storage (use --delete-emptydir-data to override): bookinfo/'],
    },
    {
      line: `drain ${node} --ignore-daemonsets --delete-emptydir-data --force --timeout=120s`,
      out: [/evicting pod|pod\/\S+ evicted/, `node/${node} drained`],
    },
    { line: `get pods -A --field-selector spec.nodeName=${node} --no-headers`, not: ['bookinfo'] },
    { line: `uncordon ${node}`, out: [`node/${node} uncordoned`] },
    { line: `taint nodes ${node} maintenance=soon:NoSchedule`, out: [`node/${node} tainted`] },
    {
      line: `taint nodes ${node} maintenance=soon:NoSchedule`,
      code: 1,
      err: ['already has maintenance taint(s) with same effect(s) and --overwrite is false'],
    },
    { line: `describe node ${node}`, out: [/^Taints: +maintenance=soon:NoSchedule$/m] },
    { line: `taint nodes ${node} maintenance:NoSchedule-`, out: [`node/${node} untainted`] },
    { line: `label node ${node} disk=ssd`, out: [`node/${node} labeled`] },
    { line: `get nodes -l disk=ssd -o name`, out: [`node/${node}\n`] },
    { line: 'cordon nowhere', code: 1, err: ['nodes "nowhere" not found'] },
  ];
}

const DEFINITION = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gizmos.battery.example.com}
spec:
  group: battery.example.com
  scope: Namespaced
  names: {plural: gizmos, singular: gizmo, kind: Gizmo, shortNames: [gz]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}, scale: {specReplicasPath: .spec.size, statusReplicasPath: .status.size}}
    additionalPrinterColumns:
    - {name: Size, type: integer, jsonPath: .spec.size}
    schema:
      openAPIV3Schema:
        type: object
        description: A thing that is good for something.
        properties:
          spec:
            type: object
            required: [size]
            properties:
              size: {type: integer, minimum: 1, maximum: 9}
              color: {type: string, enum: [red, blue], default: red}
          status: {type: object, properties: {size: {type: integer}}}
`;

const gizmo = (size: string): string => `apiVersion: battery.example.com/v1
kind: Gizmo
metadata: {name: wheel}
spec: {size: ${size}}
`;

export function definitionRows({ ns }: RowsInput): readonly KubectlRow[] {
  const file = `-n ${ns} -f -`;
  return [
    { line: 'create -f -', stdin: DEFINITION, out: ['customresourcedefinition.apiextensions.k8s.io/gizmos.battery.example.com created'] },
    { line: 'wait crd/gizmos.battery.example.com --for=condition=Established --timeout=20s', out: ['condition met'] },
    { line: `create -f -`, stdin: DEFINITION.replaceAll('gizmos', 'others'), code: 0, out: ['others.battery.example.com created'] },
    {
      line: `create -f -`,
      stdin: DEFINITION.replace('plural: gizmos', 'plural: wrong'),
      code: 1,
      err: ['is invalid: metadata.name: Invalid value: "gizmos.battery.example.com": must be spec.names.plural+"."+spec.group'],
    },
    { line: `apply ${file}`, stdin: gizmo('3'), out: ['gizmo.battery.example.com/wheel created'] },
    { line: `apply ${file}`, stdin: gizmo('3'), out: ['gizmo.battery.example.com/wheel unchanged'] },
    { line: `apply ${file} --server-side`, stdin: gizmo('3'), out: ['gizmo.battery.example.com/wheel serverside-applied'] },
    { line: `get gz -n ${ns}`, out: [/^NAME +SIZE$/m, /^wheel +3$/m] },
    { line: `get gizmo wheel -n ${ns} -o 'jsonpath={.spec}'`, out: ['"color":"red"', '"size":3'] },
    { line: 'explain gizmo.spec.size', out: ['KIND:       Gizmo', /FIELD: size <integer>/] },
    {
      line: `apply ${file}`,
      stdin: gizmo('12'),
      code: 1,
      err: ['The Gizmo "wheel" is invalid: spec.size: Invalid value: 12: spec.size in body should be less than or equal to 9'],
    },
    { line: `apply ${file}`, stdin: gizmo('much'), code: 1, err: ['size in body must be of type integer: "string"'] },
    { line: `apply ${file}`, stdin: gizmo('2, more: 1'), code: 1, err: ['unknown field "spec.more"'] },
    {
      line: `create ${file}`,
      stdin: gizmo('').replace('wheel', 'bare').replace('{size: }', '{}'),
      code: 1,
      err: ['spec.size: Required value'],
    },
    {
      line: `patch gizmo wheel -n ${ns} --type=merge -p {"spec":{"color":"green"}}`,
      code: 1,
      err: ['spec.color: Unsupported value: "green": supported values: "red", "blue"'],
    },
    { line: `patch gizmo wheel -n ${ns} --type=merge -p {"spec":{"color":"blue"}}`, out: ['gizmo.battery.example.com/wheel patched'] },
    {
      line: `patch gizmo wheel -n ${ns} -p {"spec":{"color":"red"}}`,
      code: 1,
      err: ['application/strategic-merge-patch+json is not supported by battery.example.com/v1, Kind=Gizmo'],
    },
    {
      line: `patch gizmo wheel -n ${ns} --subresource=status --type=merge -p {"status":{"size":3}}`,
      out: ['gizmo.battery.example.com/wheel patched'],
    },
    { line: `scale gizmo wheel -n ${ns} --replicas=5`, out: ['gizmo.battery.example.com/wheel scaled'] },
    { line: `get gizmo wheel -n ${ns} -o 'jsonpath={.spec.size} {.status.size}'`, out: ['5 3'] },
    { line: `describe gizmo wheel -n ${ns}`, out: ['Kind:         Gizmo', /Size: +5/] },
    { line: `delete gizmo wheel -n ${ns}`, out: [/gizmo\.battery\.example\.com "wheel" deleted/] },
    { line: 'delete crd gizmos.battery.example.com others.battery.example.com', out: [/"gizmos\.battery\.example\.com" deleted/] },
    {
      line: 'get gizmos',
      retry: true,
      code: 1,
      err: [/the server (doesn't have a resource type "gizmos"|could not find the requested resource)/],
    },
  ];
}

export function peopleRows({ ns }: RowsInput): readonly KubectlRow[] {
  return [
    { line: `auth can-i list pods -n ${ns}`, as: 'viewer', out: [/^yes$/m] },
    { line: `auth can-i delete pods -n ${ns}`, as: 'viewer', code: 1, out: [/^no$/m] },
    { line: `auth can-i --list -n ${ns}`, as: 'viewer', out: [/^deployments\.apps +\[\] +\[\] +\[get list watch\]$/m] },
    { line: `get pods -n ${ns}`, as: 'viewer', out: ['single'] },
    { line: `get deployments web -n ${ns} -o name`, as: 'viewer', out: ['deployment.apps/web'] },
    {
      line: 'get pods -n bookinfo',
      as: 'viewer',
      code: 1,
      err: [
        'Error from server (Forbidden): pods is forbidden: User "viewer" cannot list resource "pods" in API group "" in the namespace "bookinfo"',
      ],
    },
    {
      line: 'get pods -A',
      as: 'viewer',
      code: 1,
      err: [
        'Error from server (Forbidden): pods is forbidden: User "viewer" cannot list resource "pods" in API group "" at the cluster scope',
      ],
    },
    {
      line: `delete pod single -n ${ns}`,
      as: 'viewer',
      code: 1,
      err: [
        'Error from server (Forbidden): pods "single" is forbidden: User "viewer" cannot delete resource "pods" in API group "" in the namespace',
      ],
    },
    {
      line: `scale deployment web -n ${ns} --replicas=4`,
      as: 'viewer',
      code: 1,
      err: ['cannot patch resource "deployments/scale" in API group "apps" in the namespace'],
    },
    {
      line: `create configmap mine -n ${ns}`,
      as: 'viewer',
      code: 1,
      err: ['error: failed to create configmap: configmaps is forbidden: User "viewer" cannot create resource "configmaps"'],
    },
    { line: `logs single -n ${ns}`, as: 'viewer', code: 1, err: ['cannot get resource "pods/log" in API group ""'] },
    { line: `exec single -n ${ns} -- hostname`, as: 'viewer', code: 1, err: [/cannot (create|get) resource "pods\/exec" in API group ""/] },
    { line: 'get --raw /metrics', as: 'viewer', code: 1, err: ['cannot get path "/metrics"'] },
    { line: 'auth whoami', as: 'nobody', out: [/^Username +nobody$/m, 'system:authenticated'] },
    {
      line: 'get namespaces',
      as: 'nobody',
      code: 1,
      err: ['namespaces is forbidden: User "nobody" cannot list resource "namespaces" in API group "" at the cluster scope'],
    },
    {
      line: 'get pods -n bookinfo --as=viewer',
      as: 'nobody',
      code: 1,
      err: ['users "viewer" is forbidden: User "nobody" cannot impersonate resource "users" in API group "" at the cluster scope'],
    },
    { line: `get pods -n ${ns} --as=viewer`, out: ['single'] },
    { line: 'get pods -n bookinfo --as=viewer', code: 1, err: ['User "viewer" cannot list resource "pods"'] },
    { line: 'get nodes --as=viewer --as-group=system:masters', out: ['Ready'] },
    { line: `auth can-i list pods -n ${ns} --as=system:serviceaccount:${ns}:robot`, out: [/^yes$/m] },
    { line: `auth can-i create pods -n ${ns} --as=system:serviceaccount:${ns}:robot`, code: 1, out: [/^no$/m] },
    { line: 'auth whoami --as=viewer --as-group=friends', out: [/^Username +viewer$/m, /^Groups +\[friends system:authenticated\]$/m] },
    { line: 'get pods -n bookinfo --token=rubbish', as: 'nobody', code: 1, err: [/Unauthorized|forbidden/] },
  ];
}
