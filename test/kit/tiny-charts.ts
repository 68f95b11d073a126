/** Charts of our own with the names of Istio's: just enough of a control plane for an installer to be tried with. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ISTIOD = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: istiod-{{ .Values.revision }}
  labels: {app: istiod, istio.io/rev: {{ .Values.revision | quote }}}
  annotations: {said: {{ required "said is needed" .Values.said | quote }}, kubernetes: {{ .Capabilities.KubeVersion.Version | quote }}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: istiod, istio.io/rev: {{ .Values.revision | quote }}}}
  template:
    metadata: {labels: {app: istiod, istio.io/rev: {{ .Values.revision | quote }}}}
    spec:
      containers: [{name: discovery, image: "pilot:{{ .Chart.AppVersion }}"}]
---
apiVersion: batch/v1
kind: Job
metadata: {name: hook, annotations: {helm.sh/hook: pre-install}}
`;
const CRD = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: virtualservices.networking.istio.io, labels: {app.kubernetes.io/managed-by: {{ .Release.Service }}}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: istio-reader-service-account}
`;
const GATEWAY = `apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Values.name | default .Release.Name }}, namespace: {{ .Release.Namespace }}}
spec:
  selector: {matchLabels: {app: {{ .Values.labels.app }}}}
  template:
    metadata: {labels: {app: {{ .Values.labels.app }}, version: {{ .Chart.Version | quote }}, said: {{ required "said is needed" .Values.said | quote }}}}
    spec: {containers: [{name: istio-proxy, image: auto}]}
{{- if ne .Values.service.type "None" }}
---
apiVersion: v1
kind: Service
metadata: {name: {{ .Release.Name }}}
{{- end }}
`;

/** Writes the charts `base`, `istiod` and `gateway` of a version into a folder. */
export function writeTinyCharts(folder: string, version: string, appVersion = version): string {
  for (const [name, template] of [
    ['istiod', ISTIOD],
    ['base', CRD],
    ['gateway', GATEWAY],
  ] as const) {
    mkdirSync(join(folder, name, 'templates'), { recursive: true });
    writeFileSync(join(folder, name, 'Chart.yaml'), `apiVersion: v2\nname: ${name}\nversion: ${version}\nappVersion: ${appVersion}\n`);
    writeFileSync(join(folder, name, 'values.yaml'), 'said: hello\nreplicas: 1\nlabels: {app: x}\nservice: {type: LoadBalancer}\n');
    writeFileSync(join(folder, name, 'templates', 'all.yaml'), template);
  }
  return folder;
}
