{{/*
Volumes of stateful components. The dictionaries carry `volume` too, the volume's values:
name, size, local_storage, storageClassName, storageClass, selector.
*/}}

{{- define "volume.name" -}}
{{ include "name.object" . }}-{{ .volume.name }}
{{- end }}

{{- define "volume.claimTemplate" -}}
- metadata:
    name: {{ include "volume.name" . }}
  spec:
    accessModes: [ReadWriteOnce]
    resources:
      requests:
        storage: {{ .volume.size }}
    {{- $local := and .top.Values.volumes.local_storage .volume.local_storage }}
    {{- if .volume.storageClassName }}
    storageClassName: {{ .volume.storageClassName | quote }}
    {{- else if $local }}
    storageClassName: local-storage
    {{- else if .volume.storageClass }}
    storageClassName: {{ include "volume.name" . }}
    {{- end }}
    {{- with .volume.selector }}
    selector:
      {{- toYaml . | nindent 6 }}
    {{- end }}
{{- end }}

{{- define "volume.storageClass" -}}
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  {{- include "object.metadata" (merge (dict "suffix" (print "-" .volume.name)) .) | nindent 2 }}
provisioner: {{ .volume.storageClass.provisioner }}
parameters:
  type: {{ .volume.storageClass.type }}
  fsType: {{ .volume.storageClass.fsType }}
{{- end }}

{{/* Claims need all three switches; says "true" or nothing. */}}
{{- define "volume.persistent" -}}
{{- if and .top.Values.persistence .top.Values.volumes.persistence .self.volumes.persistence }}true{{ end }}
{{- end }}
