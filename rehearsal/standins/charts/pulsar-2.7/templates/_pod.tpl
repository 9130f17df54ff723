{{/* What the pods of several components have in common. */}}

{{/*
Metadata of a pod template. With `scrape`, a port, the pods ask to be scraped; without it, the annotations are dumped
even when there are none, which makes invalid YAML of a toolset or a manager with restartPodsOnConfigMapChange, as in the
original.
*/}}
{{- define "pod.metadata" -}}
labels:
  {{- include "labels.pod" . | nindent 2 }}
annotations:
  {{- with .scrape }}
  prometheus.io/scrape: "true"
  prometheus.io/port: "{{ . }}"
  {{- end }}
  {{- if .self.restartPodsOnConfigMapChange }}
  checksum/config: {{ include .config .top | sha256sum }}
  {{- end }}
  {{- if or .self.annotations (not .scrape) }}
  {{- toYaml .self.annotations | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "pod.placement" -}}
{{- with .self.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .self.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* One pod of the component a node: demanded, or under any other type only wished for */}}
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
topologyKey: kubernetes.io/hostname
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

{{/* Not used by ZooKeeper and the init Jobs: the original forgets them. */}}
{{- define "pod.pullSecrets" -}}
{{- with .Values.images.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "container.image" -}}
image: "{{ .image.repository }}:{{ .image.tag }}"
imagePullPolicy: {{ .image.pullPolicy }}
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

{{/* An init container that repeats `until`, a command, until it succeeds; `before` and `after` go around the loop. */}}
{{- define "container.wait" -}}
- name: {{ .name }}
  {{- include "container.image" . | nindent 2 }}
  command: [sh, -c]
  args:
    - {{ printf "%suntil %s; do sleep 3; done%s" (.before | default "") .until (.after | default "") | quote }}
{{- end }}

{{/* Waits for BookKeeper's cluster id, which the bookie init Job makes. */}}
{{- define "container.waitForClusterId" -}}
{{ include "container.wait" (merge (dict
  "name" "pulsar-bookkeeper-verify-clusterid"
  "before" (print "bin/apply-config-from-env.py conf/bookkeeper.conf; " (include "tls.script" .))
  "until" "bin/bookkeeper shell whatisinstanceid") .) }}
{{- end }}

{{/* For the init Jobs: waits for the last ZooKeeper pod. */}}
{{- define "container.waitForZookeeper" -}}
{{- $name := include "name.zookeeper" .top -}}
{{- $last := sub (int .top.Values.zookeeper.replicaCount) 1 -}}
{{- $until := printf "nslookup %s-%d.%s.%s" $name $last $name .top.Release.Namespace -}}
{{ include "container.wait" (merge (dict "name" "wait-zookeeper-ready" "until" $until) .) }}
{{- end }}
