{{/*
Names, addresses and labels.

Templates about one component take a dictionary: `top` the root context, `self` the component's values, `image` its image.
Templates about the whole cluster take the root context.
*/}}

{{/* Objects carry the full name; Secrets with keys and tokens carry the release's name alone. */}}
{{- define "name.full" -}}
{{- $long := ternary .Release.Name (print .Release.Name "-" .Chart.Name) (contains .Chart.Name .Release.Name) -}}
{{ $long | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "name.cluster" -}}
{{ .Values.clusterName | default (include "name.full" .) }}
{{- end }}

{{- define "name.object" -}}
{{ include "name.full" .top }}-{{ .self.component }}
{{- end }}

{{- define "name.zookeeper" -}}
{{ include "name.object" (dict "top" . "self" .Values.zookeeper) }}
{{- end }}

{{- define "name.bookie" -}}
{{ include "name.object" (dict "top" . "self" .Values.bookkeeper) }}
{{- end }}

{{- define "name.broker" -}}
{{ include "name.object" (dict "top" . "self" .Values.broker) }}
{{- end }}

{{- define "name.proxy" -}}
{{ include "name.object" (dict "top" . "self" .Values.proxy) }}
{{- end }}

{{- define "name.functions" -}}
{{ include "name.object" (dict "top" . "self" .Values.functions) }}
{{- end }}

{{- define "address.zookeeper" -}}
{{ include "name.zookeeper" . }}:{{ ternary .Values.zookeeper.ports.clientTls .Values.zookeeper.ports.client .Values.tls.enabled }}
{{- end }}

{{/* ZooKeeper's address and the path under which the cluster keeps its metadata */}}
{{- define "address.metadata" -}}
{{ include "address.zookeeper" . }}{{ .Values.metadataPrefix }}
{{- end }}

{{- define "labels.selector" -}}
app: {{ .top.Chart.Name }}
release: {{ .top.Release.Name }}
component: {{ .self.component }}
{{- end }}

{{- define "labels.pod" -}}
{{ include "labels.selector" . }}
cluster: {{ include "name.cluster" .top }}
{{- end }}

{{/* Labels of objects that belong to no component */}}
{{- define "labels.chart" -}}
app: {{ .Chart.Name }}
chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
release: {{ .Release.Name }}
heritage: {{ .Release.Service }}
cluster: {{ include "name.cluster" . }}
{{- end }}

{{/* `suffix`, if given, goes behind the object's name; `label`, behind its component label. */}}
{{- define "object.metadata" -}}
name: {{ include "name.object" . }}{{ .suffix }}
namespace: {{ .top.Release.Namespace }}
labels:
  {{- include "labels.chart" .top | nindent 2 }}
  component: {{ .self.component }}{{ .label }}
{{- end }}
