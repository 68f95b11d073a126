/** Looking around in the scenario bookinfo: nothing is changed. */
import type { KubectlRow } from './kubectl-row.ts';

const POD = /^details-v1-\w+-\w+ +2\/2 +Running +0 +\d+s/m;

export const lookingRows: readonly KubectlRow[] = [
  { line: 'version', out: ['Client Version: v1.', /Server Version: v1\.34\./] },
  { line: 'version -o json', out: ['"gitVersion": "v1.34.', '"platform": "linux/'] },
  { line: 'cluster-info', out: [/Kubernetes control plane.* is running at .*https:\/\/127\.0\.0\.1:\d+/] },
  { line: 'config current-context', out: ['meshlift-sandbox'] },
  { line: 'api-versions', out: ['apps/v1\n', 'autoscaling/v2\n', 'networking.istio.io/v1\n', '\nv1\n'] },
  {
    line: 'api-resources',
    out: [/^deployments +deploy +apps\/v1 +true +Deployment$/m, /^virtualservices +vs +networking\.istio\.io\/v1 +true/m],
  },
  {
    line: 'api-resources --namespaced=false -o name',
    out: ['nodes\n', 'customresourcedefinitions.apiextensions.k8s.io\n'],
    not: ['deployments'],
  },
  {
    line: 'api-resources --api-group=batch -o wide',
    out: [/^cronjobs +cj +batch\/v1 +true +CronJob +create,delete,deletecollection,get,list,patch,update,watch +all$/m],
  },
  { line: 'explain pod.spec.containers', out: ['KIND:       Pod', /FIELD: containers <\[\]Container>/, /image\t<string>/] },
  { line: 'explain deployment --recursive', out: ['GROUP:      apps', /maxSurge\t</] },
  { line: 'explain pod.spec.nothing', code: 1, err: ['field "nothing" does not exist'] },
  { line: 'explain envoyfilter', out: ['GROUP:      networking.istio.io', 'KIND:       EnvoyFilter'] },
  { line: 'explain gizmos', code: 1, err: [`the server doesn't have a resource type "gizmos"`] },

  { line: 'get pods -n bookinfo', out: [/^NAME +READY +STATUS +RESTARTS +AGE$/m, POD] },
  {
    line: 'get pods -n bookinfo -o wide',
    out: [
      /^NAME +READY +STATUS +RESTARTS +AGE +IP +NODE +NOMINATED NODE +READINESS GATES$/m,
      / \d+\.\d+\.\d+\.\d+ +node-\d +<none> +<none>$/m,
    ],
  },
  {
    line: 'get deployments -n bookinfo -o wide',
    out: [/^NAME +READY +UP-TO-DATE +AVAILABLE +AGE +CONTAINERS +IMAGES +SELECTOR$/m, /^reviews-v1 +1\/1 +1 +1 .*app=reviews,version=v1$/m],
  },
  {
    line: 'get pods -A --no-headers --sort-by .metadata.name',
    out: [/archive-0[\s\S]+archive-1[\s\S]+details[\s\S]+istiod[\s\S]+ratings/],
  },
  { line: 'get pods -n bookinfo -l app=reviews,version!=v1 -o name', out: [/^(pod\/reviews-v[23]-\w+-\w+\n){4}$/] },
  { line: `get pods -n bookinfo -l 'app in (details,ratings)' --show-labels`, out: [/ app=details,.*version=v1$/m], not: ['reviews'] },
  { line: 'get pods -n bookinfo -l version -L app,version', out: [/AGE +APP +VERSION$/m, / reviews +v3$/m] },
  { line: `get pods -n bookinfo -l 'app in details'`, code: 1, err: ['unable to parse requirement'] },
  {
    line: 'get pods -A --field-selector status.phase=Running,metadata.namespace=reports --no-headers',
    out: [/^(reports +archive-\d .*\n){2}$/],
  },
  { line: 'get pods -A --field-selector status.phase!=Running', err: ['No resources found'] },
  {
    line: 'get pods -n bookinfo --field-selector spec.nothing=1',
    code: 1,
    err: [
      'Error from server (BadRequest): Unable to find "/v1, Resource=pods" that match label selector "", field selector "spec.nothing=1": field label not supported: spec.nothing',
    ],
  },
  {
    line: `get pods -n bookinfo -o 'jsonpath={range .items[*]}{.metadata.labels.app}{"\\n"}{end}'`,
    out: [/^details\ndetails\nproductpage\n/],
  },
  { line: 'get pods -n bookinfo -o custom-columns=A:.metadata.labels.app,N:.spec.nodeName', out: [/^A +N$/m, /^reviews +node-\d$/m] },
  {
    line: `get deployments -n bookinfo -o 'go-template={{range .items}}{{.metadata.name}} {{end}}'`,
    out: ['details-v1 productpage-v1 ratings-v1 '],
  },
  {
    line: 'get deployment details-v1 -n bookinfo -o yaml',
    out: ['apiVersion: apps/v1\nkind: Deployment\n', 'progressDeadlineSeconds: 600'],
    not: ['managedFields'],
  },
  { line: 'get deployment details-v1 -n bookinfo -o yaml --show-managed-fields', out: ['managedFields:', 'subresource: status'] },
  { line: 'get deployment details-v1 -n bookinfo -o json', out: ['"kind": "Deployment"', '"readyReplicas": 2'] },
  { line: 'get deployment details-v1 ratings-v1 -n bookinfo -o name', out: ['deployment.apps/details-v1\ndeployment.apps/ratings-v1\n'] },
  {
    line: 'get deployment/details-v1 service/details -n bookinfo',
    out: [/^deployment\.apps\/details-v1 /m, /^service\/details +ClusterIP /m],
  },
  {
    line: 'get all -n reports',
    out: [/^statefulset\.apps\/archive +2\/2/m, /^cronjob\.batch\/nightly-report +30 2 \* \* \* +<none> +False/m],
  },
  {
    line: 'get deployments details-v1 -n bookinfo --subresource scale -o json',
    out: ['"kind": "Scale"', '"selector": "app=details,version=v1"'],
  },
  { line: 'get pods -A --chunk-size 3 --no-headers -o name', out: [/^(pod\/\S+\n){15}$/] },
  { line: 'get namespaces', out: [/^bookinfo +Active +\d+s$/m, /^kube-system +Active/m] },
  { line: 'get nodes', out: [/^node-1 +Ready +<none> +\S+ +v1\.34\.3$/m] },
  { line: 'get nodes -o wide', out: [/INTERNAL-IP +EXTERNAL-IP +OS-IMAGE +KERNEL-VERSION +CONTAINER-RUNTIME$/m] },
  {
    line: 'get services,endpointslices -n bookinfo',
    out: [
      /^service\/reviews +ClusterIP +10\.96\.\d+\.\d+ +<none> +9080\/TCP/m,
      /^endpointslice\.discovery\.k8s\.io\/reviews-\w+ +IPv4 +9080/m,
    ],
  },
  { line: 'get pdb -n bookinfo', out: [/^productpage +1 +N\/A +1 +\d+s$/m] },
  { line: 'get mutatingwebhookconfigurations', out: [/^NAME +WEBHOOKS +AGE$/m, /^istio-revision-tag-default +\d+ /m] },
  {
    line: 'get crd virtualservices.networking.istio.io',
    out: [/^virtualservices\.networking\.istio\.io +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/m],
  },
  { line: 'get envoyfilter -n bookinfo', out: [/^reviews-buffer +\d+s$/m] },
  { line: 'get envoyfilters.v1alpha3.networking.istio.io -A', out: [/^bookinfo +reviews-buffer /m] },
  { line: 'get pod nothing -n bookinfo', code: 1, err: ['Error from server (NotFound): pods "nothing" not found'] },
  { line: 'get pod nothing -n bookinfo --ignore-not-found', not: [/./] },
  { line: 'get pods -n nowhere', err: ['No resources found in nowhere namespace.'] },
  { line: 'get gizmos', code: 1, err: [`error: the server doesn't have a resource type "gizmos"`] },
  { line: 'get pods -n bookinfo -w', until: /reviews-v3-\S+ +2\/2/ },
  { line: 'get pods -n bookinfo -w --output-watch-events', until: /ADDED +reviews-v3-\S+ +2\/2/ },
  { line: 'get deployments -A -w -o name', until: /deployment\.apps\/istiod/ },

  {
    line: 'describe pods -n bookinfo -l app=ratings',
    out: [/^Status: +Running$/m, 'istio-proxy:', /^Controlled By: +ReplicaSet\/ratings-v1-/m, /Normal +Scheduled /],
  },
  {
    line: 'describe deployment reviews-v2 -n bookinfo',
    out: [
      /^Replicas: +2 desired \| 2 updated \| 2 total \| 2 available \| 0 unavailable$/m,
      /^ +Available +True +MinimumReplicasAvailable$/m,
      /ScalingReplicaSet/,
    ],
  },
  { line: 'describe replicaset -n bookinfo -l app=ratings', out: [/^Controlled By: +Deployment\/ratings-v1$/m, /1 Running \/ 0 Waiting/] },
  { line: 'describe statefulset archive -n reports', out: [/^Replicas: +2 desired \| 2 total$/m, 'postgres'] },
  { line: 'describe cronjob nightly-report -n reports', out: [/^Schedule: +30 2 \* \* \*$/m] },
  {
    line: 'describe node node-1',
    out: [/^ +Ready +True /m, /^Capacity:$/m, /^Non-terminated Pods: +\(\d+ in total\)$/m, /^Lease:\n +HolderIdentity: +node-1$/m],
    not: ['Failed to get lease'],
  },
  { line: 'describe namespace bookinfo', out: [/^Labels: +istio-injection=enabled$/m, /^Status: +Active$/m, 'No resource quota.'] },
  { line: 'describe service productpage -n bookinfo', out: [/^Selector: +app=productpage$/m, /^Endpoints: +\d+\.\d+\.\d+\.\d+:9080,/m] },
  {
    line: 'describe mutatingwebhookconfiguration istio-revision-tag-default',
    out: ['API Version:  admissionregistration.k8s.io/v1', 'Failure Policy:', 'istiod'],
  },
  {
    line: 'describe envoyfilter reviews-buffer -n bookinfo',
    out: ['API Version:  networking.istio.io/v1alpha3', 'Proxy Version:  ^1\\.28.*'],
  },
  { line: 'describe pdb productpage -n bookinfo', out: [/^Min available: +1$/m, /Allowed disruptions: +1/] },
  { line: 'describe pod nothing -n bookinfo', code: 1, err: ['Error from server (NotFound): pods "nothing" not found'] },

  {
    line: 'get events -n bookinfo --field-selector reason=Started',
    out: [/^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE$/m, /Normal +Started +pod\/details-v1/],
  },
  {
    line: 'events -n bookinfo --for deployment/details-v1',
    out: [/Normal +ScalingReplicaSet +Deployment\/details-v1 +Scaled up replica set/],
  },
  { line: 'get --raw /healthz', out: [/^ok$/] },
  { line: 'get --raw /readyz?verbose', out: ['readyz check passed'] },
  { line: 'get --raw /apis/apps/v1/namespaces/bookinfo/deployments?limit=1', out: ['"kind":"DeploymentList"', '"continue":"'] },
  { line: 'get --raw /openapi/v3', out: ['"apis/apps/v1"'] },
  { line: 'get --raw /nothing', code: 1, err: ['Error from server (NotFound): the server could not find the requested resource'] },
  { line: 'top pods -n bookinfo', code: 1, err: ['error: Metrics API not available'] },
  { line: 'top nodes', code: 1, err: ['error: Metrics API not available'] },

  { line: 'auth can-i create deployments -n bookinfo', out: [/^yes$/m] },
  { line: `auth can-i '*' '*' -A`, out: [/^yes$/m] },
  { line: 'auth whoami', out: [/^Username +kubernetes-admin$/m, /^Groups +\[system:masters system:authenticated\]$/m] },
  {
    line: 'auth can-i --list -n bookinfo',
    out: [/^Resources +Non-Resource URLs +Resource Names +Verbs$/m, /^\*\.\* +\[\] +\[\] +\[\*\]$/m],
  },
  { line: 'auth can-i get /healthz', out: [/^yes$/m] },

  { line: 'logs deployment/details-v1 -n bookinfo -c details', out: ['listening on 9080'] },
  {
    line: 'logs deployment/details-v1 -n bookinfo',
    out: ['listening on 9080'],
    err: [/Found 2 pods, using pod\/details-v1-/],
  },
  { line: 'logs -n bookinfo -l app=details --all-containers --prefix', out: [/^\[pod\/details-v1-\S+\/details\] listening on 9080$/m] },
  {
    line: 'logs deployment/details-v1 -n bookinfo -c details --tail 1 --timestamps',
    out: [/^\d{4}-\d\d-\d\dT[\d:.]+Z listening on 9080\n$/],
  },
  { line: 'logs deployment/details-v1 -n bookinfo -c details -f', until: /listening on 9080/ },
  {
    line: 'logs deployment/details-v1 -n bookinfo -c nothing',
    code: 1,
    err: [/error: container nothing is not valid for pod details-v1-/],
  },
  {
    line: 'logs deployment/details-v1 -n bookinfo -c details --previous',
    code: 1,
    err: [/Error from server \(BadRequest\): previous terminated container "details" in pod "details-v1-\S+" not found/],
  },
  { line: 'exec deployment/details-v1 -n bookinfo -c details -- hostname', out: [/^details-v1-\w+-\w+\n$/] },
  {
    line: 'exec -i deployment/details-v1 -n bookinfo -c details -- cat',
    stdin: 'through standard input\n',
    out: [/^through standard input\n$/],
  },
  { line: 'exec deployment/details-v1 -n bookinfo -c details -- false', code: 1, err: ['command terminated with exit code 1'] },
  { line: 'exec deployment/details-v1 -n bookinfo -c details -- nothing', code: 127, err: ['executable file not found in $PATH'] },
];
