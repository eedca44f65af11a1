{{/* Names, labels and the image: what every manifest shares. */}}

{{- define "telemetry-auditor.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* 54 characters, so that the longest suffix (-policies) stays within the 63 of a DNS label. */}}
{{- define "telemetry-auditor.fullname" -}}
{{- $name := include "telemetry-auditor.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 54 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 54 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 54 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "telemetry-auditor.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "telemetry-auditor.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "telemetry-auditor.policiesName" -}}
{{- .Values.policies.existingConfigMap | default (printf "%s-policies" (include "telemetry-auditor.fullname" .)) -}}
{{- end -}}

{{- define "telemetry-auditor.selectorLabels" -}}
app.kubernetes.io/name: {{ include "telemetry-auditor.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{/* Labels of a manifest; a label of the chart wins over a common one of the same name. */}}
{{- define "telemetry-auditor.labels" -}}
{{- $own := include "telemetry-auditor.selectorLabels" . | fromYaml -}}
{{- $_ := set $own "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_") -}}
{{- $_ := set $own "app.kubernetes.io/version" .Chart.AppVersion -}}
{{- $_ := set $own "app.kubernetes.io/managed-by" .Release.Service -}}
{{- merge $own .Values.commonLabels | toYaml -}}
{{- end -}}

{{/* Labels of a manifest for the Prometheus operator or Grafana: theirs are what it is found by.
     Takes a list of the root and the extra labels. */}}
{{- define "telemetry-auditor.labelsWith" -}}
{{- $own := include "telemetry-auditor.labels" (first .) | fromYaml -}}
{{- merge $own (last .) | toYaml -}}
{{- end -}}

{{/* Labels of a pod; the last one is what Prometheus looks for. */}}
{{- define "telemetry-auditor.podLabels" -}}
{{- $own := include "telemetry-auditor.selectorLabels" . | fromYaml -}}
{{- $_ := set $own "telemetry-auditor/scrape" "true" -}}
{{- merge $own .Values.podLabels .Values.commonLabels | toYaml -}}
{{- end -}}

{{/* A digest says which image it is; beside it, a tag would say nothing. */}}
{{- define "telemetry-auditor.image" -}}
{{- $image := .Values.image -}}
{{- with $image.registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{- $image.repository -}}
{{- if $image.digest -}}
@{{ $image.digest }}
{{- else -}}
:{{ $image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}
