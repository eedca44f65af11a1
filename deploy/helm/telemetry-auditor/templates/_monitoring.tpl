{{/* One endpoint of a monitor. Takes the root, the name of the port and the monitor's values. */}}
{{- define "telemetry-auditor.endpoint" -}}
- port: {{ .port }}
  path: /metrics
  {{- with .monitor.interval }}
  interval: {{ . }}
  {{- end }}
  {{- with .monitor.scrapeTimeout }}
  scrapeTimeout: {{ . }}
  {{- end }}
  relabelings:
    # The rules and dashboards know the auditors by this name, whatever their Service is called.
    - targetLabel: job
      replacement: telemetry-auditor
    {{- with .monitor.relabelings }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .monitor.metricRelabelings }}
  metricRelabelings:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* The groups of all rule files, in YAML, without disabled alerts. Nothing in them is a template
     of Helm: what stands in curly braces is Prometheus's, and is passed on as it is. */}}
{{- define "telemetry-auditor.ruleGroups" -}}
{{- $values := .Values.prometheusRule -}}
{{- $files := .Files.Glob "files/rules/*.yaml" -}}
{{- if not $files -}}
{{-   fail "prometheusRule.enabled is true, and the chart holds no files/rules/*.yaml: run python deploy/render.py" -}}
{{- end -}}
{{- $known := list -}}
{{- $groups := list -}}
{{- range $path, $_ := $files -}}
{{-   $file := $.Files.Get $path | fromYaml -}}
{{-   with $file.Error }}{{ fail (printf "%s is not YAML: %s" $path .) }}{{ end -}}
{{-   range $group := $file.groups -}}
{{-     $rules := list -}}
{{-     range $rule := $group.rules -}}
{{-       with $rule.alert -}}
{{-         $known = append $known . -}}
{{-         $annotations := $rule.annotations | default dict -}}
{{-         $_ := unset $annotations "runbook_url" -}}
{{-         if $values.runbookBaseUrl -}}
{{-           $_ := set $annotations "runbook_url" (printf "%s/%s" (trimSuffix "/" $values.runbookBaseUrl) .) -}}
{{-         end -}}
{{-         $_ := set $rule "annotations" $annotations -}}
{{-         $_ := set $rule "labels" (merge (deepCopy $values.alertLabels) ($rule.labels | default dict)) -}}
{{-       end -}}
{{-       if not (and $rule.alert (has $rule.alert $values.disabledAlerts)) -}}
{{-         $rules = append $rules $rule -}}
{{-       end -}}
{{-     end -}}
{{-     if $rules -}}
{{-       $groups = append $groups (set $group "rules" $rules) -}}
{{-     end -}}
{{-   end -}}
{{- end -}}
{{- range $values.disabledAlerts -}}
{{-   if not (has . $known) -}}
{{-     fail (printf "prometheusRule.disabledAlerts names %s; the alerts are %s" . (join ", " (uniq $known))) -}}
{{-   end -}}
{{- end -}}
{{- dict "groups" $groups | toYaml -}}
{{- end -}}
