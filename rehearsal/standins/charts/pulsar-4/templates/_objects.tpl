{{/* Whole objects that several components have, and their beginnings. */}}

{{- define "object.annotations" -}}
{{- with .annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* `config` names the template of the data. What configData repeats stands in the data twice, as in the original. */}}
{{- define "object.configMap" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "object.metadata" . | nindent 2 }}
data:
  {{- include .config .top | nindent 2 }}
{{- end }}

{{- define "object.serviceAccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "object.metadata" . | nindent 2 }}
  {{- include "object.annotations" .self.service_account | nindent 2 }}
{{- end }}

{{- define "object.disruptionBudget" -}}
{{- if .self.pdb.usePolicy }}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "object.metadata" . | nindent 2 }}
spec:
  maxUnavailable: {{ .self.pdb.maxUnavailable }}
  selector:
    matchLabels:
      {{- include "labels.selector" . | nindent 6 }}
{{- end }}
{{- end }}

{{/*
Of a kind that only clusters with the Prometheus operator know: others refuse the release. Named after `key`, the
component's key in the values, and in no namespace but the release's. `port` is the name of the one that is scraped.
*/}}
{{- define "object.podMonitor" -}}
{{- if .self.podMonitor.enabled }}
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata:
  name: {{ include "name.full" .top }}-{{ .key }}
  labels:
    {{- include "labels.chart" .top | nindent 4 }}
    {{- with .top.Values.podMonitor.customLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  jobLabel: {{ .key }}
  selector:
    matchLabels:
      {{- include "labels.selector" . | nindent 6 }}
  podMetricsEndpoints:
    - port: {{ .port | default "http" }}
      path: /metrics
      scheme: http
      interval: {{ .self.podMonitor.interval }}
      scrapeTimeout: {{ .self.podMonitor.scrapeTimeout }}
      honorLabels: true
      {{- with .self.podMonitor.metricRelabelings }}
      metricRelabelings:
        {{- toYaml . | nindent 8 }}
      {{- end }}
{{- end }}
{{- end }}

{{/* A Service up to its ports. `headless`: without an address of its own */}}
{{- define "service.head" -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "object.metadata" . | nindent 2 }}
  {{- include "object.annotations" (.service | default dict) | nindent 2 }}
spec:
  {{- if .headless }}
  clusterIP: None
  {{- end }}
  selector:
    {{- include "labels.selector" . | nindent 4 }}
{{- end }}

{{/*
A StatefulSet up to the containers of its pods. `serviceName`, `podManagementPolicy` and `updateStrategy` go before what
most have.
*/}}
{{- define "statefulSet.head" -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  {{- include "object.metadata" . | nindent 2 }}
  {{- include "object.annotations" (dict "annotations" .self.appAnnotations) | nindent 2 }}
spec:
  serviceName: {{ .serviceName | default (include "name.object" .) }}
  replicas: {{ .replicas | default .self.replicaCount }}
  selector:
    matchLabels:
      {{- include "labels.selector" . | nindent 6 }}
  {{- with .updateStrategy }}
  updateStrategy:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .podManagementPolicy }}
  podManagementPolicy: {{ . }}
  {{- end }}
  template:
    metadata:
      {{- include "pod.metadata" . | nindent 6 }}
    spec:
      {{- include "pod.placement" . | nindent 6 }}
      terminationGracePeriodSeconds: {{ .self.gracePeriod }}
      {{- with .account }}
      serviceAccountName: {{ . }}
      {{- end }}
      {{- with .self.securityContext }}
      securityContext:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- include "pod.pullSecrets" .top | nindent 6 }}
{{- end }}

{{/*
What goes before an upgrade from charts older than 4.6.0, whose StatefulSets have another serviceName: hooks that take the
StatefulSet away and leave its pods. They run before every upgrade; as in the original, their pods can be given neither
pull secrets nor tolerations nor a node selector.
*/}}
{{- define "object.cleanup" -}}
{{- if .self.statefulsetUpgrade.enabled }}
{{- $c := merge (dict "suffix" "-sts-cleanup" "label" "-sts-cleanup") . }}
{{- $name := print (include "name.object" .) "-sts-cleanup" }}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "object.metadata" $c | nindent 2 }}
  annotations: {{- include "hook.annotations" "-10" | nindent 4 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  {{- include "object.metadata" $c | nindent 2 }}
  annotations: {{- include "hook.annotations" "-10" | nindent 4 }}
rules:
  - apiGroups: [apps]
    resources: [statefulsets]
    verbs: [list, get, delete]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  {{- include "object.metadata" $c | nindent 2 }}
  annotations: {{- include "hook.annotations" "-10" | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    name: {{ $name }}
---
apiVersion: batch/v1
kind: Job
metadata:
  {{- include "object.metadata" $c | nindent 2 }}
  annotations: {{- include "hook.annotations" "0" | nindent 4 }}
spec:
  backoffLimit: 1
  template:
    spec:
      serviceAccountName: {{ $name }}
      restartPolicy: Never
      containers:
        - name: sts-cleanup
          image: {{ include "image.name" (dict "top" .top "image" .top.Values.images.kubectl) }}
          command:
            - sh
            - -c
            - kubectl delete statefulset {{ include "name.object" . }} --cascade=orphan # if its chart is older than 4.6.0
{{- end }}
{{- end }}

{{- define "hook.annotations" -}}
helm.sh/hook: pre-upgrade
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: hook-succeeded
{{- end }}
