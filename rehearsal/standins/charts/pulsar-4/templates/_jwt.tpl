{{/*
Authentication by JSON web tokens: what it adds to configuration and pods. Secrets carry the release's name.

It needs jwt.enabled. The key `provider` of older charts is read by nobody: with that one alone, authentication is on
without a single way to authenticate, as in the original, whose check of it never runs.
*/}}

{{/* Says "true" or nothing. */}}
{{- define "jwt.enabled" -}}
{{- with .Values.auth.authentication }}{{ if and .enabled .jwt.enabled }}true{{ end }}{{ end }}
{{- end }}

{{/*
Configuration of a server. `server` is broker or proxy; `authorization` is what it says when authorization is on, and
`superUsers` who may do everything then, without those that are called "".
*/}}
{{- define "jwt.config" -}}
{{- $auth := .top.Values.auth -}}
{{- if $auth.authentication.enabled }}
authenticationEnabled: "true"
{{- if $auth.authorization.enabled }}
{{- toYaml .authorization | nindent 0 }}
superUserRoles: {{ values .superUsers | compact | sortAlpha | join "," }}
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

{{/* `volume` is its name. With `signing` the private key is there too. */}}
{{- define "jwt.keysVolume" -}}
- name: {{ .volume | default "token-keys" }}
  secret:
    {{- if .signing }}
    defaultMode: 420
    {{- end }}
    {{- if .top.Values.auth.authentication.jwt.usingSecretKey }}
    secretName: {{ .top.Release.Name }}-token-symmetric-key
    items:
      - { key: SECRETKEY, path: token/secret.key }
    {{- else }}
    secretName: {{ .top.Release.Name }}-token-asymmetric-key
    items:
      {{- if .signing }}
      - { key: PRIVATEKEY, path: token/private.key }
      {{- end }}
      - { key: PUBLICKEY, path: token/public.key }
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
