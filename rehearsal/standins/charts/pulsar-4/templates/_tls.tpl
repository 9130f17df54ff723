{{/*
Encryption: what it adds to configuration and pods. It is on for all components or for none; refusals.yaml refuses a mixture.
`as` is the folder of a component's certificate in its pods, and also the component's key in the values `tls`.
*/}}

{{/* The names of issuer and Secret of the CA, without which nothing is rendered, as in the original */}}
{{- define "tls.issuer" -}}
{{ required "certs.issuers.ca.name is required when TLS is enabled and certs.internal_issuer.enabled is false" .Values.certs.issuers.ca.name }}
{{- end }}

{{- define "tls.caSecret" -}}
{{ required "certs.issuers.ca.secretName is required when TLS is enabled and certs.internal_issuer.enabled is false" .Values.certs.issuers.ca.secretName }}
{{- end }}

{{- define "tls.mounts" -}}
{{- if .top.Values.tls.enabled }}
- name: {{ .as }}-certs
  mountPath: /pulsar/certs/{{ .as }}
  readOnly: true
- name: ca
  mountPath: /pulsar/certs/ca
  readOnly: true
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
      - { key: tls-combined.pem, path: tls-combined.pem }
- name: ca
  secret:
    secretName: {{ include "tls.caSecret" .top }}
    items: [{ key: ca.crt, path: ca.crt }]
{{- end }}
{{- end }}

{{/* What a script does before it starts ZooKeeper or its clients; nothing without `as` */}}
{{- define "tls.script" -}}
{{- if and .top.Values.tls.enabled .as -}}
{{- $client := ternary "" "-Dzookeeper.client.secure=true -Dzookeeper.client.certReload=true " (eq .as "zookeeper") -}}
echo 'PULSAR_EXTRA_OPTS="{{ $client }}-Dzookeeper.ssl.keyStore.location=/pulsar/certs/{{ .as }}/tls-combined.pem -Dzookeeper.ssl.trustStore.location=/pulsar/certs/ca/ca.crt"' >> conf/pulsar_env.sh; {{ end -}}
{{- end }}
