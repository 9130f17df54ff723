{{/* Authentication by JSON web tokens: what it adds to configuration and pods. Secrets carry the release's name. */}}

{{/* Says "true" or nothing. */}}
{{- define "jwt.enabled" -}}
{{- with .Values.auth.authentication }}{{ if and .enabled (eq .provider "jwt") }}true{{ end }}{{ end }}
{{- end }}

{{/*
Configuration of a server. `server` is broker or proxy; `authorization` is what it says when authorization is on.
The order of superUserRoles differs from render to render, as in the original.
*/}}
{{- define "jwt.config" -}}
{{- $auth := .top.Values.auth -}}
{{- if $auth.authentication.enabled }}
authenticationEnabled: "true"
{{- if $auth.authorization.enabled }}
{{- toYaml .authorization | nindent 0 }}
superUserRoles: {{ join "," (values $auth.superUsers) }}
{{- end }}
{{- if include "jwt.enabled" .top }}
authenticationProviders: org.apache.pulsar.broker.authentication.AuthenticationProviderToken
brokerClientAuthenticationPlugin: org.apache.pulsar.client.impl.auth.AuthenticationToken
brokerClientAuthenticationParameters: file:///pulsar/tokens/{{ .server }}/token
{{- if $auth.authentication.jwt.usingSecretKey }}
tokenSecretKey: file:///pulsar/keys/token/secret.key
{{- else }}
tokenPublicKey: file:///pulsar/keys/token/public.key
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "jwt.keysMount" -}}
- name: token-keys
  mountPath: /pulsar/keys
  readOnly: true
{{- end }}

{{- define "jwt.keysVolume" -}}
- name: token-keys
  secret:
    {{- if .Values.auth.authentication.jwt.usingSecretKey }}
    secretName: {{ .Release.Name }}-token-symmetric-key
    items: [{ key: SECRETKEY, path: token/secret.key }]
    {{- else }}
    secretName: {{ .Release.Name }}-token-asymmetric-key
    items: [{ key: PUBLICKEY, path: token/public.key }]
    {{- end }}
{{- end }}

{{/* `user` is one of auth.superUsers' keys. */}}
{{- define "jwt.tokenMount" -}}
- name: {{ .user }}-token
  mountPath: /pulsar/tokens
  readOnly: true
{{- end }}

{{- define "jwt.tokenVolume" -}}
- name: {{ .user }}-token
  secret:
    secretName: {{ .top.Release.Name }}-token-{{ index .top.Values.auth.superUsers .user }}
    items: [{ key: TOKEN, path: {{ .user }}/token }]
{{- end }}
