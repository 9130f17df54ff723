{{/* What the pods of several components have in common. */}}

{{/* With `scrape`, a port, the pods ask to be scraped unless a PodMonitor says so. */}}
{{- define "pod.metadata" -}}
labels:
  {{- include "labels.pod" . | nindent 2 }}
annotations:
  {{- if and .scrape (not .self.podMonitor.enabled) }}
  prometheus.io/scrape: "true"
  prometheus.io/port: "{{ .scrape }}"
  {{- end }}
  {{- if .self.restartPodsOnConfigMapChange }}
  checksum/config: {{ include .config .top | sha256sum }}
  {{- end }}
  {{- with .self.annotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* Toolset and manager know no anti-affinity. */}}
{{- define "pod.placement" -}}
{{- with .self.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .self.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .self.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .self.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if not (has .self.component (list .top.Values.toolset.component .top.Values.pulsar_manager.component)) }}
{{- include "pod.antiAffinity" . | nindent 0 }}
{{- end }}
{{- end }}

{{/* One pod of the component in each domain: demanded, or under any other type only wished for */}}
{{- define "pod.antiAffinity" -}}
affinity:
  {{- if and .top.Values.affinity.anti_affinity .self.affinity.anti_affinity }}
  podAntiAffinity:
    {{ .self.affinity.type }}:
      {{- if eq .self.affinity.type "requiredDuringSchedulingIgnoredDuringExecution" }}
      - {{- include "pod.sameComponent" . | nindent 8 }}
      {{- else }}
      - weight: 100
        podAffinityTerm:
          {{- include "pod.sameComponent" . | nindent 10 }}
      {{- end }}
  {{- end }}
{{- end }}

{{- define "pod.sameComponent" -}}
topologyKey: {{ .self.affinity.anti_affinity_topology_key }}
labelSelector:
  matchExpressions:
    - key: app
      operator: In
      values: [{{ .top.Chart.Name | quote }}]
    - key: release
      operator: In
      values: [{{ .top.Release.Name }}]
    - key: component
      operator: In
      values: [{{ .self.component }}]
{{- end }}

{{/* Not used by the hooks: the original forgets them. */}}
{{- define "pod.pullSecrets" -}}
{{- with .Values.images.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{/* What an image does not say itself is said for all. */}}
{{- define "image.name" -}}
{{- with .top.Values -}}
{{ $.image.repository | default .defaultPulsarImageRepository }}:{{ $.image.tag | default .defaultPulsarImageTag | default $.top.Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- define "container.image" -}}
image: {{ include "image.name" . | quote }}
imagePullPolicy: {{ .image.pullPolicy | default .top.Values.defaultPullPolicy }}
{{- end }}

{{- define "container.resources" -}}
{{- with .self.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The component's ConfigMap as environment */}}
{{- define "container.environment" -}}
envFrom:
  - configMapRef:
      name: {{ include "name.object" . }}
{{- end }}

{{- define "container.command" -}}
command: [sh, -c]
args:
  - {{ .self.additionalCommand | empty | ternary .script (printf "%s\n%s" .self.additionalCommand .script) | quote }}
{{- end }}

{{/* `probes` names a handler for each kind of probe, for example {liveness: {httpGet: {path: /status.html, port: 80}}}. */}}
{{- define "container.probes" -}}
{{- range $kind, $handler := .probes }}
{{- with index $.self.probe $kind }}
{{- if .enabled }}
{{ $kind }}Probe:
  {{- toYaml $handler | nindent 2 }}
  initialDelaySeconds: {{ .initialDelaySeconds }}
  periodSeconds: {{ .periodSeconds }}
  timeoutSeconds: {{ .timeoutSeconds }}
  failureThreshold: {{ .failureThreshold }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/*
An init container that repeats `until`, a command, until it succeeds, for `limit` seconds at most; without `limit` for ever.
`before` and `after` go around the loop, `reads` is the component whose ConfigMap it reads, `as` whose certificate it uses.
*/}}
{{- define "container.wait" -}}
- name: {{ .name }}
  {{- include "container.image" . | nindent 2 }}
  resources:
    {{- toYaml .top.Values.initContainer.resources | nindent 4 }}
  command: [{{ with .limit }}timeout, {{ . | quote }}, {{ end }}sh, -c]
  args:
    - {{ printf "%suntil %s; do sleep 3; done%s" (.before | default "") .until (.after | default "") | quote }}
  {{- with .reads }}
  {{- include "container.environment" (dict "top" $.top "self" .) | nindent 2 }}
  {{- end }}
  {{- with .as }}
  {{- with include "tls.mounts" (dict "top" $.top "as" .) }}
  volumeMounts: {{- . | nindent 4 }}
  {{- end }}
  {{- end }}
{{- end }}

{{/* Waits for BookKeeper's cluster id, which the bookie init Job makes. */}}
{{- define "container.waitForClusterId" -}}
{{ include "container.wait" (merge (dict
  "name" (.name | default "pulsar-bookkeeper-verify-clusterid")
  "before" (print (include "tls.script" .)
    "bin/apply-config-from-env.py conf/bookkeeper.conf; export BOOKIE_MEM=-Xmx128M; ")
  "until" "timeout 15 bin/bookkeeper shell whatisinstanceid") .) }}
{{- end }}

{{/* For the init Jobs: waits for the last ZooKeeper pod. */}}
{{- define "container.waitForZookeeper" -}}
{{- $name := include "name.zookeeper" .top -}}
{{- $last := sub (int .top.Values.zookeeper.replicaCount) 1 -}}
{{- $until := printf "nslookup %s-%d.%s-headless.%s" $name $last $name .top.Release.Namespace -}}
{{ include "container.wait" (merge (dict "until" $until) .) }}
{{- end }}

{{/* Waits until the cluster is initialized: the broker's and the proxy's. */}}
{{- define "container.waitForCluster" -}}
{{- $until := printf "timeout 15 bin/pulsar zookeeper-shell -r -server %s get /admin/clusters/%s"
  (include "address.metadata" .top) (include "name.cluster" .top) -}}
{{ include "container.wait" (merge (dict "name" "wait-zookeeper-ready" "until" $until
  "before" (print (include "tls.script" .) "export PULSAR_MEM=-Xmx128M; ")) .) }}
{{- end }}

{{/* Waits until a broker has an address: the proxy's and the manager's. */}}
{{- define "container.waitForBroker" -}}
{{- $until := printf "[ $(nslookup -timeout=10 %s | grep -c Name) -ge 1 ]" (include "name.broker" .top) -}}
{{ include "container.wait" (merge (dict "name" "wait-broker-ready" "until" $until) .) }}
{{- end }}
