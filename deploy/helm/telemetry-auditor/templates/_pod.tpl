{{/* What a pod of the chart has, whatever it runs. */}}
{{- define "telemetry-auditor.podBasics" -}}
serviceAccountName: {{ include "telemetry-auditor.serviceAccountName" . }}
automountServiceAccountToken: false
# Else each Service of the namespace would add its variables.
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- end -}}
