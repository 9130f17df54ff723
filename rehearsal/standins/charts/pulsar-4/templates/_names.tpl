{{/*
Names, addresses and labels.

Templates about one component take a dictionary: `top` the root context, `self` the component's values, `image` its image.
Templates about the whole cluster take the root context.
*/}}

{{- define "name.app" -}}
{{ .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Objects carry the full name; Secrets with keys and tokens carry the release's name alone. */}}
{{- define "name.full" -}}
{{- $app := .Values.nameOverride | default .Chart.Name -}}
{{- $long := ternary .Release.Name (print .Release.Name "-" $app) (contains $app .Release.Name) -}}
{{ .Values.fullnameOverride | default $long | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "name.cluster" -}}
{{ .Values.clusterName | default (include "name.full" .) }}
{{- end }}

{{- define "name.namespace" -}}
{{ .Values.namespace | default .Release.Namespace }}
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

{{/* The Secret with the manager's accounts: the user's own, or the one that the chart makes */}}
{{- define "name.managerSecret" -}}
{{- $made := print (include "name.object" (dict "top" . "self" .Values.pulsar_manager)) "-secret" -}}
{{ .Values.pulsar_manager.admin.existingSecret | default $made }}
{{- end }}

{{/* host:port of ZooKeeper: the user's own only if the chart makes none */}}
{{- define "address.zookeeper" -}}
{{- $given := .Values.pulsar_metadata.userProvidedZookeepers -}}
{{- if and $given (not .Values.components.zookeeper) -}}
{{ $given }}
{{- else -}}
{{ include "name.zookeeper" . }}:{{ ternary .Values.zookeeper.ports.clientTls .Values.zookeeper.ports.client .Values.tls.enabled }}
{{- end -}}
{{- end }}

{{/* ZooKeeper's address and the path under which the cluster keeps its metadata */}}
{{- define "address.metadata" -}}
{{ include "address.zookeeper" . }}{{ .Values.metadataPrefix }}
{{- end }}

{{- define "address.ledgers" -}}
zk+hierarchical://{{ include "address.metadata" . }}/ledgers
{{- end }}

{{- define "address.configurationStore" -}}
{{- with .Values.pulsar_metadata -}}
{{- if .configurationStore -}}
{{ .configurationStore }}:{{ .configurationStorePort }}{{ .configurationStoreMetadataPrefix }}
{{- else -}}
{{ include "address.metadata" $ }}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "labels.selector" -}}
app: {{ include "name.app" .top }}
release: {{ .top.Release.Name }}
component: {{ .self.component }}
{{- end }}

{{/* `label`, if given, goes behind the component's. */}}
{{- define "labels.pod" -}}
app: {{ include "name.app" .top }}
release: {{ .top.Release.Name }}
cluster: {{ include "name.cluster" .top }}
component: {{ .self.component }}{{ .label }}
{{- with .top.Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Labels of objects that belong to no component */}}
{{- define "labels.chart" -}}
app: {{ include "name.app" . }}
chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
release: {{ .Release.Name }}
heritage: {{ .Release.Service }}
cluster: {{ include "name.cluster" . }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* `suffix`, if given, goes behind the object's name; `label`, behind its component label. */}}
{{- define "object.metadata" -}}
name: {{ include "name.object" . }}{{ .suffix }}
namespace: {{ include "name.namespace" .top }}
labels:
  {{- include "labels.chart" .top | nindent 2 }}
  component: {{ .self.component }}{{ .label }}
{{- end }}
