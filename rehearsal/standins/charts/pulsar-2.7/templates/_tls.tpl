{{/*
Encryption: what it adds to configuration and pods. It is on for all components or for none; refusals.yaml refuses a mixture.
`as` is the folder of a component's certificate in its pods, and also the component's key in the values `tls`.
*/}}

{{- define "tls.caSecret" -}}
{{ .Release.Name }}-{{ .Values.tls.ca_suffix }}
{{- end }}

{{- define "tls.mounts" -}}
{{- if .top.Values.tls.enabled }}
- name: {{ .as }}-certs
  mountPath: /pulsar/certs/{{ .as }}
  readOnly: true
- name: ca
  mountPath: /pulsar/certs/ca
  readOnly: true
{{- if ne .as "proxy" }}
- name: keytool
  mountPath: /pulsar/keytool/keytool.sh
  subPath: keytool.sh
{{- end }}
{{- end }}
{{- end }}

{{- define "tls.volumes" -}}
{{- if .top.Values.tls.enabled }}
- name: {{ .as }}-certs
  secret:
    secretName: {{ .top.Release.Name }}-{{ (index .top.Values.tls .as).cert_name }}
    items:
      - { key: tls.crt, path: tls.crt }
      - { key: tls.key, path: tls.key }
- name: ca
  secret:
    secretName: {{ include "tls.caSecret" .top }}
    items: [{ key: ca.crt, path: ca.crt }]
{{- if ne .as "proxy" }}
- name: keytool
  configMap:
    name: {{ include "name.full" .top }}-keytool-configmap
    defaultMode: 0755
{{- end }}
{{- end }}
{{- end }}

{{/* What a script does before it starts ZooKeeper or its clients; nothing without `as` */}}
{{- define "tls.script" -}}
{{- if and .top.Values.tls.enabled .as -}}
/pulsar/keytool/keytool.sh {{ .as }} $HOSTNAME {{ ne .as "zookeeper" }}; {{ end -}}
{{- end }}
