{{/*
Volumes of stateful components. The dictionaries carry `volume` too, the volume's values:
name, size, local_storage, storageClassName.
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
    {{- if .volume.storageClassName }}
    storageClassName: {{ .volume.storageClassName | quote }}
    {{- else if and .top.Values.volumes.local_storage .volume.local_storage }}
    storageClassName: local-storage
    {{- end }}
{{- end }}

{{/* Claims need all three switches; says "true" or nothing. */}}
{{- define "volume.persistent" -}}
{{- if and .top.Values.persistence .top.Values.volumes.persistence .self.volumes.persistence }}true{{ end }}
{{- end }}
