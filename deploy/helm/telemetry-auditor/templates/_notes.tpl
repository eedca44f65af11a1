{{/* NOTES.txt, as a template of its own so that tests can read it. */}}
{{- define "telemetry-auditor.notes" -}}
{{- if .Values.sidecar.configMap.enabled -}}
{{- include "telemetry-auditor.notes.sidecar" . }}
{{- else -}}
{{- include "telemetry-auditor.notes.standalone" . }}
{{- end -}}
{{- if or .Values.prometheusRule.enabled .Values.sidecar.configMap.enabled .Values.serviceMonitor.enabled .Values.podMonitor.enabled }}{{ else }}

Nothing scrapes it yet: enable podMonitor or serviceMonitor, and prometheusRule for the alerts.
{{- end }}
{{- if and .Values.prometheusRule.enabled (contains "runbooks.example.org" .Values.prometheusRule.runbookBaseUrl) }}

prometheusRule.runbookBaseUrl is still a placeholder: set it to where your runbooks are.
{{- end }}
{{- end -}}

{{- define "telemetry-auditor.notes.standalone" -}}
{{- $ports := include "telemetry-auditor.ports" . | fromYaml -}}
{{- $host := printf "%s.%s.svc" (include "telemetry-auditor.fullname" .) .Release.Namespace -}}
{{- $scheme := ternary "https" "http" (eq (include "telemetry-auditor.isTls" .) "true") -}}
Send OTLP to
{{- if $ports.grpc }}
  {{ $scheme }}://{{ $host }}:{{ ternary $ports.grpc 4317 .Values.service.headless }}  (grpc)
{{- end }}
{{- if $ports.http }}
  {{ $scheme }}://{{ $host }}:{{ ternary $ports.http 4318 .Values.service.headless }}  (http/protobuf, http/json)
{{- end }}

See what it found:
  kubectl -n {{ .Release.Namespace }} port-forward deploy/{{ include "telemetry-auditor.fullname" . }} 9464:{{ $ports.admin }}
  curl -s http://127.0.0.1:9464/metrics | grep telemetry_auditor_findings_open
{{- if eq (include "telemetry-auditor.config" . | fromYaml).findings.file "-" }}
  kubectl -n {{ .Release.Namespace }} logs deploy/{{ include "telemetry-auditor.fullname" . }}
{{- end }}
{{- if include "telemetry-auditor.isOpen" . }}

WARNING: whoever reaches {{ $host }} may send telemetry. Set auth.existingSecret or
tls.clientAuthentication{{ if not .Values.networkPolicy.enabled }}, or at least networkPolicy.enabled{{ end }}.
{{- if ne .Values.service.type "ClusterIP" }}
service.type is {{ .Values.service.type }}: that may be everybody outside of the cluster, too.
{{- end }}
{{- else if and .Values.auth.existingSecret (eq $scheme "http") }}

WARNING: bearer tokens travel in plain text. Set tls.existingSecret.
{{- end }}
{{- end -}}

{{- define "telemetry-auditor.notes.sidecar" -}}
{{- $config := include "telemetry-auditor.config" . | fromYaml -}}
Add this to the template of each pod that is to be audited in {{ .Release.Namespace }}:

{{ include "telemetry-auditor.sidecar" . }}
{{- range $listener := list "grpc" "http" }}
{{- $address := dig $listener "address" "" $config }}
{{- if and $address (ne $address "off") (not (regexMatch "^(127\\.|localhost:|\\[::1\\])" $address)) }}

WARNING: config.{{ $listener }}.address is {{ $address }}: whoever reaches the pod may send telemetry.
{{- end }}
{{- end }}
{{- end -}}
