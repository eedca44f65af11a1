{{/* What values.schema.json cannot say in a sentence: values that do not go together. */}}
{{- define "telemetry-auditor.validate" -}}
{{- $values := .Values -}}
{{- $config := include "telemetry-auditor.config" . | fromYaml -}}
{{- $sidecar := $values.sidecar.configMap.enabled -}}
{{- $wrong := list -}}
{{- if and (gt (int $values.replicas) 1) (ne $values.loadBalancedBy "collector") -}}
{{-   $wrong = append $wrong (printf "replicas is %d: policies on traces need whole traces, and windows of a service need the whole service, so more than one replica works only behind a Collector whose load-balancing exporter routes traces by traceID, and metrics and logs by service. If yours does, set loadBalancedBy: collector" (int $values.replicas)) -}}
{{- end -}}
{{- if and $values.policies.files $values.policies.existingConfigMap -}}
{{-   $wrong = append $wrong (printf "policies.files and policies.existingConfigMap (%s) are both set: one folder is mounted, so use one of them" $values.policies.existingConfigMap) -}}
{{- end -}}
{{- range $name, $_ := $values.policies.files -}}
{{-   if regexMatch "\\.test\\.ya?ml$" $name -}}
{{-     $wrong = append $wrong (printf "policies.files names %s: files that end in .test.yaml hold tests of policies, and the auditor leaves them out" $name) -}}
{{-   end -}}
{{- end -}}
{{- if and $values.tls.clientAuthentication (not $values.tls.existingSecret) -}}
{{-   $wrong = append $wrong "tls.clientAuthentication is true and tls.existingSecret is empty: name the Secret that holds tls.crt, tls.key and ca.crt" -}}
{{- end -}}
{{- range $section, $secret := dict "tls" $values.tls.existingSecret "auth" $values.auth.existingSecret "secrets" $values.secrets.fingerprintKey.existingSecret -}}
{{-   if and $secret (hasKey $values.config $section) -}}
{{-     $wrong = append $wrong (printf "config.%s is set, and so is the Secret %s which the chart would mount and write there: use one of them" $section $secret) -}}
{{-   end -}}
{{- end -}}
{{- if $sidecar -}}
{{-   if or $values.tls.existingSecret $values.auth.existingSecret -}}
{{-     $wrong = append $wrong "sidecar.configMap.enabled is true, and so tls.existingSecret and auth.existingSecret must be empty: a sidecar listens on the loopback address of its pod" -}}
{{-   end -}}
{{-   range $name := list "serviceMonitor" "networkPolicy" "podDisruptionBudget" -}}
{{-     if (get $values $name).enabled -}}
{{-       $wrong = append $wrong (printf "%s.enabled is true, and so is sidecar.configMap.enabled, which renders no auditor of its own to select" $name) -}}
{{-     end -}}
{{-   end -}}
{{- else -}}
{{-   range $listener := list "grpc" "http" "admin" -}}
{{-     $address := dig $listener "address" "" $config -}}
{{-     if regexMatch "^(127\\.|localhost:|\\[::1\\])" $address -}}
{{-       $wrong = append $wrong (printf "config.%s.address is %s: nothing outside of the pod reaches a loopback address; use 0.0.0.0:PORT or [::]:PORT" $listener $address) -}}
{{-     end -}}
{{-   end -}}
{{-   if eq $config.admin.address "off" -}}
{{-     $wrong = append $wrong "config.admin.address is off: the probes of the pod and Prometheus ask there" -}}
{{-   end -}}
{{-   if and (eq $config.grpc.address "off") (eq $config.http.address "off") -}}
{{-     $wrong = append $wrong "config.grpc.address and config.http.address are both off: nobody could send" -}}
{{-   end -}}
{{- end -}}
{{- if not $sidecar -}}
{{-   $seen := dict -}}
{{-   range $listener := list "grpc" "http" "admin" -}}
{{-     $port := regexFind "[0-9]+$" (dig $listener "address" "" $config) -}}
{{-     if $port -}}
{{-       if gt (int $port) 65535 -}}
{{-         $wrong = append $wrong (printf "config.%s.address ends in %s: the highest port is 65535" $listener $port) -}}
{{-       end -}}
{{-       if hasKey $seen $port -}}
{{-         $wrong = append $wrong (printf "config.%s.address and config.%s.address both name port %s: each listener needs one of its own" (get $seen $port) $listener $port) -}}
{{-       end -}}
{{-       $_ := set $seen $port $listener -}}
{{-     end -}}
{{-   end -}}
{{- end -}}
{{- range $one := $values.extraEnv -}}
{{-   if regexMatch "^TELEMETRY_AUDITOR_(GRPC|HTTP|ADMIN)_ADDRESS$" $one.name -}}
{{-     $wrong = append $wrong (printf "extraEnv sets %s, which Service, ports and probes would not follow: set it in config" $one.name) -}}
{{-   end -}}
{{- end -}}
{{- if and $values.podDisruptionBudget.enabled (eq (toString $values.podDisruptionBudget.maxUnavailable) "0") (eq (int $values.replicas) 1) -}}
{{-   $wrong = append $wrong "podDisruptionBudget.maxUnavailable is 0 with one replica: no node that runs it could ever be drained" -}}
{{- end -}}
{{- if and $values.podMonitor.everyAuditor (not $values.podMonitor.enabled) -}}
{{-   $wrong = append $wrong "podMonitor.everyAuditor is true and podMonitor.enabled is not: nothing would be monitored" -}}
{{- end -}}
{{- if and $values.service.headless (ne $values.service.type "ClusterIP") -}}
{{-   $wrong = append $wrong (printf "service.headless is true and service.type is %s: only a Service of type ClusterIP can be headless" $values.service.type) -}}
{{- end -}}
{{- if and $values.serviceMonitor.enabled $values.podMonitor.enabled -}}
{{-   $wrong = append $wrong "serviceMonitor.enabled and podMonitor.enabled are both true: each pod would be scraped twice, and every count doubled" -}}
{{- end -}}
{{- range $section := list "otlp" "forward" -}}
{{-   $endpoint := dig $section "endpoint" "" $config -}}
{{-   if and $values.networkPolicy.enabled $endpoint (not $values.networkPolicy.egress) -}}
{{-     $wrong = append $wrong (printf "networkPolicy.enabled is true, networkPolicy.egress is empty, and config.%s.endpoint is %s, which could not be reached: allow it, and DNS, in networkPolicy.egress" $section $endpoint) -}}
{{-   end -}}
{{- end -}}
{{- if $wrong -}}
{{-   fail (printf "\n\n%s\n" (join "\n\n" $wrong)) -}}
{{- end -}}
{{- end -}}
