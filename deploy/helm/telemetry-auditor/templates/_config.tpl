{{/* auditor.yaml: what the chart sets, then `config` of the values, key by key, then what the
     chart mounts. Merged by hand, because Sprig's merges drop false, 0 and "". */}}
{{- define "telemetry-auditor.config" -}}
{{- $config := dict "findings" (dict "file" "-") -}}
{{- if not .Values.sidecar.configMap.enabled -}}
{{-   $_ := set $config "grpc" (dict "address" "0.0.0.0:4317" "max_bytes" 16777216) -}}
{{-   $_ := set $config "http" (dict "address" "0.0.0.0:4318" "max_bytes" 16777216) -}}
{{-   $_ := set $config "admin" (dict "address" "0.0.0.0:9464") -}}
{{-   $_ := set $config "traces" (dict "max_spans" 1000000) -}}
{{- end -}}
{{- range $section, $keys := .Values.config -}}
{{-   $merged := get $config $section | default dict -}}
{{-   range $key, $value := $keys -}}
{{-     $_ := set $merged $key $value -}}
{{-   end -}}
{{-   $_ := set $config $section $merged -}}
{{- end -}}
{{- $mount := "/etc/telemetry-auditor" -}}
{{- if or .Values.policies.files .Values.policies.existingConfigMap -}}
{{-   $policies := get $config "policies" | default dict -}}
{{-   $_ := set $policies "paths" (append (get $policies "paths" | default list) (print $mount "/policies")) -}}
{{-   $_ := set $config "policies" $policies -}}
{{- end -}}
{{- if .Values.tls.existingSecret -}}
{{-   $tls := dict "certificate_file" (print $mount "/tls/tls.crt") "key_file" (print $mount "/tls/tls.key") -}}
{{-   if .Values.tls.clientAuthentication -}}
{{-     $_ := set $tls "client_ca_file" (print $mount "/tls/ca.crt") -}}
{{-   end -}}
{{-   $_ := set $config "tls" $tls -}}
{{- end -}}
{{- if .Values.auth.existingSecret -}}
{{-   $_ := set $config "auth" (dict "tokens_file" (print $mount "/auth/tokens")) -}}
{{- end -}}
{{- if .Values.secrets.fingerprintKey.existingSecret -}}
{{-   $_ := set $config "secrets" (dict "fingerprint_key_file" (print $mount "/secrets/fingerprint-key")) -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{/* Ports by listener, in YAML; a listener that is off, or left to its default, is not there. */}}
{{- define "telemetry-auditor.ports" -}}
{{- $config := include "telemetry-auditor.config" . | fromYaml -}}
{{- range $listener := list "grpc" "http" "admin" -}}
{{-   $address := dig $listener "address" "off" $config -}}
{{-   if ne $address "off" }}
{{ $listener }}: {{ regexFind "[0-9]+$" $address }}
{{-   end -}}
{{- end -}}
{{- end -}}

{{/* Whether whoever reaches the OTLP ports may send. */}}
{{- define "telemetry-auditor.isOpen" -}}
{{- $config := include "telemetry-auditor.config" . | fromYaml -}}
{{- if not (or (dig "auth" "tokens_file" "" $config) (dig "tls" "client_ca_file" "" $config)) -}}
true
{{- end -}}
{{- end -}}

{{/* Whether the OTLP ports speak TLS. */}}
{{- define "telemetry-auditor.isTls" -}}
{{- if dig "tls" "certificate_file" "" (include "telemetry-auditor.config" . | fromYaml) -}}
true
{{- end -}}
{{- end -}}

{{/* Changes with what a pod reads at start, so that a change rolls the pods. */}}
{{- define "telemetry-auditor.checksum" -}}
{{- printf "%s\n%s" (include "telemetry-auditor.config" .) (toYaml .Values.policies) | sha256sum -}}
{{- end -}}

{{- define "telemetry-auditor.volumeMounts" -}}
- name: telemetry-auditor-config
  mountPath: /etc/telemetry-auditor/auditor.yaml
  subPath: auditor.yaml
  readOnly: true
{{- if or .Values.policies.files .Values.policies.existingConfigMap }}
- name: telemetry-auditor-policies
  mountPath: /etc/telemetry-auditor/policies
  readOnly: true
{{- end }}
{{- range $name := include "telemetry-auditor.secrets" . | fromYaml | keys | sortAlpha }}
- name: telemetry-auditor-{{ $name }}
  mountPath: /etc/telemetry-auditor/{{ $name }}
  readOnly: true
{{- end }}
{{- end -}}

{{- define "telemetry-auditor.volumes" -}}
- name: telemetry-auditor-config
  configMap:
    name: {{ include "telemetry-auditor.fullname" . }}-config
{{- if or .Values.policies.files .Values.policies.existingConfigMap }}
- name: telemetry-auditor-policies
  configMap:
    name: {{ include "telemetry-auditor.policiesName" . }}
{{- end }}
{{- range $name, $secret := include "telemetry-auditor.secrets" . | fromYaml }}
- name: telemetry-auditor-{{ $name }}
  secret:
    secretName: {{ $secret.name }}
    defaultMode: {{ $secret.mode }}
    items:
      {{- range $secret.keys }}
      - key: {{ . }}
        path: {{ . }}
      {{- end }}
{{- end }}
{{- end -}}

{{/* Secrets that are mounted, by folder, in YAML. 288 is 0440: with the pod's fsGroup the auditor
     can read them. A sidecar is a guest in a pod whose fsGroup is not ours: 292 is 0444. */}}
{{- define "telemetry-auditor.secrets" -}}
{{- $mode := ternary 292 288 .Values.sidecar.configMap.enabled -}}
{{- $found := dict -}}
{{- with .Values.tls -}}
{{-   if .existingSecret -}}
{{-     $keys := concat (list "tls.crt" "tls.key") (ternary (list "ca.crt") list .clientAuthentication) -}}
{{-     $_ := set $found "tls" (dict "name" .existingSecret "mode" $mode "keys" $keys) -}}
{{-   end -}}
{{- end -}}
{{- with .Values.auth.existingSecret -}}
{{-   $_ := set $found "auth" (dict "name" . "mode" $mode "keys" (list "tokens")) -}}
{{- end -}}
{{- with .Values.secrets.fingerprintKey.existingSecret -}}
{{-   $_ := set $found "secrets" (dict "name" . "mode" $mode "keys" (list "fingerprint-key")) -}}
{{- end -}}
{{- toYaml $found -}}
{{- end -}}
