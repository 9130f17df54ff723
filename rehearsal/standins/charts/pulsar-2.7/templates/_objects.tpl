{{/* Whole objects that several components have. */}}

{{/* `config` names the template of the data. What configData repeats stands in the data twice, as in the original. */}}
{{- define "object.configMap" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "object.metadata" . | nindent 2 }}
data:
  {{- include .config .top | nindent 2 }}
{{- end }}

{{/* policy/v1beta1 is gone since Kubernetes 1.25, which refuses the release then, as it refuses the original's. */}}
{{- define "object.disruptionBudget" -}}
{{- if .self.pdb.usePolicy }}
apiVersion: policy/v1beta1
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

{{/* Everything of a StatefulSet's spec before its pods; the strategies of most components are fixed. */}}
{{- define "statefulSet.head" -}}
serviceName: {{ include "name.object" . }}
replicas: {{ .self.replicaCount }}
selector:
  matchLabels:
    {{- include "labels.selector" . | nindent 4 }}
updateStrategy:
  {{- toYaml (hasKey . "updateStrategy" | ternary .updateStrategy (dict "type" "RollingUpdate")) | nindent 2 }}
podManagementPolicy: {{ .podManagementPolicy | default "Parallel" }}
{{- end }}
